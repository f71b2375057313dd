// A ticket is one request on its way to an answer. Every ticket ends: answered, run, expired, withdrawn or refused (I3).

import type { OutputMode } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import type { Request } from '../core/request.ts';
import { processKey } from './agents.ts';
import type { HandOver, TicketEnd } from './powers.ts';

export const WAITING_MAX = 20;
export const WAITING_PER_AGENT_MAX = 5;
/** After a no, the same request is refused for this long without asking again. */
export const COOL_DOWN_MS = 60_000;
/** Answers kept for `check_request`; the oldest go first (I8). */
const ENDED_MAX = 40;
/** Characters of output those answers may hold together. */
const ENDED_OUTPUT_MAX = 16 * 1024 * 1024;
const COOL_DOWNS_MAX = 1_000;

export type TicketState =
  | { readonly at: 'waiting' }
  /** Approved; what was approved is being done. */
  | { readonly at: 'working'; readonly runId: string | null }
  | { readonly at: 'over'; readonly end: TicketEnd };

export class Ticket {
  readonly request: Request;
  readonly stdin: Buffer | null;
  /** Opens a mounted file for the reader that asked; null for every other work. */
  readonly handOver: HandOver | null;
  /** What the environment and its variables allow, whatever the human picks. */
  readonly outputAtMost: OutputMode;
  readonly expiresAtMs: number;
  #state: TicketState = { at: 'waiting' };
  #isSpent = false;
  readonly #listeners = new Set<() => void>();

  constructor(
    request: Request,
    ask: { readonly stdin: Buffer | null; readonly outputAtMost: OutputMode; readonly handOver?: HandOver },
    expiresAtMs: number,
  ) {
    this.request = request;
    this.stdin = ask.stdin;
    this.handOver = ask.handOver ?? null;
    this.outputAtMost = ask.outputAtMost;
    this.expiresAtMs = expiresAtMs;
  }

  get state(): TicketState {
    return this.#state;
  }

  get requestId(): string {
    return this.request.requestId;
  }

  /** Only a waiting ticket can be taken to work, and only once (attack A19). */
  startWork(runId: string | null): void {
    if (this.#state.at !== 'waiting') throw new Failure('request/over', 'that request is no longer waiting');
    this.#change({ at: 'working', runId });
  }

  /** Ends the ticket. The first end stands: a run that was revoked does not come back as completed. */
  end(end: TicketEnd): boolean {
    if (this.#state.at === 'over') return false;

    this.stdin?.fill(0);
    this.#change({ at: 'over', end });
    return true;
  }

  /** Uses the yes to a revelation up. Throws `request/over` unless it is there, and not used yet. */
  spend(): void {
    const isApproved = this.#state.at === 'over' && this.#state.end.status === 'completed';
    if (!isApproved || this.#isSpent) throw new Failure('request/over', 'that approval was used, or never given');
    this.#isSpent = true;
  }

  /** A released output takes the place of the summary the agent was given. */
  replaceEnd(end: TicketEnd): void {
    if (this.#state.at === 'over' && this.#state.end.status === 'completed') this.#state = { at: 'over', end };
  }

  /** Resolves at the next change of state, or when `signal` aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) return;
    this.#listeners.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#listeners.delete(resolve);
  }

  #change(state: TicketState): void {
    this.#state = state;
    for (const tell of this.#listeners) tell();
  }
}

export class Tickets {
  readonly #open = new Map<string, Ticket>();
  readonly #ended = new Map<string, Ticket>();
  /** Agent process and digest of what was denied, and until when. */
  readonly #coolDowns = new Map<string, number>();

  add(ticket: Ticket): void {
    this.#open.set(ticket.requestId, ticket);
  }

  /** The ticket with that id, over or not, or undefined. */
  find(requestId: string): Ticket | undefined {
    return this.#open.get(requestId) ?? this.#ended.get(requestId);
  }

  findRun(runId: string): Ticket | undefined {
    return [...this.#ended.values()].find(({ state }) => {
      return state.at === 'over' && state.end.status === 'completed' && state.end.result?.runId === runId;
    });
  }

  /** A waiting ticket for exactly the same: asking twice is one prompt. */
  findWaiting(digest: string): Ticket | undefined {
    return this.waiting().find(({ request }) => request.digest === digest);
  }

  waiting(): Ticket[] {
    return [...this.#open.values()].filter(({ state }) => state.at === 'waiting');
  }

  open(): Ticket[] {
    return [...this.#open.values()];
  }

  /** Whether one more may wait for the human (attack A15). */
  hasRoomFor(agent: Request['agent']): boolean {
    const waiting = this.waiting();
    const own = waiting.filter(({ request }) => processKey(request.agent.process) === processKey(agent.process));
    return waiting.length < WAITING_MAX && own.length < WAITING_PER_AGENT_MAX;
  }

  /** Moves an ended ticket to where `check_request` still finds it. */
  retire(ticket: Ticket): void {
    this.#open.delete(ticket.requestId);
    // Nobody asks what became of a reading, and a program that reads all day must not push out what an agent waits for.
    if (ticket.request.work.action === 'ReadMount' && isCompleted(ticket)) return;
    this.#ended.set(ticket.requestId, ticket);
    let output = [...this.#ended.values()].reduce((sum, ended) => sum + outputOf(ended), 0);
    for (const [id, oldest] of this.#ended) {
      if (this.#ended.size <= ENDED_MAX && output <= ENDED_OUTPUT_MAX) return;
      output -= outputOf(oldest);
      this.#ended.delete(id);
    }
  }

  forgetEnded(): void {
    this.#ended.clear();
  }

  coolDown(request: Request, nowMs: number): void {
    const [oldest] = this.#coolDowns.keys();
    if (this.#coolDowns.size >= COOL_DOWNS_MAX && oldest !== undefined) this.#coolDowns.delete(oldest);
    this.#coolDowns.set(request.digest, nowMs + COOL_DOWN_MS);
  }

  isCoolingDown(digest: string, nowMs: number): boolean {
    const until = this.#coolDowns.get(digest);
    if (until !== undefined && until <= nowMs) this.#coolDowns.delete(digest);
    return until !== undefined && until > nowMs;
  }
}

function isCompleted({ state }: Ticket): boolean {
  return state.at === 'over' && state.end.status === 'completed';
}

function outputOf({ state }: Ticket): number {
  if (state.at !== 'over' || state.end.status !== 'completed') return 0;
  return (state.end.result?.stdout.length ?? 0) + (state.end.result?.stderr.length ?? 0);
}
