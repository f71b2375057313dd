// One run under one lease: from the record to the end of its process tree (I2, I6).

import type { OutputMode } from '../core/environment.ts';
import type { EventFacts, EventKind } from '../core/event.ts';
import type { Request, RunFacts, RunResult } from '../core/request.ts';
import { eventOf } from './events.ts';
import type { Lease, Leases } from './leases.ts';
import type { Delivery, DeliveryEnd, Powers, TicketEnd } from './powers.ts';
import type { Ticket } from './tickets.ts';

export class Deliveries {
  readonly #powers: Powers;
  readonly #leases: Leases;

  constructor(powers: Powers, leases: Leases) {
    this.#powers = powers;
    this.#leases = leases;
  }

  /**
   * Runs what a ticket that was taken to work is for. Gives the end of the ticket, or null when the lease was revoked:
   * then whoever revoked it has ended the ticket. Rejects with `audit/unavailable` and with what stops a delivery.
   */
  async run(ticket: Ticket, grantId: string | null, output: OutputMode): Promise<TicketEnd | null> {
    const { request, state } = ticket;
    if (request.work.action !== 'Run' || state.at !== 'working' || state.runId === null) return null;
    const lease = this.#newLease(request, request.work, grantId, state.runId);
    const facts = { leaseId: lease.leaseId, runId: lease.runId, ...(grantId === null ? {} : { grantId }) };
    this.#leases.add(lease);
    try {
      await this.#record(request, 'leased', facts);
      // Revoked, locked or withdrawn while the disk was busy: the vault is not read.
      if (lease.isRevoked || !this.#powers.isUnlocked()) return null;
      const order = { leaseId: lease.leaseId, runId: lease.runId, run: request.work, stdin: ticket.stdin, output };
      const delivery = this.#powers.deliver(order);
      lease.delivery = delivery;
      await this.#noteStart(request, lease, delivery, facts);
      return await this.#finish(request, lease, await delivery.ended, facts);
    } finally {
      this.#leases.end(lease);
    }
  }

  async #noteStart(request: Request, lease: Lease, delivery: Delivery, facts: EventFacts): Promise<void> {
    const started = await delivery.started;
    if (started === null) return;
    lease.pid = started.pid;
    // Not awaited: the lease is already on the record, and the run must not wait for a second write.
    void this.#record(request, 'delivered', { ...facts, pid: started.pid }).catch(() => undefined);
  }

  async #finish(request: Request, lease: Lease, end: DeliveryEnd, facts: EventFacts): Promise<TicketEnd | null> {
    if (lease.isRevoked) {
      await this.#record(request, 'ended', { ...facts, why: 'revoked' });
      return null;
    }
    if (end.kind === 'failed') {
      await this.#record(request, 'refused', { ...facts, why: end.failure.code });
      return { status: 'failed', failure: end.failure };
    }
    const { result, masked } = end;
    if (result.outputMode === 'summary') this.#powers.hold(lease.runId, masked);
    // The outcome is on the record before the agent has it; if it cannot be, the agent gets nothing of it (I2).
    await this.#record(request, 'ended', { ...facts, ...outcomeOf(result) });
    return lease.isRevoked ? null : { status: 'completed', made: null, result };
  }

  async #record(request: Request, event: EventKind, facts: EventFacts): Promise<void> {
    await this.#powers.record(eventOf(request, event, facts));
  }

  #newLease(request: Request, run: RunFacts, grantId: string | null, runId: string): Lease {
    return {
      leaseId: this.#powers.newId('lease'),
      grantId,
      runId,
      requestId: request.requestId,
      agent: request.agent,
      run,
      startedAtWall: this.#powers.wallMs(),
      isRevoked: false,
      delivery: null,
      pid: null,
    };
  }
}

function outcomeOf({ exitCode, durationMs, signal }: RunResult): EventFacts {
  const code = exitCode === null ? {} : { exitCode };
  return signal === null ? { durationMs, ...code } : { durationMs, ...code, why: signal };
}
