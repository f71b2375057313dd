// The one gate (I9). A tool call and a program opening a mounted file both come through request(), and only what passed
// it causes the vault to be read. Order, on every way through: decide, ask, record, deliver (I2).

import type { Disclosed } from '../core/disclosure.ts';
import type { OutputMode } from '../core/environment.ts';
import type { EventFacts, EventKind } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import { requestDigest, type AgentFacts, type Approval, type Request, type Work } from '../core/request.ts';
import { Agents, processKey, type KnownAgent } from './agents.ts';
import { Grants, type Grant } from './grants.ts';
import { Deliveries } from './deliveries.ts';
import { disclose, type Disclosure } from './disclosures.ts';
import { eventOf } from './events.ts';
import { Leases } from './leases.ts';
import { clamp, decide } from './policy.ts';
import type { ChangeMade, HandOver, Powers, TicketEnd } from './powers.ts';
import { Denials, denialOf } from './readers.ts';
import { isGrantMeant, isLeaseMeant, isRequestMeant, type Revoked, type Target } from './targets.ts';
import { Ticket, Tickets } from './tickets.ts';

/** What somebody wants, as observed, before it has an id. */
export interface Ask {
  readonly agent: AgentFacts;
  readonly work: Work;
  readonly reason: string;
  readonly stdin: Buffer | null;
  /** Who made the environment the work is about; null for the human, or when it is about none. */
  readonly createdBy: string | null;
  /** The environment's own output mode, or the strictest its variables allow. */
  readonly outputAtMost: OutputMode;
  /** False for work that does not need the agent to be admitted: a program that opened a mounted file. */
  readonly needsAdmission: boolean;
  /** Opens the mounted file for its reader. Without it a reader gets nothing. */
  readonly handOver?: HandOver;
}

export class Authority {
  readonly agents: Agents;
  readonly grants = new Grants();
  readonly leases = new Leases();
  readonly tickets = new Tickets();
  readonly denials = new Denials();
  readonly #deliveries: Deliveries;
  readonly #powers: Powers;

  constructor(powers: Powers) {
    this.#powers = powers;
    this.#deliveries = new Deliveries(powers, this.leases);
    this.agents = new Agents((process) => powers.isAlive(process));
  }

  /**
   * The gate. Never throws for a no: the ticket says what became of it. The ticket may be over at once, or one that
   * was already waiting for exactly the same.
   */
  async request(ask: Ask): Promise<Ticket> {
    const ticket = this.#ticketFor(ask);
    const early = this.#refusal(ask, ticket.request);
    if (early !== null) return await this.#refuse(ticket, early);

    const decision = decide(ask.work, ask.agent.agentId, ask.createdBy);
    if (decision.kind === 'forbid')
      return await this.#refuse(ticket, { status: 'forbidden', message: decision.message });
    if (decision.kind === 'allow' && !ticket.request.admits) return this.#proceed(ticket, null);

    const grant = this.#grantFor(ask, ticket.request);
    if (grant !== null) return this.#proceed(ticket, grant);
    return await this.#wait(ticket, ask);
  }

