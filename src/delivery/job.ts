// What crosses the socket between the daemon and one runner. None of it is ever on a disk, on a command line or in an
// environment. Keys, sealed values and input are the raw parts of a frame, so that they can be wiped.

import type { OutputMode } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import type { FailureDocument } from '../core/failure.ts';
import type { ValueForm } from '../core/reference.ts';
import type { DirectoryFacts, FileFacts, Redaction } from '../core/request.ts';
import type { MaskingSigns } from '../core/suspicion.ts';
import type { Taint } from '../core/taint.ts';
import { encodeFrame } from './frames.ts';
import type { Frame } from './frames.ts';

/** A job, with everything in it; the limits of names, values, arguments and input are far below (I8). */
export const JOB_BYTES_MAX = 40 * 1024 * 1024;
/** Two streams of 1 MiB and a header. */
export const REPORT_BYTES_MAX = 4 * 1024 * 1024;

/** A value as it lies in the vault, with the one key that opens it (core/xaes.ts, core/padding.ts). */
export interface SealedVariable {
  readonly name: string;
  readonly key: Buffer;
  readonly nonce: Buffer;
  readonly sealed: Buffer;
  readonly aad: Buffer;
  /** Looked for in output. */
  readonly concealed: boolean;
  /** False when its output is kept back for it, whatever is found when it is opened. */
  readonly maskable: boolean;
  /** False for a user name or a setting: where it cannot be masked it is shown, and nothing is kept back for it. */
  readonly isSecret: boolean;
  /** What the program gets of it. */
  readonly form: ValueForm;
}

/** A file as it was when the human saw it. */
export type ExpectedFile = Pick<FileFacts, 'path' | 'digest' | 'bytes'>;

export interface RunJob {
  readonly runId: string;
  readonly argv: readonly string[];
  /** Absolute path of what is executed; `argv[0]` stays as it was given. */
  readonly program: string;
  readonly cwd: string;
  readonly baseEnvironment: Readonly<Record<string, string>>;
  readonly environmentDelta: Readonly<Record<string, string>>;
  readonly variables: readonly SealedVariable[];
  /** Standard input, or null for none. */
  readonly stdin: Buffer | null;
  readonly timeoutMs: number;
  readonly outputMode: OutputMode;
  /** Whether what the run changed is looked through for its secrets afterwards. */
  readonly findsTaint: boolean;
  readonly expected: {
    readonly program: ExpectedFile;
    readonly operands: readonly ExpectedFile[];
    readonly cwd: DirectoryFacts;
  };
}

/**
 * Why a run ended: by itself; its time was up; somebody stopped it; it wrote more than is scanned; its program was
 * replaced while it was started; or the runner was killed, and with it all output was lost.
 */
export type EndReason = 'exited' | 'timed_out' | 'killed' | 'flooded' | 'program_changed' | 'runner_died';

/** A run that is over: no process of it is left. */
export interface RunEnded {
  readonly kind: 'ended';
  readonly why: EndReason;
  /** Null when a signal ended it, or when it never started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly durationMs: number;
  /** Masked. At most 1 MiB each: the head and the tail. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Lines of the whole stream, also of what is left out. */
  readonly stdoutLines: number;
  readonly stderrLines: number;
  readonly truncated: boolean;
  readonly redactions: readonly Redaction[];
  /** The names of secrets that cannot be masked (core/maskability.ts): for them the agent gets a summary only. */
  readonly unmaskable: readonly string[];
  readonly signs: MaskingSigns;
  /** False when the second look at the output (core/sweep) reached a limit of its own. */
  readonly isSearched: boolean;
}

/** A run that did not happen. Nothing was executed. */
export interface RunRefused {
  readonly kind: 'refused';
  readonly failure: FailureDocument;
}

export type RunOutcome = RunEnded | RunRefused;

/** The main process of a run; the two members name it for ever (machine/processes.ts). */
export interface RunStarted {
  readonly kind: 'started';
  readonly pid: number;
  readonly startedAt: string;
}

/** Comes after `ended` when the job asked for it, and is the last word of a runner. */
export interface RunTainted {
  readonly kind: 'tainted';
  readonly taint: Taint;
}

export type Order = { readonly kind: 'job'; readonly job: RunJob } | { readonly kind: 'kill' };
export type Report = { readonly kind: 'ready' } | RunStarted | RunOutcome | RunTainted;

/** Bytes of a job. The caller wipes them, and the job's own buffers (`wipeJob`). Throws `input/too_large`. */
export function encodeJob(job: RunJob): Buffer {
  const { variables, stdin, ...rest } = job;
  const named = variables.map(({ key: _key, nonce: _nonce, sealed: _sealed, aad: _aad, ...named }) => named);
  const parts = variables.flatMap(({ key, nonce, sealed, aad }) => [key, nonce, sealed, aad]);
  const header = { kind: 'job', job: { ...rest, variables: named, hasStdin: stdin !== null } };
  const bytes = encodeFrame(header, stdin === null ? parts : [...parts, stdin]);
  if (bytes.length <= JOB_BYTES_MAX) return bytes;
  bytes.fill(0);
  throw new Failure('input/too_large', `a run may weigh ${JOB_BYTES_MAX} bytes with all its values and input`);
}

/** Overwrites every key, sealed value and byte of input of a job. */
export function wipeJob(job: Pick<RunJob, 'variables' | 'stdin'>): void {
  for (const { key, nonce, sealed, aad } of job.variables) for (const part of [key, nonce, sealed, aad]) part.fill(0);
  job.stdin?.fill(0);
}

export function encodeKill(): Buffer {
  return encodeFrame({ kind: 'kill' }, []);
}

export type OrderHeader = { readonly kind: 'kill' } | { readonly kind: 'job'; readonly job: JobHeader };
export type ReportHeader = Exclude<Report, RunEnded> | Omit<RunEnded, 'stdout' | 'stderr'>;

/** What the daemon says. */
export function decodeOrder({ header, parts }: Frame<OrderHeader>): Order {
  if (header.kind === 'kill') return header;
  const { hasStdin, variables, ...rest } = header.job;
  const empty = Buffer.alloc(0);
  const sealed = variables.map((named, i): SealedVariable => {
    const [key = empty, nonce = empty, bytes = empty, aad = empty] = parts.slice(4 * i, 4 * i + 4);
    return { ...named, key, nonce, sealed: bytes, aad };
  });
  const stdin = hasStdin ? (parts[4 * variables.length] ?? empty) : null;
  return { kind: 'job', job: { ...rest, variables: sealed, stdin } };
}

type JobHeader = Omit<RunJob, 'variables' | 'stdin'> & {
  readonly hasStdin: boolean;
  readonly variables: readonly Omit<SealedVariable, 'key' | 'nonce' | 'sealed' | 'aad'>[];
};

export function encodeReport(report: Report): Buffer {
  if (report.kind !== 'ended') return encodeFrame(report, []);
  const { stdout, stderr, ...header } = report;
  return encodeFrame(header, [stdout, stderr]);
}

/** What a runner says. */
export function decodeReport({ header, parts }: Frame<ReportHeader>): Report {
  if (header.kind !== 'ended') return header;
  const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = parts;
  return { ...header, stdout, stderr };
}
