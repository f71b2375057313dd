// npm run mutants: changes src/core/redactor in every way that Stryker knows, and looks whether a test notices. A word picks
// files: `npm run mutants -- marker.ts`. What is known from the last run is not tried again (.cache/mutants). Exit code 1
// when fewer than 90 % were noticed. Tests that fail without a change are named and left out.

import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../test/house.ts';
import { cachedPackages } from './cached-packages.ts';

const VERSIONS = { '@stryker-mutator/core': '10.1.1' } as const;
const FOLDER = 'src/core/redactor';
const TESTS = 'test/core/redactor';
/** What finds and hides; the other files say what is looked for, and their tests start other programs, for seconds. */
const ENGINE_FILES: ReadonlySet<string> = new Set([
  'gram-index.ts',
  'hash.ts',
  'marker.ts',
  'matcher.ts',
  'needles.ts',
  'part-ends.ts',
  'prefixes.ts',
  'redactor.ts',
  'telling.ts',
]);
const ENGINE_TESTS = /^(?:redactor|marker|matcher|prefixes|corpus)/;
const KILLED_PERCENT_MIN = 90;
const CONCURRENCY = 2;
/** A mutant may go round for ever: this much over what the tests take, which is some seconds. */
const TIMEOUT_MS = 10_000;

const stryker = join(cachedPackages('mutants', VERSIONS, say), '.bin', 'stryker');
const files = filesOf(process.argv.slice(2));
const cache = '.cache/mutants';
const command = testCommand(files, failingTests(files));
writeFileSync(join(ROOT, cache, 'stryker.json'), JSON.stringify(configuration(files, command)));
const { status } = spawnSync(process.execPath, [stryker, 'run', `${cache}/stryker.json`], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

function filesOf(words: readonly string[]): readonly string[] {
  const all = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith('.ts'));
  for (const word of words) if (!all.includes(word)) throw new Error(`${word} is none of ${all.join(', ')}`);
  return words.length === 0 ? all : words;
}

/** One process for all tests, which is over with the first that fails. `leftOut`: names. */
function testCommand(mutated: readonly string[], leftOut: readonly string[]): string[] {
  const isAboutEngine = mutated.every((file) => ENGINE_FILES.has(file));
  const tests = readdirSync(join(ROOT, TESTS)).filter((name) => name.endsWith('.test.ts'));
  const picked = tests.filter((name) => !isAboutEngine || ENGINE_TESTS.test(name));
  const flags = ['--test', '--test-isolation=none', '--import=./scripts/mutants/quick.ts'];
  const reporter = ['--test-reporter=./scripts/mutants/first-failure.ts', '--test-reporter-destination=stdout'];
  const skips = leftOut.map((name) => `--test-skip-pattern=${quoted(name)}`);
  return [process.execPath, ...flags, ...reporter, ...skips, ...picked.map((name) => `${TESTS}/${name}`)];
}

function failingTests(mutated: readonly string[]): string[] {
  const [program = '', ...argv] = testCommand(mutated, []);
  const env = { ...process.env, KEYSTILE_ALL_FAILURES: '1' };
  const startedAt = performance.now();
  const { stdout } = spawnSync(program, argv, { cwd: ROOT, env, encoding: 'utf8' });
  say(`the tests take ${((performance.now() - startedAt) / 1e3).toFixed(1)} s`);
  const names = [...new Set(stdout.split('\n').filter((line) => line !== ''))];
  if (names.length > 0) say(`left out, since they fail as it is:\n  ${names.join('\n  ')}`);
  return names;
}

/** For a shell, which Stryker gives the command to, as a pattern that is this name and nothing else. */
function quoted(name: string): string {
  const pattern = `/^(.* )?${name.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)}$/`;
  return `'${pattern.replaceAll("'", String.raw`'\''`)}'`;
}

function configuration(mutated: readonly string[], command: readonly string[]): object {
  return {
    testRunner: 'command',
    commandRunner: { command: command.join(' ') },
    mutate: mutated.map((name) => `${FOLDER}/${name}`),
    ignorePatterns: ['/*', '!/src', '!/test', '!/scripts', '!/package.json'],
    tempDirName: `${cache}/sandbox`,
    incremental: true,
    incrementalFile: `${cache}/incremental.json`,
    concurrency: CONCURRENCY,
    timeoutMS: TIMEOUT_MS,
    disableTypeChecks: false,
    allowConsoleColors: false,
    reporters: ['clear-text', 'json'],
    clearTextReporter: { allowColor: false, logTests: false },
    jsonReporter: { fileName: `${cache}/report.json` },
    thresholds: { high: 100, low: KILLED_PERCENT_MIN, break: KILLED_PERCENT_MIN },
  };
}

function say(text: string): void {
  process.stderr.write(`mutants: ${text}\n`);
}
