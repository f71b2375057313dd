// Letters of several bytes and control sequences, against their definitions: Unicode's decompositions and ECMA-48.

import assert from 'node:assert/strict';
import test from 'node:test';

import { FOLDED_FIRSTS, foldedLetter, sequenceLength, type Folded } from '../../../src/core/sweep/folding.ts';

/** Signs of Latin-1, combining accents, general punctuation, lines and blocks, the byte order mark. */
const UNSEEN = ['\u0080\u00bf', '\u0300\u036f', '\u2000\u207f', '\u2500\u25ff', '\ufeff\ufeff'];

function meant(letter: string): Folded | undefined {
  const { length } = Buffer.from(letter);
  if (UNSEEN.some((range) => letter >= range.charAt(0) && letter <= range.charAt(1))) return { length, letter: 0 };
  const isLatin = letter >= '\u00c0' && letter <= '\u00ff';
  const bare = isLatin ? letter.normalize('NFD').charAt(0).toLowerCase() : wide(letter);
  return bare < '\x80' ? { length, letter: bare.charCodeAt(0) } : undefined;
}

function wide(letter: string): string {
  return letter >= '\uff01' && letter <= '\uff5e' ? letter.normalize('NFKC') : letter;
}

test('each letter that is looked at is what a reader takes it for, wherever it stands', () => {
  let count = 0;
  for (let code = 0x80; code < 0x1_0000; code += 1) {
    const letter = String.fromCodePoint(code);
    const text = Buffer.from(`ab${letter}c`);
    // Half of a letter has no bytes of its own.
    if ((code >= 0xd800 && code <= 0xdfff) || !FOLDED_FIRSTS.includes(text[2]!)) continue;
    count += 1;
    const found = foldedLetter(text, 2);
    if (found?.length !== meant(letter)?.length || found?.letter !== meant(letter)?.letter)
      assert.deepEqual(found, meant(letter), `U+${code.toString(16)}`);
  }
  assert.equal(count, 2 * 64 + 2 * 64 + 2 * 64 * 64);
});

test('bytes that begin like a letter and do not go on so are themselves', () => {
  for (const hex of ['c3', 'c341', 'c3c3', 'e280', 'e28041', 'e241a0', 'e2c2a0', 'efbb', 'efbbc0', 'c2ff']) {
    assert.equal(foldedLetter(Buffer.from(hex, 'hex'), 0), undefined, hex);
  }
});

test('a control sequence is as long as a terminal takes it, or ends before its letter', () => {
  const ESC = '\x1b';
  for (const [text, whole, bare] of [
    [`${ESC}[31mX`, 5, 4],
    [`${ESC}[mX`, 3, 2],
    [`${ESC}[ ?<0;/:!KX`, 11, 10],
    [`${ESC}[@X`, 3, 2],
    [`${ESC}[\x1fX`, 3, 2],
    [`${ESC}[`, 2, 2],
    [`${ESC}[31`, 4, 4],
    [`${ESC}]0;t\x07X`, 6, 1],
    [`${ESC}]\x07X`, 3, 1],
    [`${ESC}]0;t${ESC}\\X`, 7, 1],
    [`${ESC}]0;t${ESC}[1mX`, 1, 1],
    [`${ESC}]0;t`, 1, 1],
    [`${ESC}MX\x07`, 1, 1],
    [ESC, 1, 1],
    // At the limit: nothing longer is one.
    [`${ESC}[${'1'.repeat(253)}mX`, 256, 255],
    [`${ESC}[${'1'.repeat(254)}mX`, 256, 256],
    [`${ESC}[${'1'.repeat(300)}mX`, 256, 256],
    [`${ESC}]${'t'.repeat(253)}\x07X`, 256, 1],
    [`${ESC}]${'t'.repeat(254)}\x07X`, 1, 1],
    [`${ESC}]${'t'.repeat(253)}${ESC}\\X`, 257, 1],
    [`${ESC}]${'t'.repeat(254)}${ESC}\\X`, 1, 1],
  ] as const) {
    for (const before of ['', 'ab']) {
      const bytes = Buffer.from(before + text);
      assert.equal(sequenceLength(bytes, before.length, true), whole, JSON.stringify(text));
      assert.equal(sequenceLength(bytes, before.length, false), bare, JSON.stringify(text));
    }
  }
});
