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
