// Where decoded bytes come from, and where in them something packed may begin and end.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { ALPHABETS, decodedBy } from '../../../src/core/sweep/letters.ts';
import type { View } from '../../../src/core/sweep/view.ts';

const [BASE64, BASE32, HEX, BITS] = [0, 1, 2, 3] as const;

const viewsOf = (text: string, k: number, isOutermost: boolean): View[] => [
  ...decodedBy(ALPHABETS[k]!, Buffer.from(text, 'latin1'), isOutermost),
];

describe('a stretch comes from', () => {
  const LETTERS = '.. QUJD REVG R0hJ\nSktM ..';
  const HEXES = '0x41, 0x42, 43444546 0x47';
  for (const [text, k, skipped, start, end, letters, words] of [
    [LETTERS, BASE64, 0, 0, 1, 'QU', 'QUJD'],
    [LETTERS, BASE64, 0, 1, 2, 'UJ', 'QUJD'],
    [LETTERS, BASE64, 0, 2, 3, 'JD', 'QUJD'],
    [LETTERS, BASE64, 0, 0, 3, 'QUJD', 'QUJD'],
    [LETTERS, BASE64, 0, 2, 4, 'JD RE', 'QUJD REVG'],
    [LETTERS, BASE64, 0, 3, 4, 'RE', 'REVG'],
    [LETTERS, BASE64, 0, 11, 12, 'tM', 'SktM'],
    [LETTERS, BASE64, 0, 0, 12, 'QUJD REVG R0hJ\nSktM', 'QUJD REVG R0hJ\nSktM'],
    [LETTERS, BASE64, 1, 0, 1, 'UJ', 'QUJD'],
    [LETTERS, BASE64, 1, 1, 3, 'JD R', 'QUJD REVG'],
    [LETTERS, BASE64, 3, 0, 1, 'D R', 'QUJD REVG'],
    ['QUJDREVGR0hJSktMQQ==.', BASE64, 0, 12, 13, 'QQ', 'QUJDREVGR0hJSktMQQ=='],
    ['QUJDREVGR0hJSktMQQ==', BASE64, 0, 0, 1, 'QU', 'QUJDREVGR0hJSktMQQ=='],
    ['\0IFBEGRCF\nI4\0IFBEGRCFI4ABCD\0', BASE32, 0, 0, 2, 'IFBE', 'IFBEGRCFI4ABCD'],
    ['\0IFBEGRCFI4ABCD\0', BASE32, 0, 1, 2, 'FBE', 'IFBEGRCFI4ABCD'],
    ['\0IFBEGRCFI4ABCD\0', BASE32, 7, 0, 1, 'FI', 'IFBEGRCFI4ABCD'],
    [HEXES, HEX, 0, 0, 1, '41', '41'],
    [HEXES, HEX, 0, 1, 3, '42, 43', '42, 43444546'],
    [HEXES, HEX, 1, 0, 1, '1, 0x4', '41, 0x42'],
    [HEXES, HEX, 0, 6, 7, '47', '47'],
    ['01000001 01000010', BITS, 0, 1, 2, '01000010', '01000010'],
    ['01000001 01000010', BITS, 3, 0, 1, '00001 010', '01000001 01000010'],
  ] as const) {
    test(`${JSON.stringify(letters)}, outside ${JSON.stringify(words)}`, () => {
      const spanOf = (isOutermost: boolean): string =>
        text.slice(...viewsOf(text, k, isOutermost)[skipped]!.spanOf(start, end));
      assert.equal(spanOf(false), letters);
      assert.equal(spanOf(true), words);
    });
  }
});

test('a run does not run on into the next: what is between comes from where the first ends', () => {
  const [view] = viewsOf('AAAAAAAAAAAA\0BBBBBBBBBBBB', BASE64, false);
  assert.ok(view !== undefined);
  assert.deepEqual(view.spanOf(8, 9), [10, 12]);
  assert.deepEqual(view.spanOf(9, 10), [11, 12]);
  assert.deepEqual(view.spanOf(14, 15), [11, 12]);
  assert.deepEqual(view.spanOf(15, 16), [13, 15]);
});

