// What comes back from the authority: requests, grants, leases, mounts and agents as people and agents are shown them.

import type { Environment, Variable, VariableKind } from '../core/environment.ts';
import type { MountBackend, MountState } from '../core/mount.ts';
import type { ValueForm } from '../core/reference.ts';
import type { Request, Status } from '../core/request.ts';
import type { MaskingSigns } from '../core/suspicion.ts';
import type { TaintHit, TaintLimit } from '../core/taint.ts';

/** An answer to an agent. Everything but `completed` says what to do next, in words written for the model. */
export type AgentAnswer<T> =
  | ({ readonly status: 'completed'; readonly message?: string } & T)
  | {
      readonly status: Exclude<Status, 'completed'>;
      readonly requestId?: string;
      readonly retry: 'none' | 'poll' | 'later';
      readonly message: string;
    };

export interface GrantView {
  readonly grantId: string;
  readonly agentId: string;
  readonly scope: 'exact' | 'program' | 'environment';
  readonly environmentId: string | null;
  readonly environmentName: string | null;
  readonly variables: readonly string[];
  readonly argv: readonly string[];
  /** The mounted file that may be read; null for a run. */
  readonly path: string | null;
  /** ISO 8601, or null for "until lock". */
  readonly expiresAt: string | null;
  /** null for no limit but time. */
  readonly usesLeft: number | null;
}

export interface LeaseView {
  readonly leaseId: string;
  readonly grantId: string | null;
  readonly agentId: string;
  /** null for the reading of a mounted file, which has a `path` instead. */
  readonly runId: string | null;
  readonly path: string | null;
  readonly environmentName: string | null;
  readonly variables: readonly string[];
  readonly argv: readonly string[];
  readonly pid: number | null;
  readonly startedAt: string;
}

export interface MountView {
  readonly mountId: string;
  readonly path: string;
  readonly environmentId: string;
  readonly environmentName: string;
  readonly backend: MountBackend;
  /** Why that one. */
  readonly backendWhy: string;
  readonly state: MountState;
  /** What went wrong, and what to do; empty when nothing did. */
  readonly note: string;
  /** Processes that were given the file and still run. */
  readonly readers: number;
  /** Programs that were refused for good. */
  readonly denied: readonly string[];
  /** Variables that cannot be written into such a file, or have no value yet. */
  readonly leftOut: readonly string[];
  /** Whether the vault keeps the file that was there before. */
  readonly hasBackup: boolean;
}

/** What an agent may know of a mount. */
export interface LocalFileView {
  readonly mountPath: string;
  readonly environmentId: string;
  readonly state: MountState;
}

export interface AgentView {
  readonly agentId: string;
  readonly state: 'pending' | 'admitted' | 'blocked';
  readonly name: string | null;
  readonly program: string;
  readonly programDigest: string | null;
  /** Pids of its processes that are connected now. */
  readonly pids: readonly number[];
  readonly lastSeenAt: string;
}

/** A request as people and `--format json` see it: the whole of it, and its parts by the names of CONTRACT §2. */
export interface RequestView {
  readonly requestId: string;
  readonly action: string;
  readonly agent: string;
  readonly environment: string | null;
  readonly variables: readonly string[];
  readonly argv: readonly string[];
  readonly program: string | null;
  readonly cwd: string | null;
  /** The file that is to be mounted, imported or read. */
  readonly path: string | null;
  readonly reason: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly request: Request;
}

/** A run, and when what is said of it happened. */
export interface RunView {
  readonly runId: string;
  readonly requestId: string;
  readonly agentId: string;
  readonly agent: string;
  readonly environment: string | null;
  readonly argv: readonly string[];
  /** ISO 8601. */
  readonly at: string;
}

/** What a human should look at in a run that is over. Never sent to an agent. */
export type NoticeView = RunView &
  (
    | { readonly kind: 'suspicious'; readonly signs: MaskingSigns; readonly variables: readonly string[] }
    | { readonly kind: 'tainted'; readonly hits: readonly TaintHit[]; readonly limits: readonly TaintLimit[] }
  );

/** Output that waits to be read and released; `bytes` of both streams. */
export interface HeldView extends RunView {
  readonly bytes: number;
}

export interface StatusView {
  readonly version: string;
  readonly pid: number;
  readonly home: string;
  readonly vault: 'absent' | 'locked' | 'unlocked';
  readonly vaultId: string | null;
  readonly startedAt: string;
  readonly requests: number;
  readonly grants: number;
  readonly leases: number;
  readonly mounts: number;
}

export interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly fix?: string;
}

/** One value of `values.open`, without itself. */
export interface ValueView {
  /** The name of the variable, or the reference as it was asked for. */
  readonly name: string;
  /** What the receiver makes of it (core/value-form.ts). */
  readonly form: ValueForm;
  readonly isMasked: boolean;
  readonly isSecret: boolean;
  readonly bytes: number;
}

/**
 * An environment as a command is shown it. Below a coding agent no variable says whether it can be masked: a value that
 * cannot is easily guessed, and which ones those are is known to an agent once the human said yes to a run.
 */
export interface EnvironmentView extends Omit<Environment, 'variables'> {
  readonly variables: readonly (Omit<Variable, Judged> & Partial<Pick<Variable, Judged>>)[];
}

type Judged = 'maskable' | 'maskability';

/** What an agent may know of a variable. */
export interface VariableView {
  readonly name: string;
  readonly kind: VariableKind;
  readonly concealed: boolean;
  readonly reference?: string;
}

export interface VerifyView {
  readonly ok: boolean;
  readonly events: number;
  readonly checkpoints: number;
  readonly firstBad: { readonly seq: number; readonly line: number; readonly why: string } | null;
  readonly notes: readonly string[];
}

export interface RevokeView {
  readonly grants: number;
  readonly leases: number;
  readonly requests: number;
}
