// Which parts of a secret say so much that they are hidden where they stand alone: not words, numbers or separators, which are
// in many texts.

import { HASH } from './hash.ts';

/** So many different bytes, of two kinds, are hardly a word, a number or a separator. */
const TELLING_DISTINCT_MIN = 6;
const TELLING_KINDS_MIN = 2;
const [LOWER, UPPER, DIGIT, OTHER] = [1, 2, 3, 4] as const;
/** What stands between words, in paths, addresses and settings. */
const SEPARATORS = new Set(Buffer.from('/.:-_,=?&@;+ \t\r\n'));

/**
 * Four bytes that are in a string more often would lead to as many comparisons wherever they are in a text. Such a string
 * is looked for as a whole alone: its parts say little.
 */
const REPEATED_BYTES = 4;
const REPEATS_MAX = 8;

function repeatsItself(bytes: Buffer): boolean {
  const counts = new Uint16Array(256);
  let [four, most] = [0, 0];
  for (let end = 0; end < bytes.length; end += 1) {
    four = (four << 8) | bytes[end]!;
    if (end < REPEATED_BYTES - 1) continue;
    const count = (counts[Math.imul(four, HASH) >>> 24]! += 1);
    if (count > most) most = count;
  }
  // By hash others are counted with them.
  return most > REPEATS_MAX && mostOfFour(bytes) > REPEATS_MAX;
}

function mostOfFour(bytes: Buffer): number {
  const fours = new Map<number, number>();
  for (let at = 0; at + REPEATED_BYTES <= bytes.length; at += 1) {
    const four = bytes.readInt32LE(at);
    fours.set(four, (fours.get(four) ?? 0) + 1);
  }
  return Math.max(...fours.values());
}

/** Where parts of `part` bytes begin that are hidden alone. */
export function tellingStarts(bytes: Buffer, part: number): number[] {
  const starts: number[] = [];
  if (repeatsItself(bytes)) return starts;
  const counts = new Uint16Array(256);
  const kinds = new Uint16Array(OTHER + 1);
  let [distinct, mixed] = [0, 0];
  for (let end = 0; end < bytes.length; end += 1) {
    if ((counts[bytes[end]!]! += 1) === 1) distinct += 1;
    const kind = KINDS[bytes[end]!]!;
    if (kind !== 0 && (kinds[kind]! += 1) === 1) mixed += 1;
    if (end < part - 1) continue;
    const start = end - part + 1;
    if (mixed >= TELLING_KINDS_MIN && distinct >= TELLING_DISTINCT_MIN) starts.push(start);
    if ((counts[bytes[start]!]! -= 1) === 0) distinct -= 1;
    const gone = KINDS[bytes[start]!]!;
    if (gone !== 0 && (kinds[gone]! -= 1) === 0) mixed -= 1;
  }
  return starts;
}

function kindOf(byte: number): number {
  if (byte >= 0x61 && byte <= 0x7a) return LOWER;
  if (byte >= 0x41 && byte <= 0x5a) return UPPER;
  if (byte >= 0x30 && byte <= 0x39) return DIGIT;
  return SEPARATORS.has(byte) ? 0 : OTHER;
}

/** By byte; 0 for separators, which are of no kind. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => kindOf(byte));
