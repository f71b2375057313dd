// The agents this vault has seen, and what the human decided about each. Sealed like everything else.

import { Failure } from '../core/failure.ts';
import type { Records } from './records.ts';

export interface StoredAgent {
  readonly agentId: string;
  /** Absolute path of its program, as observed. */
  readonly program: string;
  /** SHA-256, or null when it could not be read. */
  readonly programDigest: string | null;
  readonly claimedName: string | null;
  readonly state: 'admitted' | 'blocked' | 'pending';
  /** Wall clock, ms. */
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

export const AGENTS_MAX = 200;

export class Agents {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** First seen first. */
  list(): StoredAgent[] {
    const all = this.#records.list('agent', '').map((record) => this.#records.openJson<StoredAgent>(record));
    return all.sort((a, b) => a.firstSeenAt - b.firstSeenAt);
  }

  /** Adds or replaces. When there are 200, the pending one unseen for longest makes room, else `vault/limit` (I8). */
  put(agent: StoredAgent): void {
    this.#records.transaction(() => {
      const known = this.#records.find('agent', '', agent.agentId);
      if (known === undefined && this.#records.count('agent', '') >= AGENTS_MAX) this.#makeRoom();
      const id = known?.id ?? this.#records.hiddenId();
      this.#records.putJson({ type: 'agent', id, parent: '', name: agent.agentId }, agent);
    });
  }

  /** Throws `name/not_found`. */
  forget(agentId: string): void {
    const record = this.#records.find('agent', '', agentId);
    if (record === undefined) throw new Failure('name/not_found', 'there is no agent with that id');
    this.#records.remove(record);
  }

  #makeRoom(): void {
    const pending = this.list().filter((agent) => agent.state === 'pending');
    const [oldest] = pending.sort((a, b) => a.lastSeenAt - b.lastSeenAt);
    if (oldest === undefined) {
      throw new Failure('vault/limit', `a vault knows at most ${AGENTS_MAX} agents`, {
        hint: 'forget some: keystile agents forget',
      });
    }
    this.forget(oldest.agentId);
  }
}
