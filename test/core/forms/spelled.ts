// Spellings as text that a test can write down. Nothing of the redactor is loaded for it, so that such tests take no time.

import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';

/** Each once, in the order of the characters; one that is no UTF-8 as Latin-1, with a word in front that says so. */
export function textsOf(spellings: readonly Buffer[]): string[] {
  const texts = spellings.map((text) => (isUtf8(text) ? text.toString('utf8') : `latin1 ${text.toString('latin1')}`));
  return [...new Set(texts)].sort();
}

/** Fails unless `value` is spelled in these ways and in no other. */
export function assertSpelled(
  spell: (value: Buffer) => Buffer[],
  value: string | Buffer,
  expected: readonly string[],
): void {
  assert.deepEqual(textsOf(spell(Buffer.from(value))), [...new Set(expected)].sort());
}

/** Bytes of any kind, one a character. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** RFC 4648, tables 1 to 3. */
export const LETTERS_64 = `${CAPITALS}${CAPITALS.toLowerCase()}0123456789+/`;
export const LETTERS_64_URL = `${CAPITALS}${CAPITALS.toLowerCase()}0123456789-_`;
export const LETTERS_32 = `${CAPITALS}234567`;

/**
 * What an alphabet makes of bytes behind `before` others, bit by bit: the letters that none of those have a part in. The last
 * is filled up with zeros; `sure` is without it then, since what is behind the bytes decides what it is.
 */
export function lettersOf(
  bytes: Uint8Array,
  letters: string,
  before = 0,
): { readonly all: string; readonly sure: string } {
  const width = Math.log2(letters.length);
  const bits = '?'.repeat(8 * before) + Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = (bits.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).filter((group) => !group.includes('?'));
  const all = groups.map((group) => letters[Number.parseInt(group.padEnd(width, '0'), 2)]).join('');
  return { all, sure: (groups.at(-1)?.length ?? width) < width ? all.slice(0, -1) : all };
}
