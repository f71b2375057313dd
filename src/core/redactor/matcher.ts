// Finds many byte strings at once: a Wu–Manber scan for whole ones, and a walk through their sorted list (a trie that
// needs no nodes) for the end of a text that could still become one. Knows nothing of secrets or markers.

/**
 * Skipping is by the three bytes at the end of the window; this many bits of them index the table. Measured with log
 * text: one bit more is no faster, one less is a quarter slower with 200 secrets.
 */
const GRAM_BITS = 20;
const GRAM_MASK = (1 << GRAM_BITS) - 1;
const BUCKET_BITS = 16;

/** A window no longer than this keeps every skip within a byte. */
const WINDOW_MAX = 256;

/** A walk in progress: patterns `low` up to, not including, `high` start with the `depth` bytes seen so far. */
export interface Walk {
  low: number;
  high: number;
  depth: number;
}

export type Found = (start: number, end: number, pattern: number) => void;

export class Matcher {
  /** Length of the longest pattern; 0 when there are none. */
  readonly longest: number;

  readonly #window: number;
  /** All patterns one after the other; pattern k is at starts[k] … starts[k + 1]. */
  readonly #arena: Buffer;
  readonly #starts: Int32Array;
  readonly #shifts: Uint8Array;
  readonly #heads: Int32Array;
  readonly #nexts: Int32Array;
  /** The first pattern that does not sort before these two bytes; one entry more than there are pairs. */
  readonly #pairs: Int32Array;

