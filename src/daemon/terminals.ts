// The terminals a human has typed the passphrase at: for a while their own commands get values without typing it again.
// It counts for what was started from that terminal's shell and still hangs below it, and never below a coding agent.

import { adoptsOrphans, isSameProcessAlive, processEntry } from '../machine/processes.ts';
import type { Peer } from '../wire/peer.ts';

/** However often it is used: as in `op`, whose idle time is the default of ours. */
const TERMINAL_MAX_MS = 12 * 60 * 60_000;
/** I8 */
const TERMINALS_MAX = 100;

interface Approved {
  readonly since: number;
  used: number;
  readonly leader: { readonly pid: number; readonly startedAt: string };
}

/** Times are monotonic, in ms. */
export class Terminals {
  readonly #idleMs: number;
  readonly #approved = new Map<string, Approved>();

  /** `idleMs`: from one use to the next; 0 for terminals that are never remembered. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Whether the passphrase was typed there lately; a use of it counts as one. */
  use(peer: Peer, nowMs: number): boolean {
    const place = terminalOf(peer);
    const approved = place === null ? undefined : this.#approved.get(place.key);
    if (place === null || approved === undefined) return false;
    const isOver = nowMs - approved.used > this.#idleMs || nowMs - approved.since > TERMINAL_MAX_MS;
    if (isOver || !isSameProcessAlive(approved.leader)) {
      this.#approved.delete(place.key);
      return false;
    }
    approved.used = nowMs;
    return true;
  }

  /** False for a command without a terminal of its own: its passphrase counts for it alone. */
  approve(peer: Peer, nowMs: number): boolean {
    const place = terminalOf(peer);
    if (place === null || this.#idleMs === 0) return false;
    const [oldest] = this.#approved.keys();
    if (this.#approved.size >= TERMINALS_MAX && oldest !== undefined) this.#approved.delete(oldest);
    this.#approved.set(place.key, { since: nowMs, used: nowMs, leader: place.leader });
    return true;
  }

  /** At lock, and when everything is revoked. */
  forgetAll(): number {
    const count = this.#approved.size;
    this.#approved.clear();
    return count;
  }
}

/**
 * The terminal session of a command: its leader, which is the shell, and the terminal. Null when it has no terminal, or
 * when the leader is not above it: a process that was let go of (`setsid`, a double fork) is nobody's own command. Null too
 * below the first process of a container, which has what was let go of below it.
 */
function terminalOf(peer: Peer): { readonly key: string; readonly leader: Approved['leader'] } | null {
  const entry = processEntry(peer.pid);
  if (entry === null || entry.terminal === 0) return null;
  const leader = processEntry(entry.sessionId);
  if (leader === null || leader.terminal !== entry.terminal || adoptsOrphans(leader.pid)) return null;
  const isAbove = [peer.process, ...peer.ancestors].some(({ pid, startedAt }) => {
    return pid === leader.pid && startedAt === leader.startedAt;
  });
  if (!isAbove) return null;
  const { pid, startedAt } = leader;
  return { key: `${pid}@${startedAt} ${entry.terminal}`, leader: { pid, startedAt } };
}
