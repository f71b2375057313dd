// A test runner for Stryker: runs tests written for node:test again and again in one process. A process for each mutant,
// which is Stryker's own way for a test runner it does not know, takes seconds to start, to make code hot and to start
// other programs; there are thousands of mutants. Everything of ours is loaded anew for each, so that no table filled under
// one is seen by the next, and without the counts and switches of the others, which take most of the time.

import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { type CollectedTest, collected } from './collected-tests.ts';

/** A law is tried for a moment only, with the same inputs each time, and one that is broken is not made short. */
const LAW_MS = 400;
/** Of a law that does not say how often it is tried, and the values that a tool is asked to write in its way. */
const RUNS = 4;
const SEED = 1;

const STANDS_FOR: ReadonlyMap<string, string> = new Map([
  ['node:test', new URL('collected-tests.ts', import.meta.url).href],
  ['node:child_process', new URL('remembered-programs.ts', import.meta.url).href],
]);

/** Stryker's names for what the changed code reads and writes: `INSTRUMENTER_CONSTANTS` in its API. */
interface Mutants {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: object | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

/** What is used of Stryker's `MutantRunOptions`. */
interface MutantRun {
  readonly activeMutant: { readonly id: string };
  readonly testFilter?: readonly string[];
  readonly hitLimit?: number;
}

type MutantResult =
  | {
      readonly status: 'killed';
      readonly killedBy: readonly string[];
      readonly failureMessage: string;
      readonly nrOfTests: number;
    }
  | { readonly status: 'survived'; readonly nrOfTests: number }
  | { readonly status: 'timeout'; readonly reason: string };

/** What `stryker.json` says of this runner. */
export interface Plan {
  /** In the folder of the sandbox. */
  readonly files: readonly string[];
  /** How the names of tests begin that are not run. */
  readonly without: readonly string[];
  readonly timesFile: string;
}

/** What a test took without a mutant. */
interface Timed {
  readonly id: string;
  /** In the folder of the sandbox. */
  readonly file: string;
  readonly timeSpentMs: number;
}

/** Stryker's `TestStatus`. */
const SUCCESS = 0;
const SKIPPED = 2;

class NodeTestRunner {
  static readonly inject = ['options'] as const;
  readonly #files: readonly string[];
  readonly #without: readonly string[];
  readonly #timesFile: string;
  #times: readonly Timed[] | undefined;

  constructor({ nodeTest }: { readonly nodeTest: Plan }) {
    this.#files = nodeTest.files;
    this.#without = nodeTest.without;
    this.#timesFile = nodeTest.timesFile;
  }

  init(): Promise<void> {
    fc.configureGlobal({ seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: LAW_MS, endOnFailure: true });
    loadAnew(process.cwd());
    return Promise.resolve();
  }

  capabilities(): { readonly reloadEnvironment: boolean } {
    return { reloadEnvironment: true };
  }

