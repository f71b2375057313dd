// Bytes written as numbers: lists of decimals, and the dumps of od, hexdump and xxd, in groups of one, two or four bytes.

import type { View } from './view.ts';

/** A number as it stands in the text. */
interface Row {
  readonly radix: 2 | 8 | 10 | 16;
  /** How many digits it has, at least and at most. */
  readonly digits: readonly [number, number];
  /** Bytes of a number; of one with fewer hexadecimal digits, as at the end of a dump, one for each two of them. */
  readonly bytes: 1 | 2 | 4;
  /** Whether the last byte stands first, as in a dump of words (x86, arm64). */
  readonly isSwapped: boolean;
}

const ROWS: readonly Row[] = [
  { radix: 10, digits: [1, 3], bytes: 1, isSwapped: false },
  { radix: 8, digits: [3, 3], bytes: 1, isSwapped: false },
  { radix: 2, digits: [8, 8], bytes: 1, isSwapped: false },
  { radix: 16, digits: [2, 2], bytes: 1, isSwapped: false },
  { radix: 16, digits: [2, 4], bytes: 2, isSwapped: false },
  { radix: 16, digits: [2, 4], bytes: 2, isSwapped: true },
  { radix: 16, digits: [2, 8], bytes: 4, isSwapped: false },
  { radix: 16, digits: [2, 8], bytes: 4, isSwapped: true },
  { radix: 8, digits: [6, 6], bytes: 2, isSwapped: true },
  { radix: 10, digits: [2, 5], bytes: 2, isSwapped: true },
  { radix: 10, digits: [2, 10], bytes: 4, isSwapped: true },
];
const DIGITS_MAX = 10;
/** A list of fewer holds no needle. */
const BYTES_MIN = 7;
/** Behind a line of a dump stand its letters. A longer rest is something else. */
const REST_BYTES_MAX = 80;

/** Numbers with more between them, as an address and the letters of a dump, are of two lists. */
const GAP_BYTES_MAX = 100;
const GAP_LINES_MAX = 2;

/** Digit of each byte; LETTER for those no digit of any radix; OTHER for what parts words. */
const LETTER = 98;
const OTHER = 99;
const DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  if (letter < 0x61 || letter > 0x7a || byte < 0x41) return OTHER;
  return letter <= 0x66 ? letter - 0x57 : LETTER;
});

/** Every list of numbers in the text, of each kind all together: what stands between them says nothing. The caller wipes each. */
export function* fromNumbers(text: Buffer): Generator<View> {
  const lists = ROWS.map(() => new List());
  for (const word of wordsOf(text)) {
    for (const [k, row] of ROWS.entries()) {
      if (word.length < row.digits[0] || word.length > row.digits[1] || word.highest >= row.radix) continue;
      const bytes = row.radix === 16 ? word.length / 2 : row.bytes;
      const number = numberAt(text, word.start, word.length, row.radix);
      if (!Number.isInteger(bytes) || number >= 256 ** bytes) continue;
      if (lists[k]!.isFarFrom(text, word.start)) lists[k]!.part(word.start);
      lists[k]!.add(number, bytes, row.isSwapped, word.start, word.start + word.length);
    }
  }
  for (const list of lists) {
    if (list.length >= BYTES_MIN) {
      yield {
        bytes: list.taken(),
        spanOf: (start, end) => [list.starts[start]!, restOfDump(text, list.ends[end - 1]!)],
      };
    }
    list.wipe();
  }
}

interface Word {
  start: number;
  length: number;
  /** The highest digit of it. */
  highest: number;
  /** Whether an address stands before it on its line. */
  isDump: boolean;
}

/** Words that may be numbers. Addresses of a dump are none, and no letters beside it. One object is given again and again. */
function* wordsOf(text: Buffer): Generator<Word> {
  const word: Word = { start: 0, length: 0, highest: 0, isDump: false };
  for (let at = 0; at < text.length;) {
    at = nextWord(text, at, word);
    if (word.length > 0) yield word;
  }
}

