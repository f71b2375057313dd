// A lease is one delivery: these variables, this process tree, from then to then (I6). Revoking one ends its tree.
// Reading a mounted file again in the same process is the same lease.

import type { AgentFacts, Handing } from '../core/request.ts';

/** Something under way for a lease, that can be ended. */
export interface Handed {
  /** Resolves when nothing of it is left. */
  kill(): Promise<void>;
}

export interface Lease {
  readonly leaseId: string;
  readonly grantId: string | null;
  /** null for the reading of a mounted file. */
  readonly runId: string | null;
  readonly requestId: string;
  readonly agent: AgentFacts;
  readonly work: Handing;
  readonly startedAtWall: number;
  /** Resolves when the lease is on the record, rejects when it cannot be (I2). */
  readonly recorded: Promise<void>;
  /** Set once, before anything is killed: from then on nothing of this lease is delivered. */
  isRevoked: boolean;
  readonly handed: Set<Handed>;
  pid: number | null;
  /** How often it was delivered. */
  count: number;
}

export class Leases {
  readonly #leases = new Map<string, Lease>();

  add(lease: Lease): void {
    this.#leases.set(lease.leaseId, lease);
  }

  end(lease: Lease): void {
    this.#leases.delete(lease.leaseId);
  }

  all(): Lease[] {
    return [...this.#leases.values()];
  }

  /** The runs: what holds values for as long as it lives. */
  runs(): Lease[] {
    return this.all().filter(({ work }) => work.action === 'Run');
  }

  /** Marks at once, then kills. Resolves when nothing of any of them is left; returns the revoked leases. */
  async revoke(isMeant: (lease: Lease) => boolean): Promise<Lease[]> {
    const revoked = this.all().filter((lease) => isMeant(lease));
    for (const lease of revoked) lease.isRevoked = true;
    await Promise.all(revoked.flatMap((lease) => [...lease.handed].map(async (handed) => await handed.kill())));
    // A run's lease ends when its delivery does; that of a reader would wait for the process.
    for (const lease of revoked) if (lease.work.action === 'ReadMount') this.end(lease);
    return revoked;
  }
}
