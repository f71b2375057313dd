// Numbers that stand for bytes, against a plain definition; and dumps as their programs write them.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import fc from 'fast-check';

import { fromNumbers } from '../../../src/core/sweep/numbers.ts';

const bytesIn = (text: string): string[] =>
  Array.from(fromNumbers(Buffer.from(text, 'latin1')), ({ bytes }) => bytes.toString('hex'));

interface Kind {
  readonly radix: number;
  readonly word: RegExp;
  readonly size: number;
  readonly isSwapped: boolean;
}

/** The kinds of numbers, in the order that they are given in. */
const KINDS: readonly Kind[] = [
  { radix: 10, word: /^\d{1,3}$/, size: 1, isSwapped: false },
  { radix: 8, word: /^[0-7]{3}$/, size: 1, isSwapped: false },
  { radix: 2, word: /^[01]{8}$/, size: 1, isSwapped: false },
  { radix: 16, word: /^[\da-f]{2}$/i, size: 1, isSwapped: false },
  ...[2, 4].flatMap((size) =>
    [false, true].map((isSwapped) => ({
      radix: 16,
      word: size === 2 ? /^(?:[\da-f]{2}){1,2}$/i : /^(?:[\da-f]{2}){1,4}$/i,
      size,
      isSwapped,
    })),
  ),
  { radix: 8, word: /^[0-7]{6}$/, size: 2, isSwapped: true },
  { radix: 10, word: /^\d{2,5}$/, size: 2, isSwapped: true },
  { radix: 10, word: /^\d{2,10}$/, size: 4, isSwapped: true },
];

/** What the numbers of one kind in a list are together. */
function meant(words: readonly string[], { radix, word, size, isSwapped }: Kind): string {
  const numbers = words.flatMap((text) => {
    const bytes = radix === 16 ? text.length / 2 : size;
    const number = Number.parseInt(text, radix);
    if (!word.test(text) || number >= 256 ** bytes) return [];
    const hex = Buffer.from(number.toString(16).padStart(2 * bytes, '0'), 'hex');
    return [isSwapped ? hex.toReversed() : hex];
  });
  return Buffer.concat(numbers).toString('hex');
}

const allMeant = (words: readonly string[]): string[] =>
  KINDS.map((kind) => meant(words, kind)).filter((hex) => hex.length >= 14);

test('every list of numbers in a text is read in each way that it can be meant', () => {
  const digits = (letters: string, most: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: most });
  const word = fc.oneof(
    fc.nat(300).map(String),
    fc.nat(70_000).map(String),
    fc.nat(5_000_000_000).map(String),
    fc.nat(0o200000).map((number) => number.toString(8).padStart(6, '0')),
    fc.nat(0o500).map((number) => number.toString(8).padStart(3, '0')),
    digits('0123456789abcdefABCDEF', 11),
    digits('01', 9),
    fc.constantFrom('xyz', 'gap', 'fffffg', 'Z'),
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 40 }),
      fc.constantFrom(' ', ',', '-', ', ', '\t', '] ['),
      (words, between) => {
        assert.deepEqual(bytesIn(words.join(between)), allMeant(words));
      },
    ),
  );
});

test('every number of a kind, with as many digits as it may have', () => {
  for (const words of [
    Array.from({ length: 300 }, (_, k) => String(k)),
    Array.from({ length: 300 }, (_, k) => k.toString(8).padStart(3, '0')),
    Array.from({ length: 258 }, (_, k) => k.toString(2).padStart(8, '0')),
    Array.from({ length: 256 }, (_, k) => k.toString(16).padStart(2, '0')),
    Array.from({ length: 256 }, (_, k) => (k * 257).toString(16).padStart(4, '0').toUpperCase()),
    // Not so many that some would be far from each other.
    Array.from({ length: 18 }, (_, k) => (k * 3_251).toString(16).padStart(4, '0').toUpperCase()),
    Array.from({ length: 10 }, (_, k) => (k * 12_345_678).toString(16).padStart(8, '0')),
    Array.from({ length: 66 }, (_, k) => String(65_530 + k)),
    Array.from({ length: 20 }, (_, k) => String(4_294_967_286 + k)),
    Array.from({ length: 20 }, (_, k) => (0o177766 + k).toString(8)),
    Array.from({ length: 20 }, (_, k) => `1234567890${'1'.repeat(k % 2)}`),
    ['123456789', '12345678', '1234567', '123456', '12345', '1234', '123', '12', '1', 'abcdef12', 'abcdef123', 'abc'],
  ]) {
    assert.deepEqual(bytesIn(words.join(' ')), allMeant(words), words[0]);
  }
});

test('a list of seven bytes is one, of six none', () => {
  assert.deepEqual(bytesIn('1 2 3 4 5 6 7'), ['01020304050607']);
  assert.deepEqual(bytesIn('1 2 3 4 5 6'), []);
  assert.deepEqual(bytesIn(''), []);
});

describe('what stands before a number', () => {
  for (const before of ['0x', '0X', 'x', 'X', String.raw`\x`, '&#x', '$', '#', '(byte)']) {
    test(`${before} says nothing`, () => {
      const words = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'];
      assert.deepEqual(bytesIn(words.map((word) => before + word).join(' ')), allMeant(words));
      assert.deepEqual(bytesIn(before + words.join(` ${before}`)), allMeant(words));
    });
  }

  test('an x alone is no number, and a word with another letter is none', () => {
    assert.deepEqual(bytesIn('x 0x 1x 12x 1x11 ax12 fX13 g1 1g 0y12 yy x1x 1 2 3 4 5 6 7 0x'), ['01020304050607']);
  });
});

