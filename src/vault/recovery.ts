// The recovery key as people write it down: 256 bits and a checksum in Crockford base32, 8 groups of 7 characters.
// docs/vault-format.md, "Recovery key".

import { createHash, timingSafeEqual } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import type { Secret } from '../core/secret.ts';

export const RECOVERY_KEY_BYTES = 32;
/** 32 + 3 bytes are 280 bits: 56 characters and nothing left over. */
const CHECKSUM_BYTES = 3;
const CHARACTERS = 56;
const GROUP = 7;
/** https://www.crockford.com/base32.html */
const ALPHABET = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const SEPARATORS = Buffer.from('- \t\r\n');
/** Characters people confuse, and what they mean. */
const CONFUSED = new Map([...Buffer.from('OoIiLl')].map((letter, i) => [letter, i < 2 ? 0 : 1]));

/** The text of a kit, as bytes that can be wiped: `XXXXXXX-XXXXXXX-…`. */
export function encodeRecoveryKey(key: Buffer): Buffer {
  const bytes = Buffer.concat([key, checksum(key)]);
  const text = Buffer.alloc(CHARACTERS + CHARACTERS / GROUP - 1, '-');
  for (let i = 0; i < CHARACTERS; i += 1) {
    text[i + Math.floor(i / GROUP)] = ALPHABET[fiveBits(bytes, i * 5)] ?? 0;
  }
  bytes.fill(0);
  return text;
}

/**
 * The 32 bytes, which the caller wipes. Case, spaces and hyphens do not matter; O is 0, I and L are 1.
 * Throws `input/invalid` for a text that is no recovery key or has a mistake in it.
 */
export function decodeRecoveryKey(text: Secret): Buffer {
  const bytes = Buffer.alloc(RECOVERY_KEY_BYTES + CHECKSUM_BYTES);
  let count = 0;
  for (const character of text.reveal()) {
    if (SEPARATORS.includes(character)) continue;
    const digit = digitOf(character);
    if (digit < 0 || count === CHARACTERS) throw mistyped(bytes);
    putFiveBits(bytes, count * 5, digit);
    count += 1;
  }
  const key = bytes.subarray(0, RECOVERY_KEY_BYTES);
  const isRight = count === CHARACTERS && timingSafeEqual(checksum(key), bytes.subarray(RECOVERY_KEY_BYTES));
  if (!isRight) throw mistyped(bytes);
  return key;
}

function checksum(key: Buffer): Buffer {
  return createHash('sha256').update('keystile/recovery\0').update(key).digest().subarray(0, CHECKSUM_BYTES);
}

function fiveBits(bytes: Buffer, at: number): number {
  const pair = ((bytes[at >> 3] ?? 0) << 8) | (bytes[(at >> 3) + 1] ?? 0);
  return (pair >> (11 - (at & 7))) & 31;
}

function putFiveBits(bytes: Buffer, at: number, digit: number): void {
  const shifted = digit << (11 - (at & 7));
  bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (shifted >> 8);
  if ((shifted & 0xff) !== 0) bytes[(at >> 3) + 1] = (bytes[(at >> 3) + 1] ?? 0) | (shifted & 0xff);
}

function digitOf(character: number): number {
  const isLower = character >= 0x61 && character <= 0x7a;
  return CONFUSED.get(character) ?? ALPHABET.indexOf(isLower ? character - 0x20 : character);
}

function mistyped(bytes: Buffer): Failure {
  bytes.fill(0);
  return new Failure('input/invalid', 'that is not a recovery key, or a character of it is wrong', {
    field: 'recoveryKey',
    hint: `check its ${CHARACTERS} characters against the kit`,
  });
}
