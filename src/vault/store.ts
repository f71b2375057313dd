// What the vault asks of the place where its records lie: sealed, by type and id. The part another store could replace. It
// sees no plaintext and holds no key.

import type { BucketRow } from './buckets.ts';
import type { DigestRow } from './digest-tree.ts';
import type { Header } from './header.ts';
import type { Format } from './schema.ts';
import type { RecordType, SealedRecord, StoredRecord } from './seal.ts';

/** Passphrases tried since the last right one, and when the last was tried (wall clock, ms). */
export interface Attempts {
  readonly failures: number;
  readonly lastAt: number;
}

/** The name keys from `from` on, up to and without `to`. */
export interface NameRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

export interface VaultStore {
  /** Of a file of format 1 nothing but header and attempts can be read before `upgrade`. */
  readonly format: Format;
  readHeader(): Header;
  writeHeader(header: Header): void;
  get(type: RecordType, id: string): StoredRecord | undefined;
  find(nameKey: Buffer): StoredRecord | undefined;
  /** Oldest revision first. */
  list(type: RecordType, parent: string): StoredRecord[];
  /** The ids of what belongs to `parent`, in their own order. */
  ids(type: RecordType, parent: string): string[];
  count(type: RecordType, parent: string): number;
  /** The id of the record with the lowest revision. */
  oldest(type: RecordType, parent: string): string | undefined;
  /** The first records of a range, ordered by name key; at most `limit`. */
  range(range: NameRange, limit: number): StoredRecord[];
  /** How many records of a range are found in every way there is to find them: by name, by id and by parent. */
  reachable(range: NameRange): number;
  ciphertext(type: RecordType, id: string): Buffer | undefined;
  put(record: SealedRecord): void;
  remove(type: RecordType, id: string): void;
  /** From `from` up to and without `to`. */
  readBuckets(from: number, to: number): BucketRow[];
  /** One without entries is removed. */
  writeBucket(row: BucketRow): void;
  readDigests(): DigestRow[];
  /** An empty one is removed. */
  writeDigests(row: DigestRow): void;
  readCounts(): ReadonlyMap<RecordType, number>;
  writeCount(type: RecordType, records: number): void;
  /** The records of a file of format 1. */
  recordsBeforeUpgrade(): Iterable<StoredRecord>;
  /** Makes the tables those of the newest format. Digests, counts and header are the caller's, in the same transaction. */
  upgrade(): void;
  /** All changes of `work`, or none when it throws. Calls may be nested. */
  atomically<T>(work: () => T): T;
  readAttempts(): Attempts;
  writeAttempts(attempts: Attempts): void;
  /** Throws `vault/damaged` when the file contradicts itself. Takes seconds for a large vault. */
  check(): void;
  close(): void;
}
