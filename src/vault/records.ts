// The records of an unlocked vault: found by keyed name, opened, changed together or not at all.
// Every change keeps the MAC over all records, so that none can be removed or put back unseen.

import { createHmac } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import { withoutTraces } from '../core/traceless.ts';
import { TAG_BYTES } from '../core/xaes.ts';
import { authenticated, contentsMac, MAC_BYTES, recordDigest, verifyContents, verifyHeader } from './header.ts';
import type { Header, RecordDigestInput } from './header.ts';
import type { VaultKeys } from './keys.ts';
import { openRecord, recordAad, sealRecord, tuple, unwrapRecordKey } from './seal.ts';
import type { RandomBytes, RecordPlace, RecordType, StoredRecord } from './seal.ts';
import type { VaultStore } from './store.ts';

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
const NAME_KEYS_MAX = 4_000;

export class Records {
  readonly #store: VaultStore;
  readonly #keys: VaultKeys;
  readonly #random: RandomBytes;
  readonly #opened = new Map<string, Opened>();
  /** Keyed names by what they are names of; they stand in the file as well. */
  readonly #nameKeys = new Map<string, Buffer>();
  #header: Header;
  /** XOR of the digests of all records. */
  #digest: Buffer;
  #isChanged = false;
  #depth = 0;

  /** Throws `vault/damaged` unless header and records are as the vault last left them. */
  constructor(store: VaultStore, keys: VaultKeys, random: RandomBytes) {
    this.#store = store;
    this.#keys = keys;
    this.#random = random;
    this.#header = store.readHeader();
    verifyHeader(this.#header, keys.state);
    store.check();
    this.#digest = Buffer.alloc(MAC_BYTES);
    for (const record of store.digests()) this.#toggle(record);
    verifyContents(this.#header, this.#digest, keys.state);
  }

  get header(): Header {
    return this.#header;
  }

  /** Random bytes for ids. */
  random(count: number): Buffer {
    return this.#random(count);
  }

  /** All changes of `work` in one commit that is on the disk when this returns, or none when it throws. Nests. */
  transaction<T>(work: () => T): T {
    const before = { header: this.#header, digest: Buffer.from(this.#digest), isChanged: this.#isChanged };
    this.#depth += 1;
    try {
      return this.#store.atomically(() => {
        const result = work();
        if (this.#depth === 1 && this.#isChanged) this.#commitHeader();
        return result;
      });
    } catch (error) {
      this.#header = before.header;
      this.#digest = before.digest;
      this.#isChanged = before.isChanged;
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** A row id that says nothing, for records whose own id could tell something. */
  hiddenId(): string {
    return this.#random(16).toString('hex');
  }

  find(type: RecordType, parent: string, name: string): StoredRecord | undefined {
    const nameKey = this.#nameKey(type, parent, name);
    const record = this.#store.find(nameKey);
    if (record === undefined) return undefined;
    if (record.type === type && record.parent === parent && record.nameKey.equals(nameKey)) return record;
    throw new Failure('vault/damaged', 'a record of the vault is not where it belongs', { field: record.id });
  }

  get(type: RecordType, id: string): StoredRecord | undefined {
    return this.#store.get(type, id);
  }

  /** The records that belong to `parent`, longest unchanged first. */
  list(type: RecordType, parent: string): StoredRecord[] {
    return this.#store.list(type, parent);
  }

  /** The ids of what belongs to `parent`, in their own order, which no change of a record alters. */
  ids(type: RecordType, parent: string): string[] {
    return this.#store.ids(type, parent);
  }

  count(type: RecordType, parent: string): number {
    return this.#store.count(type, parent);
  }

  /** The content, which the caller wipes. Throws `vault/damaged` with the id as field. */
  open(record: StoredRecord): Buffer {
    return named(record, () => openRecord(this.#header, this.#keys.items, record));
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
    const key = named(record, () => unwrapRecordKey(this.#header, this.#keys.items, record));
    return { key, nonce: record.nonce, sealed: record.sealed, aad: recordAad(this.#header, record, 'body') };
  }

  /** Seals and keeps `content` (which the caller wipes) in place of what had this type and id. */
  put({ type, id, parent, name }: RecordName, content: Buffer): void {
    this.transaction(() => {
      const old = this.#store.get(type, id);
      if (old !== undefined) this.#toggle(digestInput(old));
      const place: RecordPlace = {
        type,
        id,
        parent,
        nameKey: this.#nameKey(type, parent, name),
        revision: this.#header.revision + 1,
      };
      const record = sealRecord(this.#header, this.#keys.items, place, content, this.#random);
      this.#store.put(record);
      this.#toggle(digestInput(record));
      this.#isChanged = true;
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
      this.#store.remove(old.type, old.id);
      this.#toggle(digestInput(old));
      this.#isChanged = true;
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

  /** Keyed, so that the file does not show which names are there. NFC: two names that look the same are one. */
  #nameKey(type: RecordType, parent: string, name: string): Buffer {
    const place = `${type} ${parent} ${name}`;
    const known = this.#nameKeys.get(place);
    if (known !== undefined) return known;
    const nameKey = withoutTraces(() => createHmac('sha256', this.#keys.index))
      .update(tuple(type, parent, name.normalize('NFC')))
      .digest();
    if (this.#nameKeys.size >= NAME_KEYS_MAX) this.#nameKeys.clear();
    this.#nameKeys.set(place, nameKey);
    return nameKey;
  }

  #commitHeader(): void {
    const revision = this.#header.revision + 1;
    const mac = contentsMac(this.#header, revision, this.#digest, this.#keys.state);
    this.#header = authenticated({ ...this.#header, revision, contentsMac: mac }, this.#keys.state);
    this.#store.writeHeader(this.#header);
    this.#isChanged = false;
  }

  /** Adds a record to the digest of all, or takes it out. */
  #toggle(record: RecordDigestInput): void {
    const digest = recordDigest(this.#header, record, this.#keys.state);
    for (const [i, byte] of digest.entries()) this.#digest[i] = (this.#digest[i] ?? 0) ^ byte;
  }
}

/** The header and digest of a vault that has no record yet. */
export function firstHeader(header: Omit<Header, 'contentsMac' | 'headerMac'>, stateKey: Buffer): Header {
  const mac = contentsMac(header, header.revision, Buffer.alloc(MAC_BYTES), stateKey);
  return authenticated({ ...header, contentsMac: mac }, stateKey);
}

function digestInput(record: StoredRecord): RecordDigestInput {
  return { ...record, tag: record.sealed.subarray(-TAG_BYTES) };
}

function named<T>(record: StoredRecord, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.code, error.message, { field: record.id, cause: error });
  }
}
