// Everything the authority can do to the world, handed in: it decides from plain data and reaches nothing by itself.

import type { Disclosed, Wanted } from '../core/disclosure.ts';
import type { Change, OutputMode } from '../core/environment.ts';
import type { AuditEvent } from '../core/event.ts';
import type { Failure } from '../core/failure.ts';
import type { MountRefusal } from '../core/mount.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import type { IdKind } from '../core/names.ts';
import type { Arranging, ProcessFacts, Redaction, Request, RunFacts, RunResult } from '../core/request.ts';
import type { MaskingSigns } from '../core/suspicion.ts';
import type { Taint } from '../core/taint.ts';

/** One delivery: these variables, to this command, once (I6). */
export interface LeaseOrder {
  readonly leaseId: string;
  readonly runId: string;
  readonly run: RunFacts;
  readonly stdin: Buffer | null;
  /** The strictest of what was asked, set and approved. */
  readonly output: OutputMode;
}

/** What a delivery came to. `masked` is the masked output, for the human when the agent gets a summary only. */
export type DeliveryEnd =
  | {
      readonly kind: 'ended';
      readonly result: RunResult;
      readonly masked: Masked;
      readonly signs: MaskingSigns;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface Masked {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly redactions: readonly Redaction[];
  /** Names of secrets that masking does not hide, so that they may be in it. */
  readonly unmaskable: readonly string[];
}

export interface Delivery {
  /** The first process of the tree, once it runs; null when it never did. */
  readonly started: Promise<{ readonly pid: number } | null>;
  /** Never rejects. */
  readonly ended: Promise<DeliveryEnd>;
  /** What it left behind in files; later than `ended`, null when nobody looked. Never rejects. */
  readonly tainted: Promise<Taint | null>;
  /** Resolves when no process of the tree is left. */
  kill(): Promise<void>;
}

/** A mounted file on its way to one reader. */
export interface Reading {
  /** What became of it, once nothing more can be read of it. Never rejects. */
  readonly settled: Promise<'delivered' | MountRefusal>;
  /** What has not been read yet is not read any more. */
  kill(): Promise<void>;
}

/**
 * Opens one mounted file for one reader: comes with the Ask, and only the gate calls it (I9). The vault is read by what it
 * returns, and not after `isRevoked` says so.
 */
export type HandOver = (order: {
  readonly leaseId: string;
  readonly read: ReadFacts;
  readonly isRevoked: () => boolean;
}) => Reading;

export interface Powers {
  /** How long a request waits for the human, in ms. */
  readonly expiresAfterMs: number;
  /** Milliseconds that only go forward; expiry is measured on it (attack A23). */
  monotonicMs(): number;
  /** Milliseconds since 1970, for people. */
  wallMs(): number;
  /** Calls `then` once after `ms`, unless the returned function was called before. */
  after(ms: number, then: () => void): () => void;
  newId(kind: IdKind): string;
  /** Resolves when every event is on the disk; rejects with `audit/unavailable` (I2). */
  record(...events: AuditEvent[]): Promise<void>;
  isUnlocked(): boolean;
  isAlive(process: Pick<ProcessFacts, 'pid' | 'startedAt'>): boolean;
  /** Reads the vault and hands the sealed variables to a runner. I9: called from the gate and nowhere else. */
  deliver(order: LeaseOrder): Delivery;
  /**
   * Reads the vault for a command of the human's own, unless `gone` aborts before. I9: called from the gate and nowhere else.
   */
  disclose(wanted: readonly Wanted[], gone: AbortSignal): Promise<Disclosed[]>;
  /** Makes a granted change to the vault. Throws Failure. */
  change(change: Change, agentId: string): ChangeMade;
  /** Mounts, unmounts or imports a file. Rejects with a Failure. */
  arrange(work: Arranging, agentId: string): Promise<ChangeMade>;
  /** Keeps masked output sealed until the human releases it, and tells whoever watches. */
  hold(runId: string, request: Request, masked: Masked): void;
  /** Tells whoever watches. Never throws. */
  announce(news: News): void;
}

export type ChangeMade =
  | { readonly kind: 'created'; readonly environmentId: string }
  | { readonly kind: 'renamed' }
  | { readonly kind: 'appended'; readonly missing: readonly string[] }
  | { readonly kind: 'removed' }
  | { readonly kind: 'mounted'; readonly path: string }
  | { readonly kind: 'unmounted' }
  /** What was approved may be fetched once, through `Authority.disclose`. */
  | { readonly kind: 'revealed' }
  | { readonly kind: 'imported'; readonly environmentId: string; readonly variableNames: readonly string[] };

export type News =
  | { readonly kind: 'requested'; readonly requestId: string }
  | {
      readonly kind: 'suspicious';
      readonly run: RunOf;
      readonly signs: MaskingSigns;
      readonly names: readonly string[];
    }
  | { readonly kind: 'tainted'; readonly run: RunOf; readonly taint: Taint }
  | { readonly kind: 'answered'; readonly requestId: string; readonly answer: TicketEnd['status'] | 'approved' };

export interface RunOf {
  readonly runId: string;
  readonly request: Request;
}

/** How a ticket ends. `failure` carries what the caller must correct. */
export type TicketEnd =
  | { readonly status: 'completed'; readonly made: ChangeMade | null; readonly result: RunResult | null }
  | { readonly status: 'failed'; readonly failure: Failure }
  | {
      readonly status: 'denied' | 'expired' | 'forbidden' | 'locked' | 'approver_unavailable';
      readonly message: string;
    };
