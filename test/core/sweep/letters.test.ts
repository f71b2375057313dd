// Base64, base32, hexadecimal and binary letters, read from every boundary, against a plain definition on strings of bits.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import fc from 'fast-check';

import { ALPHABETS, decodedBy } from '../../../src/core/sweep/letters.ts';
import { BLOCK_BYTES } from '../../../src/core/sweep/view.ts';

interface Encoding {
  readonly bits: number;
  readonly boundaries: number;
  /** The digit of a letter; undefined when it is none. */
  readonly digitOf: (letter: string) => number | undefined;
  /** What parts runs. */
  readonly breaks: RegExp;
  /** What stands before bytes. */
  readonly prefix: RegExp;
}

const place = (letters: string, letter: string): number | undefined =>
  letters.includes(letter) ? letters.indexOf(letter) : undefined;
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** In the order of `ALPHABETS`. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  base64: {
    bits: 6,
    boundaries: 4,
    digitOf: (letter) =>
      place(`${UPPER}${UPPER.toLowerCase()}0123456789+/`, letter.replace('-', '+').replace('_', '/')),
    breaks: /[^\t-\r -~]/,
    prefix: /^$/g,
  },
  base32: {
    bits: 5,
    boundaries: 8,
    digitOf: (letter) => place(`${UPPER}234567`, letter.toUpperCase()),
    breaks: /[^A-Za-z2-7\r\n=]/,
    prefix: /^$/g,
  },
  hex: {
    bits: 4,
    boundaries: 2,
    digitOf: (letter) => place('0123456789abcdef', letter.toLowerCase()),
    breaks: /[^\t-\r -~]|[g-wyz]/i,
    prefix: /0?x/gi,
  },
  bits: {
    bits: 1,
    boundaries: 8,
    digitOf: (letter) => place('01', letter),
    breaks: /[^01 \t\r\n,;:_|-]/,
    prefix: /^$/g,
  },
};

/** From each boundary, what all runs of twelve letters and more are, with zeros behind each. */
function meant(text: string, { bits, boundaries, digitOf, breaks, prefix }: Encoding): string[] {
  const runs = text
    .split(breaks)
    .map((run) => Array.from(run.replaceAll(prefix, ''), digitOf).filter((digit) => digit !== undefined));
  const all = runs
    .flatMap((digits) => (digits.length < 12 ? [] : [...digits, 0, 0, 0, 0, 0, 0, 0, 0]))
    .map((digit) => digit.toString(2).padStart(bits, '0'));
  if (all.length === 0) return [];
  return Array.from({ length: boundaries }, (_, skipped) =>
    (all.slice(skipped).join('').match(/.{8}/g) ?? [])
      .map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, '0'))
      .join(''),
  );
}

/** Letters of every alphabet, in which no boundary looks like another. */
const lettersOf = (name: string, length: number): string =>
  (name === 'base32' ? 'hQQhQhhQQhhQhQQh' : '0110100110010110').repeat(length / 16);

const viewsOf = (text: string, k: number): string[] =>
  Array.from(decodedBy(ALPHABETS[k]!, Buffer.from(text, 'latin1'), true), ({ bytes }) => bytes.toString('hex'));

for (const [k, [name, encoding]] of Object.entries(ENCODINGS).entries()) {
  describe(name, () => {
    test('each byte is a letter, or parts letters, or runs', () => {
      for (let byte = 0; byte < 256; byte += 1) {
        const letter = String.fromCharCode(byte);
        const text = `${lettersOf(name, 16)}${letter}${lettersOf(name, 16)}${letter}AB`;
        assert.deepEqual(viewsOf(text, k), meant(text, encoding), `byte ${byte}`);
      }
    });

    test('a run of twelve letters is one, of eleven none', () => {
      const letters = name === 'base32' ? 'ABCDEF234567' : '011010010110';
      assert.deepEqual(viewsOf(letters, k), meant(letters, encoding));
      assert.equal(viewsOf(letters, k).length, encoding.boundaries);
      assert.deepEqual(viewsOf(letters.slice(1), k), []);
      assert.deepEqual(viewsOf(`\0${letters.slice(1)}\0${letters.slice(1)}`, k), []);
      assert.deepEqual(viewsOf('', k), []);
    });

    test('runs of any letters with anything between them', () => {
      const letters = fc.string({
        unit: fc.constantFrom(...(name === 'bits' ? '01' : 'ABCDEFabcdef234567Zz+_')),
        maxLength: 40,
      });
      const between = fc.constantFrom(' ', '\n', '\r\n', '=', ', ', '\0', '\x80', 'é', '0x', ' 0x', '0', 'x', 'g', '-');
      fc.assert(
        fc.property(fc.array(fc.tuple(letters, between)), (parts) => {
          const text = parts.flat().join('');
          assert.deepEqual(viewsOf(text, k), meant(text, encoding));
        }),
      );
    });

    test('as many letters as blocks hold, one run or many', () => {
      for (const length of [BLOCK_BYTES + 16, 3 * BLOCK_BYTES]) {
        const [one, short] = [lettersOf(name, length), lettersOf(name, 16)];
        for (const text of [one, `${short}\0`.repeat(length / 16), `${one}\0${one}`]) {
          assert.ok(viewsOf(text, k).join('|') === meant(text, encoding).join('|'), `${length}`);
        }
      }
    });
  });
}

test('a zero right before an x is no digit, and any other is', () => {
  const run = '112233445566';
  for (const text of [`${run}0x77`, `${run}0X77`, `${run}ax77`, `${run}0 x77`, `${run}a x77`, `${run}0 0x77`]) {
    assert.deepEqual(viewsOf(text, 2), meant(text, ENCODINGS['hex']!), text);
    assert.deepEqual(viewsOf(`x${text}0`, 2), meant(`x${text}0`, ENCODINGS['hex']!), text);
  }
  for (const text of [`0x${run}`, `0\0x${run}`, `${run}0\0x${run}`, `${run}\x0000x${run}`, `${run}\0ax${run}`]) {
    assert.deepEqual(viewsOf(text, 2), meant(text, ENCODINGS['hex']!), text);
  }
});
