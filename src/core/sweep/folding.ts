// What a reader takes letters of several bytes and control sequences for: a letter of ASCII, or nothing at all.

/** A longer control sequence is none: what looks like its inside is text. */
const SEQUENCE_BYTES_MAX = 256;
const BELL = 0x07;
const ESCAPE = 0x1b;

/** First bytes of letters that may be folded: of no other the rest is looked at. */
export const FOLDED_FIRSTS: readonly number[] = [0xc2, 0xc3, 0xcc, 0xcd, 0xe2, 0xef];

/** Signs of Latin-1, combining accents, spaces of no width and punctuation, lines and blocks, the byte order mark. */
const NOTHING: readonly (readonly [first: number, last: number])[] = [
  [0x80, 0xbf],
  [0x300, 0x36f],
  [0x2000, 0x207f],
  [0x2500, 0x25ff],
  [0xfeff, 0xfeff],
];

/** U+00C0 … U+00FF without what is above or below them, as in their decomposed form (NFD); a zero for what has none. */
const LATIN = Buffer.from('aaaaaa\0ceeeeiiii\0nooooo\0\0uuuuy\0\0aaaaaa\0ceeeeiiii\0nooooo\0\0uuuuy\0y', 'latin1');

/** Bytes from a place on that are one thing, and the byte of ASCII they stand for, or 0. */
export interface Folded {
  readonly length: number;
  readonly letter: number;
}

/** The letter at `at`; undefined when it is no other than itself. */
export function foldedLetter(text: Buffer, at: number): Folded | undefined {
  const first = text[at]!;
  const length = first < 0xe0 ? 2 : 3;
  let code = first & (length === 2 ? 0x1f : 0x0f);
  for (let k = 1; k < length; k += 1) {
    const byte = text[at + k] ?? 0;
    if ((byte & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (byte & 0x3f);
  }
  if (NOTHING.some(([low, high]) => code >= low && code <= high)) return { length, letter: 0 };
  const letter = first === 0xc3 ? LATIN[code - 0xc0]! : narrow(code);
  return letter === 0 ? undefined : { length, letter };
}

/** U+FF01 … U+FF5E: ASCII in letters as wide as Chinese ones. 0 for others. */
function narrow(code: number): number {
  return code >= 0xff01 && code <= 0xff5e ? code - 0xff01 + 0x21 : 0;
}

/**
 * Control sequences of ECMA-48, 5.4 and 8.3.89: `ESC [ … letter`, `ESC ] … BEL`; of others the escape alone. With `isWhole`
 * as a terminal takes them, else without the letter at the end.
 */
export function sequenceLength(text: Buffer, at: number, isWhole: boolean): number {
  const end = Math.min(text.length, at + SEQUENCE_BYTES_MAX);
  if (text[at + 1] === 0x5b) {
    let last = at + 2;
    while (last < end && text[last]! >= 0x20 && text[last]! <= 0x3f) last += 1;
    return last - at + (last < end && isWhole ? 1 : 0);
  }
  return text[at + 1] === 0x5d && isWhole ? titleLength(text, at, end) : 1;
}

function titleLength(text: Buffer, at: number, end: number): number {
  for (let last = at + 2; last < end; last += 1) {
    if (text[last] === BELL) return last + 1 - at;
    if (text[last] === ESCAPE) return text[last + 1] === 0x5c ? last + 2 - at : 1;
  }
  return 1;
}
