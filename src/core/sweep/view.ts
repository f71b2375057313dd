// A text that is made from another, and the way back: for every stretch of it the stretch it was made from.

export type Span = readonly [start: number, end: number];

/**
 * Texts are gone through in blocks of so many bytes, by a function that is called for each: one loop over a megabyte, in a
 * process that runs it once, is never made fast (Node 24). A multiple of 8.
 */
export const BLOCK_BYTES = 4096;

export interface View {
  readonly bytes: Buffer;
  /** Where bytes start … end come from in the text it was made of: not empty. */
  readonly spanOf: (start: number, end: number) => Span;
  /** Places where something packed may begin that has no mark of its own. */
  readonly starts?: readonly number[];
  /** Where the encoded block that byte `at` comes from is over: what follows was never packed together with it. */
  readonly blockEnd?: (at: number) => number;
}

/** Whether a stretch of so many printable bytes stands in it: random bytes have none. */
const PRINTABLE_BYTES_MIN = 12;
/** A stretch without one byte of ASCII at every sixth place is text of others. */
const PROBE_BYTES = 6;

/** Printable ASCII, white space, and the zeros between letters of UTF-16. */
const IS_TEXT = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d) || byte === 0 ? 1 : 0,
);

/**
 * The stretches of text in decoded bytes, with a byte between them that nothing is made of; undefined when there are none.
 * Most of what is decoded was never encoded: this is where that ends.
 */
export function textIn(bytes: Buffer): View | undefined {
  const stretches: Span[] = [];
  for (let at = 0; at < bytes.length;)
    at = addStretches(bytes, at, Math.min(bytes.length, at + BLOCK_BYTES), stretches);
  if (stretches.length === 0) return undefined;
  const text = Buffer.alloc(
    stretches.reduce((sum, [start, end]) => sum + end - start + 1, 0),
    0xff,
  );
  const places = new Uint32Array(text.length);
  let length = 0;
  for (const [start, end] of stretches) {
    bytes.copy(text, length, start, end);
    for (let k = start; k <= end; k += 1) places[length++] = k;
  }
  return { bytes: text, spanOf: (start, end) => [places[start]!, places[end - 1]! + 1] };
}

/** Adds the stretches that begin in from … end; gives where to go on. Looks at few of the bytes where there are none. */
function addStretches(bytes: Buffer, from: number, end: number, stretches: Span[]): number {
  let at = from;
  while (at < end) {
    if (IS_TEXT[bytes[at]!] === 0) {
      at += PROBE_BYTES;
      continue;
    }
    let start = at;
    while (start > 0 && IS_TEXT[bytes[start - 1]!] === 1) start -= 1;
    let last = at + 1;
    for (let more = 1; more > 0; last += more) {
      while (last < bytes.length && IS_TEXT[bytes[last]!] === 1) last += 1;
      more = continuations(bytes, last);
      if (more > 0) more += 1;
    }
    if (last - start >= PRINTABLE_BYTES_MIN) stretches.push([start, last]);
    at = last + 1;
  }
  return at;
}

/** How many bytes follow the first of a letter of UTF-8; 0 when it is none. */
function continuations(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const count = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  for (let k = 1; k <= count; k += 1) if (((bytes[at + k] ?? 0) & 0xc0) !== 0x80) return 0;
  return count;
}
