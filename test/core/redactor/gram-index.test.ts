// What the index finds, and what it holds open, against the plain definition of both.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GramIndex, type Pattern } from '../../../src/core/redactor/gram-index.ts';
import { tellingStarts } from '../../../src/core/redactor/telling.ts';

/** Telling in eight bytes, and alike enough that patterns share parts. */
const LETTERS = 'aB3$cD5%eF7&gH9*';
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.string({ unit: fc.constantFrom(...LETTERS), minLength, maxLength }).map((text) => Buffer.from(text, 'latin1'));
const pattern: fc.Arbitrary<Pattern> = fc.record({
  bytes: fc.oneof(
    bytes(7, 12),
    bytes(13, 40),
    bytes(8, 9).map((part) => Buffer.concat([part, part, part])),
  ),
  isWhole: fc.boolean(),
  part: fc.constantFrom(0, 7, 8, 14, 15, 16, 24),
});
const patterns = fc.array(pattern, { minLength: 1, maxLength: 5 });

/** Pieces of the patterns with something between them; what is shorter than a part among them. */
const textOf = (all: readonly Pattern[]): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.oneof(
        bytes(0, 5),
        fc
          .record({ k: fc.nat(all.length - 1), from: fc.nat(40), length: fc.integer({ min: 1, max: 40 }) })
          .map(({ k, from, length }) => all[k]!.bytes.subarray(from, from + length)),
        fc.constantFrom(...all.map((one) => one.bytes)),
      ),
      { maxLength: 6 },
    )
    .map((pieces) => Buffer.concat(pieces));

type Run = readonly [start: number, end: number, pattern: number, isWhole: boolean];

function found(index: GramIndex, text: Buffer, known = 0): Run[] {
  const runs: Run[] = [];
  index.find(text, known, (...run) => runs.push(run));
  return distinct(runs);
}

function distinct(runs: readonly Run[]): Run[] {
  const byText = new Map(runs.map((run) => [run.join(' '), run]));
  return [...byText.keys()].toSorted().map((key) => byText.get(key)!);
}

/** Text and pattern side by side, at every distance: each longest stretch that is the same. */
function plainlyFound(all: readonly Pattern[], text: Buffer, known: number): Run[] {
  const runs: Run[] = [];
  for (const [k, { bytes: own, isWhole, part }] of all.entries()) {
    const tellings = part > 0 ? tellingStarts(own, part) : [];
    for (let shift = -own.length; shift < text.length; shift += 1) {
      let start = -1;
      for (let at = Math.max(0, shift); at <= Math.min(text.length, shift + own.length); at += 1) {
        const isSame = at < text.length && at < shift + own.length && text[at] === own[at - shift];
        if (isSame && start < 0) start = at;
        if (isSame || start < 0) continue;
        const tells = tellings.some((telling) => telling >= start - shift && telling + part <= at - shift);
        if (at > known && isWhole && at - start === own.length) runs.push([start, at, k, true]);
        else if (at > known && tells) runs.push([start, at, k, false]);
        start = -1;
      }
    }
  }
  return distinct(runs);
}

/** The longest end of the text that is in a pattern where more of a part may follow. */
function plainlyOpen(all: readonly Pattern[], text: Buffer): number {
  for (let start = 0; start < text.length; start += 1) {
    const end = text.subarray(start);
    const mayGrow = all.some(({ bytes: own, part }) => {
      if (part === 0 || tellingStarts(own, part).length === 0) return false;
      for (let at = own.indexOf(end); at >= 0; at = own.indexOf(end, at + 1)) {
        if (at + end.length < own.length && at + part <= own.length) return true;
      }
      return false;
    });
    if (mayGrow) return start;
  }
  return text.length;
}

const patternsAndText = patterns.chain((all) => fc.record({ all: fc.constant(all), text: textOf(all) }));

void test('found is each longest stretch where a text is the same as a pattern, wherever it lies in memory', () => {
  fc.assert(
    fc.property(patternsAndText, fc.nat(7), fc.nat(30), ({ all, text }, offset, known) => {
      const room = Buffer.alloc(text.length + offset);
      text.copy(room, offset);
      assert.deepEqual(found(new GramIndex(all), room.subarray(offset), known), plainlyFound(all, text, known));
    }),
    { numRuns: 2_000 },
  );
});

