// npm run fuzz: the redactor under made-up inputs, those kept that reach something new in its code. `npm run fuzz -- 600`
// goes on for as many seconds. What it keeps is in .cache/fuzz, and the next run goes on from there; an input that fails
// is made short and put into test/core/redactor/corpus, which `npm test` examines. Seeds are written there too. Exit code
// 1 when something failed. Jazzer.js would do the same: its binary asks for a glibc that Debian 12 does not have.

import { createHash, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examine } from '../test/core/redactor/fuzz-target.ts';
import { ROOT } from '../test/house.ts';
import { Coverage } from './fuzz/coverage.ts';
import { mutate, shrink } from './fuzz/mutate.ts';
import { seeds } from './fuzz/seeds.ts';

const SECONDS = 60;
const CORPUS = join(ROOT, 'test/core/redactor/corpus');
const KEPT = join(ROOT, '.cache/fuzz');
/** Different ways to fail that are looked for in one run. */
const FAILURES_MAX = 5;
const SAY_MS = 10_000;

const [, , words = String(SECONDS)] = process.argv;
const until = performance.now() + Number(words) * 1_000;
if (!(Number(words) > 0)) throw new Error('say how many seconds');
mkdirSync(KEPT, { recursive: true });
mkdirSync(CORPUS, { recursive: true });
for (const [form, seed] of seeds()) keep(CORPUS, `seed-${form}`, seed);
using coverage = new Coverage();
const failures = new Set<string>();
const inputs: Buffer[] = [];
for (const folder of [CORPUS, KEPT]) {
  for (const name of readdirSync(folder)) attempt(readFileSync(join(folder, name)));
}
let tries = 0;
for (let saidAt = performance.now(); performance.now() < until && failures.size < FAILURES_MAX; tries += 1) {
  const mutant = mutate(any(inputs), any(inputs));
  if (attempt(mutant)) keep(KEPT, nameOf(mutant), mutant);
  if (performance.now() - saidAt > SAY_MS) saidAt = say();
}
say();
process.exitCode = failures.size > 0 ? 1 : 0;

/** Whether the input reached something new; then it is gone on from. */
function attempt(input: Buffer): boolean {
  const what = failureOf(input);
  if (what !== null && !failures.has(what)) {
    failures.add(what);
    const least = shrink(input, (shorter) => failureOf(shorter) === what);
    keep(CORPUS, `found-${nameOf(least)}`, least);
    process.stdout.write(`fuzz: ${what}\n  in test/core/redactor/corpus/found-${nameOf(least)}\n`);
  }
  const isNew = coverage.isNew() || inputs.length === 0;
  if (isNew && what === null) inputs.push(input);
  return isNew && what === null;
}

/** What went wrong, without what differs from input to input; null when nothing did. */
function failureOf(input: Buffer): string | null {
  try {
    examine(input);
    return null;
  } catch (error) {
    if (!(error instanceof Error)) return 'something that is no error';
    const [where = ''] = /\bsrc\/core\/redactor\/[\w-]+\.ts:\d+|fuzz-target\.ts:\d+/.exec(error.stack ?? '') ?? [];
    return `${error.name} at ${where}`;
  }
}

function any(all: readonly Buffer[]): Buffer {
  return all[randomInt(all.length)]!;
}

function keep(folder: string, name: string, input: Buffer): void {
  const path = join(folder, name);
  if (!existsSync(path)) writeFileSync(path, input);
}

function nameOf(input: Buffer): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16);
}

function say(): number {
  process.stdout.write(
    `fuzz: ${tries} tries, ${inputs.length} inputs, ${coverage.size} places, ${failures.size} failures\n`,
  );
  return performance.now();
}