  /**
   * Every test without a mutant: which of them come by which mutant, and how long they take. Each file with everything
   * anew: what a test file before it filled in a table would hide that it comes by too.
   */
  async dryRun(): Promise<object> {
    const mutants = mutantsOf();
    mutants.mutantCoverage = { static: {}, perTest: {} };
    const tests: object[] = [];
    const times: Timed[] = [];
    for (const file of this.#files) {
      generation += 1;
      for (const test of await testsOf(file)) {
        if (this.#without.some((start) => test.name.startsWith(start))) continue;
        const id = idOf(file, test);
        const startedAt = performance.now();
        mutants.currentTestId = id;
        const failure = await failureOf(test);
        mutants.currentTestId = undefined;
        const timeSpentMs = performance.now() - startedAt;
        if (failure === undefined) times.push({ id, file, timeSpentMs });
        else process.stderr.write(`mutants: left out, since it fails as it is: ${id}: ${failure}\n`);
        tests.push({ id, name: id, timeSpentMs, status: failure === undefined ? SUCCESS : SKIPPED });
      }
    }
    writeFileSync(this.#timesFile, JSON.stringify(times));
    return { status: 'complete', tests, mutantCoverage: mutants.mutantCoverage };
  }

  /** The quick tests first, until one fails. The mutant is there already when the files are loaded. */
  async mutantRun({ activeMutant, testFilter, hitLimit = Infinity }: MutantRun): Promise<MutantResult> {
    this.#times ??= JSON.parse(readFileSync(this.#timesFile, 'utf8')) as Timed[];
    const picked = this.#times
      .filter(({ id }) => testFilter?.includes(id) ?? true)
      .toSorted((a, b) => a.timeSpentMs - b.timeSpentMs);
    generation += 1;
    const mutants = mutantsOf();
    Object.assign(mutants, { activeMutant: activeMutant.id, hitCount: 0, hitLimit, mutantCoverage: undefined });
    const tests = new Map<string, CollectedTest>();
    const loaded = new Set<string>();
    for (const [k, { id, file }] of picked.entries()) {
      let failure: string | undefined;
      try {
        if (!loaded.has(file)) for (const test of await testsOf(file)) tests.set(idOf(file, test), test);
        loaded.add(file);
        const test = tests.get(id);
        failure = test === undefined ? 'it is not there any more' : await failureOf(test);
      } catch (error) {
        failure = String(error);
      }
      if ((mutants.hitCount ?? 0) > hitLimit) return { status: 'timeout', reason: 'it goes round and round' };
      if (failure !== undefined) {
        return { status: 'killed', killedBy: [id], failureMessage: failure, nrOfTests: k + 1 };
      }
    }
    return { status: 'survived', nrOfTests: picked.length };
  }
}

/** Stryker looks for this name. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'node-test', injectableClass: NodeTestRunner }];

let generation = 0;

/** From now on, each module below the folder is loaded once a generation. */
function loadAnew(folder: string): void {
  const root = `${pathToFileURL(folder).href}/`;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const stands = STANDS_FOR.get(specifier);
      if (stands !== undefined && context.parentURL?.startsWith(root) === true)
        return { url: stands, shortCircuit: true };
      const resolved = nextResolve(specifier, context);
      const isOurs = resolved.url.startsWith(root) && !resolved.url.includes('/node_modules/');
      return isOurs ? { ...resolved, url: `${resolved.url.split('?')[0]}?${generation}` } : resolved;
    },
    load(url, context, nextLoad) {
      const [file = ''] = url.split('?');
      if (file === url || !file.startsWith(root)) return nextLoad(url, context);
      return { format: 'module', source: sourceOf(file), shortCircuit: true };
    },
  });
}

const stripped = new Map<string, string>();
const plain = new Map<string, string>();

/** As Stryker wrote it while mutants are counted; then with the switch of the one that is tried, where that is. */
function sourceOf(file: string): string {
  const source = remembered(stripped, file, () => stripTypeScriptTypes(readFileSync(fileURLToPath(file), 'utf8')));
  const { activeMutant } = mutantsOf();
  if (activeMutant === undefined) return source;
  if (source.includes(switchOf(activeMutant))) return without(source, activeMutant);
  return remembered(plain, file, () => without(source, ''));
}

function switchOf(mutant: string): string {
  return `stryMutAct_9fa48("${mutant}")`;
}

function without(source: string, mutant: string): string {
  return source
    .replaceAll(/stryCov_9fa48\((?:"\d+",? ?)+\)/g, '0')
    .replaceAll(/stryMutAct_9fa48\("\d+"\)/g, (text) => (text === switchOf(mutant) ? text : 'false'));
}

function remembered(texts: Map<string, string>, file: string, make: () => string): string {
  const text = texts.get(file) ?? make();
  texts.set(file, text);
  return text;
}

function idOf(file: string, test: CollectedTest): string {
  return `${file} ${test.name}`;
}

async function testsOf(file: string): Promise<readonly CollectedTest[]> {
  collected();
  await import(pathToFileURL(join(process.cwd(), file)).href);
  return collected();
}

/** undefined when the test passes. */
async function failureOf(test: CollectedTest): Promise<string | undefined> {
  try {
    await test.body({ skip: () => undefined });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function mutantsOf(): Mutants {
  const holder = globalThis as { __stryker__?: Mutants };
  holder.__stryker__ ??= {};
  return holder.__stryker__;
}
