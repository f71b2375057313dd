// What is found in a text, and what at its end is not decided yet: byte strings, whole or in parts. Knows nothing of
// secrets or markers.

import { GramIndex, type Found, type Pattern } from './gram-index.ts';
import { Prefixes, type Walk } from './prefixes.ts';

export class Matcher {
  /** Length of the longest pattern; 0 when there are none. */
  readonly longest: number;
  readonly #index: GramIndex;
  readonly #prefixes: Prefixes;

  /** `patterns`: distinct, in the order of Buffer.compare. They are copied. */
  constructor(patterns: readonly Pattern[]) {
    this.longest = patterns.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
    this.#index = new GramIndex(patterns);
    this.#prefixes = new Prefixes(patterns.filter(({ isWhole }) => isWhole).map(({ bytes }) => bytes));
  }

  /** As GramIndex.find. */
  find(text: Buffer, known: number, found: Found): void {
    this.#index.find(text, known, found);
  }

  /**
   * Where the longest end of `text` begins that could still become something to be found, or something longer; text.length
   * when there is none. `walk` carries on from the text of the call before, of which `text` repeats exactly the end that
   * was still open; it is left ready for the next.
   */
  openFrom(text: Buffer, walk: Walk): number {
    const part = this.#index.openPartFrom(text);
    // The text of the next call begins where this one is open, which may be before what the walk has seen.
    const whole = this.#prefixes.openFrom(text, walk);
    if (part < whole) walk.depth = 0;
    return Math.min(part, whole);
  }

  /**
   * Whether `text` can stand anywhere without a pattern being found in it, or in a part of it together with what is beside it.
   */
  isInert(text: Buffer): boolean {
    let isHit = false;
    this.find(text, 0, () => {
      isHit = true;
    });
    if (isHit || this.#index.mayReachInto(text)) return false;
    return this.openFrom(text, { low: 0, high: 0, depth: 0 }) === text.length;
  }

  /** Overwrites the patterns and all that was made of them. Nothing is found any more. */
  wipe(): void {
    this.#index.wipe();
    this.#prefixes.wipe();
  }
}
