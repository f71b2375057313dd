// npm run mutants: changes what hides secrets, in src/core, in every way that Stryker knows, and looks whether a test
// notices. A word picks a file or a folder: `npm run mutants -- marker.ts derived sweep/letters.ts`. What was noticed in the
// last run is not tried again (.cache/mutants). Exit code 1 when fewer than 90 % were noticed.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../test/house.ts';
import { cachedPackages } from './cached-packages.ts';
import type { Plan } from './mutants/runner.ts';

const VERSIONS = { '@stryker-mutator/core': '10.1.1' } as const;
/** What finds and hides, in src/core. Each is met by the tests in the folder of the same name. */
const ROOMS = ['derived', 'forms', 'redactor', 'sweep'] as const;
type Room = (typeof ROOMS)[number];
/** Tests, or groups of them, by how their names begin: with a count at every place that may be changed these take minutes. */
const WITHOUT = [
  'I8: a text that is made to be slow or large',
  ...['source code', 'a hundred', 'the lock', 'hexdump', 'xxd', 'od', 'digests', 'JSON', 'numbers'].map(
    (output) => `what programs print comes through byte for byte ${output}`,
  ),
  'I8: of a secret of 64 KiB, whole or in part, byte by byte, less than 512 bytes are held back',
  'I8: values that are together too long to look for are refused, not shown',
];
const KILLED_PERCENT_MIN = 90;
const CONCURRENCY = 2;
/** A mutant may go round for ever: this much over what its tests take. */
const TIMEOUT_MS = 5_000;
/** Every test once, with a count at every place that may be changed. */
const DRY_RUN_MINUTES_MAX = 30;
/** A process keeps all it ever loaded. */
const MUTANTS_PER_PROCESS = 60;
const CACHE = '.cache/mutants';

const stryker = join(cachedPackages('mutants', VERSIONS, say), '.bin', 'stryker');
const picked = pick(process.argv.slice(2));
process.exitCode = Math.max(...ROOMS.filter((room) => picked.has(room)).map((room) => run(room, picked.get(room)!)));

/** Sources by room. `words` are names of files, with their folder or without, or of the folders they are in. */
function pick(words: readonly string[]): ReadonlyMap<Room, readonly string[]> {
  const all = ROOMS.flatMap((room) => sourcesIn(`src/core/${room}`).map((path) => ({ room, path })));
  const isMeant = (path: string, word: string): boolean => path.split('/').includes(word) || path.endsWith(`/${word}`);
  const stray = words.find((word) => !all.some(({ path }) => isMeant(path, word)));
  if (stray !== undefined) throw new Error(`${stray} is none of ${all.map(({ path }) => path).join(', ')}`);
  const meant = all.filter(({ path }) => words.length === 0 || words.some((word) => isMeant(path, word)));
  const byRoom = Map.groupBy(meant, ({ room }) => room);
  return new Map([...byRoom].map(([room, files]) => [room, files.map(({ path }) => path)]));
}

/** Gives Stryker's exit code. */
function run(room: Room, files: readonly string[]): number {
  mkdirSync(join(ROOT, CACHE, room), { recursive: true });
  forgetSurvivors(join(ROOT, CACHE, room, 'incremental.json'));
  writeFileSync(join(ROOT, CACHE, room, 'stryker.json'), JSON.stringify(configuration(room, files)));
  const argv = [stryker, 'run', `${CACHE}/${room}/stryker.json`];
  return spawnSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
}

/** Stryker does not try one again for which no test was known that comes by it; there may be one now. */
function forgetSurvivors(path: string): void {
  if (!existsSync(path)) return;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as Stryker wrote it
  const report = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly files: Readonly<Record<string, { mutants: readonly { readonly status: string }[] }>>;
  };
  for (const file of Object.values(report.files)) {
    file.mutants = file.mutants.filter(({ status }) => status !== 'Survived' && status !== 'NoCoverage');
  }
  writeFileSync(path, JSON.stringify(report));
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}

function configuration(room: Room, files: readonly string[]): object {
  const cache = `${CACHE}/${room}`;
  const tests = sourcesIn(`test/core/${room}`).filter((path) => path.endsWith('.test.ts'));
  return {
    testRunner: 'node-test',
    plugins: ['./scripts/mutants/runner.ts'],
    nodeTest: { files: tests, without: WITHOUT, timesFile: join(ROOT, cache, 'times.json') } satisfies Plan,
    mutate: files,
    ignorePatterns: ['/*', '!/src', '!/test', '!/scripts', '!/docs', '!/package.json', '!/package-lock.json'],
    tempDirName: `${cache}/sandbox`,
    incremental: true,
    incrementalFile: `${cache}/incremental.json`,
    coverageAnalysis: 'perTest',
    concurrency: CONCURRENCY,
    maxTestRunnerReuse: MUTANTS_PER_PROCESS,
    timeoutMS: TIMEOUT_MS,
    dryRunTimeoutMinutes: DRY_RUN_MINUTES_MAX,
    disableTypeChecks: false,
    allowConsoleColors: false,
    reporters: ['progress-append-only', 'clear-text', 'json'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    jsonReporter: { fileName: `${cache}/report.json` },
    thresholds: { high: 100, low: KILLED_PERCENT_MIN, break: KILLED_PERCENT_MIN },
  };
}

function say(text: string): void {
  process.stderr.write(`mutants: ${text}\n`);
}
