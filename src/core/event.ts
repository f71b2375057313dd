// The closed vocabulary of the audit log. Values are impossible by type: no event has a member that could hold one.
// `facts` of an event are public; `names` (what things are called) are sealed at rest and shown only while unlocked.

import type { GrantScope, Tier } from './request.ts';

/** The last three before `clock_changed` are the log's own: a torn tail was cut, something was found wrong, a new file begins. */
export const EVENT_KINDS = [
  'daemon_started',
  'daemon_stopped',
  'vault_created',
  'vault_unlocked',
  'unlock_refused',
  'vault_locked',
  'vault_recovered',
  'recovery_kit_written',
  'agent_seen',
  'agent_admitted',
  'agent_blocked',
  'agent_forgotten',
  'environment_created',
  'environment_renamed',
  'environment_deleted',
  'environment_output_set',
  'variable_set',
  'variable_unset',
  'collection_created',
  'collection_renamed',
  'collection_deleted',
  'item_created',
  'item_changed',
  'item_restored',
  'item_archived',
  'item_deleted',
  'items_imported',
  'items_exported',
  'revealed',
  'terminal_approved',
  'file_imported',
  'file_restored',
  'mounted',
  'unmounted',
  'mount_tampered',
  'requested',
  'granted',
  'denied',
  'expired',
  'cancelled',
  'refused',
  'approval_refused',
  'leased',
  'delivered',
  'ended',
  'revoked',
  'run_suspicious',
  'run_tainted',
  'taint_scan_cut',
  'output_held',
  'output_read',
  'output_released',
  'method_refused',
  'audit_exported',
  'audit_recovered',
  'audit_damaged',
  'audit_rotated',
  'clock_changed',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** What may be in clear: ids, digests, numbers and words of closed lists. */
export interface EventFacts {
  readonly agentId?: string;
  readonly requestId?: string;
  readonly grantId?: string;
  readonly leaseId?: string;
  readonly runId?: string;
  readonly environmentId?: string;
  readonly mountId?: string;
  readonly collectionId?: string;
  readonly itemId?: string;
  /** Digest of the request. */
  readonly digest?: string;
  readonly tier?: Tier;
  readonly scope?: GrantScope;
  readonly action?: string;
  /** A FailureCode, a Status, a signal name or a word of the event's own closed list. */
  readonly why?: string;
  readonly exitCode?: number;
  readonly pid?: number;
  readonly count?: number;
  readonly durationMs?: number;
  /** Of `run_suspicious`: what masking met (core/suspicion.ts). */
  readonly fragments?: number;
  readonly scattered?: number;
  readonly decoded?: number;
}

/** The members of EventFacts that are text, and those that are numbers: what a reader of a file lets through. */
export const FACT_TEXTS = [
  'agentId',
  'requestId',
  'grantId',
  'leaseId',
  'runId',
  'environmentId',
  'mountId',
  'collectionId',
  'itemId',
  'digest',
  'scope',
  'action',
  'why',
] as const satisfies readonly (keyof EventFacts)[];
export const FACT_NUMBERS = [
  'tier',
  'exitCode',
  'pid',
  'count',
  'durationMs',
  'fragments',
  'scattered',
  'decoded',
] as const satisfies readonly (keyof EventFacts)[];

/** All that a text in the facts may be made of: ids, digests, codes and words; no sentence, and few secrets, fit. */
export const FACT_TEXT = /^[A-Za-z0-9_./:-]{1,80}$/;

/** What things are called. Sealed in the file. */
export interface EventNames {
  readonly agent?: string;
  readonly environment?: string;
  readonly variables?: readonly string[];
  readonly argv?: readonly string[];
  readonly program?: string;
  readonly cwd?: string;
  readonly reason?: string;
  readonly method?: string;
  readonly collection?: string;
  readonly item?: string;
  /** Secret references, as they were written. */
  readonly references?: readonly string[];
  /** Where a file is mounted or was imported from. */
  readonly path?: string;
  /** Of `run_tainted`: which secret lies in which file, and on which line (core/taint.ts). */
  readonly places?: readonly string[];
}

export interface AuditEvent {
  readonly event: EventKind;
  readonly facts: EventFacts;
  readonly names?: EventNames;
}

/** An event as it is read back: with its place in the log, and its names when the vault is unlocked. */
export interface RecordedEvent extends AuditEvent {
  /** 1 for the first event of the log. */
  readonly seq: number;
  /** Wall clock, ISO 8601 in UTC with milliseconds. */
  readonly at: string;
}
