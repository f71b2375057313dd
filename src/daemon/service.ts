// The long-lived state of one daemon, and the powers it lends the authority. The only room that knows every other.

import { randomBytes } from 'node:crypto';
import type { Delivery, LeaseOrder, Masked, News, Powers } from '../authority/powers.ts';
import { Authority } from '../authority/gate.ts';
import type { AuditLog } from '../audit/log.ts';
import type { AuditEvent } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import { makeId } from '../core/names.ts';
import type { AgentFacts, Request } from '../core/request.ts';
import { wipeJob } from '../delivery/job.ts';
import type { RunningJob, Runners } from '../delivery/run.ts';
import type { Log } from '../machine/log.ts';
import type { HomePaths } from '../machine/paths.ts';
import { isSameProcessAlive } from '../machine/processes.ts';
import type { Settings } from '../machine/settings.ts';
import type { StoredAgent } from '../vault/agents.ts';
import type { Vault } from '../vault/vault.ts';
import { arrange, makeChange } from './changes.ts';
import { checkInPauses } from './checking.ts';
import { Elsewhere } from './elsewhere.ts';
import { HeldOutputs } from './held-outputs.ts';
import { disclosedValues, runJob, searchPathOf } from './jobs.ts';
import { Mounts } from './mounts.ts';
import { Notices } from './notices.ts';
import { Observer } from './observe.ts';
import { ReaderObserver } from './reader-facts.ts';
import { deliveryEnd } from './run-end.ts';
import type { ServedConnection } from '../wire/calls.ts';
import type { Peer } from '../wire/peer.ts';
import { Terminals } from './terminals.ts';
import { KeptTexts } from './kept-texts.ts';
import { noticeView, requestView } from './views.ts';
import { Watchers } from './watchers.ts';

const SWEEP_MS = 1_000;
/** Where the vault keeps how many events there were when it was last locked. */
const EVENTS_SETTING = 'audit_events';
/** Refused methods recorded in a second; a flood of them must not fill the disk (I8). */
const REFUSALS_PER_SECOND_MAX = 100;
/** The wall clock may drift this far from the monotonic one between two sweeps before it is worth an event. */
const CLOCK_DRIFT_MS = 30_000;

export interface ServiceParts {
  readonly paths: HomePaths;
  readonly settings: Settings;
  readonly audit: AuditLog;
  readonly runners: Runners;
  readonly log: Log;
  readonly vault: Vault | null;
}

export class Service {
  readonly paths: HomePaths;
  readonly settings: Settings;
  readonly audit: AuditLog;
  readonly runners: Runners;
  readonly log: Log;
  readonly observer = new Observer();
  readonly watchers = new Watchers();
  readonly notices = new Notices();
  readonly heldOutputs = new HeldOutputs();
  readonly terminals: Terminals;
  readonly elsewhere: Elsewhere;
  readonly authority: Authority;
  readonly mounts: Mounts;
  readonly readers: ReaderObserver;
  readonly startedAtWall = Date.now();
  vault: Vault | null;
  /** Observed once for each connection; a connection does not change hands. */
  readonly #agents = new Map<ServedConnection, AgentFacts>();
  /** Agents known to be in the vault: most calls come from one of them. Emptied whenever one could have left it. */
  readonly #seen = new Set<string>();
  #isLocking = false;
  /** What commands of the human were given, for the next one that asks for the same. */
  readonly #disclosed = new KeptTexts();
  /** Aborts what sources are still asked for by the human's own commands. */
  #disclosing = new AbortController();
  /** What was found wrong with the vault after it was unlocked: it stays locked until this daemon ends. */
  #damage: Failure | null = null;
  #refusals = 0;
  #lastActiveMs = monotonicMs();
  #clockOffsetMs = Date.now() - monotonicMs();
  readonly #sweeper: NodeJS.Timeout;

