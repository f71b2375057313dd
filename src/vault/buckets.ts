// Whether a record is one the vault left there: each is looked for in its bucket, and the bucket is checked against the
// tree. Knows what a transaction has changed, however deep it is nested, until it is kept or dropped.

import { timingSafeEqual } from 'node:crypto';
import { bucketDigest, bucketOf, BUCKETS, joined, recordDigest, RECORD_DIGEST_BYTES, sorted } from './digest-tree.ts';
import type { DigestRow, DigestTree } from './digest-tree.ts';
import { damagedContents } from './header.ts';
import type { StoredRecord, VaultIdentity } from './seal.ts';
import type { NameRange, VaultStore } from './store.ts';

/** A bucket of more records was filled by somebody else: even a vault of 100 million has 1,500 in each. */
const BUCKET_RECORDS_MAX = 10_000;
/** Of these the record digests are kept, so that they are not read again for each question: at most some 3 MB. */
const KNOWN_MAX = 8_192;
const NO_RECORDS = Buffer.alloc(0);

/** The digests of the records of some buckets: 32 bytes each, sorted. */
type BucketRecords = Map<number, Buffer>;

export class Buckets {
  readonly #store: Pick<VaultStore, 'range'>;
  readonly #vault: VaultIdentity;
  readonly #stateKey: Buffer;
  #tree: DigestTree;
  /** What was found to be right in the file. */
  readonly #known: BucketRecords = new Map();
  /** What transactions under way have made of it, the innermost last. */
  readonly #layers: BucketRecords[] = [];

  /** `tree` was checked. The key stays the caller's, who wipes it. */
  constructor(store: Pick<VaultStore, 'range'>, vault: VaultIdentity, stateKey: Buffer, tree: DigestTree) {
    this.#store = store;
    this.#vault = vault;
    this.#stateKey = stateKey;
    this.#tree = tree;
  }

  /** How many transactions are under way. */
  get depth(): number {
    return this.#layers.length;
  }

  /** Throws `vault/damaged` when this is not a record of its bucket, or the bucket is not as the vault left it. */
  vouch(record: StoredRecord): void {
    if (indexIn(this.#recordsOf(bucketOf(record.nameKey)), this.#digest(record)) < 0) throw damagedContents();
  }

  /** For a name that was not found. Throws `vault/damaged` when its bucket has lost a record, or has one more. */
  vouchAbsence(nameKey: Buffer): void {
    const bucket = bucketOf(nameKey);
    const rows = this.read(bucket);
    const expected = this.#keptOf(bucket) ?? this.#joined(bucket, rows);
    const isThere = rows.some((row) => row.nameKey.equals(nameKey));
    if (isThere || !this.#join(rows).equals(expected)) throw damagedContents();
  }

  /** All records of a bucket, as they lie in the file. */
  read(bucket: number): StoredRecord[] {
    return this.#store.range(rangeOf(bucket, bucket + 1), BUCKET_RECORDS_MAX);
  }

  /** `rows` are all records of the buckets from `from` up to and without `to`. Throws `vault/damaged` when they are not. */
  check(from: number, to: number, rows: readonly StoredRecord[]): void {
    const byBucket = Map.groupBy(rows, ({ nameKey }) => bucketOf(nameKey));
    const buckets = new Set([...byBucket.keys(), ...this.#tree.bucketsIn(from, to)]);
    for (const bucket of buckets) this.#joined(bucket, byBucket.get(bucket) ?? []);
  }

  /** One record takes the place of another, or of none, or nothing takes its place. `old` is vouched for here. */
  replace(old: StoredRecord | undefined, next: StoredRecord | undefined): void {
    const layer = this.#layers.at(-1);
    if (layer === undefined) throw new TypeError('records change in a transaction only');
    if (old !== undefined) {
      const bucket = bucketOf(old.nameKey);
      const records = this.#recordsOf(bucket);
      const at = indexIn(records, this.#digest(old));
      if (at < 0) throw damagedContents();
      layer.set(bucket, joined([records.subarray(0, at), records.subarray(at + RECORD_DIGEST_BYTES)]));
    }
    if (next !== undefined) {
      const bucket = bucketOf(next.nameKey);
      layer.set(bucket, sorted([...split(this.#recordsOf(bucket)), this.#digest(next)]));
    }
  }

  begin(): void {
    this.#layers.push(new Map());
  }

  /** The tree as the outermost transaction leaves it, to be handed to `keep` when all is on the disk. */
  changed(): { tree: DigestTree; rows: DigestRow[] } {
    const [outermost = new Map<number, Buffer>()] = this.#layers;
    return this.#tree.with(
      Array.from(outermost, ([bucket, records]) => [bucket, this.#bucketDigest(bucket, records)] as const),
    );
  }

  /** The innermost transaction has ended well. `tree` is what `changed` gave when it was the outermost one. */
  keep(tree: DigestTree | undefined): void {
    const layer = this.#layers.pop() ?? new Map<number, Buffer>();
    const below = this.#layers.at(-1);
    if (tree !== undefined) this.#tree = tree;
    for (const [bucket, records] of layer) {
      if (below === undefined) this.#remember(bucket, records);
      else below.set(bucket, records);
    }
  }

  /** The innermost transaction is undone. */
  drop(): void {
    this.#layers.pop();
  }

  #recordsOf(bucket: number): Buffer {
    return this.#keptOf(bucket) ?? this.#joined(bucket, this.read(bucket));
  }

  #keptOf(bucket: number): Buffer | undefined {
    return this.#layers.findLast((layer) => layer.has(bucket))?.get(bucket) ?? this.#known.get(bucket);
  }

  /** The digests of `rows`, if they are what the tree says of that bucket. */
  #joined(bucket: number, rows: readonly StoredRecord[]): Buffer {
    const records = this.#join(rows);
    const [expected, found] = [this.#tree.digestOf(bucket), this.#bucketDigest(bucket, records)];
    if (expected === undefined && found === undefined) return records;
    if (expected === undefined || found === undefined || !timingSafeEqual(expected, found)) throw damagedContents();
    this.#remember(bucket, records);
    return records;
  }

  #join(rows: readonly StoredRecord[]): Buffer {
    return sorted(rows.map((row) => this.#digest(row)));
  }

  #digest(record: StoredRecord): Buffer {
    return recordDigest(this.#vault, record);
  }

  #bucketDigest(bucket: number, records: Buffer): Buffer | undefined {
    return bucketDigest(this.#vault, bucket, records, this.#stateKey);
  }

  #remember(bucket: number, records: Buffer): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(bucket, records);
  }
}

/** The name keys of the buckets from `from` up to and without `to`. */
export function rangeOf(from: number, to: number): NameRange {
  // Behind the last bucket: more than any name key, which has 32 bytes.
  const end = to < BUCKETS ? edge(to) : Buffer.alloc(33, 0xff);
  return { from: from === 0 ? NO_RECORDS : edge(from), to: end };
}

function edge(bucket: number): Buffer {
  return Buffer.from([bucket >> 8, bucket & 0xff]);
}

function split(records: Buffer): Buffer[] {
  return Array.from({ length: records.length / RECORD_DIGEST_BYTES }, (_, i) => part(records, i * RECORD_DIGEST_BYTES));
}

function indexIn(records: Buffer, digest: Buffer): number {
  for (let at = 0; at < records.length; at += RECORD_DIGEST_BYTES) if (part(records, at).equals(digest)) return at;
  return -1;
}

function part(records: Buffer, at: number): Buffer {
  return records.subarray(at, at + RECORD_DIGEST_BYTES);
}