test('in a long run as well', () => {
  const text = `.${'QUJD'.repeat(6_000)}.`;
  for (const at of [0, 3, 6_000, 17_999]) {
    assert.deepEqual(viewsOf(text, BASE64, false)[0]?.spanOf(at, at + 1), [
      1 + Math.floor((at * 4) / 3),
      1 + Math.ceil(((at + 1) * 4) / 3),
    ]);
  }
});

describe('something packed may begin', () => {
  const word = `${'aB'.repeat(11)}c7`;
  const startsOf = (text: string, k: number = BASE64): (readonly number[] | undefined)[] =>
    viewsOf(text, k, true).map(({ starts }) => starts);

  test('at a word of 24 letters with a digit and a letter among them', () => {
    assert.equal(word.length, 24);
    for (const [text, isPacked] of [
      [word, true],
      [word.slice(1), false],
      [word.replace('7', '0'), true],
      [word.replace('7', '9'), true],
      [word.replace('7', '/'), false],
      [word.replace('7', 'x'), false],
      [word.replace('7', 'x7'), false],
      ['0123456789'.repeat(3), false],
      ['0123456789'.repeat(3).replace('0', 'A'), true],
      ['0123456789'.repeat(3).replace('0', '+'), false],
    ] as const) {
      assert.deepEqual(startsOf(text), [isPacked ? [0] : [], [], [], []], text);
      assert.deepEqual(startsOf(`\0${text}\0abcdefghijkl`), [isPacked ? [0] : [], [], [], []], text);
    }
  });

  test('in the view in which its letters begin a byte', () => {
    assert.deepEqual(startsOf(`a ${word}`), [[], [0], [], []]);
    assert.deepEqual(startsOf(`a bc ${word}`), [[], [], [], [0]]);
    assert.deepEqual(startsOf(`abcd ${word}`), [[3], [], [], []]);
    assert.deepEqual(startsOf(`abcd ${word} ${word} a ${word}`), [[3, 21], [39], [], []]);
    assert.deepEqual(startsOf(`${word}\0${word}`), [[0, 24], [], [], []]);
    const hex = '1f8b0800'.repeat(3);
    assert.deepEqual(startsOf(`0x0a ${hex}`, HEX), [[1], []]);
    assert.deepEqual(startsOf(`a ${hex} ${hex}`, HEX), [[], [0, 12]]);
  });

  test('at 256 words of a text', () => {
    assert.deepEqual(
      startsOf(`${word} `.repeat(300))[0],
      Array.from({ length: 256 }, (_, k) => 18 * k),
    );
  });
});

test('something packed goes on over lines of letters, and no farther', () => {
  const [one, two, three] = ['first line!!', 'second line!', 'behind it...'].map((text) =>
    Buffer.from(text).toString('base64'),
  );
  const packedFrom = (text: string, at: number): string => {
    const [view] = viewsOf(text, BASE64, true);
    return view!.bytes.toString('latin1', at, view!.blockEnd?.(at));
  };
  const text = `${one}\r\n${two}= ${three}\n${one}`;
  assert.equal(packedFrom(text, 0), 'first line!!second line!');
  assert.equal(packedFrom(text, 4), 't line!!second line!');
  assert.equal(packedFrom(text, 15), 'ond line!');
  assert.equal(packedFrom(text, 24), `behind it...first line!!${'\0'.repeat(6)}`);
  assert.equal(packedFrom(text, 999), '');
  const [, , , last] = viewsOf(text, BASE64, true);
  assert.equal(last?.blockEnd?.(0), 21);
  const [bits] = viewsOf('01000001 01000010', BITS, true);
  assert.deepEqual([bits?.blockEnd?.(0), bits?.blockEnd?.(1)], [1, 3]);
});