  constructor(parts: ServiceParts) {
    this.paths = parts.paths;
    this.settings = parts.settings;
    this.audit = parts.audit;
    this.runners = parts.runners;
    this.log = parts.log;
    this.vault = parts.vault;
    this.terminals = new Terminals(parts.settings.rememberTerminalMinutes * 60_000);
    this.elsewhere = new Elsewhere(parts.settings.sources, () => searchPathOf(this.unlocked()));
    this.authority = new Authority(this.#powers());
    this.mounts = new Mounts(this);
    this.readers = new ReaderObserver(this.observer, this.ownMounts, ({ process, ancestors }) => {
      return this.#runAgentOf([process, ...ancestors].map(({ pid }) => pid));
    });
    this.#sweeper = setInterval(() => void this.#sweep(), SWEEP_MS);
  }

  /** Folders of files that exist only through us: their bytes are nobody's operand. */
  get ownMounts(): readonly string[] {
    return this.mounts.ownFolders;
  }

  get isUnlocked(): boolean {
    return !this.#isLocking && this.vault?.isUnlocked === true;
  }

  /** The vault, open. Throws `vault/absent` or `vault/locked`. */
  unlocked(): Vault {
    if (this.vault === null) throw new Failure('vault/absent', 'there is no vault in this home yet');
    if (!this.isUnlocked) throw new Failure('vault/locked', 'the vault is locked');
    return this.vault;
  }

  nowMs(): number {
    return monotonicMs();
  }

  /** Somebody used the daemon: the idle lock starts over. */
  touch(): void {
    this.#lastActiveMs = monotonicMs();
  }

  async record(...events: AuditEvent[]): Promise<void> {
    await this.audit.append(...events);
  }

  /**
   * After the vault's keys are there: the log gets its own, remembered agents are told to the authority, and the
   * unlock is recorded. If it cannot be, the vault is locked again (I2).
   */
  async becomeUnlocked(vault: Vault, event: AuditEvent['event']): Promise<void> {
    try {
      if (this.#damage !== null) throw this.#damage;
      this.audit.unlock({ ...vault.auditKeys(), vaultId: vault.vaultId });
      await this.record({ event, facts: {} });
      this.vault = vault;
      this.authority.agents.remember(
        vault.agents().map((agent) => ({ ...agent, isBlocked: agent.state === 'blocked' })),
      );
      this.heldOutputs.begin(vault);
      this.touch();
      await this.mounts.openAll();
      checkInPauses(vault, (damage) => {
        this.#damage = damage;
        this.log.failure('vault', damage);
        this.lock('damaged').catch((error: unknown) => this.log.failure('lock', error));
      });
    } catch (error) {
      vault.lock();
      this.audit.lock();
      throw error;
    }
  }

  /** Ends every grant, lease, request and watch, then wipes the keys. Never waits for the audit log to agree. */
  async lock(why: 'locked' | 'stopped' | 'damaged'): Promise<void> {
    if (!this.isUnlocked) return;
    this.#isLocking = true;
    this.#seen.clear();
    try {
      this.watchers.closeAll();
      this.#disclosed.wipe();
      this.endDisclosures('vault/locked', 'the vault was locked meanwhile');
      const unmounted = this.mounts.closeAll();
      await this.authority
        .lock(why === 'stopped' ? why : 'locked')
        .catch((error: unknown) => this.log.failure('lock', error));
      await unmounted;
      // They hold what their runs were masked with.
      await this.runners.endScans();
      await this.record({ event: 'vault_locked', facts: { why } }).catch((error: unknown) =>
        this.log.failure('lock', error),
      );
      this.vault?.setSetting(EVENTS_SETTING, String(this.audit.status.lastSeq));
      this.audit.lock();
      if (this.vault !== null) this.heldOutputs.begin(this.vault);
    } catch (error) {
      this.log.failure('lock', error);
    } finally {
      this.notices.clear();
      this.vault?.lock();
      this.#isLocking = false;
    }
  }

  /** No terminal is known any more, and nothing arrives of what its commands still wait for. */
  endDisclosures(code: 'vault/locked' | 'request/over', message: string): void {
    this.terminals.forgetAll();
    this.#disclosing.abort(new Failure(code, message));
    this.#disclosing = new AbortController();
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.lock('stopped');
    await this.record({ event: 'daemon_stopped', facts: {} }).catch((error: unknown) =>
      this.log.failure('stop', error),
    );
    await this.mounts.stop();
    await this.runners.close();
    await this.audit.close();
    this.vault?.close();
  }

  /** Something asked for a method that is not for its socket. */
  async recordRefusedMethod(pid: number, socketName: string, method: string): Promise<void> {
    if (this.#refusals >= REFUSALS_PER_SECOND_MAX) return;
    this.#refusals += 1;
    await this.record({ event: 'method_refused', facts: { pid, why: socketName }, names: { method } });
  }

  /** How many events there were at the last lock, from the vault: a log put back to an older state is shorter. */
  knownEvents(): { atLeast?: number } {
    const recorded = this.isUnlocked ? this.unlocked().setting(EVENTS_SETTING) : undefined;
    return recorded === undefined ? {} : { atLeast: Number(recorded) };
  }

  /** Who is behind a connection of the agent's socket (I7), or null when the agent has ended. */
  async agentOf(connection: ServedConnection): Promise<AgentFacts | null> {
    const known = this.#agents.get(connection);
    if (known !== undefined) return isSameProcessAlive(known.process) ? known : null;
    const agent = await this.observer.agentBehind(connection.peer, connection.clientName);
    if (connection.closed.aborted || !isSameProcessAlive(agent.process)) return null;
    this.#agents.set(connection, agent);
    connection.closed.addEventListener('abort', () => this.#leave(connection, agent), { once: true });
    return agent;
  }

  /** I3: when the last connection of an agent's process is lost, nobody waits for the answers to what it asked. */
  #leave(connection: ServedConnection, agent: AgentFacts): void {
    this.#agents.delete(connection);
    const isOfSame = (other: AgentFacts): boolean =>
      other.process.pid === agent.process.pid && other.process.startedAt === agent.process.startedAt;
    if ([...this.#agents.values()].some(isOfSame)) return;
    for (const { request, requestId } of this.authority.tickets.waiting()) {
      if (!isOfSame(request.agent)) continue;
      this.authority.cancel(requestId, agent).catch((error: unknown) => this.log.failure('leave', error));
    }
  }

  /**
   * The agent a command of the human's own shell runs under, or null. A command that one of our runs started is under the
   * agent of that run: its ancestors are the runner and this daemon, and not the agent. Throws `human/under_agent` when
   * the run is over already and its agent cannot be told.
   */
  async agentAbove(peer: Peer): Promise<AgentFacts | null> {
    const agent = this.#runAgentOf([peer.pid, ...peer.ancestors.map(({ pid }) => pid)]);
    if (agent === 'unknown') throw new Failure('human/under_agent', 'a run of an agent started this command');
    return agent ?? (await this.observer.agentAbove(peer));
  }

  /** The agent of the run these processes belong to: null for no run of ours, `unknown` for one that is over. */
  #runAgentOf(pids: readonly number[]): AgentFacts | null | 'unknown' {
    if (!pids.includes(process.pid)) return null;
    return this.authority.leases.runs().find(({ pid }) => pid !== null && pids.includes(pid))?.agent ?? 'unknown';
  }

  /** The processes of one agent that are connected now. */
  connectedAgents(agentId: string): AgentFacts[] {
    return [...this.#agents.values()].filter((agent) => agent.agentId === agentId);
  }

  /** Remembers a program that asks for the first time. Its state changes only through the human. */
  async see(agent: AgentFacts): Promise<void> {
    if (this.#seen.has(agent.agentId)) return;
    const vault = this.unlocked();
    if (vault.agents().some(({ agentId }) => agentId === agent.agentId)) {
      this.#seen.add(agent.agentId);
      return;
    }
    await this.record({
      event: 'agent_seen',
      facts: { agentId: agent.agentId, pid: agent.process.pid },
      names: { agent: agent.process.program },
    });
    this.keepAgent(agent, 'pending');
  }

  /** Forgets an agent: it is new when it asks again. */
  forgetAgent(agentId: string): void {
    this.#seen.clear();
    this.unlocked().forgetAgent(agentId);
  }

  keepAgent(agent: AgentFacts, state: StoredAgent['state']): void {
    const vault = this.unlocked();
    const known = vault.agents().find(({ agentId }) => agentId === agent.agentId);
    const now = Date.now();
    // Making room for it may have pushed another one out.
    this.#seen.clear();
    vault.putAgent({
      agentId: agent.agentId,
      program: agent.process.program,
      programDigest: agent.programDigest,
      claimedName: agent.claimedName,
      state,
      firstSeenAt: known?.firstSeenAt ?? now,
      lastSeenAt: now,
    });
  }

  #powers(): Powers {
    return {
      expiresAfterMs: this.settings.requestSeconds * 1_000,
      monotonicMs,
      wallMs: Date.now,
      after: (ms, then) => {
        const timer = setTimeout(then, Math.max(0, ms)).unref();
        return () => clearTimeout(timer);
      },
      newId: (kind) => makeId(kind, randomBytes(13)),
      record: async (...events) => await this.record(...events),
      isUnlocked: () => this.isUnlocked,
      isAlive: (process) => isSameProcessAlive(process),
      deliver: (order) => this.#deliver(order),
      disclose: async (wanted, gone) => {
        const ended = AbortSignal.any([gone, this.#disclosing.signal]);
        return await disclosedValues(this.unlocked(), this.elsewhere, this.#disclosed, wanted, ended);
      },
      change: (change, agentId) => makeChange(this.unlocked(), change, agentId),
      arrange: async (work, agentId) => await arrange(this, work, agentId),
      hold: (runId, request, masked) => this.#hold(runId, request, masked),
      announce: (news) => this.#announce(news),
    };
  }

  /** I9: the only call of sealedVariables(), reached only through the gate. The values stay sealed in this process. */
  #deliver(order: LeaseOrder): Delivery {
    this.touch();
    const stopped = new AbortController();
    const running = this.#start(order, stopped.signal);
    return {
      started: running.then(async ({ started }) => await started).catch(() => null),
      ended: running
        .then(async ({ ended }) => deliveryEnd(order, await ended))
        .catch((error: unknown) => ({ kind: 'failed', failure: Failure.from(error) })),
      tainted: running.then(async ({ tainted }) => await tainted).catch(() => null),
      kill: async () => {
        stopped.abort(new Failure('run/failed', 'the run was stopped before it began'));
        await (await running.catch(() => null))?.kill();
      },
    };
  }

  /** A source may take its time; a run that was stopped, or a vault that was locked meanwhile, starts nothing. */
  async #start(order: LeaseOrder, stopped: AbortSignal): Promise<RunningJob> {
    const job = await runJob(this.unlocked(), this.elsewhere, order, stopped);
    if (!stopped.aborted) return this.runners.run({ ...job, findsTaint: this.settings.findTaint });
    wipeJob(job);
    throw stopped.reason;
  }

  #hold(runId: string, request: Request, masked: Masked): void {
    const held = this.heldOutputs.hold(this.unlocked(), runId, request, masked, monotonicMs());
    this.record({ event: 'output_held', facts: { runId } }).catch((error: unknown) => this.log.failure('hold', error));
    this.watchers.tell({ event: 'held', held });
  }

  #announce(news: News): void {
    if (news.kind === 'suspicious' || news.kind === 'tainted') {
      const notice = noticeView(news);
      if (this.isUnlocked) this.notices.add(notice);
      this.watchers.tell({ event: 'notice', notice });
      return;
    }
    const ticket = this.authority.tickets.find(news.requestId);
    if (news.kind === 'answered') {
      const answer = news.answer === 'failed' ? 'denied' : news.answer;
      this.watchers.tell({ event: 'answered', requestId: news.requestId, answer });
    } else if (ticket !== undefined) {
      this.watchers.tell({ event: 'request', request: requestView(ticket.request) });
    }
  }

  async #sweep(): Promise<void> {
    this.#refusals = 0;
    try {
      this.watchers.closeIdle(monotonicMs());
      if (this.isUnlocked) this.heldOutputs.dropOld(this.unlocked(), monotonicMs());
      await this.authority.sweep();
      await this.#noticeClock();
      this.audit.tick();
      const idleMs = this.settings.lockAfterIdleMinutes * 60_000;
      if (idleMs > 0 && this.authority.leases.runs().length === 0 && monotonicMs() - this.#lastActiveMs > idleMs) {
        await this.lock('locked');
      }
    } catch (error) {
      this.log.failure('sweep', error);
    }
  }

  async #noticeClock(): Promise<void> {
    const offsetMs = Date.now() - monotonicMs();
    if (Math.abs(offsetMs - this.#clockOffsetMs) < CLOCK_DRIFT_MS) return;
    this.#clockOffsetMs = offsetMs;
    await this.record({ event: 'clock_changed', facts: {} });
  }
}

/** CLOCK_MONOTONIC in milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
