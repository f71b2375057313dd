// Finds many byte strings at once, whole or in parts. Any seven bytes hold four that lie on a boundary of four, so one look
// at every fourth place of a text meets every string and every part of it that is long enough; where four bytes are known,
// the text is compared to both sides. Speed does not depend on how long the strings are.

import { HASH } from './hash.ts';
import { PartEnds } from './part-ends.ts';
import { Stretches } from './stretches.ts';
import { tellingStarts } from './telling.ts';

/** Four bytes are looked up at a time; a shorter string than seven might not hold four on a boundary. */
const GRAM_BYTES = 4;
export const PATTERN_BYTES_MIN = 2 * GRAM_BYTES - 1;

/**
 * From this length on, two grams in a row are on a boundary of eight, and only where both may be known the text is compared:
 * of four hexadecimal digits, each is in some secret, and ` 48 ` is in any log.
 */
const PAIRED_BYTES_MIN = 4 * GRAM_BYTES - 1;
/** What the filter says of a gram: it is enough by itself, or it is one of two. */
const SINGLE = 1;
const PAIRED = 2;

/** The filter has this many places for each gram in it, so that of 16 looks one is for nothing, or fewer. */
const FILTER_ROOM = 32;
const FILTER_BITS = { min: 14, max: 21 };
const SLOT_BITS = { min: 8, max: 18 };

/** What is looked for. */
export interface Pattern {
  /** At least PATTERN_BYTES_MIN, less than 64 KiB. */
  readonly bytes: Buffer;
  /** Whether all of it is looked for. */
  readonly isWhole: boolean;
  /** Parts of it from this many bytes on are looked for, when they are telling and it does not repeat itself; 0 for none, else at least 7. */
  readonly part: number;
}

/** `pattern`: its place in the list. Parts that overlap are given as they lie in each pattern, often several times. */
export type Found = (start: number, end: number, pattern: number, isWhole: boolean) => void;

export class GramIndex {
  readonly #patterns: readonly { readonly isWhole: boolean; readonly part: number }[];
  /** All patterns one after the other; pattern k is at starts[k] … starts[k + 1]. */
  readonly #arena: Buffer;
  readonly #starts: Int32Array;
  /** The arena: to read a number from a Buffer takes five times as long while the code is new. */
  readonly #words: DataView;
  /** By hash: SINGLE or PAIRED or both where such a gram may be. A byte each, since two bits cost more to get at. */
  readonly #filter: Uint8Array;
  readonly #filterShift: number;
  /** Lists of entries by hash; an entry is a place of the arena, with the gram there and the pattern it is in. */
  readonly #heads: Int32Array;
  readonly #headShift: number;
  readonly #nexts: Int32Array;
  readonly #grams: Int32Array;
  readonly #places: Int32Array;
  readonly #owners: Int32Array;
  /** Whether it is looked for, or is there for the end of a text only. */
  readonly #isSought: Uint8Array;
  /** How many telling parts of the least length begin in a pattern before this place of the arena. */
  readonly #tellings: Uint16Array;
  readonly #ends = new PartEnds();
  readonly #stretches = new Stretches();

  /** `patterns` are copied. */
  constructor(patterns: readonly Pattern[]) {
    const tellings = patterns.map(({ bytes, part }) => (part > 0 ? tellingStarts(bytes, part) : []));
    this.#patterns = patterns.map(({ isWhole, part }, k) => ({ isWhole, part: tellings[k]!.length > 0 ? part : 0 }));
    this.#starts = new Int32Array(patterns.length + 1);
    for (const [k, { bytes }] of patterns.entries()) this.#starts[k + 1] = this.#starts[k]! + bytes.length;
    this.#arena = Buffer.alloc(this.#starts[patterns.length]!);
    for (const [k, { bytes }] of patterns.entries()) bytes.copy(this.#arena, this.#starts[k]);
    this.#words = new DataView(this.#arena.buffer, this.#arena.byteOffset, this.#arena.length);
    const entries = this.#patterns.reduce((sum, _pattern, k) => sum + this.#entriesOf(k), 0);
    const filterBits = bitsFor(FILTER_ROOM * entries, FILTER_BITS);
    const slotBits = bitsFor(entries, SLOT_BITS);
    this.#filter = new Uint8Array(1 << filterBits);
    this.#filterShift = 32 - filterBits;
    this.#heads = new Int32Array(1 << slotBits).fill(-1);
    this.#headShift = 32 - slotBits;
    this.#nexts = new Int32Array(entries);
    this.#grams = new Int32Array(entries);
    this.#places = new Int32Array(entries);
    this.#owners = new Int32Array(entries);
    this.#isSought = new Uint8Array(entries);
    this.#tellings = new Uint16Array(this.#arena.length);
    let entry = 0;
    for (let k = 0; k < patterns.length; k += 1) entry = this.#enter(k, tellings[k]!, entry);
  }

  #lengthOf(pattern: number): number {
    return this.#starts[pattern + 1]! - this.#starts[pattern]!;
  }