test('anything but a letter or a digit may stand between numbers', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const between = String.fromCharCode(byte);
    const expected = /[a-z0-9]/i.test(between) ? [] : ['01020304050607'];
    assert.deepEqual(bytesIn(['1', '2', '3', '4', '5', '6', '7'].join(between)), expected, `byte ${byte}`);
  }
});

test('numbers far from each other are of two lists, with a byte between them over which nothing is found', () => {
  const [one, two] = ['01020304050607', '010203ff04050607'];
  for (const [between, expected] of [
    ['.'.repeat(100), one],
    ['.'.repeat(101), two],
    ['\n\n', one],
    ['\n-\n-\n', two],
    [`\n\n${'.'.repeat(98)}`, one],
  ]) {
    assert.deepEqual(bytesIn(`${'.'.repeat(200)}\n\n\n1 2 3${between}4\n5\n6\n7`), [expected]);
  }
});

describe('of a dump come its bytes, without addresses and letters beside them:', () => {
  const SHORT = '63 61 6e 61 72 79 2d 37';
  for (const [name, text, expected] of [
    [
      'xxd',
      [
        '00000000: 6361 6e61 7279 2d37 516d 3278 394c 7734  ca ab 12 2x9Lw4',
        '00000010: 6b54                                     kT 12 34',
      ].join('\n'),
      'canary-7Qm2x9Lw4kT',
    ],
    ['xxd -g1', `00000000: ${SHORT}  ca ab cd\n00000008: 51 6d  51 6d`, 'canary-7Qm'],
    ['an address and a tab', `0000:\t${SHORT}  ca ab cd`, 'canary-7'],
    ['two spaces behind an address', `0000:  ${SHORT}  ca ab cd`, 'canary-7'],
    ['addresses as long as bytes', '00: 63 61 6e 61\n04: 72 79 2d 37', 'canary-7'],
    ['hexdump -C', `00000000  ${SHORT}  |ca ab cd|\n00000008`, 'canary-7'],
    ['hexdump -C, cut', `00000000  ${SHORT}  |`, 'canary-7'],
    ['hexdump', '0000000 6163 616e 7972 372d 6d51', 'canary-7Qm'],
    ['od', '0000000 060543 060556 074562 033455\n0000010', 'canary-7'],
    [
      'lines with a colon, but no address',
      `zz: 63  61\n1z: 6e  61\nab:72  79\n2d  37 1`,
      'canary-7'.replace('r', '\xabr'),
    ],
    ['a line behind one with an address', `0000: 63 61  ff\n6e 61  72 79 2d 37`, 'canary-7'],
    ['two spaces before anything else', '63 61  6e 61  (72 79)  2d 37', 'canary-7'],
    ['one space before a bar', '63 61 |6e 61 |72 79 |2d 37', 'canary-7'],
  ] as const) {
    test(name, () => {
      const found = bytesIn(text).map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
      assert.ok(found.includes(expected), JSON.stringify(found));
    });
  }
});

/** What a stretch of the first list in a text comes from. */
function fromWhere(text: string, start: number, end: number): string {
  for (const { spanOf } of fromNumbers(Buffer.from(text, 'latin1'))) return text.slice(...spanOf(start, end));
  return '';
}

test('a stretch comes from whole numbers', () => {
  const list = 'a [10, 200, 30, 4, 50, 60, 70] b';
  assert.equal(fromWhere(list, 0, 7), '10, 200, 30, 4, 50, 60, 70');
  assert.equal(fromWhere(list, 1, 4), '200, 30, 4');
  assert.equal(fromWhere(list, 3, 4), '4');
  const words = '_ 0x6163, 0x616e, 0x7972, 0x372d _';
  assert.equal(fromWhere(words, 0, 8), '6163, 0x616e, 0x7972, 0x372d');
  assert.equal(fromWhere(words, 1, 3), '6163, 0x616e');
  assert.equal(fromWhere(words, 2, 4), '616e');
});

test('in a long list as well', () => {
  const list = Array.from({ length: 300 }, (_, k) => `${k % 200},`).join(' ');
  assert.equal(fromWhere(list, 0, 3), '0, 1, 2');
  assert.equal(fromWhere(list, 254, 300), list.slice(list.indexOf(' 54,', 900) + 1, -1));
});

test('the letters beside a line of a dump belong to its last number, when they are no more than a line', () => {
  const NUMBERS = '1 2 3 4 5 6 7';
  for (const [rest, isTaken] of [
    ['  abc', true],
    [`  ${'z'.repeat(78)}`, true],
    [`  ${'z'.repeat(79)}`, false],
    [' abc', false],
    ['. abc', false],
    [' .abc', false],
    ['', true],
  ] as const) {
    const expected = isTaken ? NUMBERS + rest : NUMBERS;
    assert.equal(fromWhere(`x ${NUMBERS}${rest}`, 0, 7), expected, rest);
    assert.equal(fromWhere(`x ${NUMBERS}${rest}\nmore`, 0, 7), expected, rest);
  }
  assert.equal(fromWhere(`${NUMBERS}  abc`, 0, 6), '1 2 3 4 5 6');
});

test('a list is wiped when the next is asked for', () => {
  const kept: Buffer[] = [];
  for (const { bytes } of fromNumbers(Buffer.from('10 20 30 40 50 60 70'))) kept.push(bytes);
  assert.ok(kept.length >= 2);
  for (const bytes of kept) assert.ok(bytes.every((byte) => byte === 0));
});
