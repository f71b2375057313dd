// Which parts of a secret are hidden alone, against the plain definition of that.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { tellingStarts } from '../../../src/core/redactor/telling.ts';

const KINDS = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9/.:\-_,=?&@;+ \t\r\n]/];

function plainly(text: string, part: number): number[] {
  for (let at = 0; at + 4 <= text.length; at += 1) {
    const four = text.slice(at, at + 4);
    const places = Array.from({ length: text.length }, (_, k) => k).filter((k) => text.startsWith(four, k));
    if (places.length > 8) return [];
  }
  const starts = Array.from({ length: Math.max(0, text.length - part + 1) }, (_, k) => k);
  return starts.filter((start) => {
    const window = text.slice(start, start + part);
    return new Set(window).size >= 6 && KINDS.filter((kind) => kind.test(window)).length >= 2;
  });
}

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abcdefzAZ09:/ $~`{@['), minLength: 1, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'azAZ09./-_,=?&@;+\t\r\n \u0000\u007f'), minLength: 1, maxLength: 40 }),
  fc
    .record({
      word: fc.string({ unit: fc.constantFrom(...'aB3$'), minLength: 4, maxLength: 6 }),
      times: fc.integer({ min: 7, max: 10 }),
    })
    .map(({ word, times }) => `xYz12#${word.repeat(times)}`),
);

void test('telling is what has six different bytes of two kinds, in a value in which no four bytes stand more than eight times', () => {
  fc.assert(
    fc.property(text, fc.constantFrom(7, 8, 15, 16), (value, part) => {
      assert.deepEqual(tellingStarts(Buffer.from(value, 'latin1'), part), plainly(value, part));
    }),
    { numRuns: 3_000 },
  );
});

describe('of eight bytes', () => {
  const cases: ReadonlyArray<readonly [text: string, isTelling: boolean, why: string]> = [
    ['abcdefgh', false, 'small letters alone are a word'],
    ['ABCDEFGH', false, 'so are capitals'],
    ['ABCDEFGZ', false, 'to the last of them'],
    ['stuvwxyz', false, 'small ones too'],
    ['12345678', false, 'digits alone are a number'],
    ['abcdeabc', false, 'five different bytes are too few'],
    ['abcde1ab', true, 'six of two kinds'],
    ['abc/def/', false, 'separators are of no kind'],
    ['abcdeX/.', true, 'but they count as different'],
    ['pQ4#rS7$', true, 'of all kinds'],
    ['{[~^|!}]', false, 'signs are one kind'],
  ];
  for (const [value, isTelling, why] of cases) {
    test(`${value}: ${why}`, () => assert.deepEqual(tellingStarts(Buffer.from(value), 8), isTelling ? [0] : []));
  }
});
