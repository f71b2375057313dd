// npm run mutants: changes src/core/redactor and src/core/sweep in every way that Stryker knows, and looks whether a test
// notices. A word picks a file or a folder: `npm run mutants -- marker.ts sweep`. What is known from the last run is not
// tried again (.cache/mutants). Exit code 1 when fewer than 90 % were noticed.

import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../test/house.ts';
import { cachedPackages } from './cached-packages.ts';

const VERSIONS = { '@stryker-mutator/core': '10.1.1' } as const;
/** What finds and hides: all of it has its tests in a folder of the same name. */
const ROOMS = ['core/redactor', 'core/sweep'] as const;
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
writeFileSync(join(ROOT, CACHE, 'stryker.json'), JSON.stringify(configuration(filesOf(process.argv.slice(2)))));
const { status } = spawnSync(process.execPath, [stryker, 'run', `${CACHE}/stryker.json`], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

/** `words` are names of files or of the folders they are in. */
function filesOf(words: readonly string[]): readonly string[] {
  const all = ROOMS.flatMap((room) => sourcesIn(`src/${room}`));
  const picked = words.map((word) => all.filter((path) => path.split('/').includes(word)));
  for (const [k, word] of words.entries()) {
    if (picked[k]!.length === 0) throw new Error(`${word} is none of ${all.join(', ')}`);
  }
  return words.length === 0 ? all : picked.flat();
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}

function configuration(mutated: readonly string[]): object {
  const tests = ROOMS.flatMap((room) => sourcesIn(`test/${room}`)).filter((path) => path.endsWith('.test.ts'));
  return {
    testRunner: 'node-test',
    plugins: ['./scripts/mutants/runner.ts'],
    nodeTest: { files: tests, timesFile: join(ROOT, CACHE, 'times.json') },
    mutate: mutated,
    ignorePatterns: ['/*', '!/src', '!/test', '!/scripts', '!/docs', '!/package.json', '!/package-lock.json'],
    tempDirName: `${CACHE}/sandbox`,
    incremental: true,
    incrementalFile: `${CACHE}/incremental.json`,
    coverageAnalysis: 'perTest',
    concurrency: CONCURRENCY,
    maxTestRunnerReuse: MUTANTS_PER_PROCESS,
    timeoutMS: TIMEOUT_MS,
    dryRunTimeoutMinutes: DRY_RUN_MINUTES_MAX,
    disableTypeChecks: false,
    allowConsoleColors: false,
    reporters: ['clear-text', 'json'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    jsonReporter: { fileName: `${CACHE}/report.json` },
    thresholds: { high: 100, low: KILLED_PERCENT_MIN, break: KILLED_PERCENT_MIN },
  };
}

function say(text: string): void {
  process.stderr.write(`mutants: ${text}\n`);
}
