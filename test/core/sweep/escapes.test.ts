// Escapes one by one, as their languages define them: what is left of a text without them, and where it comes from.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { unescaped } from '../../../src/core/sweep/escapes.ts';

/** One character a byte. */
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const without = (text: string): string[] => [...unescaped(bytes(text))].map((view) => view.bytes.toString('latin1'));
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

/** Each between letters, at the end of the text and at its start. */
function assertMeans(escape: string, meaning: string): void {
  assert.deepEqual(without(`a${escape}Z`), [`a${meaning}Z`], escape);
  assert.deepEqual(without(`a${escape}`), [`a${meaning}`], `${escape} at the end`);
  assert.deepEqual(without(`${escape}Z`), [`${meaning}Z`], `${escape} at the start`);
}

describe('an escape stands for its byte or letter:', () => {
  for (const [family, rows] of Object.entries({
    percent: [
      ['%41', 'A'],
      ['%0f', '\x0f'],
      ['%F9', '\xf9'],
      ['%aA', '\xaa'],
      ['%C3%A9', '\xc3\xa9'],
      ['%%41', '%A'],
      ['%4%41', '%4A'],
    ],
    HTML: [
      ['&amp;', '&'],
      ['&lt;', '<'],
      ['&gt;', '>'],
      ['&quot;', '"'],
      ['&apos;', "'"],
      ['&nbsp;', ' '],
      ['&#65;', 'A'],
      ['&#65', 'A'],
      ['&#0065;', 'A'],
      ['&#x41;', 'A'],
      ['&#X5a;', 'Z'],
      ['&#x41', 'A'],
      ['&#00000065;', 'A'],
      ['&#x00000041;', 'A'],
      ['&#127;', '\x7f'],
      ['&#128;', utf8('\x80')],
      ['&#2047;', utf8('\u07ff')],
      ['&#2048;', utf8('\u0800')],
      ['&#xffff;', utf8('\uffff')],
      ['&#65536;', utf8('\u{10000}')],
      ['&#128512;', utf8('😀')],
      ['&#x10ffff;', utf8('\u{10ffff}')],
      ['&#x110000;', ''],
      ['&&lt;', '&<'],
    ],
    backslash: [
      [String.raw`\a\b\t\n\v\f\r\e\E`, '\x07\b\t\n\v\f\r\x1b\x1b'],
      [String.raw`\\\"\'\q`, String.raw`\"'q`],
      ['\\\xc3\xa9', '\xc3\xa9'],
      [String.raw`\x41`, 'A'],
      [String.raw`\xFf`, '\xff'],
      [String.raw`\x{41}`, 'A'],
      [String.raw`\x{e9}`, utf8('é')],
      [String.raw`\u0041`, 'A'],
      [String.raw`\u20aC`, utf8('€')],
      [String.raw`\u{41}`, 'A'],
      [String.raw`\u{01f600}`, utf8('😀')],
      [String.raw`\U00000041`, 'A'],
      [String.raw`\U0001f600`, utf8('😀')],
      [String.raw`\101`, 'A'],
      [String.raw`\0`, '\0'],
      [String.raw`\7`, '\x07'],
      [String.raw`\12`, '\n'],
      [String.raw`\1018`, 'A8'],
      [String.raw`\1015`, 'A5'],
      [String.raw`\377`, '\xff'],
      [String.raw`\501`, 'A'],
      [String.raw`\8`, '8'],
      [String.raw`\/`, '/'],
      [String.raw`\ud83d\ude00`, utf8('😀')],
      [String.raw`\ud800\udc00`, utf8('\u{10000}')],
      [String.raw`\udbff\udfff`, utf8('\u{10ffff}')],
      // Halves without the other are three bytes each, as in WTF-8.
      [String.raw`\ud83d`, '\xed\xa0\xbd'],
      [String.raw`\ud83d\u0041`, '\xed\xa0\xbdA'],
      [String.raw`\ud83d/ude00`, '\xed\xa0\xbd/ude00'],
      [String.raw`\ud83d\ude0`, '\xed\xa0\xbd\\ude0'],
      [String.raw`\ud7ff\udc00`, '\xed\x9f\xbf\xed\xb0\x80'],
      [String.raw`\udc00\udc00`, '\xed\xb0\x80\xed\xb0\x80'],
      [String.raw`\ud800\udbff`, '\xed\xa0\x80\xed\xaf\xbf'],
      [String.raw`\ud800\ue000`, '\xed\xa0\x80\xee\x80\x80'],
    ],
    'quoted-printable': [
      ['=41', 'A'],
      ['=C3=A9', '\xc3\xa9'],
      ['==41', '=A'],
      ['=\r=41', '=\rA'],
      ['x=\nx', 'xx'],
      ['x=\r\nx', 'xx'],
    ],
  })) {
    test(family, () => {
      for (const [escape, meaning] of rows) {
        assertMeans(escape!, meaning!);
      }
    });
  }
});

