// Where the end of a text could still become one of many strings, against the plain definition of that.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prefixes } from '../../../src/core/redactor/prefixes.ts';

const bytesOf = (alphabet: string, minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength }).map((text) => Buffer.from(text, 'latin1'));
/** Small alphabets make strings begin alike; the greatest byte is at the end of every table. */
const strings = fc
  .uniqueArray(fc.oneof(bytesOf('ab', 2, 7), bytesOf('a\u00ff', 2, 5), bytesOf('abc', 2, 12)), {
    minLength: 1,
    maxLength: 12,
    selector: (bytes) => bytes.toString('latin1'),
  })
  .map((all) => all.toSorted((a, b) => Buffer.compare(a, b)));

function openFrom(all: readonly Buffer[], text: Buffer): number {
  for (let start = 0; start < text.length; start += 1) {
    const end = text.subarray(start);
    if (all.some((bytes) => bytes.length > end.length && bytes.subarray(0, end.length).equals(end))) return start;
  }
  return text.length;
}

void test('the longest end that is the start of a string is found, in a text that comes in pieces', () => {
  fc.assert(
    fc.property(strings, fc.array(bytesOf('abc\u00ff', 1, 9), { maxLength: 12 }), (all, pieces) => {
      const prefixes = new Prefixes(all);
      const walk = { low: 0, high: 0, depth: 0 };
      let held = Buffer.alloc(0);
      for (const piece of pieces) {
        const text = Buffer.concat([held, piece]);
        const open = prefixes.openFrom(text, walk);
        assert.equal(open, openFrom(all, text));
        held = text.subarray(open);
      }
    }),
    { numRuns: 1_000 },
  );
});

void test('where there are no strings, nothing is open', () => {
  assert.equal(new Prefixes([]).openFrom(Buffer.from('text'), { low: 0, high: 0, depth: 0 }), 4);
});

void test('after they were wiped, nothing is open', () => {
  const prefixes = new Prefixes([Buffer.from('canary-77')]);
  const open = (): number => prefixes.openFrom(Buffer.from('a cana'), { low: 0, high: 0, depth: 0 });
  assert.equal(open(), 2);
  prefixes.wipe();
  assert.equal(open(), 6);
});