/** Goes to the next word that may be a number, or to the end, and leaves `word` empty; gives where to go on. */
function nextWord(text: Buffer, from: number, word: Word): number {
  word.length = 0;
  for (let at = from; at < text.length;) {
    const byte = text[at]!;
    if (DIGITS[byte] === OTHER) {
      if (byte === 0x0a) word.isDump = false;
      at = byte === 0x20 && text[at + 1] === 0x20 && isAside(text, at, word.isDump) ? endOfLine(text, at) : at + 1;
      continue;
    }
    at = readWord(text, at, word);
    if (word.length > 0) return at;
  }
  return text.length;
}

/** Two spaces before the letters of a dump: behind an address everything is one, else only before a bar. */
function isAside(text: Buffer, at: number, isDump: boolean): boolean {
  return isDump ? text[at - 1] !== 0x3a : text[at + 2] === 0x7c;
}

/** The word at `at`, without `0x`, `\x` and `&#x`; empty when it is no number. Gives where it ends. */
function readWord(text: Buffer, at: number, word: Word): number {
  word.start = at + prefixLength(text, at);
  word.highest = 0;
  let end = word.start;
  for (let digit = DIGITS[text[end] ?? 0]!; digit !== OTHER; digit = DIGITS[text[end] ?? 0]!) {
    if (digit > word.highest) word.highest = digit;
    end += 1;
  }
  const isAddress = word.highest < 16 && text[end] === 0x3a && isBlank(text[end + 1]);
  word.isDump ||= isAddress;
  const isNumber = word.highest < 16 && end - word.start <= DIGITS_MAX && !isAddress;
  word.length = isNumber ? end - word.start : 0;
  return end;
}

function prefixLength(text: Buffer, at: number): number {
  if (text[at] === 0x30 && isX(text[at + 1])) return 2;
  return isX(text[at]) ? 1 : 0;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isX(byte: number | undefined): boolean {
  return byte === 0x78 || byte === 0x58;
}

function endOfLine(text: Buffer, at: number): number {
  const feed = text.indexOf(0x0a, at);
  return feed < 0 ? text.length : feed;
}

/** The letters beside a line of a dump, two spaces behind its last number, belong to it. */
function restOfDump(text: Buffer, end: number): number {
  if (text[end] !== 0x20 || text[end + 1] !== 0x20) return end;
  const last = endOfLine(text, end);
  return last - end <= REST_BYTES_MAX ? last : end;
}

function numberAt(text: Buffer, start: number, length: number, radix: number): number {
  let number = 0;
  for (let at = start; at < start + length; at += 1) number = number * radix + DIGITS[text[at]!]!;
  return number;
}

/** Bytes, and where the number of each begins and ends. Grows by doubling: most lists are short. */
class List {
  #bytes = Buffer.alloc(256);
  starts = new Uint32Array(256);
  ends = new Uint32Array(256);
  length = 0;

  add(number: number, bytes: number, isSwapped: boolean, start: number, end: number): void {
    if (this.length + bytes > this.#bytes.length) this.#grow();
    for (let k = 0; k < bytes; k += 1) {
      this.#bytes[this.length] = number >>> (8 * (isSwapped ? k : bytes - 1 - k));
      this.starts[this.length] = start;
      this.ends[this.length] = end;
      this.length += 1;
    }
  }

  /** Whether too much stands between the last number and the place. */
  isFarFrom(text: Buffer, place: number): boolean {
    if (this.length === 0) return false;
    const last = this.ends[this.length - 1]!;
    if (place - last > GAP_BYTES_MAX) return true;
    let feeds = 0;
    for (let at = last; at < place; at += 1) if (text[at] === 0x0a) feeds += 1;
    return feeds > GAP_LINES_MAX;
  }

  /** Adds a byte over which nothing is found. */
  part(place: number): void {
    this.add(0xff, 1, false, place, place);
  }

  /** A view. */
  taken(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  #grow(): void {
    const [bytes, starts, ends] = [this.#bytes, this.starts, this.ends];
    this.#bytes = Buffer.alloc(2 * bytes.length);
    this.starts = new Uint32Array(2 * bytes.length);
    this.ends = new Uint32Array(2 * bytes.length);
    bytes.copy(this.#bytes);
    this.starts.set(starts);
    this.ends.set(ends);
    bytes.fill(0);
  }
}
