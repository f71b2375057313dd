// What a spare runner does while it waits: everything a run does, once, with a value that is none. The first run of any
// code is many times slower than the second, and this takes it off the time somebody waits. Measured: it halves the time of a run.

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pad } from '../core/padding.ts';
import type { NeedleSet } from '../core/redactor/redactor.ts';
import { KEY_BYTES, NONCE_BYTES, sealXaes } from '../core/xaes.ts';
import { fileFacts } from '../machine/digest.ts';
import type { Child } from './child.ts';
import { FrameReader } from './frames.ts';
import { decodeOrder, encodeJob, encodeReport, JOB_BYTES_MAX } from './job.ts';
import type { Order, OrderHeader, Report, RunJob } from './job.ts';
import { perform } from './perform.ts';
import { everythingBelow } from './tree.ts';

/** Does nothing and is on every system; where it is not, a run takes longer. */
const PROGRAM = '/usr/bin/true';
const FOLDER = '/';
const TIMEOUT_MS = 1_000;
/** A runner that was started for a job gets it in this time, and then there is nothing to rehearse. */
const PAUSE_MS = 10;

/**
 * Plays a run from the order to the report, as long as `isWanted`: a job that comes meanwhile goes first, and waits until
 * this has settled, for a run ends everything below its runner. Never throws: whatever is wrong, the run will say it.
 */
export async function rehearse(isWanted: () => boolean): Promise<void> {
  try {
    await delay(PAUSE_MS);
    if (!isWanted()) return;
    everythingBelow();
    const order = decoded(await makeJob());
    if (order?.kind !== 'job') return;
    const onStart = (child: Child): void => {
      if (!isWanted()) child.stop('killed');
    };
    report(await perform(order.job, { isStopped: () => !isWanted(), onStart, report, takeNeedles }));
  } catch {
    // A rehearsal that fails is over.
  }
}

const AS_SECRET = { concealed: true, maskable: true, isSecret: true, form: 'value' } as const;
function report(message: Report): void {
  encodeReport(message);
}

function takeNeedles(needles: NeedleSet): void {
  needles.wipe();
}

async function makeJob(): Promise<RunJob> {
  const value = Buffer.from(randomBytes(24).toString('base64url'));
  const [key, nonce, aad] = [randomBytes(KEY_BYTES), randomBytes(NONCE_BYTES), Buffer.alloc(0)];
  const sealed = sealXaes(key, nonce, pad(value), aad);
  const { dev, ino } = statSync(FOLDER, { bigint: true });
  return {
    runId: 'rehearsal',
    argv: [PROGRAM],
    program: PROGRAM,
    cwd: FOLDER,
    baseEnvironment: {},
    environmentDelta: {},
    variables: [{ name: 'REHEARSAL', key, nonce, sealed, aad, ...AS_SECRET }],
    stdin: null,
    timeoutMs: TIMEOUT_MS,
    outputMode: 'redacted',
    findsTaint: false,
    expected: {
      program: await fileFacts(PROGRAM),
      operands: [],
      cwd: { path: FOLDER, dev: String(dev), ino: String(ino) },
    },
  };
}

/** The job as it comes out of a socket. */
function decoded(job: RunJob): Order | undefined {
  const [frame] = new FrameReader<OrderHeader>(JOB_BYTES_MAX).push(encodeJob(job));
  return frame === undefined ? undefined : decodeOrder(frame);
}
