// The Merkle tree of RFC 6962, kept as the writer needs it: the roots of the complete subtrees and nothing else, so
// that an event costs one hash on average and a root at most one for every bit of the size.

import { createHash } from 'node:crypto';

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

export class CompactTree {
  /** Roots of complete subtrees, largest first; their sizes are the powers of two that make up `#size`. */
  #roots: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds one leaf (RFC 6962, 2.1: hashed after a zero byte). */
  add(leaf: Buffer): void {
    let root = sha256(LEAF, leaf);
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      const left = this.#roots.pop();
      if (left !== undefined) root = sha256(NODE, left, root);
    }
    this.#roots.push(root);
    this.#size += 1;
  }

  /** The tree hash, 32 bytes. Of an empty tree it is the hash of nothing. */
  root(): Buffer {
    const [last, ...rest] = this.#roots.toReversed();
    if (last === undefined) return sha256();
    let root = last;
    for (const left of rest) root = sha256(NODE, left, root);
    return root;
  }
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
