// The promises I1 to I9: listed in ARCHITECTURE.md, cited where they are upheld, proved in a test that carries the number.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const PROMISES = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9'];

test('the nine promises are listed, upheld in the code and proved by a test each', () => {
  const listed = numbersIn(['ARCHITECTURE.md'], /^- \*\*(I\d)\*\*/gm);
  const cited = numbersIn(globSync('src/**/*.ts'), /\b(I\d)\b/g);
  const tested = numbersIn(globSync('test/**/*.test.ts'), /(?:test|it)\(\s*['"`](I\d)[:,]/g);
  assert.deepEqual(listed, PROMISES);
  assert.deepEqual(cited, PROMISES);
  assert.deepEqual(tested, PROMISES);
});

function numbersIn(files: readonly string[], pattern: RegExp): string[] {
  const found = new Set<string>();
  for (const file of files) {
    for (const [, number] of readFileSync(file, 'utf8').matchAll(pattern)) if (number !== undefined) found.add(number);
  }
  return [...found].toSorted();
}
