// The records of an unlocked vault: found by keyed name, opened, changed together or not at all.
// Every change keeps the MAC over all records, so that none can be removed or put back unseen.

import { Failure } from '../core/failure.ts';
import { Buckets } from './buckets.ts';
import { counted, countsBytes } from './counts.ts';
import type { Counts } from './counts.ts';
import { DigestTree } from './digest-tree.ts';
import { damagedContents, headerOf, verifyContents, verifyHeader } from './header.ts';
import type { Header } from './header.ts';
import type { VaultKeys } from './keys.ts';
import { migrate } from './migration.ts';
import { NameKeys } from './name-keys.ts';
import { openRecord, recordAad, sealRecord, unwrapRecordKey } from './seal.ts';
import type { RandomBytes, RecordPlace, RecordType, SealedRecord, StoredRecord } from './seal.ts';
import type { VaultStore } from './store.ts';
import { verification, verifyAll } from './verification.ts';

/** Where a record belongs and what it is called there. */
export interface RecordName {
  readonly type: RecordType;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
}

/** A record that was opened, and exactly which one it was. */
interface Opened {
  readonly nonce: Buffer;
  readonly aad: Buffer;
  readonly text: string;
}

const OPENED_MAX = 2_000;
const MEMBERS_MAX = 4_000;
/** A vault with no more buckets than this, which is about as many records, is checked whole before it is unlocked. */
const CHECKED_AT_UNLOCK_MAX = 2_000;

export class Records {
  readonly #store: VaultStore;
  readonly #keys: VaultKeys;
  readonly #random: RandomBytes;
  readonly #buckets: Buckets;
  readonly #opened = new Map<string, Opened>();
  readonly #nameKeys: NameKeys;
  /** How many records a parent has, by type and parent: counting takes longer the more there are. */
  readonly #members = new Map<string, number>();
  readonly #isCheckedWhole: boolean;
  #header: Header;
  #counts: Counts;
  #isChanged = false;

