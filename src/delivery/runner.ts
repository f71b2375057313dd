// The runner: a process that serves one run and exits. It is started ahead of need and holds nothing; it takes one job
// on descriptor 3, opens the values, starts the program, masks what it writes, reports, and is gone. A string cannot be
// wiped, a process that exits can. When the daemon dies, descriptor 3 ends, and so does everything here.

import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { Failure } from '../core/failure.ts';
import type { NeedleSet } from '../core/redactor/redactor.ts';
import type { Taint } from '../core/taint.ts';
import { keepDescriptors, limitCoreToZero, setChildSubreaper, setNonDumpable } from '../machine/native.ts';
import type { Child } from './child.ts';
import { FrameReader } from './frames.ts';
import { JOB_BYTES_MAX, decodeOrder, encodeReport, wipeJob } from './job.ts';
import type { Order, OrderHeader, Report, RunJob } from './job.ts';
import { perform } from './perform.ts';
import { rehearse } from './rehearsal.ts';
import { findTaint } from './taint.ts';
import { endTree, everythingBelow } from './tree.ts';

const DAEMON_FD = 3;
/** What files of a run may be seen by others of this user, as in their own shell; the daemon's is stricter. */
const CHILD_UMASK = 0o022;
/** Whatever else this machine does goes first. */
const TAINT_NICENESS = 10;

let child: Child | null = null;
let isStopped = false;
let isTaken = false;
/** What the rehearsal started is gone, and so is whatever it would take for its own. */
let rehearsed: Promise<void> = Promise.resolve();
/** What the output of the run was masked with, and when the run began. */
let masked: { readonly needles: NeedleSet; readonly sinceMs: number } | null = null;

const daemon = new Socket({ fd: DAEMON_FD, readable: true, writable: true, allowHalfOpen: true });

function report(message: Report, then?: () => void): void {
  daemon.write(encodeReport(message), then);
}

/** Order of the day: nobody looks in, nothing is dumped, no orphan escapes, and only then a job is asked for. */
function prepare(): void {
  limitCoreToZero();
  setNonDumpable();
  setChildSubreaper();
  keepDescriptors();
  process.umask(CHILD_UMASK);
  process.on('uncaughtException', () => process.exit(1));
  // A Ctrl-C at the daemon's terminal reaches this process too. The daemon decides; its end ends the run.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined);
  const reader = new FrameReader<OrderHeader>(JOB_BYTES_MAX);
  daemon.on('data', (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) obey(decodeOrder(frame));
  });
  daemon.on('error', () => void abandon());
  daemon.on('end', () => void abandon());
  report({ kind: 'ready' });
  rehearsed = rehearse(() => !isTaken && !isStopped);
}

function obey(order: Order): void {
  if (order.kind === 'kill') {
    isStopped = true;
    child?.stop('killed');
    return;
  }
  if (isTaken) return;
  isTaken = true;
  void serve(order.job);
}

/** The daemon is gone: so is everybody who could be told. */
async function abandon(): Promise<void> {
  isStopped = true;
  child?.stop('killed');
  await endTree({ find: everythingBelow, waitedFor: new Set(child === null ? [] : [child.pid]) });
  process.exit(0);
}

function onStart(started: Child): void {
  child = started;
  if (isStopped) child.stop('killed');
}

async function serve(job: RunJob): Promise<void> {
  let outcome: Report;
  try {
    await rehearsed;
    outcome = await perform(job, { isStopped: () => isStopped, onStart, report, takeNeedles });
  } catch (error) {
    outcome = { kind: 'refused', failure: Failure.from(error).toDocument() };
  } finally {
    wipeJob(job);
  }
  if (outcome.kind !== 'ended' || !job.findsTaint || masked === null) {
    report(outcome, () => process.exit(0));
    return;
  }
  // The agent's answer first: nobody waits for what follows.
  report(outcome);
  report({ kind: 'tainted', taint: await taintOf(masked) }, () => process.exit(0));
}

/** Not wiped here and now: those are megabytes, for which nobody should wait, and the process is about to end. */
function takeNeedles(needles: NeedleSet, sinceMs: number): void {
  masked = { needles, sinceMs };
}

async function taintOf({ needles, sinceMs }: NonNullable<typeof masked>): Promise<Taint> {
  try {
    setPriority(TAINT_NICENESS);
    // Where this process stands is the folder of the run, by its real path.
    return await findTaint(process.cwd(), sinceMs, needles);
  } catch {
    // The folder is gone, for one.
    return { hits: [], limits: ['unread'], files: 0 };
  } finally {
    needles.wipe();
  }
}

prepare();