  /** All grams of a pattern whose parts are looked for; else those in its middle that are enough: starts are often alike. */
  #entriesOf(pattern: number): number {
    const { isWhole, part } = this.#patterns[pattern]!;
    if (part > 0) return this.#lengthOf(pattern) - GRAM_BYTES + 1;
    if (!isWhole) return 0;
    return this.#lengthOf(pattern) >= PAIRED_BYTES_MIN ? 2 * GRAM_BYTES : GRAM_BYTES;
  }

  /** Enters a pattern into all tables, from entry number `first` on; gives the next. */
  #enter(pattern: number, tellings: readonly number[], first: number): number {
    const start = this.#starts[pattern]!;
    const next = first + this.#entriesOf(pattern);
    const { part } = this.#patterns[pattern]!;
    if (part === 0) {
      this.#enterMiddle(pattern, first, next);
      return next;
    }
    // Whatever is found has a telling part in it, so the grams of those are enough; the others are for the end of a text.
    const how = part >= PAIRED_BYTES_MIN ? PAIRED : SINGLE;
    let [telling, soughtEnd] = [0, 0];
    for (let k = 0; k < next - first; k += 1) {
      this.#tellings[start + k] = telling;
      if (tellings[telling] === k) {
        telling += 1;
        soughtEnd = k + part - GRAM_BYTES + 1;
      }
      this.#enterGram(first + k, pattern, start + k, k < soughtEnd ? how : 0);
    }
    this.#ends.enter(this.#arena.subarray(start, this.#starts[pattern + 1]), part);
    return next;
  }

  /** Where the text has the pattern, one of these grams is on a boundary of four, or of eight with the next one behind it. */
  #enterMiddle(pattern: number, first: number, next: number): void {
    const count = next - first;
    const isPaired = count > GRAM_BYTES;
    const needed = isPaired ? PAIRED_BYTES_MIN : PATTERN_BYTES_MIN;
    const middle = this.#starts[pattern]! + ((this.#lengthOf(pattern) - needed) >> 1);
    for (let k = 0; k < count; k += 1) {
      this.#enterGram(first + k, pattern, middle + k, isPaired ? PAIRED : SINGLE);
      if (isPaired) this.#mark(this.#gramAt(middle + k + GRAM_BYTES), PAIRED);
    }
  }

  /** `how` it is looked for; 0 when it is not. */
  #enterGram(entry: number, pattern: number, place: number, how: number): void {
    const gram = this.#gramAt(place);
    const slot = Math.imul(gram, HASH) >>> this.#headShift;
    this.#grams[entry] = gram;
    this.#places[entry] = place;
    this.#owners[entry] = pattern;
    this.#nexts[entry] = this.#heads[slot]!;
    this.#heads[slot] = entry;
    if (how === 0) return;
    this.#isSought[entry] = 1;
    this.#mark(gram, how);
  }

  #mark(gram: number, how: number): void {
    this.#filter[Math.imul(gram, HASH) >>> this.#filterShift]! |= how;
  }

  #gramAt(place: number): number {
    return this.#words.getInt32(place, true);
  }

  /**
   * Tells `found` every place where a pattern stands in `text`, and every longest part of one, that ends after `known` bytes
   * (those that end before were found by an earlier call), in no order. A part is as long as text and pattern agree.
   */
  find(text: Buffer, known: number, found: Found): void {
    if (text.length < PATTERN_BYTES_MIN) return;
    const filter = this.#filter;
    const shift = this.#filterShift;
    // A view of numbers has to begin at a multiple of their size.
    const from = (GRAM_BYTES - (text.byteOffset % GRAM_BYTES)) % GRAM_BYTES;
    const words = new Int32Array(text.buffer, text.byteOffset + from, (text.length - from) >> 2);
    this.#stretches.forget();
    const length = words.length;
    const inFours = length - (length % 4);
    let at = 0;
    while ((at = nextLook(words, at, inFours, filter, shift)) < inFours) {
      this.#look(text, from, words, at, at + 4, known, found);
      at += 4;
    }
    this.#look(text, from, words, inFours, length, known, found);
  }

  #look(text: Buffer, from: number, words: Int32Array, first: number, end: number, known: number, found: Found): void {
    for (let at = first; at < end; at += 1) {
      const gram = words[at]!;
      const said = this.#said(gram);
      const isOfTwo = (said & PAIRED) !== 0 && at % 2 === 0 && at + 1 < words.length;
      if ((said & SINGLE) === 0 && !(isOfTwo && (this.#said(words[at + 1]!) & PAIRED) !== 0)) continue;
      const head = this.#heads[Math.imul(gram, HASH) >>> this.#headShift]!;
      for (let entry = head; entry >= 0; entry = this.#nexts[entry]!) {
        if (this.#grams[entry] === gram && this.#isSought[entry] === 1)
          this.#compare(text, from + at * GRAM_BYTES, entry, known, found);
      }
    }
  }

  #said(gram: number): number {
    return this.#filter[Math.imul(gram, HASH) >>> this.#filterShift]!;
  }

  /** The gram of `entry` stands in `text` at `at`: how far do they agree? */
  #compare(text: Buffer, at: number, entry: number, known: number, found: Found): void {
    const pattern = this.#owners[entry]!;
    const place = this.#places[entry]!;
    if (this.#stretches.has(place - at, at)) return;
    const [first, last] = [this.#starts[pattern]!, this.#starts[pattern + 1]!];
    const left = this.#agreeBefore(text, at, place, first);
    const right = this.#agreeFrom(text, at + GRAM_BYTES, place + GRAM_BYTES, last);
    const [start, end] = [at - left, at + GRAM_BYTES + right];
    this.#stretches.add(place - at, end);
    if (end <= known) return;
    const { isWhole, part } = this.#patterns[pattern]!;
    if (end - start === last - first && isWhole) found(start, end, pattern, true);
    else if (part > 0 && this.#tells(place - left, place + GRAM_BYTES + right, part)) found(start, end, pattern, false);
  }

  #agreeBefore(text: Buffer, at: number, place: number, first: number): number {
    const arena = this.#arena;
    const most = Math.min(at, place - first);
    let same = 0;
    while (same < most && text[at - 1 - same] === arena[place - 1 - same]) same += 1;
    return same;
  }

  #agreeFrom(text: Buffer, at: number, place: number, last: number): number {
    const arena = this.#arena;
    const most = Math.min(text.length - at, last - place);
    let same = 0;
    while (same < most && text[at + same] === arena[place + same]) same += 1;
    return same;
  }

  /** Whether a telling part begins at `first` or after it and is over by `last`. */
  #tells(first: number, last: number, part: number): boolean {
    return last - first >= part && this.#tellings[last - part + 1]! > this.#tellings[first]!;
  }

  /**
   * Where the longest end of `text` begins that is inside a pattern and could still become a part of it that is looked for,
   * or a longer one; text.length when there is none.
   */
  openPartFrom(text: Buffer): number {
    const at = text.length - GRAM_BYTES;
    let open = text.length - this.#ends.openLength(text);
    if (at < 0) return open;
    const gram = text.readInt32LE(at);
    const head = this.#heads[Math.imul(gram, HASH) >>> this.#headShift]!;
    for (let entry = head; entry >= 0; entry = this.#nexts[entry]!) {
      const pattern = this.#owners[entry]!;
      const { part } = this.#patterns[pattern]!;
      if (part === 0 || this.#grams[entry] !== gram) continue;
      const place = this.#places[entry]!;
      const last = this.#starts[pattern + 1]!;
      const left = this.#agreeBefore(text, at, place, this.#starts[pattern]!);
      if (place + GRAM_BYTES < last && last - (place - left) >= part) open = Math.min(open, at - left);
    }
    return open;
  }

  /** Whether `text` stands in a pattern, or may be the rest of one, or of a part of one, that began before it. */
  mayReachInto(text: Buffer): boolean {
    if (this.#arena.includes(text) || this.#ends.hasByte(text[0] ?? 0)) return true;
    return this.#patterns.some((_pattern, k) => {
      const last = this.#starts[k + 1]!;
      for (let length = Math.min(text.length, last - this.#starts[k]!); length >= 1; length -= 1) {
        if (this.#agreeFrom(text.subarray(0, length), 0, last - length, last) === length) return true;
      }
      return false;
    });
  }

  /** Overwrites the patterns and all that was made of them. Nothing is found any more. */
  wipe(): void {
    this.#arena.fill(0);
    const lists = [this.#nexts, this.#grams, this.#places, this.#owners, this.#isSought];
    for (const table of [this.#starts, this.#filter, this.#tellings, ...lists]) table.fill(0);
    this.#heads.fill(-1);
    this.#ends.wipe();
  }
}

function bitsFor(places: number, { min, max }: { min: number; max: number }): number {
  return Math.min(max, Math.max(min, Math.ceil(Math.log2(places + 1))));
}

/**
 * From where on four words of `words` from `at` up to `end`, a multiple of four, are worth a look; `end` when none are. Four
 * looks for each branch: one for each is less than half as fast, and so is all of it inside a method (Node 24).
 */
function nextLook(words: Int32Array, at: number, end: number, filter: Uint8Array, shift: number): number {
  for (; at < end; at += 4) {
    const a = filter[Math.imul(words[at]!, HASH) >>> shift]!;
    const b = filter[Math.imul(words[at + 1]!, HASH) >>> shift]!;
    const c = filter[Math.imul(words[at + 2]!, HASH) >>> shift]!;
    const d = filter[Math.imul(words[at + 3]!, HASH) >>> shift]!;
    if ((((a | b | c | d) & SINGLE) | (((a & b) | (c & d)) & PAIRED)) !== 0) return at;
  }
  return end;
}
