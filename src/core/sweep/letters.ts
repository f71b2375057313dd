// Runs of letters that may be an encoding of a number of bits a letter: base64, base32, hexadecimal, binary. They are read
// from every boundary a byte may begin at, so nobody has to know where the encoded text begins.

import { BLOCK_BYTES, type Span, type View } from './view.ts';

/** What a byte means: a digit from 0 on, or one of these. */
const BREAK = -1;
const SEPARATOR = -2;
const PREFIX = -3;

/** A run of fewer letters holds no needle. */
const LETTERS_MIN = 12;
/** A word of so many letters, of all three kinds, may begin something packed. */
const PACKED_LETTERS_MIN = 24;
const STARTS_MAX = 256;
/** Whole bytes in every alphabet. */
const DIGITS_BETWEEN = 8;
/** Between the lines of something packed, and at its end. */
const BLOCK_BYTES_BETWEEN = new Set(Buffer.from('\r\n=', 'latin1'));

interface Alphabet {
  readonly bits: number;
  readonly meanings: Int8Array;
}

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d);

/** `digits`: which byte stands for which digit. What else is printable parts letters, or only `separators` do. */
function alphabet(bits: number, digits: readonly (readonly [string, number])[], separators?: string): Alphabet {
  const meanings = new Int8Array(256).fill(BREAK);
  for (let byte = 0; byte < 256; byte += 1) {
    const isSeparator = separators?.includes(String.fromCharCode(byte)) ?? isPrintable(byte);
    if (isSeparator) meanings[byte] = SEPARATOR;
  }
  for (const [letters, first] of digits) {
    for (let k = 0; k < letters.length; k += 1) meanings[letters.charCodeAt(k)] = first + k;
  }
  return { bits, meanings };
}

const [UPPER, LOWER] = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'];

const BASE64 = alphabet(6, [
  [UPPER, 0],
  [LOWER, 26],
  ['0123456789', 52],
  ['+/', 62],
  ['-_', 62],
]);
/** Words of prose are base32 as well: only whole lines are put together. */
const BASE32 = alphabet(
  5,
  [
    [UPPER, 0],
    [LOWER, 0],
    ['234567', 26],
  ],
  '\r\n=',
);
const HEX = hexAlphabet();
const BINARY = alphabet(1, [['01', 0]], ' \t\r\n,;:_-|');

/** `0x`, `\x` and `%` part bytes; any other letter ends a run. */
function hexAlphabet(): Alphabet {
  const hex = alphabet(4, [
    ['0123456789', 0],
    ['ABCDEF', 10],
    ['abcdef', 10],
  ]);
  for (const letter of UPPER + LOWER) {
    const code = letter.charCodeAt(0);
    if (hex.meanings[code]! < 0) hex.meanings[code] = 'xX'.includes(letter) ? PREFIX : BREAK;
  }
  return hex;
}

export const ALPHABETS: readonly Alphabet[] = [BASE64, BASE32, HEX, BINARY];

/** Digits one after the other, and where they stand. */
interface Letters {
  readonly digits: Uint8Array;
  readonly places: Uint32Array;
  /** Numbers of digits that begin a word which may be packed. */
  readonly starts: readonly number[];
}

/**
 * What the text says in the alphabet, from each boundary. With `isOutermost` a stretch of it comes from whole words: half an
 * encoded one is no use to anybody; inside of something decoded, the letters next to it may come from elsewhere. The caller
 * wipes each.
 */
export function* decodedBy(encoding: Alphabet, text: Buffer, isOutermost: boolean): Generator<View> {
  const letters = collect(text, encoding.meanings);
  const { bits } = encoding;
  const boundaries = 8 / greatestCommon(8, bits);
  for (let skipped = 0; skipped < boundaries && letters.digits.length >= LETTERS_MIN; skipped += 1) {
    yield {
      bytes: packed(letters.digits, skipped, bits),
      spanOf: (start, end) => {
        const first = letters.places[skipped + Math.floor((start * 8) / bits)]!;
        const last = letters.places[skipped + Math.ceil((end * 8) / bits) - 1]!;
        return isOutermost ? wholeWord(text, encoding.meanings, first, last + 1) : [first, last + 1];
      },
      starts: letters.starts.map((start) => ((start - skipped) * bits) / 8).filter((start) => Number.isInteger(start)),
      blockEnd: (at) => {
        const place = letters.places[skipped + Math.floor((at * 8) / bits)] ?? text.length;
        const last = firstFrom(letters.places, endOfBlock(text, encoding.meanings, place));
        return Math.floor(((last - skipped) * bits) / 8);
      },
    };
  }
  letters.digits.fill(0);
}

/** Lines of nothing but letters. */
function endOfBlock(text: Buffer, meanings: Int8Array, from: number): number {
  let at = from;
  while (at < text.length && (meanings[text[at]!]! >= 0 || BLOCK_BYTES_BETWEEN.has(text[at]!))) at += 1;
  return at;
}