  /**
   * Throws `vault/damaged` unless the header, and what it says of the records, is as the vault last left it. Takes as
   * long for a large vault as for a small one, and turns a vault of format 1 into one of format 2.
   */
  constructor(store: VaultStore, keys: VaultKeys, random: RandomBytes) {
    this.#store = store;
    this.#keys = keys;
    this.#random = random;
    this.#nameKeys = new NameKeys(keys.index);
    if (store.format === 1) migrate(store, keys.state);
    this.#header = store.readHeader();
    verifyHeader(this.#header, keys.state);
    const tree = DigestTree.of(store.readDigests());
    this.#counts = store.readCounts();
    verifyContents(this.#header, { digests: tree.root, counts: countsBytes(this.#counts) }, keys.state);
    this.#buckets = new Buckets(store, this.#header, keys.state, tree);
    // By the authenticated tree and not by the rows: nobody can make a vault look large to be checked less.
    this.#isCheckedWhole = tree.bucketCount <= CHECKED_AT_UNLOCK_MAX;
    if (this.#isCheckedWhole) verifyAll(store, this.#buckets);
  }

  get header(): Header {
    return this.#header;
  }

  /** The revision that everything read now is of; null while a transaction has changed something. */
  get settledRevision(): number | null {
    return this.#isChanged ? null : this.#header.revision;
  }

  /** Random bytes for ids. */
  random(count: number): Buffer {
    return this.#random(count);
  }

  /** All changes of `work` in one commit that is on the disk when this returns, or none when it throws. Nests. */
  transaction<T>(work: () => T): T {
    const before = { header: this.#header, counts: this.#counts, isChanged: this.#isChanged };
    let tree: DigestTree | undefined;
    this.#buckets.begin();
    try {
      const result = this.#store.atomically(() => {
        const result = work();
        if (this.#buckets.depth === 1 && this.#isChanged) tree = this.#writeContents(before.counts);
        return result;
      });
      this.#buckets.keep(tree);
      return result;
    } catch (error) {
      this.#buckets.drop();
      this.#header = before.header;
      this.#counts = before.counts;
      this.#isChanged = before.isChanged;
      this.#members.clear();
      throw error;
    }
  }

  /**
   * Goes through all records that unlocking has not checked, a few ms of work at a time, while the vault is used between.
   * Sees what no question can see: records that are gone and nobody asks for. A step throws `vault/damaged` then, and the
   * vault must be locked. Ends without a step in a small vault. Not inside a transaction.
   */
  *verification(): Generator<void, void, undefined> {
    if (!this.#isCheckedWhole) yield* verification(this.#store, this.#buckets);
  }

  /** A row id that says nothing, for records whose own id could tell something. */
  hiddenId(): string {
    return this.#random(16).toString('hex');
  }

  /** Throws `vault/damaged` when the record, or that there is none, is not as the vault left it; so does all below. */
  find(type: RecordType, parent: string, name: string): StoredRecord | undefined {
    const nameKey = this.#nameKeys.of(type, parent, name);
    const record = this.#store.find(nameKey);
    if (record === undefined) {
      this.#buckets.vouchAbsence(nameKey);
      return undefined;
    }
    if (record.type === type && record.parent === parent && record.nameKey.equals(nameKey))
      return this.#vouched(record);
    throw new Failure('vault/damaged', 'a record of the vault is not where it belongs', { field: record.id });
  }

  /** That a record with this id is gone is not seen here, but by its name and by `verification`. */
  get(type: RecordType, id: string): StoredRecord | undefined {
    const record = this.#store.get(type, id);
    if (record === undefined) return undefined;
    if (record.type === type && record.id === id) return this.#vouched(record);
    throw new Failure('vault/damaged', 'a record of the vault is not where it belongs', { field: record.id });
  }

  /**
   * The records that belong to `parent`, longest unchanged first. Each of them is checked; that none is missing is
   * checked without a parent only.
   */
  list(type: RecordType, parent: string): StoredRecord[] {
    const records = this.#store.list(type, parent);
    if (parent === '' && records.length !== (this.#counts.get(type) ?? 0)) throw damagedContents();
    // Bucket after bucket, so that each is read once.
    for (const record of records.toSorted((a, b) => Buffer.compare(a.nameKey, b.nameKey))) {
      if (record.type !== type || record.parent !== parent) throw damagedContents();
      this.#buckets.vouch(record);
    }
    return records;
  }

  /** The ids of what belongs to `parent`, in their own order, which no change of a record alters. */
  ids(type: RecordType, parent: string): string[] {
    return this.#store.ids(type, parent);
  }

  count(type: RecordType, parent: string): number {
    if (parent === '') return this.#counts.get(type) ?? 0;
    const place = `${type} ${parent}`;
    const known = this.#members.get(place);
    if (known !== undefined) return known;
    const count = this.#store.count(type, parent);
    if (this.#members.size >= MEMBERS_MAX) this.#members.clear();
    this.#members.set(place, count);
    return count;
  }

  /** The content, which the caller wipes. Throws `vault/damaged` with the id as field, also for one replaced meanwhile. */
  open(record: StoredRecord): Buffer {
    return named(record, () => openRecord(this.#header, this.#keys.items, this.#withCiphertext(record)));
  }

  /**
   * Content that is JSON, which is names and settings, never a value: it was authenticated, so it is what this program
   * wrote. Kept in memory until the vault is locked, for opening takes longer than everything else a question needs.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it wrote
  openJson<T extends object>(record: StoredRecord): T {
    const data: T = JSON.parse(this.#openText(record));
    return data;
  }

  /** What somebody else needs to open this one record and nothing more. The caller owns and wipes `key`. */
  handOver(record: StoredRecord): { key: Buffer; nonce: Buffer; sealed: Buffer; aad: Buffer } {
    const { ciphertext, nonce, tag } = named(record, () => this.#withCiphertext(record));
    const key = named(record, () => unwrapRecordKey(this.#header, this.#keys.items, record));
    return { key, nonce, sealed: Buffer.concat([ciphertext, tag]), aad: recordAad(this.#header, record, 'body') };
  }

  /** Seals and keeps `content` (which the caller wipes) in place of what had this type and id. */
  put({ type, id, parent, name }: RecordName, content: Buffer): void {
    this.transaction(() => {
      const place: RecordPlace = {
        type,
        id,
        parent,
        nameKey: this.#nameKeys.of(type, parent, name),
        revision: this.#header.revision + 1,
      };
      const record = sealRecord(this.#header, this.#keys.items, place, content, this.#random);
      this.#replace(this.#store.get(type, id), record);
      this.#store.put(record);
    });
  }

  putJson(name: RecordName, content: unknown): void {
    const bytes = Buffer.from(JSON.stringify(content));
    this.put(name, bytes);
    bytes.fill(0);
  }

  remove(record: Pick<StoredRecord, 'type' | 'id'>): void {
    this.transaction(() => {
      const old = this.#store.get(record.type, record.id);
      if (old === undefined) return;
      this.#replace(old, undefined);
      this.#store.remove(old.type, old.id);
    });
  }

  /** Removes the one that is unchanged for longest. */
  removeOldest(type: RecordType, parent: string): void {
    const id = this.#store.oldest(type, parent);
    if (id !== undefined) this.remove({ type, id });
  }

  /** Puts other key settings or wraps into the header. */
  changeHeader(change: Partial<Pick<Header, 'kdf' | 'salt' | 'unlockWrap' | 'recoveryWrap'>>): void {
    this.transaction(() => {
      this.#header = { ...this.#header, ...change };
      this.#isChanged = true;
    });
  }

  #openText(record: StoredRecord): string {
    const key = `${record.type} ${record.id}`;
    const aad = recordAad(this.#header, record, 'body');
    const known = this.#opened.get(key);
    if (known?.nonce.equals(record.nonce) && known.aad.equals(aad)) return known.text;
    const content = this.open(record);
    const text = content.toString('utf8');
    content.fill(0);
    if (this.#opened.size >= OPENED_MAX) this.#opened.clear();
    this.#opened.set(key, { nonce: record.nonce, aad, text });
    return text;
  }

  #vouched(record: StoredRecord): StoredRecord {
    this.#buckets.vouch(record);
    return record;
  }

  #withCiphertext(record: StoredRecord): SealedRecord {
    const ciphertext = this.#store.ciphertext(record.type, record.id);
    if (ciphertext === undefined) throw new Failure('vault/damaged', 'a record of the vault is gone');
    return { ...record, ciphertext };
  }

  #replace(old: StoredRecord | undefined, next: StoredRecord | undefined): void {
    this.#buckets.replace(old, next);
    if (old !== undefined) this.#count(old, -1);
    if (next !== undefined) this.#count(next, 1);
    this.#isChanged = true;
  }

  #count(record: StoredRecord, by: 1 | -1): void {
    this.#counts = counted(this.#counts, record, by);
    const place = `${record.type} ${record.parent}`;
    const known = this.#members.get(place);
    if (known !== undefined) this.#members.set(place, known + by);
  }

  /** At the end of the outermost transaction: what the header says of the records, and the header. */
  #writeContents(before: Counts): DigestTree {
    const { tree, buckets, digests } = this.#buckets.changed();
    for (const row of buckets) this.#store.writeBucket(row);
    for (const row of digests) this.#store.writeDigests(row);
    for (const [type, count] of this.#counts) if (before.get(type) !== count) this.#store.writeCount(type, count);
    const contents = { digests: tree.root, counts: countsBytes(this.#counts) };
    this.#header = headerOf({ ...this.#header, revision: this.#header.revision + 1 }, contents, this.#keys.state);
    this.#store.writeHeader(this.#header);
    this.#isChanged = false;
    return tree;
  }
}

function named<T>(record: StoredRecord, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.code, error.message, { field: record.id, cause: error });
  }
}