  /** `patterns`: distinct, in the order of Buffer.compare, each at least 3 bytes. They are copied. */
  constructor(patterns: readonly Buffer[]) {
    const lengths = patterns.map(({ length }) => length);
    this.longest = lengths.reduce((most, length) => Math.max(most, length), 0);
    this.#window = lengths.reduce((least, length) => Math.min(least, length), WINDOW_MAX);
    this.#starts = new Int32Array(patterns.length + 1);
    for (const [k, length] of lengths.entries()) this.#starts[k + 1] = this.#starts[k]! + length;
    this.#arena = Buffer.alloc(this.#starts[patterns.length]!);
    for (const [k, pattern] of patterns.entries()) pattern.copy(this.#arena, this.#starts[k]);
    this.#shifts = new Uint8Array(1 << GRAM_BITS).fill(this.#window - 2);
    this.#heads = new Int32Array(1 << BUCKET_BITS).fill(-1);
    this.#nexts = new Int32Array(patterns.length);
    this.#pairs = new Int32Array((1 << 16) + 1);
    let filled = 0;
    for (let k = 0; k < patterns.length; k += 1) {
      const pair = this.#index(k);
      this.#pairs.fill(k, filled, pair + 1);
      filled = pair + 1;
    }
    this.#pairs.fill(patterns.length, filled);
  }

  /** Enters a pattern into the tables of the scan; gives its first two bytes. */
  #index(pattern: number): number {
    const start = this.#starts[pattern]!;
    const last = this.#window - 1;
    for (let at = 2; at <= last; at += 1) {
      const gram = gramAt(this.#arena, start + at);
      this.#shifts[gram] = Math.min(this.#shifts[gram]!, last - at);
    }
    const bucket = bucketOf(gramAt(this.#arena, start + last));
    this.#nexts[pattern] = this.#heads[bucket]!;
    this.#heads[bucket] = pattern;
    return (this.#arena[start]! << 8) | this.#arena[start + 1]!;
  }

  /**
   * Tells `found` every place where a pattern stands in `text` and ends after `known` bytes (those that end before were
   * found by an earlier call). Starts come in ascending order.
   */
  find(text: Buffer, known: number, found: Found): void {
    const shifts = this.#shifts;
    const length = text.length;
    const back = this.#window - 1;
    if (this.longest === 0) return;
    for (let at = back; at < length;) {
      const gram = (text[at]! | (text[at - 1]! << 6) | (text[at - 2]! << 12)) & GRAM_MASK;
      const shift = shifts[gram]!;
      if (shift === 0) this.#compare(text, at - back, bucketOf(gram), known, found);
      at += shift === 0 ? 1 : shift;
    }
  }

  #compare(text: Buffer, at: number, bucket: number, known: number, found: Found): void {
    for (let k = this.#heads[bucket]!; k >= 0; k = this.#nexts[k]!) {
      const start = this.#starts[k]!;
      const length = this.#starts[k + 1]! - start;
      const end = at + length;
      if (end > text.length || end <= known) continue;
      if (this.#sameFor(text, at, start, length) === length) found(at, end, k);
    }
  }

  /** How many bytes are the same in `text` from `at` and in the arena from `start`, at most `length`. */
  #sameFor(text: Buffer, at: number, start: number, length: number): number {
    const arena = this.#arena;
    let same = 0;
    while (same < length && text[at + same] === arena[start + same]) same += 1;
    return same;
  }

  /**
   * Where the longest end of `text` begins that could still become a pattern (is a proper prefix of one); text.length
   * when there is none. `walk` carries on from the text of the call before, of which `text` repeats exactly the end
   * that was still open; it is left ready for the next.
   */
  openFrom(text: Buffer, walk: Walk): number {
    if (walk.depth > 0 && this.#reachesEnd(text, 0, walk)) return 0;
    const isRetry = walk.depth > 0;
    for (let start = Math.max(isRetry ? 1 : 0, text.length - this.longest + 1); start < text.length; start += 1) {
      walk.depth = 0;
      if (this.#reachesEnd(text, start, walk)) return start;
    }
    walk.depth = 0;
    return text.length;
  }

  /** Walks on over text[start + depth …]; true when the end is reached and some pattern is longer than that. */
  #reachesEnd(text: Buffer, start: number, walk: Walk): boolean {
    const length = text.length - start;
    if (length >= this.longest) return false;
    if (walk.depth === 0) this.#enter(text, start, walk);
    while (walk.low < walk.high && walk.depth < length) {
      if (walk.high - walk.low > 1) {
        this.#step(text[start + walk.depth]!, walk);
        continue;
      }
      const rest = Math.min(length, this.#lengthOf(walk.low)) - walk.depth;
      const same = this.#sameFor(text, start + walk.depth, this.#starts[walk.low]! + walk.depth, rest);
      walk.depth += same;
      if (walk.depth < length) return false;
    }
    return walk.low < walk.high && this.#lengthOf(walk.high - 1) > length;
  }

  /** The first two bytes, or the only one, by table. */
  #enter(text: Buffer, start: number, walk: Walk): void {
    const first = text[start]! << 8;
    const isPair = start + 1 < text.length;
    const low = isPair ? first | text[start + 1]! : first;
    walk.low = this.#pairs[low]!;
    walk.high = this.#pairs[isPair ? low + 1 : first + 256]!;
    walk.depth = isPair ? 2 : 1;
  }

  #step(byte: number, walk: Walk): void {
    const { low, high, depth } = walk;
    walk.low = this.#firstFrom(byte, low, high, depth);
    walk.high = this.#firstFrom(byte + 1, walk.low, high, depth);
    walk.depth = depth + 1;
  }

  /** The first pattern of low … high whose byte at `depth` is not below `byte`; one that ends there sorts first. */
  #firstFrom(byte: number, low: number, high: number, depth: number): number {
    let from = low;
    let to = high;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const isBelow = this.#lengthOf(middle) <= depth || this.#arena[this.#starts[middle]! + depth]! < byte;
      if (isBelow) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #lengthOf(pattern: number): number {
    return this.#starts[pattern + 1]! - this.#starts[pattern]!;
  }

  /** Whether `text` stands in a pattern, or in the end of one and the start of the next. */
  holds(text: Buffer): boolean {
    return this.#arena.includes(text);
  }

  /** Whether a pattern ends with a proper or whole start of `text`. */
  endsIntoStartOf(text: Buffer): boolean {
    for (let k = 0; k + 1 < this.#starts.length; k += 1) {
      const end = this.#starts[k + 1]!;
      const most = Math.min(text.length, this.#lengthOf(k));
      for (let length = 1; length <= most; length += 1) {
        if (this.#sameFor(text, 0, end - length, length) === length) return true;
      }
    }
    return false;
  }

  /** Overwrites the patterns and all that was made of them. Nothing is found any more. */
  wipe(): void {
    this.#arena.fill(0);
    for (const table of [this.#starts, this.#shifts, this.#heads, this.#nexts, this.#pairs]) table.fill(0);
  }
}

/** The three bytes that end at `at`. They overlap a little, which only makes some skips shorter. */
function gramAt(text: Buffer, at: number): number {
  return (text[at]! | (text[at - 1]! << 6) | (text[at - 2]! << 12)) & GRAM_MASK;
}

/** Spreads grams over the buckets (Knuth's multiplicative hash). */
function bucketOf(gram: number): number {
  return Math.imul(gram, 0x9e37_79b1) >>> (32 - BUCKET_BITS);
}