void test('open is the longest end that more of a part may follow; of three bytes others are taken for them', () => {
  fc.assert(
    fc.property(patternsAndText, ({ all, text }) => {
      const open = new GramIndex(all).openPartFrom(text);
      const expected = plainlyOpen(all, text);
      assert.ok(open === expected || (open < expected && text.length - open === 3), `${open}, not ${expected}`);
    }),
    { numRuns: 2_000 },
  );
});

void test('a text in which one secret stands again and again is found everywhere, at every place of four', () => {
  const secret = { bytes: Buffer.from('pX4#qR7$wZ2&'), isWhole: true, part: 8 };
  const text = Buffer.from(
    ['', ' ', '  ', '   ']
      .map((space) => `${space}${secret.bytes.toString()}.`)
      .join('')
      .repeat(50),
  );
  assert.equal(found(new GramIndex([secret]), text).length, 200);
});

describe('open of a short text, of one whose parts begin with NUL among them', () => {
  const secret = { isWhole: true, part: 8, bytes: Buffer.from('\0B3$cD5%eF7&', 'latin1') };
  const other = { ...secret, bytes: Buffer.from('pX4#qR7$wZ2&') };
  const cases: ReadonlyArray<readonly [text: string, open: number]> = [
    ['', 0],
    ['\0', 0],
    ['B', 0],
    ['B3', 0],
    ['\0B3', 0],
    ['\0B3$', 0],
    ['!\0B3$', 1],
    ['pX4#', 0],
    ['#q', 0],
    ['!', 1],
    ['!!', 2],
    ['eF7&', 4],
    ['D5%e', 4],
    ['cD5%', 0],
    ['$cD5', 0],
    ['3$cD', 0],
    ['#qR7$wZ', 0],
    ['#qR7$wZ2&', 9],
    ['7$wZ', 4],
    ['qR7$', 0],
    ['R7$w', 4],
  ];
  for (const [text, open] of cases) {
    test(`${JSON.stringify(text)}: ${open}`, () => {
      assert.equal(new GramIndex([other, secret]).openPartFrom(Buffer.from(text, 'latin1')), open);
    });
  }
});

test('what ends with the bytes that are known was found before, what ends with the next one was not', () => {
  const index = new GramIndex([{ bytes: Buffer.from('pX4#qR7$wZ2&'), isWhole: true, part: 8 }]);
  const text = Buffer.from('  pX4#qR7$wZ2&  ');
  assert.deepEqual(found(index, text, 13), [[2, 14, 0, true]]);
  assert.deepEqual(found(index, text, 14), []);
});

test('patterns that begin alike are all found, also where their places are a power of two apart', () => {
  const shared = 'pX4#qR7$';
  const all = Array.from({ length: 9 }, (_, k) => {
    const rest = Array.from({ length: 126 }, (_none, n) => ((k * 131 + n) * 7919 + 46_656).toString(36).slice(-4));
    return { bytes: Buffer.from(`${shared}${rest.join('')}`), isWhole: true, part: 8 };
  });
  assert.ok(all.every(({ bytes: own }) => own.length === 512));
  const runs = found(new GramIndex(all), Buffer.from(`<${shared}>`));
  assert.deepEqual(
    runs.map(([, , k]) => k),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
});

describe('whether a text may reach into a pattern', () => {
  const index = new GramIndex([
    { bytes: Buffer.from('canary-word'), isWhole: true, part: 0 },
    { bytes: Buffer.from('pX4#qR7$wZ2&'), isWhole: true, part: 8 },
  ]);
  const into: ReadonlyArray<readonly [text: string, expected: boolean]> = [
    ['nary', true],
    ['word!', true],
    ['rd', true],
    ['d!', true],
    ['#!', true],
    ['&&&', true],
    ['[***]', false],
    ['or!', false],
    ['!canary', false],
    ['canary-words', true],
    ['!canary-word', false],
  ];
  for (const [text, expected] of into) {
    test(`${text}: ${expected}`, () => assert.equal(index.mayReachInto(Buffer.from(text)), expected));
  }
});

void test('after it was wiped nothing is found, open or reached into', () => {
  const secret = Buffer.from('pX4#qR7$wZ2&');
  const index = new GramIndex([{ bytes: secret, isWhole: true, part: 8 }]);
  index.wipe();
  assert.deepEqual(found(index, secret), []);
  assert.equal(index.openPartFrom(secret.subarray(0, 6)), 6);
  assert.equal(index.mayReachInto(secret.subarray(0, 6)), false);
});
