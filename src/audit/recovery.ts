// How the writer finds its place again: after a start, after a crash, after somebody else wrote to the file. It never
// refuses to go on and never drops a line; what it finds wrong becomes an event, for all to see.

import type { AuditEvent, EventKind } from '../core/event.ts';
import { CHAIN_START, readLine } from './entry.ts';
import type { ReadEntry } from './entry.ts';
import { Journal, linesOf, readSegment, segmentsOf } from './journal.ts';
import { advance } from './keys.ts';
import type { Ratchet } from './keys.ts';

/** How many events the key may be behind the log: unsynced ones, and a group more. Beyond that it counts as lost. */
const KEY_BEHIND_MAX = 2_000;

export interface Recovered {
  readonly journal: Journal;
  /** MAC key of `nextSeq`, or null when there is none. */
  readonly ratchet: Ratchet | null;
  readonly nextSeq: number;
  /** Chain hash of the last entry. */
  readonly prev: Buffer;
  readonly findings: readonly AuditEvent[];
}

interface Tail {
  readonly last: ReadEntry | null;
  /** Whole lines after `last` that are no entries. */
  readonly unreadable: number;
}

/**
 * Opens the last file of the log at `events`. `key` is the newest MAC key there is; it is used up.
 * Throws Failure when the file cannot be had.
 */
export function recover(events: string, key: Ratchet | null): Recovered {
  const segments = segmentsOf(events);
  const journal = new Journal(segments.at(-1) ?? events);
  try {
    return findPlace(journal, segments, key);
  } catch (error) {
    journal[Symbol.dispose]();
    throw error;
  }
}

function findPlace(journal: Journal, segments: readonly string[], key: Ratchet | null): Recovered {
  const { last, unreadable } = readTail(segments);
  const findings = [finding('audit_recovered', journal.tornBytes), finding('audit_damaged', unreadable, 'unreadable')];
  const nextSeq = (last?.body.seq ?? 0) + unreadable + 1;
  const prev = last?.chain ?? CHAIN_START;
  if (key === null || nextSeq - key.seq > KEY_BEHIND_MAX) {
    // MACs begin again when the vault is unlocked. Before it was for the first time there is no key to miss.
    const isLost = key !== null || (last !== null && last.mac !== null);
    key?.wipe();
    findings.push(finding('audit_damaged', isLost ? 1 : 0, 'key_missing'));
    return { journal, ratchet: null, nextSeq, prev, findings: findings.flat() };
  }
  const { ratchet, wrong } = catchUp(segments, key, nextSeq);
  // The key is written after its events are synced, so the events it knows of were there: their numbers stay empty.
  findings.push(finding('audit_damaged', Math.max(0, key.seq - nextSeq), 'truncated'));
  findings.push(finding('audit_damaged', wrong, 'mac'));
  return { journal, ratchet, nextSeq: Math.max(nextSeq, key.seq), prev, findings: findings.flat() };
}

/** An event that says `count`, or none when there is nothing to say. */
function finding(event: EventKind, count: number, why?: string): AuditEvent[] {
  if (count === 0) return [];
  return [{ event, facts: why === undefined ? { count } : { why, count } }];
}

/** The last entry of the log, looked for from its end. */
function readTail(segments: readonly string[]): Tail {
  let unreadable = 0;
  for (const path of segments.toReversed()) {
    for (const line of [...linesOf(readSegment(path))].toReversed()) {
      const last = readLine(line.toString('utf8'));
      if (last !== null) return { last, unreadable };
      unreadable += 1;
    }
  }
  return { last: null, unreadable };
}

/** Takes the key past the events it does not know yet, and counts those whose MAC it would not have made. */
function catchUp(segments: readonly string[], key: Ratchet, nextSeq: number): { ratchet: Ratchet; wrong: number } {
  let ratchet = key;
  let wrong = 0;
  // Files are numbered by age; all that is behind the key is in the last two.
  for (const path of key.seq < nextSeq ? segments.slice(-2) : []) {
    for (const line of linesOf(readSegment(path))) {
      const entry = readLine(line.toString('utf8'));
      if (entry === null || entry.body.seq < ratchet.seq || entry.body.seq >= nextSeq) continue;
      ratchet = advance(ratchet, entry.body.seq);
      if (entry.mac !== ratchet.mac(entry.chain)) wrong += 1;
    }
  }
  return { ratchet: advance(ratchet, nextSeq), wrong };
}
