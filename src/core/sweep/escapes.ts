// Text in which single bytes are written by an escape: percent, quoted-printable, HTML, and the backslashes of C, JSON,
// Python and shells. What is no escape stays as it is.

import type { View } from './view.ts';

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;

/** One escape: how many bytes it takes, and the code point or byte it stands for. */
interface Escape {
  readonly length: number;
  readonly code: number;
  /** Whether `code` is a byte and not a code point. */
  readonly isByte: boolean;
}

type Reader = (text: Buffer, at: number) => Escape | undefined;

const READERS: readonly ReadonlyMap<number, Reader>[] = [
  new Map([
    [PERCENT, (text, at) => hexEscape(text, at, 1, 2, true)],
    [AMPERSAND, entity],
    [BACKSLASH, backslashed],
  ]),
  // `=` stands before values, too: read so, it would hide the escapes of those.
  new Map([[EQUALS, quotedPrintable]]),
];

/** The text without its escapes, for each family of which it has one. The caller wipes them. */
export function* unescaped(text: Buffer): Generator<View> {
  for (const readers of READERS) {
    if (![...readers.keys()].some((first) => text.includes(first))) continue;
    const view = read(text, readers);
    if (view !== undefined) yield view;
  }
}

/** Only so far from an escape: what is farther off was looked at as it is. */
const AROUND_BYTES = 96;

function read(text: Buffer, readers: ReadonlyMap<number, Reader>): View | undefined {
  const table: (Reader | undefined)[] = Array.from({ length: 256 }, (_, byte) => readers.get(byte));
  const isFirst = Uint8Array.from(table, (reader) => (reader === undefined ? 0 : 1));
  const out = new Unescaped(text, readers);
  for (let at = nextFirst(text, isFirst, 0); at < text.length; at = nextFirst(text, isFirst, at)) {
    const escape = table[text[at]!]?.(text, at);
    if (escape !== undefined) out.add(at, escape);
    at += escape?.length ?? 1;
  }
  return out.view();
}

function nextFirst(text: Buffer, isFirst: Uint8Array, from: number): number {
  let at = from;
  while (at < text.length && isFirst[text[at]!] === 0) at += 1;
  return at;
}

/** The stretches around escapes, without them. */
class Unescaped {
  readonly #text: Buffer;
  readonly #readers: ReadonlyMap<number, Reader>;
  readonly #bytes: Buffer;
  /** Where each byte comes from. */
  readonly #places: Uint32Array;
  #length = 0;
  /** Where the last escape ended. */
  #copied = 0;

  constructor(text: Buffer, readers: ReadonlyMap<number, Reader>) {
    this.#text = text;
    this.#readers = readers;
    this.#bytes = Buffer.allocUnsafe(text.length);
    this.#places = new Uint32Array(text.length);
  }

