// A digest for each bucket of records, under one root that the header's MAC covers: to know that a record is the right
// one, only its bucket need be read, however large the vault is. docs/vault-format.md, "Digests".

import { hash } from 'node:crypto';
import { hmac } from './header.ts';
import { FORMAT, recordAad, SUITE, tuple } from './seal.ts';
import type { StoredRecord, VaultIdentity } from './seal.ts';

/** A bucket is the first two bytes of a name key, a group the first one. Name keys are uniform, so buckets fill evenly. */
export const BUCKETS = 65_536;
const GROUPS = 256;
/** Half of an HMAC-SHA256 is as strong as the tags of the records are (RFC 2104, section 5). */
const BUCKET_DIGEST_BYTES = 16;
/** The second byte of the bucket, and its digest. */
const ENTRY_BYTES = 1 + BUCKET_DIGEST_BYTES;
const GROUP_HASH_BYTES = 32;
const NO_ENTRIES = Buffer.alloc(0);
export const RECORD_DIGEST_BYTES = 32;

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
    const changed = new Map<number, Buffer>();
    for (const [bucket, digest] of changes) {
      const before = changed.get(bucket >> 8) ?? this.#groups[bucket >> 8] ?? NO_ENTRIES;
      changed.set(bucket >> 8, withEntry(before, bucket & 0xff, digest));
    }
    const rows = Array.from(changed, ([firstByte, buckets]) => ({ firstByte, buckets }));
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

/** 32 bytes that stand for one record, with its tag for its content. Kept in memory only. */
export function recordDigest(vault: VaultIdentity, record: StoredRecord): Buffer {
  const { wrappedKey, nonce, tag } = record;
  return hash('sha256', tuple('keystile/digest', recordAad(vault, record, 'body'), wrappedKey, nonce, tag), 'buffer');
}

/** Of the digests of the records in a bucket, sorted and joined; undefined when there is none. */
export function bucketDigest(
  vault: VaultIdentity,
  bucket: number,
  records: Buffer,
  stateKey: Buffer,
): Buffer | undefined {
  if (records.length === 0) return undefined;
  const parts = ['keystile/bucket', FORMAT, SUITE, vault.vaultId, vault.epoch, bucket, records] as const;
  return hmac(stateKey, tuple(...parts)).subarray(0, BUCKET_DIGEST_BYTES);
}

/** Digests of records in the one order they have in a bucket. */
export function sorted(digests: readonly Buffer[]): Buffer {
  return joined(digests.toSorted((a, b) => Buffer.compare(a, b)));
}

/** Not Buffer.concat: what it gives is a piece of a larger buffer, and a piece that is kept keeps all of it. */
export function joined(parts: readonly Buffer[]): Buffer {
  const out = Buffer.alloc(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of parts) at += bytes.copy(out, at);
  return out;
}

/** Where the entry of that byte is, or would have to be put. */
function placeIn(entries: Buffer, secondByte: number): number {
  // Most groups are nearly full or nearly empty; the least of both ends needs no search.
  let at = Math.min(secondByte * ENTRY_BYTES, entries.length);
  while (at >= ENTRY_BYTES && (entries[at - ENTRY_BYTES] ?? 0) >= secondByte) at -= ENTRY_BYTES;
  return at;
}

function withEntry(entries: Buffer, secondByte: number, digest: Buffer | undefined): Buffer {
  const at = placeIn(entries, secondByte);
  const behind = entries[at] === secondByte ? at + ENTRY_BYTES : at;
  const entry = digest === undefined ? [] : [Buffer.from([secondByte]), digest];
  return Buffer.concat([entries.subarray(0, at), ...entry, entries.subarray(behind)]);
}
