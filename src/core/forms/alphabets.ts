// Other alphabets for bytes: base64, base32 and hex, where the value stands at any place of longer data.

import { hexDigits, spellBytes, tableOf, type ByteTable, type Case } from './spelling.ts';

interface Alphabet {
  readonly letters: Buffer;
  /** How many bits one letter is. */
  readonly width: number;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** RFC 4648, sections 4, 5 and 6; base32 in small letters as programs for people write it. */
export const BASE64: Alphabet = alphabet(`${LETTERS}${LETTERS.toLowerCase()}0123456789+/`);
export const BASE64URL: Alphabet = alphabet(`${LETTERS}${LETTERS.toLowerCase()}0123456789-_`);
export const BASE32: Alphabet = alphabet(`${LETTERS}234567`);
export const BASE32_LOWER: Alphabet = alphabet(`${LETTERS.toLowerCase()}234567`);

function alphabet(letters: string): Alphabet {
  return { letters: Buffer.from(letters, 'latin1'), width: Math.log2(letters.length) };
}

/** Without padding. */
export function inAlphabet(value: Uint8Array, { letters, width }: Alphabet): Buffer {
  const text = Buffer.allocUnsafe(Math.ceil((value.length * 8) / width));
  const mask = letters.length - 1;
  let bits = 0;
  let known = 0;
  let at = 0;
  for (const byte of value) {
    bits = ((bits << 8) | byte) & 0xffff;
    for (known += 8; known >= width; at += 1) {
      known -= width;
      text[at] = letters[(bits >> known) & mask]!;
    }
  }
  if (known > 0) text[at] = letters[(bits << (width - known)) & mask]!;
  return text;
}

/** One way that a value behind `before` other bytes is written, without the letters that those have a part in. */
interface Aligned {
  /** To the last letter, which the value shares when `isShared`: the bytes behind it decide what that is. */
  readonly text: Buffer;
  readonly isShared: boolean;
  /** How many bytes more would make a full group: so many times `=` behind base64, when the data ends here. */
  readonly lacking: number;
}

/** The value at each place of a group of bytes: 3 for base64, 5 for base32 (GitHub runner, ADR 0297). */
function alignedIn(value: Uint8Array, alphabet: Alphabet, most = 5): Aligned[] {
  const group = alphabet.width === 6 ? 3 : 5;
  return Array.from({ length: Math.min(group, most) }, (_, before) => {
    const padded = Buffer.alloc(before + value.length);
    padded.set(value, before);
    const text = inAlphabet(padded, alphabet).subarray(Math.ceil((before * 8) / alphabet.width));
    padded.fill(0);
    return {
      text,
      isShared: (padded.length * 8) % alphabet.width !== 0,
      lacking: (group - (padded.length % group)) % group,
    };
  });
}

/** At the end of the data, with padding: every other alignment but for its last letter is a part of these. */
export function paddedIn(value: Uint8Array, alphabet: Alphabet): Buffer[] {
  return alignedIn(value, alphabet).map(({ text, lacking }) => withPadding(text, lacking));
}

/** In the middle of the data, and at its end without padding. */
export function unpaddedIn(value: Uint8Array, alphabet: Alphabet): Buffer[] {
  return alignedIn(value, alphabet).flatMap(({ text, isShared }) => (isShared ? [text.subarray(0, -1), text] : [text]));
}

/**
 * In the middle of the data alone, at the first `most` places. What is left beside it at an end is one letter, which tells
 * less than six bits.
 */
export function surelyIn(value: Uint8Array, alphabet: Alphabet, most?: number): Buffer[] {
  return alignedIn(value, alphabet, most).map(({ text, isShared }) => (isShared ? text.subarray(0, -1) : text));
}

/** Base64 of the value alone but for its last letters, when those depend on what is behind it. */
export function wholeGroups(value: Uint8Array): Buffer {
  return inAlphabet(value.subarray(0, value.length - (value.length % 3)), BASE64);
}

function withPadding(text: Buffer, count: number): Buffer {
  const padded = Buffer.alloc(text.length + count, '=');
  text.copy(padded);
  text.fill(0);
  return padded;
}

/** Base64 broken into lines from the first letter on, as tools print a value alone. */
export function base64Lines(value: Uint8Array, widths: readonly number[]): Buffer[] {
  const text = inAlphabet(value, BASE64);
  const isShared = (value.length * 8) % 6 !== 0;
  const lines = widths.flatMap((width) => [
    wrapped(text, width) ?? [],
    isShared ? (wrapped(text.subarray(0, -1), width) ?? []) : [],
  ]);
  text.fill(0);
  return lines.flat();
}

/** Lines of `width` characters with a line feed between them; undefined when one line is enough. */
export function wrapped(text: Uint8Array, width: number): Buffer | undefined {
  return spellBytes(text, (byte, at) => (at > 0 && at % width === 0 ? `\n${String.fromCharCode(byte)}` : undefined));
}

/** Two digits a byte. */
export function hexTable(letters: Case): ByteTable {
  return tableOf((byte) => hexDigits(byte, 2, letters));
}
