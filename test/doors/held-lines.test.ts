// Held output as a human reads it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldLines } from '../../src/doors/cli/held-lines.ts';

void test('each line has a head, goes on where the terminal ends, and cannot move the cursor', () => {
  const lines = heldLines([Buffer.from('one\n\u001b[2Jtwo, which is a long line\n'), Buffer.alloc(0)], [], 24);
  assert.deepEqual(lines, [
    '-- standard output: 34 bytes',
    '  | one',
    String.raw`  | \u{1b}[2Jtwo, which `,
    '  > is a long line',
    '-- standard error: empty',
  ]);
});

void test('names of secrets that masking cannot hide come first', () => {
  const lines = heldLines([Buffer.from('4823\n'), Buffer.alloc(0)], ['PIN', `DOOR_${'X'.repeat(90)}`], 80);
  assert.deepEqual(lines.slice(0, 5), [
    '!! masking cannot hide these: look for them first',
    '  | PIN',
    `  | DOOR_${'X'.repeat(71)}`,
    `  > ${'X'.repeat(19)}`,
    '-- standard output: 5 bytes',
  ]);
});
