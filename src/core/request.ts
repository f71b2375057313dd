// A Request is everything a human decides about: who asks (observed), what exactly, and what would be handed over.
// Verified facts and the agent's own words are kept apart. The digest covers every verified fact (I5).

import { digestOf } from './canonical.ts';
import type { Nowhere, RevealFacts } from './disclosure.ts';
import type { Change, OutputMode } from './environment.ts';
import type { ImportFacts, MountFacts, ReadFacts } from './mount-facts.ts';

/** A process as the system shows it (I7). */
export interface ProcessFacts {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. With the pid it names one process for ever (in one boot). */
  readonly startedAt: string;
  /** Absolute path of the program, from /proc/PID/exe; `(unknown)` when it cannot be read. */
  readonly program: string;
  readonly argv: readonly string[];
  readonly uid: number;
}

/** Who asks. `process` launched the MCP server; `claimedName` is what it says of itself and proves nothing. */
export interface AgentFacts {
  readonly agentId: string;
  readonly claimedName: string | null;
  readonly process: ProcessFacts;
  /** SHA-256 of the agent's program, or null when it could not be read. */
  readonly programDigest: string | null;
  /** Parents of `process`, nearest first. */
  readonly ancestors: readonly ProcessFacts[];
}

/** A file whose bytes matter. */
export interface FileFacts {
  readonly path: string;
  /** SHA-256, 64 hex digits. */
  readonly digest: string;
  readonly bytes: number;
  /** Whether this user, and so the agent, could have written it. */
  readonly isChangeable: boolean;
}

export interface DirectoryFacts {
  readonly path: string;
  /** Device and inode as decimal text: they can pass 2^53. */
  readonly dev: string;
  readonly ino: string;
}

/** One variable of a run: where it comes from, so that an alias cannot hide what is handed over. */
export interface VariableFacts {
  readonly name: string;
  readonly source: string;
  /** The value of a plain variable: not secret, and part of what is approved. */
  readonly plain?: string;
  /** What it is taken from when it does not lie in the environment itself: ids where they are known. */
  readonly reference?: string;
  /** Set for a secret that masking does not hide, or may not: `unknown` until it is read. An agent is not shown it. */
  readonly unmaskable?: 'never' | 'unknown';
  /** Why that leads nowhere. A yes to it is a yes to nothing, whatever lies there later (I5). */
  readonly nowhere?: Nowhere;
}

export interface RunFacts {
  readonly action: 'Run';
  /** null when all variables come from references of the request. */
  readonly environmentId: string | null;
  readonly environmentName: string | null;
  readonly environmentCreatedBy: string | null;
  readonly variables: readonly VariableFacts[];
  readonly argv: readonly string[];
  readonly program: FileFacts;
  /** Arguments that are files, in order of appearance. */
  readonly operands: readonly FileFacts[];
  /** Arguments that are files but too large to digest, or code on the command line of an interpreter: said in the prompt. */
  readonly isCodeChosenByAgent: boolean;
  readonly cwd: DirectoryFacts;
  readonly environmentDelta: Readonly<Record<string, string>>;
  /** Bytes on standard input, and their SHA-256; null when there are none. */
  readonly stdin: { readonly bytes: number; readonly digest: string } | null;
  readonly output: OutputMode;
  readonly timeoutSeconds: number;
}

export type Work =
  | { readonly action: 'Connect' }
  | { readonly action: 'CreateEnvironment'; readonly environmentName: string; readonly change: Change }
  | {
      readonly action: 'ChangeEnvironment';
      readonly environmentId: string;
      readonly environmentName: string;
      readonly change: Change;
    }
  | MountFacts
  | ImportFacts
  | RevealFacts
  | Handing;

/** Work that hands values over: what a grant remembers and a lease is about. */
export type Handing = RunFacts | ReadFacts;

/** Work that is answered with what was made. */
export type Arranging = MountFacts | ImportFacts;

export interface Request {
  readonly requestId: string;
  readonly agent: AgentFacts;
  /** Whether saying yes also admits the agent. */
  readonly admits: boolean;
  readonly work: Work;
  /** The agent's own words. Shown in a box, never part of what is verified. */
  readonly reason: string;
  /** Wall clock, milliseconds since 1970: for people. Expiry itself is measured on the monotonic clock. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** `requestDigest` of the members above it. */
  readonly digest: string;
}

export type GrantScope = 'exact' | 'program' | 'environment';

/** For how long a yes counts. */
export type GrantLife =
  | { readonly kind: 'once' }
  | { readonly kind: 'minutes'; readonly minutes: number }
  | { readonly kind: 'until_lock' };

/** 0 a click, 1 the passphrase, 2 a passkey (SECURITY.md, "Tiers"). */
export type Tier = 0 | 1 | 2;

export interface Approval {
  readonly requestId: string;
  /** The digest of what the human saw (I5). */
  readonly digest: string;
  readonly life: GrantLife;
  readonly scope: GrantScope;
  readonly output?: OutputMode;
  readonly tier: Tier;
}

/** The digest of what is approved: who, what and every byte it depends on. Times, ids and reasons are not part of it. */
export function requestDigest(request: Pick<Request, 'agent' | 'admits' | 'work'>): string {
  const { process, programDigest } = request.agent;
  return digestOf({
    agent: { pid: process.pid, startedAt: process.startedAt, program: process.program, programDigest },
    admits: request.admits,
    work: withoutMaskability(request.work),
  });
}

/**
 * Without what is said of masking: that is no part of what is approved, for output it keeps back is kept back whatever the
 * answer. Below a coding agent it is left out of the request itself: asking for a run must not say which values are easily
 * guessed; and a yes that is given there counts.
 */
export function withoutMaskability(work: Work): Work {
  if (work.action !== 'Run' || work.variables.every(({ unmaskable }) => unmaskable === undefined)) return work;
  return { ...work, variables: work.variables.map(({ unmaskable: _notice, ...facts }) => facts) };
}

/** Statuses of CONTRACT §3: what an agent is told. */
export type Status =
  | 'completed'
  | 'approval_pending'
  | 'denied'
  | 'expired'
  | 'forbidden'
  | 'locked'
  | 'not_admitted'
  | 'approver_unavailable';

export interface Redaction {
  readonly name: string;
  readonly count: number;
  readonly forms: readonly string[];
}

/** What a run gave back. `stdout` and `stderr` are masked; with output mode `summary` they are empty. */
export interface RunResult {
  readonly runId: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutLines: number;
  readonly stderrLines: number;
  readonly truncated: boolean;
  readonly redactions: readonly Redaction[];
  readonly outputMode: OutputMode;
  /** The names of the secrets that masking cannot hide, when the output is kept back for them; and what to do next. */
  readonly withheldFor?: readonly string[];
  /** `partial` when the output was too much to be looked at twice; when absent, as if `best-effort`. */
  readonly confidence?: 'best-effort' | 'partial';
  readonly message?: string;
}

/** What an agent is told of a run. */
export interface RunAnswer extends RunResult {
  /** For check_request, which answers with held output once the human has released it. */
  readonly requestId: string;
  /** How far masking can be trusted: it hides known forms of known values. */
  readonly confidence: 'best-effort' | 'partial';
  /** What to do next, or not to do. */
  readonly message?: string;
}
