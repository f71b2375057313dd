// For the end of a text: could it still become one of many byte strings? A walk through their sorted list, which is a trie
// that needs no nodes.

/** A walk in progress: strings `low` up to, not including, `high` start with the `depth` bytes seen so far. */
export interface Walk {
  low: number;
  high: number;
  depth: number;
}

export class Prefixes {
  /** Length of the longest string; 0 when there are none. */
  readonly #longest: number;
  /** All strings one after the other; string k is at starts[k] … starts[k + 1]. */
  readonly #arena: Buffer;
  readonly #starts: Int32Array;
  /** The first string that does not sort before these two bytes; one entry more than there are pairs. */
  readonly #pairs = new Int32Array((1 << 16) + 1);

  /** `strings`: distinct, in the order of Buffer.compare, each at least 2 bytes. They are copied. */
  constructor(strings: readonly Buffer[]) {
    this.#longest = strings.reduce((most, { length }) => Math.max(most, length), 0);
    this.#starts = new Int32Array(strings.length + 1);
    for (const [k, { length }] of strings.entries()) this.#starts[k + 1] = this.#starts[k]! + length;
    this.#arena = Buffer.alloc(this.#starts[strings.length]!);
    let filled = 0;
    for (const [k, string] of strings.entries()) {
      string.copy(this.#arena, this.#starts[k]);
      const pair = (string[0]! << 8) | string[1]!;
      this.#pairs.fill(k, filled, pair + 1);
      filled = pair + 1;
    }
    this.#pairs.fill(strings.length, filled);
  }

  /**
   * Where the longest end of `text` begins that could still become a string (is a proper prefix of one); text.length
   * when there is none. `walk` carries on from the text of the call before, of which `text` repeats exactly the end
   * that was still open; it is left ready for the next.
   */
  openFrom(text: Buffer, walk: Walk): number {
    if (walk.depth > 0 && this.#reachesEnd(text, 0, walk)) return 0;
    const isRetry = walk.depth > 0;
    for (let start = Math.max(isRetry ? 1 : 0, text.length - this.#longest + 1); start < text.length; start += 1) {
      walk.depth = 0;
      if (this.#reachesEnd(text, start, walk)) return start;
    }
    walk.depth = 0;
    return text.length;
  }

  /** Walks on over text[start + depth …]; true when the end is reached and some string is longer than that. */
  #reachesEnd(text: Buffer, start: number, walk: Walk): boolean {
    const length = text.length - start;
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

  /** The first string of low … high whose byte at `depth` is not below `byte`; one that ends there sorts first. */
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

  #lengthOf(string: number): number {
    return this.#starts[string + 1]! - this.#starts[string]!;
  }

  /** How many bytes are the same in `text` from `at` and in the arena from `start`, at most `length`. */
  #sameFor(text: Buffer, at: number, start: number, length: number): number {
    const arena = this.#arena;
    let same = 0;
    while (same < length && text[at + same] === arena[start + same]) same += 1;
    return same;
  }

  /** Overwrites the strings. Nothing is open any more. */
  wipe(): void {
    for (const table of [this.#arena, this.#starts, this.#pairs]) table.fill(0);
  }
}
