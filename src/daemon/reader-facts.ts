// From a process that opened a mounted file to what a human can decide about: what runs, its script, its folder, and the
// coding agent above it, if there is one (I7).

import { knownAgentAbove } from '../core/agents-above.ts';
import { isCodeOnCommandLine, isInterpreter } from '../core/interpreters.ts';
import type { ReaderFacts } from '../core/mount-facts.ts';
import type { AgentFacts } from '../core/request.ts';
import { isChangeableByUser, operandsOf, processDigest } from '../machine/digest.ts';
import type { ProcessName } from '../machine/processes.ts';
import { isSameFileFor, programMark, seenReader, type SeenReader } from '../machine/readers.ts';
import { agentFacts, type Observer } from './observe.ts';

/** Readers remembered, so that reading again costs little (I8); the oldest go first. */
const READERS_MAX = 500;

/** A reader, and who answers for it: the agent above it, or itself. */
export interface KnownReader {
  readonly reader: ReaderFacts;
  readonly agent: AgentFacts;
  /** Whether the process still runs what it did when it was looked at: an exec() keeps its number and its start. */
  readonly isUnchanged: () => boolean;
}

/** The agent of the run that process belongs to; null for no run of ours; `unknown` for a run that is over. */
export type RunAgentOf = (seen: SeenReader) => AgentFacts | null | 'unknown';

export class ReaderObserver {
  readonly #observer: Observer;
  readonly #ownMounts: readonly string[];
  readonly #runAgentOf: RunAgentOf;
  /** By process; counts as long as the process runs the same program with the same arguments. */
  readonly #known = new Map<string, { readonly mark: string; readonly reader: Promise<KnownReader | null> }>();

  constructor(observer: Observer, ownMounts: readonly string[], runAgentOf: RunAgentOf) {
    this.#observer = observer;
    this.#ownMounts = ownMounts;
    this.#runAgentOf = runAgentOf;
  }

  /** Null for a process that cannot be identified. Never rejects. */
  async identify(name: ProcessName): Promise<KnownReader | null> {
    const key = `${name.pid}@${name.startedAt}`;
    const known = this.#known.get(key);
    if (known !== undefined && known.mark === programMark(name)) return await known.reader;
    const seen = seenReader(name);
    if (seen === null) return null;
    const reader = this.#factsOf(seen).catch(() => null);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= READERS_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, { mark: seen.programMark, reader });
    const facts = await reader;
    // A program that was executed while we looked is another one.
    return programMark(name) === seen.programMark ? facts : null;
  }

  async #factsOf(seen: SeenReader): Promise<KnownReader | null> {
    const above = this.#agentOf(seen);
    if (above === 'unknown') return null;
    const agent = await above;
    // A container, or somebody's sandbox: what a path or a pid means there is not ours to say. An agent's own sandbox is
    // known by the agent above it, which is seen from here.
    if (agent === null && !seen.isInOurPidNamespace) return null;
    const programDigest = await processDigest(seen.process);
    if (programDigest === null) return null;
    const operands = await operandsOf(seen.process.argv, seen.cwd.path, this.#ownMounts);
    const isTrue = seen.seesOurFiles || operands.every(({ path }) => isSameFileFor(seen.process, path));
    if (!isTrue) return null;
    const { program, argv } = seen.process;
    const isCode = isCodeOnCommandLine(program, argv);
    const reader: ReaderFacts = {
      process: seen.process,
      programDigest,
      isProgramChangeable: isChangeableByUser(program),
      operands,
      isInterpreter: isCode || isInterpreter(program, argv),
      isCodeOnCommandLine: isCode,
      cwd: seen.cwd,
      loaders: seen.loaders,
      seesOurFiles: seen.seesOurFiles,
      // Whoever left the agent's processes is still not the human's own program; it only has nobody to answer for it.
      isUnderAgent: agent !== null || seen.hasAgentMarker,
    };
    const isUnchanged = (): boolean => programMark(seen.process) === seen.programMark;
    return {
      reader,
      agent: agent ?? agentFacts(seen.process, programDigest, seen.ancestors, null),
      isUnchanged,
    };
  }

  #agentOf(seen: SeenReader): Promise<AgentFacts> | null | 'unknown' {
    const runAgent = this.#runAgentOf(seen);
    if (runAgent === 'unknown') return runAgent;
    if (runAgent !== null) return Promise.resolve(runAgent);
    const agent = knownAgentAbove([seen.process, ...seen.ancestors]);
    return agent === null ? null : this.#observer.factsOf(agent);
  }
}
