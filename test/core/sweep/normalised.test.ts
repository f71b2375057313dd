// What a reader sees in a text, letter by letter, and where it stands.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { endOf, hasLineNumbers, normalise, PLAIN, type Style } from '../../../src/core/sweep/normalised.ts';
import { BLOCK_BYTES } from '../../../src/core/sweep/view.ts';

const TERMINAL: Style = { ...PLAIN, isTerminal: true };
const NUMBERED: Style = { ...PLAIN, isNumbered: true };

const seen = (text: string, style = PLAIN): string => normalise(Buffer.from(text), style).bytes.toString('latin1');

test('of all bytes letters, in small, and digits are seen, and what is no ASCII', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const letter = String.fromCharCode(byte);
    const kept = /[a-z0-9\x80-\xff]/i.test(letter) ? letter.replace(/[A-Z]/, (it) => it.toLowerCase()) : '';
    const { bytes, places } = normalise(Buffer.from(`x${letter}y`, 'latin1'), PLAIN);
    assert.equal(bytes.toString('latin1'), `x${kept}y`, `byte ${byte}`);
    assert.deepEqual([...places], kept === '' ? [0, 2] : [0, 1, 2]);
  }
});

describe('it reads', () => {
  for (const [what, text, expected, style] of [
    ['nothing', '', '', PLAIN],
    ['letters with accents', 'Édùç ñ', 'educn', PLAIN],
    ['letters that have none as they are', 'aß', 'a\xc3\x9f', PLAIN],
    ['wide letters', 'Ｗｉ５', 'wi5', PLAIN],
    ['wide signs', 'a＿［b', 'ab', PLAIN],
    ['what has no width', 'a\u200bb\u0301\ufeffc│d', 'abcd', PLAIN],
    ['letters of other languages', 'a漢b', 'a\xe6\xbc\xa2b', PLAIN],
    ['bold', 'a\bab\bb', 'ab', PLAIN],
    ['bold letters of two bytes', 'é\béa', 'ea', PLAIN],
    ['two letters typed over two', 'xy\bxyz', 'xyz', PLAIN],
    ['two over two others', 'xy\bxz', 'xyxz', PLAIN],
    ['two over others two', 'xy\bzy', 'xyzy', PLAIN],
    ['another letter over one', 'a\bb', 'ab', PLAIN],
    ['a backspace before all', '\baa', 'aa', PLAIN],
    ['a backspace and two letters', 'a\bcab', 'acab', PLAIN],
    ['a backspace behind all', 'ab\b', 'ab', PLAIN],
    ['colours on a terminal', 'a\x1b[31mb\x1b[0m', 'ab', TERMINAL],
    ['colours whose letter is meant', 'a\x1b[31mb', 'amb', PLAIN],
    ['a title on a terminal', 'a\x1b]0;t\x07b', 'ab', TERMINAL],
    ['a title', 'a\x1b]0;t\x07b', 'a0tb', PLAIN],
    ['numbers of lines', '1\ta\n2\tb', '1a2b', PLAIN],
    ['lines without their numbers', '  1\ta\n 22: b\n3x\n4', 'ab3x', NUMBERED],
    ['a line of eight spaces', '        1 a', 'a', NUMBERED],
    ['a line of nine', '         1 a', '1a', NUMBERED],
    ['a number of eight digits', '12345678 a', 'a', NUMBERED],
    ['a number of nine', '123456789 a', '123456789a', NUMBERED],
    ['a number alone on its line', 'a\n5\nb', 'a5b', NUMBERED],
    ['a number before a bracket', 'a\n5[b', 'a5b', NUMBERED],
    ['lines without numbers', 'a\n\n \tb', 'ab', NUMBERED],
    ['brackets that are no marker', '[a]<b>{c}(d)', 'abcd', PLAIN],
  ] as const) {
    test(what, () => {
      assert.equal(seen(text, style), expected);
    });
  }

  test('markers, when they are ours', () => {
    const style: Style = { ...PLAIN, markerLength: (text, at) => (text.subarray(at + 1).indexOf('!') === 0 ? 4 : 0) };
    for (const open of '[<{(') assert.equal(seen(`a${open}!b]c${open}d`, style), 'acd');
    assert.equal(seen('a)!b]c', style), 'abc');
  });
});

test('each letter has the place of its first byte', () => {
  const text = 'é-Ｗ\x1b[1mx\bx\n  12 y';
  const { bytes, places } = normalise(Buffer.from(text), { ...TERMINAL, isNumbered: true });
  assert.equal(bytes.toString(), 'ewxy');
  assert.deepEqual([...places], [0, 3, 10, 19]);
});

test('what stands across the end of a block is one', () => {
  for (let before = BLOCK_BYTES - 8; before < BLOCK_BYTES + 4; before += 1) {
    const filler = 'f'.repeat(before);
    for (const [between, expected] of [
      ['\x1b[1;31m', ''],
      ['é', 'e'],
      ['\n   17 ', ''],
      ['x\bx', 'x'],
      ['-', ''],
      ['a'.repeat(BLOCK_BYTES), 'a'.repeat(BLOCK_BYTES)],
    ]) {
      const style = { ...TERMINAL, isNumbered: true };
      assert.ok(seen(`${filler}${between}tail`, style) === `${filler}${expected}tail`, JSON.stringify(between));
    }
  }
});

test('lines are numbered when three of them are, but the first', () => {
  for (const [text, expected] of [
    ['a\n1 a\n2 b\n3 c', true],
    ['\n1\ta\n\n  2: b\nx\n3|c\n4 d', true],
    ['\n1 a\n2 b', false],
    ['1 a\n2 b\n3 c', false],
    ['\na\nb\nc\n', false],
    ['\n1a\n2b\n3c', false],
    ['\n1\n2\n3\n', false],
    ['\n -a\n -b\n -c', false],
    ['\n123456789 a\n123456789 b\n123456789 c', false],
    ['', false],
  ] as const) {
    assert.equal(hasLineNumbers(Buffer.from(text)), expected, JSON.stringify(text));
  }
});

test('a letter is over behind all its bytes, and behind what is typed over it', () => {
  for (const [text, expected] of [
    ['ab', 'a'],
    ['a', 'a'],
    ['é-', 'é'],
    ['é', 'é'],
    ['漢字', '漢'],
    ['a\bab', 'a\ba'],
    ['a\ba\ba\bb', 'a\ba\ba'],
    ['a\bb', 'a'],
    ['a\b', 'a'],
    ['axab', 'a'],
    ['é\béb', 'é\bé'],
    ['é\bè', 'é\bè'],
  ] as const) {
    for (const before of ['', 'a\b.', 'é']) {
      const bytes = Buffer.from(before + text);
      const place = Buffer.byteLength(before);
      assert.equal(bytes.toString('utf8', place, endOf(bytes, place)), expected, JSON.stringify(before + text));
    }
  }
  assert.equal(endOf(Buffer.from('808080', 'hex'), 1), 2);
  assert.equal(endOf(Buffer.from('bf8080', 'hex'), 0), 1);
  assert.equal(endOf(Buffer.from('c08041', 'hex'), 0), 2);
  assert.equal(endOf(Buffer.from('c0c041', 'hex'), 0), 1);
});
