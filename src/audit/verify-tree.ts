// The Merkle tree hash as RFC 6962 defines it, by recursion, over leaves that are kept: slower and larger than the
// writer's, and written apart from it, so that one cannot repeat the other's mistake.

import { hash } from 'node:crypto';

const HASH_BYTES = 32;
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

export class LeafList {
  #leaves = Buffer.alloc(1024 * HASH_BYTES);
  #count = 0;
  /** Hashes of complete subtrees that were asked for, by first leaf and size. */
  readonly #known = new Map<string, Buffer>();

  get count(): number {
    return this.#count;
  }

  push(entry: Buffer): void {
    if ((this.#count + 1) * HASH_BYTES > this.#leaves.length) {
      this.#leaves = Buffer.concat([this.#leaves, Buffer.alloc(this.#leaves.length)]);
    }
    hash('sha256', Buffer.concat([LEAF, entry]), 'buffer').copy(this.#leaves, this.#count * HASH_BYTES);
    this.#count += 1;
  }

  /** MTH(D[0:size]) of RFC 6962, section 2.1. `size` is at most `count`. */
  hash(size: number): Buffer {
    return size === 0 ? hash('sha256', '', 'buffer') : this.#range(0, size);
  }

  #range(first: number, size: number): Buffer {
    if (size === 1) return this.#leaves.subarray(first * HASH_BYTES, (first + 1) * HASH_BYTES);
    const name = `${first}+${size}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    let left = 1;
    while (left * 2 < size) left *= 2;
    const children = [NODE, this.#range(first, left), this.#range(first + left, size - left)];
    const root = hash('sha256', Buffer.concat(children), 'buffer');
    // A complete subtree is part of every later tree; the others are not worth the memory.
    if (left * 2 === size) this.#known.set(name, root);
    return root;
  }
}
