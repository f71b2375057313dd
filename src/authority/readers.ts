// Which reader of a mounted file is which. A program is more than its path: its bytes, the script it runs, where it runs,
// and whether a coding agent started it. An allowed interpreter alone is never enough (attack F06).

import { canonicalJson } from '../core/canonical.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import type { Request } from '../core/request.ts';

/** Programs a human has refused, until lock; those refused for good are in the vault as well (I8). */
const DENIED_MAX = 2_000;

/** Whether a yes to the one program covers the other: the same mount, bytes, script, folder and loader variables. */
export function isSameProgram(approved: ReadFacts, read: ReadFacts): boolean {
  return programOf(approved) === programOf(read);
}

/** Whether it is the same program in the same process. An exec() keeps the process and changes the program. */
export function isSameProcess(approved: ReadFacts, read: ReadFacts): boolean {
  const [a, b] = [approved.reader.process, read.reader.process];
  return a.pid === b.pid && a.startedAt === b.startedAt && isSameProgram(approved, read);
}

/** Readers that the human is asked about one after the other, since one answer may do for all: a text. */
export function readerKey({ agent, work }: { readonly agent: Request['agent']; readonly work: ReadFacts }): string {
  const { pid, startedAt } = agent.process;
  return `${programOf(work)} ${work.reader.isUnderAgent ? `${pid}@${startedAt}` : ''}`;
}

/** Facts do not change; one reading is compared with every grant and lease there is. */
const programs = new WeakMap<ReadFacts, string>();

function programOf(read: ReadFacts): string {
  const known = programs.get(read);
  if (known !== undefined) return known;
  const program = describe(read);
  programs.set(read, program);
  return program;
}

function describe({ mountId, environmentId, variables, reader }: ReadFacts): string {
  const { process, programDigest, operands, isInterpreter, cwd, loaders, seesOurFiles, isUnderAgent } = reader;
  return canonicalJson({
    mountId,
    environmentId,
    variables,
    program: [process.program, programDigest],
    operands: operands.map(({ path, digest }) => [path, digest]),
    // `node server.js` is not `node -r ./other server.js`; of a program that runs only itself, options may differ.
    argv: isInterpreter ? process.argv : null,
    cwd,
    loaders,
    // In a view of its own the same path of a library, or of /etc/ld.so.preload, leads to other bytes.
    seesOurFiles,
    isUnderAgent,
  });
}

/**
 * What a no is remembered by: wider than a yes, so that an update of the program, or another folder, does not ask again.
 * A text, to be compared and kept.
 */
export function denialOf({ agent, work }: { readonly agent: Request['agent']; readonly work: ReadFacts }): string {
  const { process, operands, isCodeOnCommandLine, isUnderAgent } = work.reader;
  return canonicalJson({
    mountId: work.mountId,
    program: process.program,
    operands: operands.map(({ path }) => path),
    argv: isCodeOnCommandLine ? process.argv : null,
    agentId: isUnderAgent ? agent.agentId : null,
  });
}

/** The noes to readers. A denied watcher or indexer stays denied without another question. */
export class Denials {
  readonly #untilLock = new Set<string>();
  #always = new Set<string>();

  /** What the vault remembers, told at unlock. */
  remember(always: readonly string[]): void {
    this.#always = new Set(always);
  }

  deny(denial: string, isForGood: boolean): void {
    if (isForGood) this.#always.add(denial);
    const [oldest] = this.#untilLock;
    if (this.#untilLock.size >= DENIED_MAX && oldest !== undefined) this.#untilLock.delete(oldest);
    this.#untilLock.add(denial);
  }

  has(denial: string): boolean {
    return this.#always.has(denial) || this.#untilLock.has(denial);
  }

  /** Asks again about readers of one mount, or of all. */
  forget(mountId: string | null): void {
    for (const denials of [this.#untilLock, this.#always])
      for (const denial of denials)
        if (mountId === null || denial.includes(`"mountId":"${mountId}"`)) denials.delete(denial);
  }

  /** At lock: what was not refused for good is asked again. */
  lock(): void {
    this.#untilLock.clear();
    this.#always.clear();
  }
}