  /** Values for a command of the human's own: see `Disclosure` for what it has to prove. Throws as `disclose` does. */
  async disclose(disclosure: Disclosure): Promise<Disclosed[]> {
    return await disclose(this.#powers, disclosure);
  }

  /** The human says yes to exactly what was shown (I5). Throws `request/not_found`, `request/over`, `request/changed`. */
  async approve(given: Approval): Promise<string | null> {
    const approval = clamp(given);
    const ticket = this.#waiting(approval.requestId);
    const { request } = ticket;
    if (approval.digest !== request.digest)
      throw new Failure('request/changed', 'that is not the request that was shown');
    if (!this.#isAskerAlive(request)) {
      this.#end(ticket, { status: 'denied', message: 'the process that asked has ended' });
      throw new Failure('request/over', 'the process that asked has ended');
    }
    refuseScope(request, approval);
    const { action } = request.work;
    ticket.startWork(action === 'Run' ? this.#powers.newId('run') : null);
    this.#powers.announce({ kind: 'answered', requestId: ticket.requestId, answer: 'approved' });
    const isKept = action === 'ReadMount' || (action === 'Run' && approval.life.kind !== 'once');
    const grantId = isKept ? this.#powers.newId('grant') : null;
    void this.#carryOut(ticket, approval, grantId);
    return grantId;
  }

  /**
   * The human says no. Needs no factor; the same is refused for a while without asking, and a reader of a mounted file
   * until lock, or `isForGood`.
   */
  async deny(requestId: string, isForGood = false): Promise<void> {
    const ticket = this.#waiting(requestId);
    const { agent, work } = ticket.request;
    if (work.action === 'ReadMount') this.denials.deny(denialOf({ agent, work }), isForGood);
    else this.tickets.coolDown(ticket.request, this.#powers.monotonicMs());
    this.#end(ticket, { status: 'denied', message: 'The human said no. Do not ask for the same again; ask them why.' });
    await this.#record(ticket.request, 'denied', {});
  }

  /** The agent that asked withdraws its request or stops its run. Others' requests do not exist for it. */
  async cancel(requestId: string, agent: AgentFacts): Promise<void> {
    const ticket = this.find(requestId, agent);
    if (ticket.state.at === 'over') return;
    const end: TicketEnd = { status: 'denied', message: 'You withdrew this request.' };
    if (ticket.state.at === 'working') await this.leases.revoke((lease) => lease.requestId === requestId);
    this.#end(ticket, end);
    await this.#record(ticket.request, 'cancelled', {});
  }

  /** The agent's own ticket. Throws `request/not_found`, alike for absent and for another agent's. */
  find(requestId: string, agent: AgentFacts): Ticket {
    const ticket = this.tickets.find(requestId);
    if (ticket === undefined || processKey(ticket.request.agent.process) !== processKey(agent.process)) {
      throw new Failure('request/not_found', 'there is no such request');
    }
    return ticket;
  }

  /**
   * Ends grants, waiting requests and running trees. When it resolves nothing more of them is delivered: every lease
   * was marked before the first await, and a marked lease neither starts nor gives its output.
   */
  async revoke(target: Target, why: 'revoked' | 'locked' | 'stopped' = 'revoked'): Promise<Revoked> {
    const grants = this.grants.end((grant) => isGrantMeant(grant, target));
    const waiting = this.tickets.open().filter(({ request }) => isRequestMeant(request, target));
    const message =
      why === 'revoked' ? 'The human revoked this.' : 'The vault was locked; ask again once it is unlocked.';
    const end: TicketEnd = { status: why === 'revoked' ? 'denied' : 'locked', message };
    const leases = this.leases.revoke((lease) => isLeaseMeant(lease, grants, target));
    for (const ticket of waiting) this.#end(ticket, end);
    const revoked = await leases;
    for (const lease of revoked) this.#endById(lease.requestId, end);
    const counts = { grants: grants.length, leases: revoked.length, requests: waiting.length };
    await this.#powers.record({
      event: 'revoked',
      facts: {
        why,
        count: counts.grants + counts.leases + counts.requests,
        ...(target.what === 'id' ? { grantId: target.id } : {}),
      },
    });
    return counts;
  }

  /** Locking ends every grant, lease and request. Admissions stay: they last as long as the agent's process. */
  async lock(why: 'locked' | 'stopped'): Promise<void> {
    try {
      await this.revoke({ what: 'all' }, why);
    } finally {
      this.tickets.forgetEnded();
      this.denials.lock();
    }
  }

  /** Blocks an agent and ends all it has. */
  async block(agent: KnownAgent): Promise<Revoked> {
    this.agents.block(agent);
    return await this.revoke({ what: 'agent', agentId: agent.agentId });
  }

  /** Ends what belongs to agents whose process has ended. Called now and then. */
  async sweep(): Promise<void> {
    this.agents.forgetEnded();
    this.grants.end(({ process }) => process !== null && !this.#powers.isAlive(process));
    for (const ticket of this.tickets.waiting()) {
      if (!this.#isAskerAlive(ticket.request)) {
        this.#end(ticket, { status: 'denied', message: 'the process that asked has ended' });
      }
    }
    await this.#deliveries.endReads();
    const orphans = await this.leases.revoke((lease) => !this.#powers.isAlive(lease.agent.process));
    for (const lease of orphans) this.#endById(lease.requestId, { status: 'denied', message: 'the agent has ended' });
  }

  // --- on the way through -----------------------------------------------------------------------------------------

  #ticketFor(ask: Ask): Ticket {
    const admits = ask.needsAdmission && !this.agents.isAdmitted(ask.agent);
    const facts = { agent: ask.agent, admits, work: ask.work };
    const createdAt = this.#powers.wallMs();
    const request: Request = {
      ...facts,
      requestId: this.#powers.newId('req'),
      reason: ask.reason,
      createdAt,
      expiresAt: createdAt + this.#powers.expiresAfterMs,
      digest: requestDigest(facts),
    };
    return new Ticket(request, ask, this.#powers.monotonicMs() + this.#powers.expiresAfterMs);
  }

  /** What needs no question to be refused. */
  #refusal(ask: Ask, request: Request): TicketEnd | null {
    if (!this.#powers.isUnlocked()) {
      return { status: 'locked', message: 'The vault is locked. Ask the human to run: keystile unlock' };
    }
    if (this.agents.isBlocked(ask.agent)) return { status: 'denied', message: 'The human has blocked this agent.' };
    if (ask.work.action === 'ReadMount' && this.denials.has(denialOf({ agent: ask.agent, work: ask.work }))) {
      return { status: 'denied', message: 'The human said no to this program.' };
    }
    if (this.tickets.isCoolingDown(request.digest, this.#powers.monotonicMs())) {
      return { status: 'denied', message: 'The human said no to exactly this a moment ago. Do not ask again.' };
    }
    return null;
  }

  /** For a reader it is not enough that the agent above it lives. */
  #isAskerAlive({ agent, work }: Request): boolean {
    const isReaderAlive = work.action !== 'ReadMount' || this.#powers.isAlive(work.reader.process);
    return isReaderAlive && this.#powers.isAlive(agent.process);
  }

  #grantFor({ agent, work }: Ask, request: Request): Grant | null {
    const isHanding = work.action === 'Run' || work.action === 'ReadMount';
    if (!isHanding || request.admits) return null;
    return this.grants.covering(agent, work, this.#powers.monotonicMs());
  }

  /** Puts the request before the human, and its end on a timer. */
  async #wait(ticket: Ticket, ask: Ask): Promise<Ticket> {
    const { request } = ticket;
    const same = this.tickets.findWaiting(request.digest);
    if (same !== undefined) return same;
    if (!this.tickets.hasRoomFor(ask.agent)) {
      const message = 'Too many requests are waiting for the human. Wait for their answers, then ask again.';
      return await this.#refuse(ticket, { status: 'approver_unavailable', message });
    }
    this.tickets.add(ticket);
    try {
      await this.#record(request, 'requested', {});
    } catch (error) {
      this.#end(ticket, { status: 'failed', failure: Failure.from(error) });
      return ticket;
    }
    if (ticket.state.at !== 'waiting') return ticket;
    const cancelTimer = this.#powers.after(ticket.expiresAtMs - this.#powers.monotonicMs(), () => this.#expire(ticket));
    void ticket.changed(new AbortController().signal).then(cancelTimer);
    this.#powers.announce({ kind: 'requested', requestId: ticket.requestId });
    return ticket;
  }

  /** No question: allowed by policy or by a grant. Everything is on the record before anything is done (I2). */
  #proceed(ticket: Ticket, grant: Grant | null): Ticket {
    this.tickets.add(ticket);
    ticket.startWork(ticket.request.work.action === 'Run' ? this.#powers.newId('run') : null);
    // Not awaited: a run may take an hour, and its caller watches the ticket.
    void this.#attempt(
      ticket,
      async () => await this.#perform(ticket, grant?.grantId ?? null, grant?.output ?? 'redacted'),
    );
    return ticket;
  }