test('what is no escape gives nothing', () => {
  for (const text of [
    ['', 'a', '%', '%4', '%4g', '%g4', '%/0', '%0/', '%:0', '%0:', '%@1', '%`1', '%G1'],
    ['&', '&amp', '&am;', '&;', '&#;', '&#a', '&#x;', '&#xg;', '&lt ;', '&#:;', '&#/;', '&# 65;'],
    ['\\', 'a\\', '\\x4', '\\x4g', '\\x', '\\u', '\\u004', '\\u004g', '\\U0001f60'],
    ['\\x{41', '\\u{1f600', '\\u{41)', '\\u{0000041}', '\\x{g}'],
    ['=', '=4', '=4g', '=\r', '=\rx', '= \n', '=x\n'],
  ].flat()) {
    assert.deepEqual(without(text), [], JSON.stringify(text));
  }
});

test('a number has at most eight digits, and a digit more is text', () => {
  assert.deepEqual(without('&#000000065;'), ['\x065;']);
  assert.deepEqual(without('&#x000000041;'), ['\x041;']);
});

test('what stands before values in quoted-printable is a family of its own', () => {
  assert.deepEqual(without('key=%41%42 a=42'), ['key=AB a=42', 'key=%41%42 aB']);
  assert.deepEqual(without('key=value'), []);
});

test('a stretch comes from whole escapes', () => {
  const text = String.raw`ab%41%42c&#233;\u0041d\ud83d\ude00%`;
  const [view] = unescaped(bytes(text));
  assert.ok(view !== undefined);
  const whole = view.bytes.toString('latin1');
  assert.equal(whole, utf8('abABcéAd😀%'));
  for (const [part, from] of [
    ['a', 'a'],
    ['b', 'b'],
    ['A', '%41'],
    ['AB', '%41%42'],
    ['bAB', 'b%41%42'],
    ['Bc', '%42c'],
    ['c', 'c'],
    [utf8('é'), '&#233;'],
    ['\xc3', '&#233;'],
    ['\xa9', '&#233;'],
    [`c${utf8('é')}A`, String.raw`c&#233;\u0041`],
    [utf8('d😀'), String.raw`d\ud83d\ude00`],
    ['\x80', String.raw`\ud83d\ude00`],
    ['%', '%'],
  ]) {
    const start = whole.indexOf(part!);
    const [first, end] = view.spanOf(start, start + part!.length);
    assert.equal(text.slice(first, end), from, part);
  }
});

describe('around an escape', () => {
  const [near, far] = ['n'.repeat(96), 'f'.repeat(50)];

  test('96 bytes on both sides are looked at', () => {
    assert.deepEqual(without(`${far}${near}%41${near}${far}`), [`${near}A${near}`]);
    assert.deepEqual(without(`f${near}%41${near}f`), [`${near}A${near}`]);
    assert.deepEqual(without(`${near}%41${near}`), [`${near}A${near}`]);
  });

  test('two are one stretch when nothing between them is farther off', () => {
    assert.deepEqual(without(`%41${near}${near}%42`), [`A${near}${near}B`]);
  });

  test('two that are farther from each other have a byte between them over which nothing is found', () => {
    const text = `%41${near}f${near}%42`;
    const [view] = unescaped(bytes(text));
    assert.equal(view?.bytes.toString('latin1'), `A${near}\xff${near}B`);
    assert.deepEqual(view?.spanOf(0, 1), [0, 3]);
    assert.deepEqual(view?.spanOf(96, 97), [98, 99]);
    assert.deepEqual(view?.spanOf(97, 98), [99, 100]);
    assert.deepEqual(view?.spanOf(98, 99), [100, 101]);
    assert.deepEqual(view?.spanOf(98, 195), [100, 199]);
    assert.deepEqual(without(`%41${near}${far}${near}%42`), [`A${near}\xff${near}B`]);
  });
});
