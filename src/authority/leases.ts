// A lease is one delivery: these variables, this process tree, from then to then (I6). Revoking one ends its tree.

import type { AgentFacts, RunFacts } from '../core/request.ts';
import type { Delivery } from './powers.ts';

export interface Lease {
  readonly leaseId: string;
  readonly grantId: string | null;
  readonly runId: string;
  readonly requestId: string;
  readonly agent: AgentFacts;
  readonly run: RunFacts;
  readonly startedAtWall: number;
  /** Set once, before anything is killed: from then on nothing of this lease is delivered. */
  isRevoked: boolean;
  /** null until the runner has been given the job. */
  delivery: Delivery | null;
  pid: number | null;
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

  /** Marks at once, then kills. Resolves when no process of any of them is left; returns the revoked leases. */
  async revoke(isMeant: (lease: Lease) => boolean): Promise<Lease[]> {
    const revoked = this.all().filter((lease) => isMeant(lease));
    for (const lease of revoked) lease.isRevoked = true;
    await Promise.all(revoked.map(async (lease) => await lease.delivery?.kill()));
    return revoked;
  }
}