  /** After a yes: on the record first, then admit, remember, do. */
  async #carryOut(ticket: Ticket, approval: Approval, grantId: string | null): Promise<void> {
    await this.#attempt(ticket, async () => {
      const { request } = ticket;
      const { tier, scope } = approval;
      await this.#record(request, 'granted', { tier, scope, ...(grantId === null ? {} : { grantId }) });
      // Revoked or locked while the disk was busy: the yes is void.
      if (ticket.state.at === 'over') return;
      if (request.admits) this.agents.admit(request.agent);
      if (grantId !== null && (request.work.action === 'Run' || request.work.action === 'ReadMount')) {
        const now = this.#powers.monotonicMs();
        this.grants.keep(grantId, request, request.work, approval, now, this.#powers.wallMs());
      }
      await this.#perform(ticket, grantId, approval.output ?? 'redacted');
    });
  }

  async #attempt(ticket: Ticket, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#end(ticket, { status: 'failed', failure: Failure.from(error) });
    }
  }

  /** Does what was granted; `output` is what the human picked. */
  async #perform(ticket: Ticket, grantId: string | null, output: OutputMode): Promise<void> {
    const { work, agent } = ticket.request;
    switch (work.action) {
      case 'Connect': {
        this.#end(ticket, { status: 'completed', made: null, result: null });
        return;
      }
      case 'CreateEnvironment':
      case 'ChangeEnvironment':
        await this.#make(ticket, work.change.kind, () => this.#powers.change(work.change, agent.agentId));
        return;
      case 'Mount':
      case 'ImportFile': {
        const why = work.action === 'Mount' ? work.verb : 'import';
        await this.#make(ticket, why, async () => await this.#powers.arrange(work, agent.agentId));
        return;
      }
      case 'Reveal':
        // The values are fetched by whoever waits for this, once (authority/disclosures.ts).
        await this.#make(ticket, work.purpose, () => ({ kind: 'revealed' }));
        return;
      case 'ReadMount': {
        this.#end(ticket, await this.#deliveries.read(ticket, work, grantId));
        return;
      }
      case 'Run': {
        const end = await this.#deliveries.run(ticket, grantId, strictest(work.output, ticket.outputAtMost, output));
        if (end !== null) this.#end(ticket, end);
      }
    }
  }

  /** On the record first (I2); what was revoked or withdrawn meanwhile is not done. */
  async #make(ticket: Ticket, why: string, make: () => ChangeMade | Promise<ChangeMade>): Promise<void> {
    await this.#record(ticket.request, 'leased', { why });
    if (ticket.state.at === 'over') return;
    this.#end(ticket, { status: 'completed', made: await make(), result: null });
  }

  // --- ends -------------------------------------------------------------------------------------------------------

  #waiting(requestId: string): Ticket {
    const ticket = this.tickets.find(requestId);
    if (ticket === undefined) throw new Failure('request/not_found', 'there is no such request');
    if (ticket.state.at === 'waiting' && ticket.expiresAtMs <= this.#powers.monotonicMs()) this.#expire(ticket);
    if (ticket.state.at !== 'waiting') throw new Failure('request/over', 'that request is no longer waiting');
    return ticket;
  }

  #expire(ticket: Ticket): void {
    if (ticket.state.at !== 'waiting') return;
    this.#end(ticket, { status: 'expired', message: 'Nobody answered in time. Ask again when the human is there.' });
    void this.#record(ticket.request, 'expired', {}).catch(() => undefined);
  }

  #end(ticket: Ticket, end: TicketEnd): void {
    if (!ticket.end(end)) return;
    this.tickets.retire(ticket);
    this.#powers.announce({ kind: 'answered', requestId: ticket.requestId, answer: end.status });
  }

  #endById(requestId: string, end: TicketEnd): void {
    const ticket = this.tickets.find(requestId);
    if (ticket !== undefined) this.#end(ticket, end);
  }

  async #refuse(ticket: Ticket, end: TicketEnd): Promise<Ticket> {
    this.#end(ticket, end);
    await this.#record(ticket.request, 'refused', { why: end.status }).catch(() => undefined);
    return ticket;
  }

  async #record(request: Request, event: EventKind, facts: EventFacts): Promise<void> {
    await this.#powers.record(eventOf(request, event, facts));
  }
}

/** A file is given to a process or to a program. To whatever opens it would be to nobody in particular. */
function refuseScope({ work }: Request, { scope, life }: Approval): void {
  if (work.action === 'Reveal' && (scope !== 'exact' || life.kind !== 'once')) {
    const hint = 'approve it with --once and the scope exact';
    throw new Failure('input/invalid', 'a value that an agent can read is shown once', { field: 'scope', hint });
  }
  if (work.action !== 'ReadMount' || scope === 'exact' || (scope === 'program' && life.kind !== 'once')) return;
  throw new Failure('input/invalid', 'a mounted file is read by one process or one program', {
    field: 'scope',
    hint: 'choose the scope exact, or program and for how long',
  });
}

function strictest(...modes: readonly OutputMode[]): OutputMode {
  return modes.includes('summary') ? 'summary' : 'redacted';
}
