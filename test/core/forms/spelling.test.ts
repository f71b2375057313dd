// Values written by tables: characters of UTF-8, what changes and what stays, numbers as digits.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import {
  charactersOf,
  hexDigits,
  separated,
  separatedBy,
  shortHex,
  spell,
  spellBy,
  spellBytes,
  tableFrom,
  tableOf,
} from '../../../src/core/forms/spelling.ts';
import { latin1, textsOf } from './spelled.ts';

/** RFC 3629, section 4, at its limits; -1 for a byte that is part of no character. */
const CHARACTERS: ReadonlyArray<readonly [bytes: string, codes: readonly number[]]> = [
  ['\x00\x7f', [0, 0x7f]],
  ['\x80', [-1]],
  ['\xbf', [-1]],
  ['\xc1\xbf', [-1, -1]],
  ['\xc2\x80', [0x80]],
  ['\xdf\xbf', [0x7ff]],
  ['\xc2', [-1]],
  ['\xc2a', [-1, 0x61]],
  ['\xc2\xc2\x80', [-1, 0x80]],
  ['\xe0\xa0\x80', [0x800]],
  ['\xef\xbf\xbf', [0xffff]],
  ['\xe1\x80', [-1, -1]],
  ['\xe1\x80a', [-1, -1, 0x61]],
  ['\xe1a\x80', [-1, 0x61, -1]],
  ['\xf0\x90\x80\x80', [0x1_0000]],
  ['\xf4\x8f\xbf\xbf', [0x10_ffff]],
  ['\xf4\x90\x80\x80', [-1, -1, -1, -1]],
  ['\xf5\x80\x80\x80', [-1, -1, -1, -1]],
  ['\xf8\x80\x80\x80', [-1, -1, -1, -1]],
  ['\xff', [-1]],
  ['\xf0\x90\x80', [-1, -1, -1]],
  ['\xf0\x90\x80a', [-1, -1, -1, 0x61]],
  ['\xf0\x9f\x98\x80a\xc3\xa9', [0x1_f600, 0x61, 0xe9]],
];

void test('bytes are characters where they are UTF-8, and each alone where they are not', () => {
  for (const [bytes, codes] of CHARACTERS) {
    const characters = [...charactersOf(latin1(bytes))];
    assert.deepEqual(
      characters.map(({ code }) => code),
      codes,
      JSON.stringify(bytes),
    );
    let end = 0;
    for (const { at, length } of characters) {
      assert.equal(at, end);
      end = at + length;
    }
    assert.equal(end, bytes.length);
  }
});

const LIMITS = '\0a\x7f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}é😀';

void test('the characters of text are its code points', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...LIMITS), maxLength: 20 }), (text) => {
      const codes = [...charactersOf(Buffer.from(text))].map(({ code }) => code);
      assert.deepEqual(
        codes,
        Array.from(text, (character) => character.codePointAt(0)),
      );
    }),
  );
});

const TABLE = tableFrom({ a: '<a>', b: '' });
const BEYOND = { bytes: tableOf((byte) => (byte >= 0x80 ? '?' : TABLE.of(byte))), beyond: escapeOf };

/** Of a character with a picture of its own it says nothing. */
function escapeOf(code: number): string | undefined {
  return code === 0xfc ? undefined : `<${code}>`;
}

void test('what a table names is written as it says, and the rest stays', () => {
  for (const [value, byBytes, byCharacters] of [
    ['xyz', undefined, undefined],
    ['', undefined, undefined],
    ['a', '<a>', '<a>'],
    ['xaybz', 'x<a>yz', 'x<a>yz'],
    ['xü', undefined, undefined],
    ['üx😀', undefined, 'üx<128512>'],
    ['xéü', undefined, 'x<233>ü'],
    ['éa', 'é<a>', '<233><a>'],
    ['x\u007fx', undefined, undefined],
    ['x\u0080', undefined, 'x<128>'],
  ] as const) {
    assert.equal(spell(Buffer.from(value), { bytes: TABLE })?.toString(), byBytes);
    assert.equal(spell(Buffer.from(value), BEYOND)?.toString(), byCharacters);
  }
  assert.equal(spell(latin1('\xc3\xa9\xc3x'), BEYOND)?.toString(), '<233>?x');
});

void test('of several tables each that changes something gives a spelling', () => {
  const texts = spellBy(Buffer.from('xc'), [
    { bytes: TABLE },
    { bytes: tableFrom({ c: 'd' }) },
    { bytes: tableFrom({ x: '' }) },
  ]);
  assert.deepEqual(texts.map(String), ['xd', 'c']);
});

void test('a table is asked once for each byte', () => {
  const asked: number[] = [];
  const table = tableOf((byte) => {
    asked.push(byte);
    return byte === 0x61 ? 'A' : undefined;
  });
  assert.equal(spell(Buffer.from('xaaxx'), { bytes: table })?.toString(), 'xAAxx');
  assert.deepEqual(asked, [0x78, 0x61]);
});

void test('a spelling may look at where a byte stands', () => {
  const spelled = spellBytes(Buffer.from('aab'), (byte, at) => (byte === 0x61 ? `${at}` : undefined));
  assert.equal(spelled?.toString(), '01b');
  assert.equal(
    spellBytes(Buffer.from('aab'), () => undefined),
    undefined,
  );
});

void test('a value of any length is spelled whole, and one spelling is not touched by the next', () => {
  const long = { bytes: tableFrom({ a: '\\ud83d\\ude00' }) };
  let kept: Buffer | undefined;
  for (const length of [1, 340, 341, 342, 343, 5000, 2]) {
    const text = spell(Buffer.alloc(length, 'a'), long);
    assert.equal(text?.toString(), '\\ud83d\\ude00'.repeat(length));
    if (kept !== undefined) assert.match(kept.toString(), /^(?:\\ud83d\\ude00)+$/);
    kept = text;
  }
});

void test('bytes or characters are written with something between them', () => {
  const bytes = separatedBy(String, ', ');
  const characters = separatedBy((code) => `U+${hexDigits(code, 4, 'upper')}`, ' ', true);
  assert.deepEqual(textsOf([separated(Buffer.from('aé'), bytes)]), ['97, 195, 169']);
  assert.deepEqual(textsOf([separated(Buffer.from('aé'), characters)]), ['U+0061 U+00E9']);
  assert.deepEqual(textsOf([separated(Buffer.from('a'), bytes)]), ['97']);
  assert.deepEqual(separated(Buffer.alloc(0), bytes), Buffer.alloc(0));
});

void test('numbers have as many digits as are asked for, or as they need', () => {
  for (const [number, width, small, short] of [
    [0, 2, '00', '0'],
    [0x0a, 2, '0a', 'a'],
    [0x0f, 1, 'f', 'f'],
    [0x10, 2, '10', '10'],
    [0xff, 4, '00ff', 'ff'],
    [0x100, 4, '0100', '100'],
    [0xabcd, 4, 'abcd', 'abcd'],
    [0x1_0000, 8, '00010000', '10000'],
    [0x10_ffff, 6, '10ffff', '10ffff'],
    [0x1234, 2, '34', '1234'],
  ] as const) {
    assert.equal(hexDigits(number, width, 'lower'), small);
    assert.equal(hexDigits(number, width, 'upper'), small.toUpperCase());
    assert.equal(shortHex(number, 'lower'), short);
    assert.equal(shortHex(number, 'upper'), short.toUpperCase());
  }
});
