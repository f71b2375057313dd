// A text in another order, or with other letters, against plain definitions.

import assert from 'node:assert/strict';
import test from 'node:test';

import { rearranged } from '../../../src/core/sweep/rearranged.ts';

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const PRINTABLE = Array.from({ length: 94 }, (_, k) => String.fromCharCode(0x21 + k)).join('');

/** Each letter of the row by the one half a row on. */
function turned(text: string, ...rows: string[]): string {
  return text.replaceAll(/[^]/g, (letter) => {
    const row = rows.find((it) => it.includes(letter)) ?? letter;
    return row.charAt((row.indexOf(letter) + Math.floor(row.length / 2)) % row.length);
  });
}

function everyNth(text: string, first: number, stride: number): string {
  return Array.from(text)
    .filter((_, k) => k % stride === first)
    .join('');
}

/** In the order that they are given in. */
function meant(text: string): string[] {
  return [
    Array.from(text).toReversed().join(''),
    turned(text, UPPER, UPPER.toLowerCase()),
    turned(text, PRINTABLE),
    ...[2, 3, 4].flatMap((stride) => [0, 1, 2, 3].slice(0, stride).map((first) => everyNth(text, first, stride))),
  ];
}

const ALL = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');

test('backwards, rot13, rot47, and every second, third and fourth letter from each on', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'Canary-7Qm2x9Lw4', ALL, ALL.repeat(66) + 'end']) {
    const views = [...rearranged(Buffer.from(text, 'latin1'))].map(({ bytes }) => bytes.toString('latin1'));
    assert.ok(views.join('|') === meant(text).join('|'), text.slice(0, 20));
  }
});

test('a stretch of one comes from where its first and last letters stand', () => {
  // Of each, letters 1, 2 and 3.
  const spans = [...rearranged(Buffer.from('0123456789abcdefghij'))].map(({ spanOf }) => spanOf(1, 4));
  assert.deepEqual(spans, [
    [16, 19],
    [1, 4],
    [1, 4],
    ...[0, 1].map((first) => [first + 2, first + 7]),
    ...[0, 1, 2].map((first) => [first + 3, first + 10]),
    ...[0, 1, 2, 3].map((first) => [first + 4, first + 13]),
  ]);
});
