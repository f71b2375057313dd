// What is packed in bytes: gzip, zlib and zstd by the bytes they begin with; raw deflate and Brotli have none, and are tried
// where an encoded word begins.

import * as zlib from 'node:zlib';

import type { Span, View } from './view.ts';

/** So much of each is looked at (I8). */
const UNPACKED_BYTES_MAX = 4 * 1024 * 1024;
/** No format of these makes more than about a thousand bytes of one; so many can be unpacked whatever they hold. */
const BOMB_BYTES = 4096;
/** A window of a packed text in which nothing is found is no text. */
const UNPACKED_BYTES_MIN = 7;

interface Format {
  readonly magic: Buffer | null;
  /** How long what stands before the packed bytes is. Checksums behind them are not looked at. */
  readonly headerLength: (bytes: Buffer) => number;
  readonly unpack: (bytes: Buffer, options: object) => unknown;
  readonly flush: number;
}

const { constants } = zlib;
const deflate = { unpack: zlib.inflateRawSync, flush: constants.Z_SYNC_FLUSH };
const none = (): number => 0;

const FORMATS: readonly Format[] = [
  // Two bytes of magic, and deflate, the only method there is.
  { magic: Buffer.from('1f8b08', 'hex'), headerLength: gzipHeaderLength, ...deflate },
  // RFC 1950: a window of 32 KiB, and the four levels with their check bits.
  ...['7801', '785e', '789c', '78da'].map((magic) => {
    return { magic: Buffer.from(magic, 'hex'), headerLength: () => 2, ...deflate };
  }),
  // RFC 8878.
  {
    magic: Buffer.from('28b52ffd', 'hex'),
    headerLength: none,
    unpack: zlib.zstdDecompressSync,
    flush: constants.ZSTD_e_flush,
  },
  { magic: null, headerLength: none, ...deflate },
  {
    magic: null,
    headerLength: none,
    unpack: zlib.brotliDecompressSync,
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
];

/** RFC 1952, 2.3.1: ten bytes, and by their flags an extra field, a name, a comment and a checksum. */
function gzipHeaderLength(bytes: Buffer): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const zero = bytes.indexOf(0, at);
    at = zero < 0 ? bytes.length : zero + 1;
  }
  return (flags & 2) === 0 ? at : at + 2;
}

/** How much may still be done; shared by all that is looked at in one text. */
export interface Budget {
  /** Bytes that may still be made. */
  bytes: number;
  /** Tries to unpack that are left. */
  tries: number;
  /** False when something was left out. */
  isComplete: boolean;
}

export interface Unpacked {
  readonly bytes: Buffer;
  /** What it was unpacked from. */
  readonly span: Span;
}

/** Everything that can be unpacked in `bytes`. The caller wipes it. */
export function* unpacked({ bytes, starts = [], blockEnd }: View, budget: Budget): Generator<Unpacked> {
  for (const format of FORMATS) {
    for (const start of format.magic === null ? starts : placesOf(bytes, format.magic)) {
      if (start >= bytes.length) continue;
      if (budget.tries === 0 || budget.bytes <= 0) {
        budget.isComplete = false;
        return;
      }
      budget.tries -= 1;
      const found = unpackAt(bytes.subarray(0, blockEnd?.(start)), start, format, budget);
      if (found !== undefined) yield found;
    }
  }
}

function* placesOf(bytes: Buffer, magic: Buffer): Generator<number> {
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) yield at;
}

function unpackAt(bytes: Buffer, start: number, format: Format, budget: Budget): Unpacked | undefined {
  const packed = bytes.subarray(start + format.headerLength(bytes.subarray(start)));
  const most = Math.min(UNPACKED_BYTES_MAX, budget.bytes);
  const answer = attempt(packed, format, most) ?? undefined;
  if (answer !== 'too much') return spanned(answer, start);
  budget.isComplete = false;
  const head = attempt(packed.subarray(0, BOMB_BYTES), format, UNPACKED_BYTES_MAX);
  // What does not fit even so is of no use to a reader either: it is cut without being read.
  if (head === 'too much') return undefined;
  return spanned(head, start);
}

interface Answer {
  readonly buffer: Buffer;
  readonly consumed: number;
}

function attempt(packed: Buffer, { unpack, flush }: Format, most: number): Answer | 'too much' | undefined {
  try {
    // The end may be missing or something else: what can be unpacked before it is given.
    const answer = unpack(packed, { maxOutputLength: most, finishFlush: flush, info: true });
    return isAnswer(answer) ? { buffer: answer.buffer, consumed: answer.engine.bytesWritten } : undefined;
  } catch (error) {
    return codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? 'too much' : undefined;
  }
}

function spanned(answer: Answer | undefined, start: number): Unpacked | undefined {
  if (answer === undefined || answer.buffer.length < UNPACKED_BYTES_MIN || answer.consumed === 0) return undefined;
  return { bytes: answer.buffer, span: [start, start + answer.consumed] };
}

function isAnswer(answer: unknown): answer is { buffer: Buffer; engine: { bytesWritten: number } } {
  return typeof answer === 'object' && answer !== null && 'buffer' in answer && 'engine' in answer;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
