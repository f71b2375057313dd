// The runner: a process that serves one run and exits. It is started ahead of need and holds nothing; it takes one job
// on descriptor 3, opens the values, starts the program, masks what it writes, reports, and is gone. A string cannot be
// wiped, a process that exits can. When the daemon dies, descriptor 3 ends, and so does everything here.

import { Socket } from 'node:net';
import { Failure } from '../core/failure.ts';
import { unpad } from '../core/padding.ts';
import { NeedleSet, Redactor } from '../core/redactor.ts';
import type { Redaction } from '../core/request.ts';
import { openXaes } from '../core/xaes.ts';
import { keepDescriptors, limitCoreToZero, setChildSubreaper, setNonDumpable } from '../machine/native.ts';
import { Child } from './child.ts';
import type { ChildEnd } from './child.ts';
import { childEnvironment } from './environment.ts';
import type { OpenValue } from './environment.ts';
import { enterFolder, gatherEvidence, hasChanged, recheck } from './evidence.ts';
import { FrameReader } from './frames.ts';
import { JOB_BYTES_MAX, decodeOrder, encodeReport, wipeJob } from './job.ts';
import type { Order, OrderHeader, Report, RunEnded, RunJob } from './job.ts';
import { Output } from './output.ts';
import { rehearse } from './rehearsal.ts';
import { endTree, everythingBelow } from './tree.ts';

const DAEMON_FD = 3;
/** What files of a run may be seen by others of this user, as in their own shell; the daemon's is stricter. */
const CHILD_UMASK = 0o022;

let child: Child | null = null;
let isStopped = false;
let isTaken = false;

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
  void rehearse(() => !isTaken && !isStopped);
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

async function serve(job: RunJob): Promise<void> {
  let outcome: Report;
  try {
    outcome = await run(job);
  } catch (error) {
    outcome = { kind: 'refused', failure: Failure.from(error).toDocument() };
  } finally {
    wipeJob(job);
  }
  report(outcome, () => process.exit(0));
}

/** Nothing is decrypted before every check has passed. Throws what `refused` says. */
async function run(job: RunJob): Promise<RunEnded> {
  const evidence = await gatherEvidence(job.expected);
  enterFolder(job.expected.cwd);
  refuseUnmaskable(job);
  if (isStopped) return neverStarted();
  const values = openValues(job);
  const concealed = new Set(job.variables.flatMap(({ name, concealed }) => (concealed ? [name] : [])));
  const needles = NeedleSet.compile(values.filter(({ name }) => concealed.has(name)));
  const masks = [new Redactor(needles), new Redactor(needles)] as const;
  const [stdout, stderr] = [new Output(masks[0]), new Output(masks[1])];
  const { program, argv, stdin, timeoutMs } = job;
  try {
    const environment = childEnvironment(job.baseEnvironment, job.environmentDelta, values, job.runId);
    recheck(evidence);
    const startedAt = performance.now();
    child = await Child.start({ program, argv, environment, stdin, stdout, stderr, timeoutMs });
    if (hasChanged(evidence.program)) child.stop('program_changed');
    if (isStopped) child.stop('killed');
    for (const { value } of values) value.fill(0);
    report({ kind: 'started', pid: child.pid, startedAt: child.startedAt });
    const end = await child.ended;
    return ended(end, performance.now() - startedAt, stdout, stderr, masks);
  } finally {
    for (const { value } of values) value.fill(0);
    needles.wipe();
  }
}

/** A value too short to mask may be in a run whose output is not shown, and in no other. */
function refuseUnmaskable(job: RunJob): void {
  const variable = job.variables.find(({ concealed, maskable }) => concealed && !maskable);
  if (variable === undefined || job.outputMode === 'summary') return;
  throw new Failure('run/failed', `${variable.name} is too short to be hidden in output`, {
    hint: 'run it with the output mode summary',
  });
}

/** The caller wipes what it gets. Keys are wiped here as soon as they were used. */
function openValues(job: RunJob): OpenValue[] {
  return job.variables.map(({ name, key, nonce, sealed, aad }) => {
    const padded = openXaes(key, nonce, sealed, aad);
    key.fill(0);
    const value = Buffer.from(unpad(padded));
    padded.fill(0);
    return { name, value };
  });
}

function ended(
  { why, exitCode, signal }: ChildEnd,
  durationMs: number,
  stdout: Output,
  stderr: Output,
  masks: readonly Redactor[],
): RunEnded {
  for (const output of [stdout, stderr]) output.end();
  return {
    kind: 'ended',
    why,
    exitCode,
    signal,
    timedOut: why === 'timed_out',
    durationMs: Math.round(durationMs),
    stdout: stdout.bytes(),
    stderr: stderr.bytes(),
    stdoutLines: stdout.lines,
    stderrLines: stderr.lines,
    truncated: stdout.isTruncated || stderr.isTruncated,
    redactions: sumOf(masks.flatMap(({ redactions }) => redactions)),
  };
}

function neverStarted(): RunEnded {
  const nothing = { exitCode: null, signal: null, timedOut: false, durationMs: 0, truncated: false, redactions: [] };
  const silence = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), stdoutLines: 0, stderrLines: 0 };
  return { kind: 'ended', why: 'killed', ...nothing, ...silence };
}

/** Both streams together, one entry for each name. */
function sumOf(redactions: readonly Redaction[]): Redaction[] {
  const byName = Map.groupBy(redactions, ({ name }) => name);
  return [...byName].map(([name, parts]) => ({
    name,
    count: parts.reduce((sum, { count }) => sum + count, 0),
    forms: [...new Set(parts.flatMap(({ forms }) => forms))],
  }));
}

prepare();
