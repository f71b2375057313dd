// Text reduced to what a reader sees in it: letters and digits, in small letters, without colours, overstrikes, white
// space, quotes and separators; and for each byte left the place it has in the text.

import { FOLDED_FIRSTS, foldedLetter, sequenceLength, type Folded } from './folding.ts';
import { BLOCK_BYTES } from './view.ts';

/** `cat -n` pads numbers of lines to six places. */
const LINE_NUMBER_BYTES_MAX = 8;
/** Fewer numbered lines than this are a list of something. */
const NUMBERED_LINES_MIN = 3;

const STRIPPED = 0;
const SPECIAL = 1;
const BACKSPACE = 0x08;
const FEED = 0x0a;
const ESCAPE = 0x1b;

export interface Normalised {
  /** Good until it is wiped. */
  readonly bytes: Buffer;
  /** places[k] is where the text has byte k of `bytes`. */
  readonly places: Uint32Array;
}

export interface Style {
  /** Whether control sequences are taken away as a terminal does, or all but the letter at their end: it may be meant. */
  readonly isTerminal: boolean;
  /** Whether numbers at the start of lines are taken away. */
  readonly isNumbered: boolean;
  /** How many bytes at `at` are a marker of ours; 0 when they are none. */
  readonly markerLength: (text: Buffer, at: number) => number;
}

export const PLAIN: Style = { isTerminal: false, isNumbered: false, markerLength: () => 0 };

const OPENING = new Set(Buffer.from('[<{(', 'latin1'));

/** One byte in the place of each byte: itself, a small letter, or what is done about it. */
const TABLE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  if (byte >= 0x41 && letter >= 0x61 && letter <= 0x7a) return letter;
  if (isDigit(byte)) return byte;
  const isSpecial = byte === BACKSPACE || byte === ESCAPE || byte === FEED;
  if (isSpecial || OPENING.has(byte) || FOLDED_FIRSTS.includes(byte)) return SPECIAL;
  return byte < 0x80 ? STRIPPED : byte;
});

/** The caller wipes the bytes. */
export function normalise(text: Buffer, style: Style): Normalised {
  const room: Room = { bytes: Buffer.allocUnsafe(text.length), places: new Uint32Array(text.length), length: 0 };
  let at = style.isNumbered ? lineNumberLength(text, 0) : 0;
  while (at < text.length) at = normaliseBlock(text, style, at, Math.min(text.length, at + BLOCK_BYTES), room);
  return { bytes: room.bytes.subarray(0, room.length), places: room.places.subarray(0, room.length) };
}

interface Room {
  readonly bytes: Buffer;
  readonly places: Uint32Array;
  length: number;
}

/** Gives where to go on: behind `end` when something reaches over it. */
function normaliseBlock(text: Buffer, style: Style, from: number, end: number, room: Room): number {
  const { bytes, places } = room;
  let length = room.length;
  let at = from;
  for (; at < end; at += 1) {
    const kept = TABLE[text[at]!]!;
    if (kept > SPECIAL) {
      bytes[length] = kept;
      places[length] = at;
      length += 1;
    } else if (kept === SPECIAL) {
      const { length: skipped, letter } = special(text, at, style);
      if (letter > SPECIAL) {
        bytes[length] = letter;
        places[length] = at;
        length += 1;
      }
      at += skipped - 1;
    }
  }
  room.length = length;
  return at;
}

const nothing = (length: number): Folded => ({ length, letter: 0 });
const ONE = nothing(1);

function special(text: Buffer, at: number, style: Style): Folded {
  const byte = text[at]!;
  if (byte >= 0x80) return foldedOrItself(text, at);
  if (OPENING.has(byte)) return nothing(Math.max(1, style.markerLength(text, at)));
  if (byte === BACKSPACE) return nothing(overstrikeLength(text, at));
  if (byte === ESCAPE) return nothing(sequenceLength(text, at, style.isTerminal));
  return style.isNumbered ? nothing(1 + lineNumberLength(text, at + 1)) : ONE;
}

function foldedOrItself(text: Buffer, at: number): Folded {
  const folded = foldedLetter(text, at);
  if (folded === undefined) return { length: 1, letter: text[at]! };
  return folded.letter === 0 ? folded : { length: folded.length, letter: TABLE[folded.letter]! };
}

/** `x\bx` is one x in bold; of any other two letters both can be read. */
function overstrikeLength(text: Buffer, at: number): number {
  if (at >= 1 && text[at + 1] === text[at - 1]) return 2;
  return at >= 2 && text[at + 1] === text[at - 2] && text[at + 2] === text[at - 1] ? 3 : 1;
}

/** Spaces, digits, and what parts them from the line; 0 when the line does not begin so. */
function lineNumberLength(text: Buffer, start: number): number {
  let at = start;
  while (at < start + LINE_NUMBER_BYTES_MAX && text[at] === 0x20) at += 1;
  const first = at;
  while (at < first + LINE_NUMBER_BYTES_MAX && isDigit(text[at])) at += 1;
  const isNumber = at > first && !isDigit(text[at]) && TABLE[text[at] ?? 0] === STRIPPED;
  return isNumber ? at - start : 0;
}

/** Whether lines of the text are numbered. */
export function hasLineNumbers(text: Buffer): boolean {
  let count = 0;
  for (let at = text.indexOf(FEED); at >= 0 && count < NUMBERED_LINES_MIN; at = text.indexOf(FEED, at + 1)) {
    if (lineNumberLength(text, at + 1) > 0) count += 1;
  }
  return count >= NUMBERED_LINES_MIN;
}

/** Where what stands at `place` is over: behind all bytes of a letter, and what is typed over it. */
export function endOf(text: Buffer, place: number): number {
  let end = endOfLetter(text, place);
  while (text[end] === BACKSPACE && text[end + 1] === text[place]) end = endOfLetter(text, end + 1);
  return end;
}

function endOfLetter(text: Buffer, at: number): number {
  let end = at + 1;
  while (text[at]! >= 0xc0 && ((text[end] ?? 0) & 0xc0) === 0x80) end += 1;
  return end;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
