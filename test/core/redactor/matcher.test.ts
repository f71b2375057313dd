// Whole strings and parts of strings in one text, and what at its end is neither yet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matcher } from '../../../src/core/redactor/matcher.ts';

const WHOLE = { bytes: Buffer.from('canary-word'), isWhole: true, part: 0 };
const PARTS = { bytes: Buffer.from('pX4#qR7$wZ2&'), isWhole: true, part: 8 };
/** Neither found whole nor in parts: none of them says anything. */
const NEVER = { bytes: Buffer.from('some-words'), isWhole: false, part: 8 };

function open(matcher: Matcher, text: string): number {
  return matcher.openFrom(Buffer.from(text), { low: 0, high: 0, depth: 0 });
}

function found(matcher: Matcher, text: string): Array<readonly [number, number, number, boolean]> {
  const all: Array<readonly [number, number, number, boolean]> = [];
  matcher.find(Buffer.from(text), 0, (start, end, pattern, isWhole) => all.push([start, end, pattern, isWhole]));
  return all;
}

void test('wholes and parts are found, each where it stands', () => {
  const matcher = new Matcher([WHOLE, PARTS, NEVER]);
  assert.equal(matcher.longest, 12);
  assert.deepEqual(found(matcher, 'a canary-word, 4#qR7$wZ2 some-words'), [
    [2, 13, 0, true],
    [15, 24, 1, false],
  ]);
});

void test('open is the end that could become a whole or a part, whichever begins first', () => {
  const matcher = new Matcher([WHOLE, PARTS, NEVER]);
  assert.equal(open(matcher, 'x canary-w'), 2);
  assert.equal(open(matcher, 'x X4#qR'), 2);
  assert.equal(open(matcher, 'x some-wor'), 10);
  assert.equal(open(matcher, 'x wZ2&'), 6);
});

void test('a text is inert when nothing is in it or at its ends', () => {
  const matcher = new Matcher([WHOLE, PARTS]);
  assert.ok(matcher.isInert(Buffer.from('[***]')));
  for (const text of ['a canary-word b', '4#qR7$wZ2', 'x cana', 'word]', '#!']) {
    assert.ok(!matcher.isInert(Buffer.from(text)), text);
  }
});

void test('after it was wiped nothing is found or open', () => {
  const matcher = new Matcher([WHOLE, PARTS]);
  matcher.wipe();
  assert.deepEqual(found(matcher, 'a canary-word, 4#qR7$wZ2'), []);
  assert.equal(open(matcher, 'x canary-w'), 10);
  assert.equal(open(matcher, 'x X4#qR'), 7);
});
