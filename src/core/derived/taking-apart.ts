// Steps that every kind of structured value is taken apart by. Views of the value where that is possible.

import { certaintyOf, type Certainty } from './secret-names.ts';

/** A part of a value as its own copy, or a view of it. */
export interface Part {
  readonly bytes: Buffer;
  /** What is known of it by where it stands. */
  readonly certainty: Certainty;
  /** Whether `bytes` was made for this part, to be wiped by whoever takes it. */
  readonly isCopy: boolean;
}

/** What stands between bytes that `isBetween`; views. */
export function splitBy(value: Buffer, isBetween: (byte: number) => boolean): Buffer[] {
  const words: Buffer[] = [];
  let start = 0;
  for (let at = 0; at <= value.length; at += 1) {
    if (at < value.length && !isBetween(value[at]!)) continue;
    words.push(value.subarray(start, at));
    start = at + 1;
  }
  return words;
}

/** `name=value`: the value, and what its name says of it. */
export function withoutEqual(item: Buffer): { value: Buffer; certainty: Certainty } | undefined {
  const equal = item.indexOf(0x3d);
  if (equal <= 0) return undefined;
  return { value: item.subarray(equal + 1), certainty: certaintyOf(item.subarray(0, equal)) };
}

/** A copy with `%XX` as bytes; undefined when there is none. */
export function percentDecoded(text: Buffer): Buffer | undefined {
  if (!text.includes(0x25)) return undefined;
  const decoded = Buffer.alloc(text.length);
  let end = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] === 0x25 ? hexAt(text, at + 1, 2) : -1;
    if (byte >= 0) at += 2;
    decoded[end++] = byte >= 0 ? byte : text[at]!;
  }
  return decoded.subarray(0, end);
}

/** The number that `count` hexadecimal digits are; -1 when there are fewer. */
export function hexAt(text: Buffer, at: number, count: number): number {
  let number = 0;
  for (let k = at; k < at + count; k += 1) {
    const digit = digitOf(text[k] ?? 0);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
