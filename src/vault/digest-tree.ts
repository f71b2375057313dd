// A digest for each bucket of records, under one root that the header's MAC covers: to know that a record is the right
// one, only its bucket need be read, however large the vault is. docs/vault-format.md, "Digests".

import { hash } from 'node:crypto';
import { hmac } from './header.ts';
import { FORMAT, SUITE, tuple } from './seal.ts';
import type { VaultIdentity } from './seal.ts';

/** A bucket is the first two bytes of a name key, a group the first one. Name keys are uniform, so buckets fill evenly. */
export const BUCKETS = 65_536;
const GROUPS = 256;
/** Half of an HMAC-SHA256 is as strong as the tags of the records are (RFC 2104, section 5). */
const BUCKET_DIGEST_BYTES = 16;
/** The second byte of the bucket, and its digest. */
const ENTRY_BYTES = 1 + BUCKET_DIGEST_BYTES;
const GROUP_HASH_BYTES = 32;
const NO_ENTRIES = Buffer.alloc(0);

/** What is written of one group: its non-empty buckets in order, 17 bytes each. At most 4,352 bytes, 1.1 MB for all. */
export interface DigestRow {
  readonly firstByte: number;
  readonly buckets: Buffer;
}

/** Never changed: a change gives another tree, so that a transaction that fails has only to forget it. */
export class DigestTree {
  readonly #groups: readonly (Buffer | undefined)[];
  /** For each group the SHA-256 of its row, or zeros when it has none: what the MAC covers. 8 KiB. */
  readonly root: Buffer;

  private constructor(groups: readonly (Buffer | undefined)[], root: Buffer) {
    this.#groups = groups;
    this.root = root;
  }

  /** Rows are believed: check `root` against the header before anything is asked of the tree. */
  static of(rows: Iterable<DigestRow>): DigestTree {
    return new DigestTree([], Buffer.alloc(GROUPS * GROUP_HASH_BYTES)).#replaced(rows);
  }

  /** How many buckets have records in them: about as many as there are records, as long as those are few. */
  get bucketCount(): number {
    return this.#groups.reduce((sum, buckets) => sum + (buckets?.length ?? 0) / ENTRY_BYTES, 0);
  }

  /** Of an empty bucket, undefined. */
  digestOf(bucket: number): Buffer | undefined {
    const entries = this.#groups[bucket >> 8];
    if (entries === undefined) return undefined;
    const at = placeIn(entries, bucket & 0xff);
    return entries[at] === (bucket & 0xff) ? entries.subarray(at + 1, at + ENTRY_BYTES) : undefined;
  }

  /** The buckets from `from` up to and without `to` that have records in them. */
  bucketsIn(from: number, to: number): number[] {
    return this.#groups.slice(from >> 8, ((to - 1) >> 8) + 1).flatMap((entries = NO_ENTRIES, i) => {
      const all = Array.from({ length: entries.length / ENTRY_BYTES }, (_, at) => entries[at * ENTRY_BYTES] ?? 0);
      return all
        .map((secondByte) => (((from >> 8) + i) << 8) | secondByte)
        .filter((bucket) => bucket >= from && bucket < to);
    });
  }

  /** The tree with other digests for some buckets (undefined for those that are empty now), and the rows that differ. */
  with(changes: Iterable<readonly [bucket: number, digest: Buffer | undefined]>): {
    tree: DigestTree;
    rows: DigestRow[];
  } {
    const groups = Map.groupBy(changes, ([bucket]) => bucket >> 8);
    const rows = Array.from(groups, ([firstByte, changed]) => {
      const digests = new Map(
        this.bucketsIn(firstByte << 8, (firstByte + 1) << 8).map((bucket) => [bucket, this.digestOf(bucket)]),
      );
      for (const [bucket, digest] of changed) digests.set(bucket, digest);
      const entries = [...digests]
        .sort(([a], [b]) => a - b)
        .flatMap(([bucket, digest]) => {
          return digest === undefined ? [] : [Buffer.of(bucket & 0xff), digest];
        });
      return { firstByte, buckets: Buffer.concat(entries) };
    });
    return { tree: this.#replaced(rows), rows };
  }

  #replaced(rows: Iterable<DigestRow>): DigestTree {
    const groups = [...this.#groups];
    const root = Buffer.from(this.root);
    for (const { firstByte, buckets } of rows) {
      const hashed = buckets.length === 0 ? Buffer.alloc(GROUP_HASH_BYTES) : hash('sha256', buckets, 'buffer');
      groups[firstByte] = buckets;
      hashed.copy(root, firstByte * GROUP_HASH_BYTES);
    }
    return new DigestTree(groups, root);
  }
}

export function bucketOf(nameKey: Buffer): number {
  return nameKey.readUInt16BE();
}

/** Of the entries of a bucket (buckets.ts); undefined when there is none. */
export function bucketDigest(
  vault: VaultIdentity,
  bucket: number,
  entries: Buffer,
  stateKey: Buffer,
): Buffer | undefined {
  if (entries.length === 0) return undefined;
  const parts = ['keystile/bucket', FORMAT, SUITE, vault.vaultId, vault.epoch, bucket, entries] as const;
  return hmac(stateKey, tuple(...parts)).subarray(0, BUCKET_DIGEST_BYTES);
}

/** Where the digest of the bucket with that second byte is, or would have to be put. */
function placeIn(entries: Buffer, secondByte: number): number {
  // Most groups are nearly full or nearly empty; the least of both ends needs no search.
  let at = Math.min(secondByte * ENTRY_BYTES, entries.length);
  while (at >= ENTRY_BYTES && (entries[at - ENTRY_BYTES] ?? 0) >= secondByte) at -= ENTRY_BYTES;
  return at;
}
