// Base64, base32 and hex, where a value stands at any place of longer data: by RFC 4648, bit by bit, and by Node.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import {
  BASE32,
  BASE32_LOWER,
  BASE64,
  BASE64URL,
  base64Lines,
  hexTable,
  inAlphabet,
  paddedIn,
  surelyIn,
  unpaddedIn,
  wholeGroups,
  wrapped,
} from '../../../src/core/forms/alphabets.ts';
import { spellBy } from '../../../src/core/forms/spelling.ts';
import { assertSpelled, latin1, lettersOf, LETTERS_32, LETTERS_64, LETTERS_64_URL, textsOf } from './spelled.ts';

const ALPHABETS = [
  [BASE64, LETTERS_64, 3],
  [BASE64URL, LETTERS_64_URL, 3],
  [BASE32, LETTERS_32, 5],
  [BASE32_LOWER, LETTERS_32.toLowerCase(), 5],
] as const;
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
/** Of each length up to two groups, with every bit set and with none, and of all bytes. */
const VALUES = [
  ...Array.from({ length: 11 }, (_, length) => Buffer.from('k\xff\x00~+/\x80Z9\xfe\x01', 'latin1').subarray(0, length)),
  EVERY_BYTE,
  Buffer.from(EVERY_BYTE.toReversed()),
];
const PLACES = [0, 1, 2, 3, 4];

void test('the examples of RFC 4648 come out, without what fills them up', () => {
  for (const [text, in64, in32] of [
    ['', '', ''],
    ['f', 'Zg', 'MY'],
    ['fo', 'Zm8', 'MZXQ'],
    ['foo', 'Zm9v', 'MZXW6'],
    ['foob', 'Zm9vYg', 'MZXW6YQ'],
    ['fooba', 'Zm9vYmE', 'MZXW6YTB'],
    ['foobar', 'Zm9vYmFy', 'MZXW6YTBOI'],
  ] as const) {
    assert.equal(inAlphabet(Buffer.from(text), BASE64).toString(), in64);
    assert.equal(inAlphabet(Buffer.from(text), BASE32).toString(), in32);
    assert.equal(inAlphabet(Buffer.from(text), BASE32_LOWER).toString(), in32.toLowerCase());
  }
  assert.equal(inAlphabet(EVERY_BYTE, BASE64).toString(), EVERY_BYTE.toString('base64').replace(/=+$/, ''));
  assert.equal(inAlphabet(EVERY_BYTE, BASE64URL).toString(), EVERY_BYTE.toString('base64url'));
});

void test('at each place of a group a value is written by the letters that it alone decides', () => {
  for (const value of VALUES) {
    for (const [alphabet, letters, group] of ALPHABETS) {
      const at = PLACES.slice(0, group).map((before) => lettersOf(value, letters, before));
      assertSpelled(
        (bytes) => surelyIn(bytes, alphabet),
        value,
        at.map(({ sure }) => sure),
      );
      assertSpelled(
        (bytes) => unpaddedIn(bytes, alphabet),
        value,
        at.flatMap(({ sure, all }) => [sure, all]),
      );
      assertSpelled((bytes) => surelyIn(bytes, alphabet, 1), value, [at[0]!.sure]);
      assert.equal(surelyIn(value, alphabet).length, group);
    }
  }
});

void test('at the end of the data base64 is filled up with signs of equality', () => {
  assertSpelled((bytes) => paddedIn(bytes, BASE64), 'k?>', ['az8+', 's/Pg==', 'rPz4=']);
  for (const value of VALUES) {
    const padded = [0, 1, 2].map((before) => {
      const text = Buffer.concat([Buffer.alloc(before), value]).toString('base64');
      return text.slice([0, 2, 3][before]);
    });
    assertSpelled((bytes) => paddedIn(bytes, BASE64), value, padded);
    assertSpelled(
      (bytes) => paddedIn(bytes, BASE64URL),
      value,
      padded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    );
  }
});

void test('wherever a value stands in data, what is sure of it is in the base64 of that', () => {
  const bytes = fc.uint8Array({ maxLength: 9 });
  fc.assert(
    fc.property(bytes, bytes, bytes, (before, value, after) => {
      const text = Buffer.concat([before, value, after]).toString('base64');
      assert.ok(text.includes(textsOf([surelyIn(value, BASE64)[before.length % 3]!])[0]!));
    }),
  );
});

void test('whole groups of base64 are those that nothing behind the value has a part in', () => {
  for (const value of VALUES) {
    const whole = value.subarray(0, Math.floor(value.length / 3) * 3).toString('base64');
    assert.equal(wholeGroups(value).toString(), whole);
  }
});

void test('a text that is longer than a line is broken behind every full one', () => {
  for (const [text, expected] of [
    ['abc', undefined],
    ['abcd', 'abc\nd'],
    ['abcdef', 'abc\ndef'],
    ['abcdefg', 'abc\ndef\ng'],
  ] as const) {
    assert.equal(wrapped(Buffer.from(text), 3)?.toString(), expected);
  }
});

void test('base64 of a value alone comes in lines, without the last letter too where that is not sure', () => {
  const value = Buffer.from('\x00\x01\x02\x03\x04\x05\x06');
  for (const [length, widths, expected] of [
    [7, [4], ['AAEC\nAwQF\nBg', 'AAEC\nAwQF\nB']],
    [7, [4, 9], ['AAEC\nAwQF\nBg', 'AAEC\nAwQF\nB', 'AAECAwQFB\ng']],
    [7, [10], []],
    [6, [4], ['AAEC\nAwQF']],
    [6, [7], ['AAECAwQ\nF']],
    [5, [4], ['AAEC\nAwQ', 'AAEC\nAw']],
  ] as const) {
    assertSpelled((bytes) => base64Lines(bytes, widths), value.subarray(0, length), expected);
  }
});

void test('hex has two digits a byte, all small or all capitals', () => {
  const spell = (bytes: Buffer): Buffer[] =>
    spellBy(bytes, [{ bytes: hexTable('lower') }, { bytes: hexTable('upper') }]);
  const digits = EVERY_BYTE.toString('hex');
  assertSpelled(spell, EVERY_BYTE, [digits, digits.toUpperCase()]);
  assertSpelled(spell, latin1('\x0a\xf0'), ['0af0', '0AF0']);
});