  add(at: number, escape: Escape): void {
    // A gap, in which nothing can be found, has the place of what stands in it.
    if (this.#length === 0) this.#copied = Math.max(0, at - AROUND_BYTES);
    if (at - this.#copied <= 2 * AROUND_BYTES) {
      this.#copy(at);
    } else {
      this.#copy(this.#copied + AROUND_BYTES);
      this.#bytes[this.#length] = 0xff;
      this.#places[this.#length] = this.#copied;
      this.#length += 1;
      this.#copied = at - AROUND_BYTES;
      this.#copy(at);
    }
    const written = write(this.#bytes, this.#length, escape);
    this.#places.fill(at, this.#length, this.#length + written);
    this.#length += written;
    this.#copied = at + escape.length;
  }

  /** Undefined when there was no escape. */
  view(): View | undefined {
    if (this.#copied === 0) return undefined;
    this.#copy(Math.min(this.#text.length, this.#copied + AROUND_BYTES));
    const places = this.#places;
    const text = this.#text;
    return {
      bytes: this.#bytes.subarray(0, this.#length),
      spanOf: (start, end) => {
        const last = places[end - 1]!;
        return [places[start]!, last + (this.#readers.get(text[last]!)?.(text, last)?.length ?? 1)];
      },
    };
  }

  /** What stands from the last escape up to `end`, as it is. */
  #copy(end: number): void {
    for (let at = this.#copied; at < end; at += 1) {
      this.#bytes[this.#length] = this.#text[at]!;
      this.#places[this.#length] = at;
      this.#length += 1;
    }
    this.#copied = end;
  }
}

/** UTF-8 (RFC 3629). No escape is shorter than what it stands for. */
function write(bytes: Buffer, at: number, { code, isByte }: Escape): number {
  if (code < 0) return 0;
  if (isByte || code < 0x80) {
    bytes[at] = code;
    return 1;
  }
  const count = code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  if (code > 0x10_ffff) return 0;
  for (let k = count - 1, rest = code; k > 0; k -= 1, rest >>= 6) bytes[at + k] = 0x80 | (rest & 0x3f);
  bytes[at] = ((0xf00 >> count) & 0xff) | (code >> (6 * (count - 1)));
  return count;
}

/** `\n` and its like; what stands before any other letter means that letter. */
const SHORT_LETTERS = Buffer.from('abtnvfreE', 'latin1');
const SHORT_CODES = Buffer.from('\x07\b\t\n\v\f\r\x1b\x1b', 'latin1');

function backslashed(text: Buffer, at: number): Escape | undefined {
  const next = text[at + 1];
  if (next === undefined) return undefined;
  if (next === 0x78) return text[at + 2] === 0x7b ? braced(text, at) : hexEscape(text, at, 2, 2, true);
  if (next === 0x75) return text[at + 2] === 0x7b ? braced(text, at) : utf16(text, at);
  if (next === 0x55) return hexEscape(text, at, 2, 8, false);
  if (next >= 0x30 && next <= 0x37) return octal(text, at);
  const short = SHORT_LETTERS.indexOf(next);
  return { length: 2, code: short < 0 ? next : SHORT_CODES[short]!, isByte: true };
}

/** `digits` hexadecimal digits behind `skipped` bytes. */
function hexEscape(text: Buffer, at: number, skipped: number, digits: number, isByte: boolean): Escape | undefined {
  let code = 0;
  for (let k = 0; k < digits; k += 1) {
    const digit = digitOf(text[at + skipped + k], 16);
    if (digit < 0) return undefined;
    code = code * 16 + digit;
  }
  return { length: skipped + digits, code, isByte };
}

/** `\ud83d\ude00` is one code point. */
function utf16(text: Buffer, at: number): Escape | undefined {
  const first = hexEscape(text, at, 2, 4, false);
  if (first === undefined || first.code < 0xd800 || first.code > 0xdbff) return first;
  const second = text[at + 6] === BACKSLASH ? hexEscape(text, at + 6, 2, 4, false) : undefined;
  if (second === undefined || second.code < 0xdc00 || second.code > 0xdfff) return first;
  return { length: 12, code: 0x1_0000 + ((first.code - 0xd800) << 10) + (second.code - 0xdc00), isByte: false };
}

/** `\u{73}` and `\x{73}`. */
function braced(text: Buffer, at: number): Escape | undefined {
  const { end, code } = number(text, at + 3, 16, 6);
  return text[end] === 0x7d ? { length: end + 1 - at, code, isByte: false } : undefined;
}

function octal(text: Buffer, at: number): Escape {
  const { end, code } = number(text, at + 1, 8, 3);
  return { length: end - at, code: code & 0xff, isByte: true };
}

const NAMED: readonly (readonly [name: string, code: number])[] = [
  ['amp', 0x26],
  ['lt', 0x3c],
  ['gt', 0x3e],
  ['quot', 0x22],
  ['apos', 0x27],
  ['nbsp', 0x20],
].map(([name, code]) => [`&${name};`, Number(code)]);

function entity(text: Buffer, at: number): Escape | undefined {
  if (text[at + 1] !== 0x23) {
    const named = NAMED.find(([name]) => text.subarray(at, at + name.length).equals(Buffer.from(name, 'latin1')));
    return named === undefined ? undefined : { length: named[0].length, code: named[1], isByte: true };
  }
  const isHex = text[at + 2] === 0x78 || text[at + 2] === 0x58;
  const start = at + (isHex ? 3 : 2);
  const { end, code } = number(text, start, isHex ? 16 : 10, 8);
  if (end === start) return undefined;
  return { length: end - at + (text[end] === 0x3b ? 1 : 0), code, isByte: false };
}

/** RFC 2045, 6.7: capitals only, and `=` at the end of a line joins it with the next. */
function quotedPrintable(text: Buffer, at: number): Escape | undefined {
  if (text[at + 1] === 0x0a) return { length: 2, code: -1, isByte: true };
  if (text[at + 1] === 0x0d && text[at + 2] === 0x0a) return { length: 3, code: -1, isByte: true };
  return hexEscape(text, at, 1, 2, true);
}

/** A number of at most `most` digits from `start` on. */
function number(text: Buffer, start: number, radix: number, most: number): { end: number; code: number } {
  let [end, code] = [start, 0];
  for (; end < start + most; end += 1) {
    const digit = digitOf(text[end], radix);
    if (digit < 0) break;
    code = code * radix + digit;
  }
  return { end, code };
}

function digitOf(byte: number | undefined, radix: number): number {
  if (byte === undefined) return -1;
  const letter = byte | 0x20;
  const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 99;
  return digit < radix ? digit : -1;
}
