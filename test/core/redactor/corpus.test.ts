// Everything the fuzzer ever found, and the seeds it starts from, examined again.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { examine } from './fuzz-target.ts';

const CORPUS = new URL('corpus/', import.meta.url);
const SEEDS_MIN = 10;

void test('every input of the fuzz corpus comes out the same however it is cut, with no needle left in it', () => {
  const names = readdirSync(CORPUS).sort();
  assert.ok(names.length >= SEEDS_MIN, `only ${names.length} inputs`);
  for (const name of names) {
    const input = readFileSync(new URL(name, CORPUS));
    assert.doesNotThrow(() => examine(input), name);
  }
});
