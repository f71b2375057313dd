// Who is at the other end of a connection, from what the system shows (I7). What the peer says of itself is a claim.

import { createHash } from 'node:crypto';
import { knownAgentAbove } from '../core/agents-above.ts';
import { makeId } from '../core/names.ts';
import type { AgentFacts, ProcessFacts } from '../core/request.ts';
import { processDigest } from '../machine/digest.ts';
import { ancestorsOf } from '../machine/processes.ts';
import type { Peer } from '../wire/peer.ts';

/** Digests of running programs kept (I8). */
const DIGESTS_MAX = 200;

export class Observer {
  /** A running program cannot be written (ETXTBSY), so one digest counts for as long as its process lives. */
  readonly #digests = new Map<string, Promise<string | null>>();

  /** The agent behind a connection: the process that launched its peer, or the known coding agent above it. */
  async agentBehind(peer: Peer, claimedName: string | null): Promise<AgentFacts> {
    const process = knownAgentAbove(peer.ancestors) ?? peer.ancestors.find(({ pid }) => pid !== 1) ?? peer.process;
    return await this.factsOf(process, claimedName);
  }

  /** The coding agent a command of the human's own shell runs under, or null: its changes become requests. */
  async agentAbove(peer: Peer): Promise<AgentFacts | null> {
    const process = knownAgentAbove(peer.ancestors);
    return process === null ? null : await this.factsOf(process);
  }

  /** A process as somebody who asks. */
  async factsOf(process: ProcessFacts, claimedName: string | null = null): Promise<AgentFacts> {
    const programDigest = await this.#digest(process);
    return agentFacts(process, programDigest, ancestorsOf(process.pid), claimedName);
  }

  async #digest(process: ProcessFacts): Promise<string | null> {
    const key = `${process.pid}@${process.startedAt}`;
    const known = this.#digests.get(key);
    if (known !== undefined) return await known;
    // Of what runs, and not of what lies at its path now. Null when it is unreadable or too large: the prompt says so.
    const digest = processDigest(process);
    const [oldest] = this.#digests.keys();
    if (this.#digests.size >= DIGESTS_MAX && oldest !== undefined) this.#digests.delete(oldest);
    this.#digests.set(key, digest);
    return await digest;
  }
}

/** The same of a process whose program and ancestors (nearest first) were just looked at. */
export function agentFacts(
  process: ProcessFacts,
  programDigest: string | null,
  ancestors: readonly ProcessFacts[],
  claimedName: string | null,
): AgentFacts {
  return {
    agentId: agentIdOf(process.program, programDigest),
    claimedName,
    process,
    programDigest,
    // Their arguments prove nothing here and could hold anything; the programs and pids are what is shown.
    ancestors: ancestors.map((ancestor) => ({ ...ancestor, argv: [] })),
  };
}

/** The same program has the same id, on every machine and in every process; an update makes it another one. */
function agentIdOf(program: string, programDigest: string | null): string {
  return makeId(
    'agent',
    createHash('sha256')
      .update(`${program}\0${programDigest ?? ''}`)
      .digest(),
  );
}
