// Who the agents are. An agent is the process that launched the server, as the system shows it (I7): another process
// of the same program is another agent, and asks again. Admission lasts as long as the process lives.

import type { AgentFacts, ProcessFacts } from '../core/request.ts';

/** Processes remembered at once (I8); the ones that ended go first. */
const ADMITTED_MAX = 200;

/** One process, for as long as this boot lasts: a pid alone is used again (attack S07). */
export function processKey(process: Pick<ProcessFacts, 'pid' | 'startedAt'>): string {
  return `${process.pid}@${process.startedAt}`;
}

/** A program that has asked before, whatever process it ran in. */
export interface KnownAgent {
  readonly agentId: string;
  readonly program: string;
  readonly programDigest: string | null;
  readonly isBlocked: boolean;
}

export class Agents {
  #admitted = new Map<string, AgentFacts>();
  #blocked = new Map<string, KnownAgent>();
  readonly #isAlive: (process: ProcessFacts) => boolean;

  constructor(isAlive: (process: ProcessFacts) => boolean) {
    this.#isAlive = isAlive;
  }

  /** What the vault remembers, told at unlock. */
  remember(known: readonly KnownAgent[]): void {
    this.#blocked = new Map(known.filter((agent) => agent.isBlocked).map((agent) => [agent.agentId, agent]));
  }

  isAdmitted(agent: AgentFacts): boolean {
    return this.#admitted.has(processKey(agent.process));
  }

  /** Blocked by path or by digest: renaming the program or updating it is not a way around. */
  isBlocked(agent: AgentFacts): boolean {
    for (const blocked of this.#blocked.values()) {
      if (blocked.agentId === agent.agentId || blocked.program === agent.process.program) return true;
      if (blocked.programDigest !== null && blocked.programDigest === agent.programDigest) return true;
    }
    return false;
  }

  admit(agent: AgentFacts): void {
    this.forgetEnded();
    const [oldest] = this.#admitted.keys();
    if (this.#admitted.size >= ADMITTED_MAX && oldest !== undefined) this.#admitted.delete(oldest);
    this.#admitted.set(processKey(agent.process), agent);
  }

  block(agent: KnownAgent): void {
    this.#blocked.set(agent.agentId, { ...agent, isBlocked: true });
    this.#dismiss(agent.agentId);
  }

  unblock(agentId: string): void {
    this.#blocked.delete(agentId);
  }

  forget(agentId: string): void {
    this.unblock(agentId);
    this.#dismiss(agentId);
  }

  /** The pids that are admitted now, of one agent. */
  pidsOf(agentId: string): number[] {
    return [...this.#admitted.values()].filter((agent) => agent.agentId === agentId).map(({ process }) => process.pid);
  }

  forgetEnded(): void {
    for (const [key, agent] of this.#admitted) if (!this.#isAlive(agent.process)) this.#admitted.delete(key);
  }

  #dismiss(agentId: string): void {
    for (const [key, agent] of this.#admitted) if (agent.agentId === agentId) this.#admitted.delete(key);
  }
}
