// Whether a record is one the vault left there: each has an entry in its bucket, and the bucket is checked against the
// tree. Knows what a transaction has changed, however deep it is nested, until it is kept or dropped.

import { timingSafeEqual } from 'node:crypto';
import { bucketDigest, bucketOf, BUCKETS } from './digest-tree.ts';
import type { DigestRow, DigestTree } from './digest-tree.ts';
import { entryOf, hasEntry, hasName, NO_ENTRIES, sorted, withEntry, withoutEntry } from './entries.ts';
import { damagedContents } from './header.ts';
import type { StoredRecord, VaultIdentity } from './seal.ts';
import type { NameRange, VaultStore } from './store.ts';

/** Of these the entries are kept, so that they are not read again for each question: at most some 4 MB. */
const KNOWN_MAX = 8_192;

/** The entries of some buckets. */
type Entries = Map<number, Buffer>;

/** A bucket as it is written: all its entries. */
export interface BucketRow {
  readonly bucket: number;
  readonly entries: Buffer;
}

type Store = Pick<VaultStore, 'readBuckets'>;

export class Buckets {
  readonly #store: Store;
  readonly #vault: VaultIdentity;
  readonly #stateKey: Buffer;
  #tree: DigestTree;
  /** What was found to be right in the file. */
  readonly #known: Entries = new Map();
  /** What transactions under way have made of it, the innermost last. */
  readonly #layers: Entries[] = [];

  /** `tree` was checked. The key stays the caller's, who wipes it. */
  constructor(store: Store, vault: VaultIdentity, stateKey: Buffer, tree: DigestTree) {
    this.#store = store;
    this.#vault = vault;
    this.#stateKey = stateKey;
    this.#tree = tree;
  }

  /** How many transactions are under way. */
  get depth(): number {
    return this.#layers.length;
  }

  /** Throws `vault/damaged` when the bucket has no such record, or is not as the vault left it. */
  vouch(record: StoredRecord): void {
    if (!hasEntry(this.#entriesOf(bucketOf(record.nameKey)), entryOf(this.#vault, record))) throw damagedContents();
  }

  /** For a name that was not found. Throws `vault/damaged` when there was a record of that name. */
  vouchAbsence(nameKey: Buffer): void {
    if (hasName(this.#entriesOf(bucketOf(nameKey)), nameKey)) throw damagedContents();
  }

  /** `records` are all of the buckets from `from` up to and without `to`. Throws `vault/damaged` when they are not. */
  check(from: number, to: number, records: readonly StoredRecord[]): void {
    const found = Map.groupBy(records, ({ nameKey }) => bucketOf(nameKey));
    const written = new Map(this.#store.readBuckets(from, to).map(({ bucket, entries }) => [bucket, entries]));
    for (const bucket of new Set([...found.keys(), ...written.keys(), ...this.#tree.bucketsIn(from, to)])) {
      const entries = this.#checked(bucket, written.get(bucket) ?? NO_ENTRIES);
      const present = found.get(bucket)?.map((record) => entryOf(this.#vault, record)) ?? [];
      if (!sorted(present).equals(entries)) throw damagedContents();
    }
  }

  /** One record takes the place of another, or of none, or nothing takes its place. `old` is vouched for here. */
  replace(old: StoredRecord | undefined, next: StoredRecord | undefined): void {
    const layer = this.#layers.at(-1);
    if (layer === undefined) throw new TypeError('records change in a transaction only');
    if (old !== undefined) {
      const bucket = bucketOf(old.nameKey);
      const left = withoutEntry(this.#entriesOf(bucket), entryOf(this.#vault, old));
      if (left === undefined) throw damagedContents();
      layer.set(bucket, left);
    }
    if (next !== undefined) {
      const bucket = bucketOf(next.nameKey);
      layer.set(bucket, withEntry(this.#entriesOf(bucket), entryOf(this.#vault, next)));
    }
  }

  begin(): void {
    this.#layers.push(new Map());
  }

  /** What the outermost transaction leaves to be written. `tree` is handed to `keep` when all is on the disk. */
  changed(): { tree: DigestTree; buckets: BucketRow[]; digests: DigestRow[] } {
    // In their order: the file is written from front to back.
    const changes = [...(this.#layers[0] ?? [])].sort(([a], [b]) => a - b);
    const { tree, rows } = this.#tree.with(
      changes.map(([bucket, entries]) => [bucket, this.#digestOf(bucket, entries)]),
    );
    return { tree, buckets: changes.map(([bucket, entries]) => ({ bucket, entries })), digests: rows };
  }

  /** The innermost transaction has ended well. `tree` is what `changed` gave when it was the outermost one. */
  keep(tree: DigestTree | undefined): void {
    const layer = this.#layers.pop() ?? new Map<number, Buffer>();
    const below = this.#layers.at(-1);
    if (tree !== undefined) this.#tree = tree;
    for (const [bucket, entries] of layer) {
      if (below === undefined) this.#remember(bucket, entries);
      else below.set(bucket, entries);
    }
  }

  /** The innermost transaction is undone. */
  drop(): void {
    this.#layers.pop();
  }

  #entriesOf(bucket: number): Buffer {
    const changed = this.#layers.findLast((layer) => layer.has(bucket))?.get(bucket);
    const kept = changed ?? this.#known.get(bucket);
    if (kept !== undefined) return kept;
    return this.#checked(bucket, this.#store.readBuckets(bucket, bucket + 1)[0]?.entries ?? NO_ENTRIES);
  }

  /** The entries as they were written, if they are what the tree says. */
  #checked(bucket: number, entries: Buffer): Buffer {
    const [expected, found] = [this.#tree.digestOf(bucket), this.#digestOf(bucket, entries)];
    if (expected === undefined && found === undefined) return entries;
    if (expected === undefined || found === undefined || !timingSafeEqual(expected, found)) throw damagedContents();
    this.#remember(bucket, entries);
    return entries;
  }

  #digestOf(bucket: number, entries: Buffer): Buffer | undefined {
    return bucketDigest(this.#vault, bucket, entries, this.#stateKey);
  }

  #remember(bucket: number, entries: Buffer): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(bucket, entries);
  }
}

/** The name keys of the buckets from `from` up to and without `to`. */
export function rangeOf(from: number, to: number): NameRange {
  // Behind the last bucket: more than any name key, which has 32 bytes.
  const end = to < BUCKETS ? edge(to) : Buffer.alloc(33, 0xff);
  return { from: from === 0 ? Buffer.alloc(0) : edge(from), to: end };
}

function edge(bucket: number): Buffer {
  return Buffer.from([bucket >> 8, bucket & 0xff]);
}
