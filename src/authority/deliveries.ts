// Deliveries, each under a lease: from the record to the end of a run's process tree, or of the process that reads a
// mounted file (I2, I6).

import { suspicionsOf } from '../core/suspicion.ts';
import type { OutputMode } from '../core/environment.ts';
import type { EventFacts, EventKind } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import type { Handing, Request, RunResult } from '../core/request.ts';
import { taintText } from '../core/taint.ts';
import { eventOf, runEventOf } from './events.ts';
import type { Lease, Leases } from './leases.ts';
import type { Delivery, DeliveryEnd, Powers, TicketEnd } from './powers.ts';
import { isSameProcess } from './readers.ts';
import type { Ticket } from './tickets.ts';

const REVOKED: TicketEnd = { status: 'denied', message: 'The human revoked this.' };

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
    const run = request.work;
    const { runId } = state;
    const lease = this.#newLease(request, run, grantId, runId);
    const facts = factsOf(lease);
    try {
      await lease.recorded;
      // Revoked, locked or withdrawn while the disk was busy: the vault is not read.
      if (lease.isRevoked || !this.#powers.isUnlocked()) return null;
      const order = { leaseId: lease.leaseId, runId, run, stdin: ticket.stdin, output };
      const delivery = this.#powers.deliver(order);
      lease.handed.add(delivery);
      void this.#noteTaint(request, runId, delivery, facts);
      await this.#noteStart(request, lease, delivery, facts);
      return await this.#finish(request, lease, await delivery.ended, facts);
    } finally {
      this.#leases.end(lease);
    }
  }

  /**
   * Opens a mounted file for the process that asked. Its lease lasts as long as the process, and covers its further
   * readings. Rejects with `audit/unavailable`.
   */
  async read(ticket: Ticket, read: ReadFacts, grantId: string | null): Promise<TicketEnd> {
    const { request, handOver } = ticket;
    if (handOver === null) throw new Failure('internal/error', 'a reader came without a door');
    const known = this.#leases.all().find((lease) => isReadOf(lease, read) && lease.grantId === grantId);
    const lease = known ?? this.#newLease(request, read, grantId, null);
    try {
      await lease.recorded;
    } catch (error) {
      this.#leases.end(lease);
      throw error;
    }
    if (lease.isRevoked || ticket.state.at === 'over' || !this.#powers.isUnlocked()) return REVOKED;
    const reading = handOver({ leaseId: lease.leaseId, read, isRevoked: () => lease.isRevoked });
    lease.handed.add(reading);
    const outcome = await reading.settled;
    lease.handed.delete(reading);
    if (outcome !== 'delivered') {
      await this.#record(request, 'refused', { ...factsOf(lease), why: outcome });
      return { status: 'denied', message: `The file was not read: ${outcome}.` };
    }
    lease.count += 1;
    // Once for each lease, and not awaited: the lease itself was on the record before a byte left.
    if (lease.count === 1) void this.#record(request, 'delivered', factsOf(lease)).catch(() => undefined);
    return { status: 'completed', made: null, result: null };
  }

  /** Ends the leases of readers whose process has ended. */
  async endReads(): Promise<void> {
    const over = this.#leases.all().filter(({ work, handed }) => {
      return work.action === 'ReadMount' && handed.size === 0 && !this.#powers.isAlive(work.reader.process);
    });
    for (const lease of over) this.#leases.end(lease);
    if (over.length === 0) return;
    const events = over.map((lease) => ({
      event: 'ended' as const,
      facts: { ...factsOf(lease), agentId: lease.agent.agentId, requestId: lease.requestId, count: lease.count },
    }));
    await this.#powers.record(...events);
  }

  async #noteStart(request: Request, lease: Lease, delivery: Delivery, facts: EventFacts): Promise<void> {
    const started = await delivery.started;
    if (started === null) return;
    lease.pid = started.pid;
    // Not awaited: the lease is already on the record, and the run must not wait for a second write.
    void this.#record(request, 'delivered', { ...facts, pid: started.pid }).catch(() => undefined);
  }

  async #finish(request: Request, lease: Lease, end: DeliveryEnd, facts: EventFacts): Promise<TicketEnd | null> {
    if (end.kind === 'ended') await this.#noteSuspicion(request, end, facts);
    if (lease.isRevoked) {
      await this.#record(request, 'ended', { ...facts, why: 'revoked' });
      return null;
    }
    if (end.kind === 'failed') {
      await this.#record(request, 'refused', { ...facts, why: end.failure.code });
      return { status: 'failed', failure: end.failure };
    }
    const { result, masked } = end;
    if (result.outputMode === 'summary' && lease.runId !== null) this.#powers.hold(lease.runId, request, masked);
    // The outcome is on the record before the agent has it; if it cannot be, the agent gets nothing of it (I2).
    await this.#record(request, 'ended', { ...facts, ...outcomeOf(result) });
    return lease.isRevoked ? null : { status: 'completed', made: null, result };
  }

  /** On the record, then told to whoever watches, and only then the agent has its answer. */
  async #noteSuspicion(request: Request, end: DeliveryEnd & { kind: 'ended' }, facts: EventFacts): Promise<void> {
    const { signs, masked, result } = end;
    const suspicions = suspicionsOf(signs);
    if (suspicions.length === 0) return;
    const names = masked.redactions.map(({ name }) => name);
    const counts = { ...signs, why: suspicions.join('/') };
    await this.#powers.record(runEventOf(request, 'run_suspicious', { ...facts, ...counts }, { variables: names }));
    this.#powers.announce({ kind: 'suspicious', run: { runId: result.runId, request }, signs, names });
  }

  /** After the agent has its answer, which this must not change. */
  async #noteTaint(request: Request, runId: string, delivery: Delivery, facts: EventFacts): Promise<void> {
    const taint = await delivery.tainted;
    if (taint === null || (taint.hits.length === 0 && taint.limits.length === 0)) return;
    const { hits, limits } = taint;
    const places = hits.map((hit) => taintText(hit));
    const said = { ...facts, count: hits.length, ...(limits.length === 0 ? {} : { why: limits.join('/') }) };
    const kind = hits.length > 0 ? 'run_tainted' : 'taint_scan_cut';
    try {
      await this.#powers.record(runEventOf(request, kind, said, places.length === 0 ? {} : { places }));
    } catch {
      // Not on the record: whoever watches is told all the same, for this is no delivery.
    }
    if (hits.length > 0) this.#powers.announce({ kind: 'tainted', run: { runId, request }, taint });
  }

  async #record(request: Request, event: EventKind, facts: EventFacts): Promise<void> {
    await this.#powers.record(eventOf(request, event, facts));
  }

  /** A lease that counts from here on for whoever revokes, and is on its way to the record. */
  #newLease(request: Request, work: Handing, grantId: string | null, runId: string | null): Lease {
    const { requestId, agent } = request;
    const leaseId = this.#powers.newId('lease');
    const recorded = this.#record(request, 'leased', factsOf({ leaseId, grantId, runId, work }));
    // Whoever uses the lease awaits it; this only says that somebody will.
    recorded.catch(() => undefined);
    const lease: Lease = {
      leaseId,
      grantId,
      runId,
      requestId,
      agent,
      work,
      startedAtWall: this.#powers.wallMs(),
      recorded,
      isRevoked: false,
      handed: new Set(),
      pid: work.action === 'ReadMount' ? work.reader.process.pid : null,
      count: 0,
    };
    this.#leases.add(lease);
    return lease;
  }
}

function isReadOf({ work, isRevoked }: Lease, read: ReadFacts): boolean {
  return work.action === 'ReadMount' && !isRevoked && isSameProcess(work, read);
}

function factsOf({ leaseId, grantId, runId, work }: Pick<Lease, 'leaseId' | 'grantId' | 'runId' | 'work'>): EventFacts {
  return {
    leaseId,
    ...(runId === null ? {} : { runId }),
    ...(grantId === null ? {} : { grantId }),
    ...(work.action === 'ReadMount' ? { mountId: work.mountId, pid: work.reader.process.pid } : {}),
  };
}

function outcomeOf({ exitCode, durationMs, signal }: RunResult): EventFacts {
  const code = exitCode === null ? {} : { exitCode };
  return signal === null ? { durationMs, ...code } : { durationMs, ...code, why: signal };
}
