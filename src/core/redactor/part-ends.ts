// Ends of a text that are too short to hold a gram: could they grow into a part of a secret that is looked for?

import { HASH } from './hash.ts';

/** Three bytes are looked up by a hash of so many bits: a table of all would be 2 MiB. Some are taken for others. */
const THREE_BITS = 19;

/** Ends of one, two and three bytes that could grow into a part: by table, since they hold no gram. */
export class PartEnds {
  readonly #ones = new Uint8Array(1 << 8);
  readonly #twos = new Uint8Array(1 << 13);
  readonly #threes = new Uint8Array(1 << (THREE_BITS - 3));

  /** `part`: at least 3. */
  enter(bytes: Buffer, part: number): void {
    // 1: it is there; 2: a part may begin with it.
    for (const one of bytes) this.#ones[one]! |= 1;
    for (let at = 0; at + part <= bytes.length; at += 1) {
      const [one, two, three] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!];
      this.#ones[one]! |= 2;
      mark(this.#twos, (one << 8) | two);
      mark(this.#threes, hashOfThree((one << 16) | (two << 8) | three));
    }
  }

  hasByte(byte: number): boolean {
    return this.#ones[byte] !== 0;
  }

  /** 0 to 3. */
  openLength(text: Buffer): number {
    const length = text.length;
    const one = text[length - 1] ?? 0;
    const two = ((text[length - 2] ?? 0) << 8) | one;
    if (length >= 3 && isMarked(this.#threes, hashOfThree((text[length - 3]! << 16) | two))) return 3;
    if (length >= 2 && isMarked(this.#twos, two)) return 2;
    return length >= 1 && (this.#ones[one]! & 2) !== 0 ? 1 : 0;
  }

  wipe(): void {
    for (const table of [this.#ones, this.#twos, this.#threes]) table.fill(0);
  }
}

function hashOfThree(three: number): number {
  return Math.imul(three, HASH) >>> (32 - THREE_BITS);
}

function mark(table: Uint8Array, n: number): void {
  table[n >> 3]! |= 1 << (n & 7);
}

function isMarked(table: Uint8Array, n: number): boolean {
  return (table[n >> 3]! & (1 << (n & 7))) !== 0;
}