/** The first of rising places that is not before `place`. */
function firstFrom(places: Uint32Array, place: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

function greatestCommon(a: number, b: number): number {
  return b === 0 ? a : greatestCommon(b, a % b);
}

/** The digits of all runs that are long enough. */
function collect(text: Buffer, meanings: Int8Array): Letters {
  const collected = new Collected(text, meanings);
  for (let at = 0; at < text.length; at += BLOCK_BYTES) collected.take(at, Math.min(text.length, at + BLOCK_BYTES));
  return collected.letters();
}

class Collected {
  readonly #text: Buffer;
  readonly #meanings: Int8Array;
  #digits = new Uint8Array(2 * BLOCK_BYTES);
  #places = new Uint32Array(2 * BLOCK_BYTES);
  readonly #starts: number[] = [];
  #length = 0;
  /** Where the run and the word at hand begin. */
  #run = 0;
  #word = 0;

  constructor(text: Buffer, meanings: Int8Array) {
    this.#text = text;
    this.#meanings = meanings;
  }

  take(from: number, end: number): void {
    if (this.#length + 2 * (end - from) > this.#digits.length) this.#grow();
    const text = this.#text;
    const meanings = this.#meanings;
    const digits = this.#digits;
    const places = this.#places;
    let length = this.#length;
    let run = this.#run;
    let word = this.#word;
    for (let at = from; at < end; at += 1) {
      const meaning = meanings[text[at]!]!;
      if (meaning >= 0) {
        digits[length] = meaning;
        places[length] = at;
        length += 1;
      } else if (meaning === BREAK && length - run < LETTERS_MIN) {
        length = run;
        word = run;
      } else if (meaning === SEPARATOR && length - word < PACKED_LETTERS_MIN) {
        word = length;
      } else {
        this.#run = run;
        this.#word = word;
        length = this.#part(at, meaning, length);
        run = this.#run;
        word = this.#word;
      }
    }
    this.#length = length;
    this.#run = run;
    this.#word = word;
  }

  /** A word is over, and maybe the run: gives the length that counts. */
  #part(at: number, meaning: number, letters: number): number {
    let length = letters;
    if (length - this.#word >= PACKED_LETTERS_MIN && this.#starts.length < STARTS_MAX) {
      if (looksPacked(this.#text, this.#places[this.#word]!)) this.#starts.push(this.#word);
    }
    const isZero = this.#places[length - 1] === at - 1 && this.#text[at - 1] === 0x30;
    if (meaning === PREFIX && length > this.#run && isZero) length -= 1;
    if (meaning === BREAK) {
      length = length - this.#run < LETTERS_MIN ? this.#run : this.#partRuns(length);
      this.#run = length;
    }
    this.#word = length;
    return length;
  }

  /** Zeros between runs, or a byte could be made of the end of one and the start of the next. They stand where the first ends. */
  #partRuns(length: number): number {
    this.#digits.fill(0, length, length + DIGITS_BETWEEN);
    this.#places.fill(this.#places[length - 1]!, length, length + DIGITS_BETWEEN);
    return length + DIGITS_BETWEEN;
  }

  /** In most texts there are few letters of most alphabets. */
  #grow(): void {
    const [digits, places] = [this.#digits, this.#places];
    // So much is room for a block, too: it began with as much as that takes.
    const size = 2 * digits.length;
    this.#digits = new Uint8Array(size);
    this.#places = new Uint32Array(size);
    this.#digits.set(digits);
    this.#places.set(places);
    digits.fill(0);
  }

  letters(): Letters {
    if (this.#length + DIGITS_BETWEEN > this.#digits.length) this.#grow();
    const length = this.#part(this.#text.length, BREAK, this.#length);
    const [digits, places] = [this.#digits.subarray(0, length), this.#places.subarray(0, length)];
    return { digits, places, starts: this.#starts };
  }
}

/** Letters of at least two kinds, as no word has them. */
function looksPacked(text: Buffer, at: number): boolean {
  const word = text.subarray(at, at + PACKED_LETTERS_MIN);
  const hasDigit = word.some((byte) => byte >= 0x30 && byte <= 0x39);
  return hasDigit && word.some((byte) => byte >= 0x41);
}

/** Eight bits a byte from the digit `skipped` on. */
function packed(digits: Uint8Array, skipped: number, bits: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.floor(((digits.length - skipped) * bits) / 8)));
  // Whole blocks of digits are whole bytes.
  for (let at = skipped, to = 0; to < bytes.length; at += BLOCK_BYTES, to += (BLOCK_BYTES * bits) / 8) {
    packBlock(digits, at, bits, bytes, to);
  }
  return bytes;
}

function packBlock(digits: Uint8Array, from: number, bits: number, bytes: Buffer, to: number): void {
  const end = Math.min(bytes.length, to + (BLOCK_BYTES * bits) / 8);
  let held = 0;
  let width = 0;
  for (let k = from, at = to; at < end; k += 1) {
    held = ((held << bits) | digits[k]!) & 0xffff;
    width += bits;
    if (width < 8) continue;
    width -= 8;
    bytes[at] = held >> width;
    at += 1;
  }
}

/** With the letters that touch it on both sides, and padding. */
function wholeWord(text: Buffer, meanings: Int8Array, first: number, last: number): Span {
  let [start, end] = [first, last];
  while (start > 0 && meanings[text[start - 1]!]! >= 0) start -= 1;
  while (end < text.length && (meanings[text[end]!]! >= 0 || text[end] === 0x3d)) end += 1;
  return [start, end];
}
