// A world for the authority to act in: a clock one can turn, a disk one can fill, runs one can watch. Everything the
// authority does to it is written down in the order it happened.

import { NO_SIGNS, type MaskingSigns } from '../../src/core/suspicion.ts';
import type { Taint } from '../../src/core/taint.ts';
import type { Delivery, DeliveryEnd, LeaseOrder, News, Powers } from '../../src/authority/powers.ts';
import type { Ask } from '../../src/authority/gate.ts';
import { Authority } from '../../src/authority/gate.ts';
import type { AuditEvent } from '../../src/core/event.ts';
import { Failure } from '../../src/core/failure.ts';
import type { AgentFacts, Approval, RunFacts } from '../../src/core/request.ts';
import type { Ticket } from '../../src/authority/tickets.ts';

export const EXPIRES_AFTER_MS = 5 * 60_000;

export interface Run {
  readonly order: LeaseOrder;
  isKilled: boolean;
  isEnded: boolean;
  end(): void;
}

export class World {
  readonly events: AuditEvent[] = [];
  readonly runs: Run[] = [];
  readonly ended = new Set<number>();
  readonly held: string[] = [];
  readonly news: News[] = [];
  /** Of every run. */
  signs: MaskingSigns = NO_SIGNS;
  taint: Taint | null = null;
  /** Each reading of the vault for the human, as the events that were on the record before it. */
  readonly disclosed: string[][] = [];
  isUnlocked = true;
  isDiskFull = false;
  nowMs = 1_000;
  readonly authority: Authority;
  readonly #timers: { at: number; act: () => void }[] = [];
  #ids = 0;
  /** Where the order of what finishes first can be shuffled. */
  readonly #later: <T>(value: T, what: string) => Promise<T>;

  constructor(later: <T>(value: T, what: string) => Promise<T> = async (value) => await Promise.resolve(value)) {
    this.#later = later;
    this.authority = new Authority(this.#powers());
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#timers.splice(0)) {
      if (timer.at <= this.nowMs) timer.act();
      else this.#timers.push(timer);
    }
  }

  #powers(): Powers {
    return {
      expiresAfterMs: EXPIRES_AFTER_MS,
      monotonicMs: () => this.nowMs,
      wallMs: () => 1_700_000_000_000 + this.nowMs,
      after: (ms, then) => {
        const timer = { at: this.nowMs + ms, act: then };
        this.#timers.push(timer);
        return () => void this.#timers.splice(this.#timers.indexOf(timer), this.#timers.includes(timer) ? 1 : 0);
      },
      newId: (kind) => `${kind}_${String((this.#ids += 1)).padStart(20, '0')}`,
      record: async (...events) => {
        const isFull = this.isDiskFull;
        await this.#later(null, 'record');
        if (isFull) throw new Failure('audit/unavailable', 'the disk is full');
        this.events.push(...events);
      },
      isUnlocked: () => this.isUnlocked,
      isAlive: ({ pid }) => !this.ended.has(pid),
      deliver: (order) => this.#deliver(order),
      change: (change) =>
        change.kind === 'create' ? { kind: 'created', environmentId: 'env_new' } : { kind: 'renamed' },
      disclose: async () => {
        this.disclosed.push(this.events.map(({ event }) => event));
        return [];
      },
      arrange: async () => ({ kind: 'unmounted' }),
      hold: (runId) => void this.held.push(runId),
      announce: (news) => void this.news.push(news),
    };
  }

  #deliver(order: LeaseOrder): Delivery {
    if (!this.isUnlocked) throw new Failure('vault/locked', 'the vault is locked');
    const { promise, resolve } = Promise.withResolvers<DeliveryEnd>();
    const end: DeliveryEnd = {
      kind: 'ended',
      masked: { stdout: Buffer.from('out'), stderr: Buffer.alloc(0), redactions: [], unmaskable: [] },
      signs: this.signs,
      result: {
        runId: order.runId,
        exitCode: 0,
        signal: null,
        timedOut: false,
        durationMs: 1,
        stdout: order.output === 'redacted' ? 'out' : '',
        stderr: '',
        stdoutLines: 1,
        stderrLines: 0,
        truncated: false,
        redactions: [],
        outputMode: order.output,
      },
    };
    const finish = (): void => {
      run.isEnded = true;
      resolve(end);
    };
    const run: Run = { order, isKilled: false, isEnded: false, end: finish };
    this.runs.push(run);
    return {
      started: this.#later({ pid: 4_000 + this.runs.length }, 'started'),
      ended: promise,
      tainted: promise.then(() => this.taint),
      kill: async () => {
        run.isKilled = true;
        await this.#later(null, 'kill');
        finish();
      },
    };
  }
}

export function agent(pid = 100): AgentFacts {
  const process = { pid, startedAt: '7', program: '/usr/bin/codex', argv: ['codex'], uid: 1000 };
  return { agentId: 'agent_codex', claimedName: 'codex', process, programDigest: 'aa', ancestors: [] };
}

export function run(overrides: Partial<RunFacts> = {}): RunFacts {
  return {
    action: 'Run',
    environmentId: 'env_shop',
    environmentName: 'shop',
    environmentCreatedBy: null,
    variables: [{ name: 'TOKEN', source: 'shop/TOKEN' }],
    argv: ['deploy'],
    program: { path: '/usr/bin/deploy', digest: 'dd', bytes: 9, isChangeable: false },
    operands: [],
    isCodeChosenByAgent: false,
    cwd: { path: '/srv/shop', dev: '1', ino: '2' },
    environmentDelta: {},
    stdin: null,
    output: 'redacted',
    timeoutSeconds: 60,
    ...overrides,
  };
}

export function ask(overrides: Partial<Ask> = {}): Ask {
  return {
    agent: agent(),
    work: run(),
    reason: 'to deploy',
    stdin: null,
    createdBy: null,
    outputAtMost: 'redacted',
    needsAdmission: true,
    ...overrides,
  };
}

export function yes(ticket: Ticket, overrides: Partial<Approval> = {}): Approval {
  const { requestId, digest } = ticket.request;
  return { requestId, digest, life: { kind: 'once' }, scope: 'exact', tier: 1, ...overrides };
}

/** Lets everything that can go on go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
