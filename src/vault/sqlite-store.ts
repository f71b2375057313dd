// The records of a vault in one SQLite file. docs/vault-format.md, "File".

import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { Failure } from '../core/failure.ts';
import type { BucketRow } from './buckets.ts';
import type { DigestRow } from './digest-tree.ts';
import { damagedHeader } from './header.ts';
import type { Header } from './header.ts';
import { prepareSchema, UPGRADE } from './schema.ts';
import type { Format } from './schema.ts';
import { FORMAT, RECORD_TYPES } from './seal.ts';
import type { RecordType, SealedRecord, StoredRecord } from './seal.ts';
import { blob, damagedFile, guarded, text, whole } from './sqlite.ts';
import type { Row } from './sqlite.ts';
import { SQL } from './statements.ts';
import type { Attempts, NameRange, VaultStore } from './store.ts';

/** HMAC-SHA256. */
const NAME_KEY_BYTES = 32;

const SETTINGS = [
  // One writer for as long as the file is open; it also keeps the index of the log in memory, not in a file.
  'locking_mode = EXCLUSIVE',
  'journal_mode = WAL',
  // FULL: what was acknowledged survives a power cut.
  'synchronous = FULL',
  'secure_delete = ON',
  'temp_store = MEMORY',
  // 16 MB at most, for the indexes of a large vault while much is written to it.
  'cache_size = -16000',
  // What an import leaves beside the file does not stay there until the daemon ends: 16 MiB.
  'journal_size_limit = 16777216',
  'mmap_size = 0',
  'trusted_schema = OFF',
  'cell_size_check = ON',
] as const;

type Value = string | number | Buffer | null;

export class SqliteStore implements VaultStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<keyof typeof SQL, StatementSync>();
  #format: Format;
  #depth = 0;

  /**
   * `path` names an existing file; an empty one is made a vault without a header.
   * Throws `home/in_use` when another process has it open, `vault/newer_format`, `vault/damaged`, `machine/io`.
   */
  constructor(path: string) {
    this.#database = guarded(() => new DatabaseSync(path, { defensive: true, timeout: 0 }));
    try {
      this.#format = guarded(() => {
        for (const setting of SETTINGS) this.#database.exec(`PRAGMA ${setting}`);
        return prepareSchema(this.#database);
      });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get format(): Format {
    return this.#format;
  }

  readHeader(): Header {
    const row = this.#row('header');
    if (row === undefined) throw damagedHeader();
    return {
      vaultId: text(row, 'vault_id'),
      suite: whole(row, 'suite'),
      epoch: whole(row, 'epoch'),
      kdf: { memoryKiB: whole(row, 'memory_kib'), passes: whole(row, 'passes'), lanes: whole(row, 'lanes') },
      salt: blob(row, 'salt'),
      unlockWrap: blob(row, 'unlock_wrap'),
      recoveryWrap: row['recovery_wrap'] === null ? null : blob(row, 'recovery_wrap'),
      revision: whole(row, 'revision'),
      contentsMac: blob(row, 'contents_mac'),
      headerMac: blob(row, 'header_mac'),
    };
  }

  writeHeader({ kdf, ...header }: Header): void {
    const { vaultId, suite, epoch, salt, unlockWrap, recoveryWrap, revision, contentsMac, headerMac } = header;
    const key: Value[] = [vaultId, suite, epoch, kdf.memoryKiB, kdf.passes, kdf.lanes, salt, unlockWrap, recoveryWrap];
    this.#run('putHeader', key.concat([revision, contentsMac, headerMac]));
  }

  get(type: RecordType, id: string): StoredRecord | undefined {
    const row = this.#row('get', [type, id]);
    return row && recordOf(row);
  }

  find(nameKey: Buffer): StoredRecord | undefined {
    const row = this.#row('find', [nameKey]);
    return row && recordOf(row);
  }

  list(type: RecordType, parent: string): StoredRecord[] {
    return this.#rows('list', [type, parent]).map((row) => recordOf(row));
  }

  ids(type: RecordType, parent: string): string[] {
    return this.#rows('ids', [type, parent]).map((row) => text(row, 'id'));
  }

  count(type: RecordType, parent: string): number {
    const row = this.#row('count', [type, parent]);
    return row === undefined ? 0 : whole(row, 'count');
  }

  oldest(type: RecordType, parent: string): string | undefined {
    const row = this.#row('oldest', [type, parent]);
    return row && text(row, 'id');
  }

  range({ from, to }: NameRange, limit: number): StoredRecord[] {
    return this.#rows('range', [from, to, limit]).map((row) => recordOf(row));
  }

  reachable({ from, to }: NameRange): number {
    const row = this.#row('reachable', [from, to]);
    return row === undefined ? 0 : whole(row, 'count');
  }

  ciphertext(type: RecordType, id: string): Buffer | undefined {
    const row = this.#row('ciphertext', [type, id]);
    return row && blob(row, 'ciphertext');
  }

  put(record: SealedRecord): void {
    const { type, id, parent, nameKey, revision, wrappedKey, nonce, tag, ciphertext } = record;
    this.#run('put', [type, id, parent, nameKey, revision, wrappedKey, nonce, tag, ciphertext]);
  }

  remove(type: RecordType, id: string): void {
    this.#run('remove', [type, id]);
  }

  readBuckets(from: number, to: number): BucketRow[] {
    return this.#rows('buckets', [from, to]).map((row) => ({
      bucket: whole(row, 'bucket'),
      entries: blob(row, 'entries'),
    }));
  }

  writeBucket({ bucket, entries }: BucketRow): void {
    if (entries.length === 0) this.#run('removeBucket', [bucket]);
    else this.#run('putBucket', [bucket, entries]);
  }

  readDigests(): DigestRow[] {
    return this.#rows('digests').map((row) => {
      const firstByte = whole(row, 'first_byte');
      if (firstByte > 0xff) throw damagedFile();
      return { firstByte, buckets: blob(row, 'buckets') };
    });
  }

  writeDigests({ firstByte, buckets }: DigestRow): void {
    if (buckets.length === 0) this.#run('removeDigests', [firstByte]);
    else this.#run('putDigests', [firstByte, buckets]);
  }

  readCounts(): ReadonlyMap<RecordType, number> {
    return new Map(this.#rows('counts').map((row) => [typeOf(row), whole(row, 'records')]));
  }

  writeCount(type: RecordType, records: number): void {
    this.#run('putCount', [type, records]);
  }

  *recordsBeforeUpgrade(): Generator<StoredRecord> {
    for (const row of guarded(() => this.#statement('beforeUpgrade').iterate())) yield recordOf(row);
  }

  upgrade(): void {
    this.#execute(UPGRADE);
    this.#format = FORMAT;
  }

  atomically<T>(work: () => T): T {
    const isOutermost = this.#depth === 0;
    // SQLite itself undid all of it (a full disk), and somebody caught that: what follows would be written without a header.
    if (!isOutermost && !this.#database.isTransaction)
      throw new Failure('machine/io', 'a change of the vault was undone');
    const savepoint = `depth_${this.#depth}`;
    this.#execute(isOutermost ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${savepoint}`);
    this.#depth += 1;
    try {
      const result = work();
      this.#execute(isOutermost ? 'COMMIT' : `RELEASE ${savepoint}`);
      return result;
    } catch (error) {
      this.#undo(isOutermost ? 'ROLLBACK' : `ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  readAttempts(): Attempts {
    const row = this.#row('attempts');
    if (row === undefined) return { failures: 0, lastAt: 0 };
    return { failures: whole(row, 'failures'), lastAt: whole(row, 'last_at') };
  }

  writeAttempts(attempts: Attempts): void {
    this.#run('putAttempts', [attempts.failures, attempts.lastAt]);
  }

  check(): void {
    if (this.#row('check')?.['integrity_check'] !== 'ok') throw damagedFile();
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #statement(name: keyof typeof SQL): StatementSync {
    const known = this.#statements.get(name);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(SQL[name]);
    this.#statements.set(name, statement);
    return statement;
  }

  #row(name: keyof typeof SQL, values: readonly Value[] = []): Row | undefined {
    return guarded(() => this.#statement(name).get(...values));
  }

  #rows(name: keyof typeof SQL, values: readonly Value[] = []): Row[] {
    return guarded(() => this.#statement(name).all(...values));
  }

  #run(name: keyof typeof SQL, values: readonly Value[]): void {
    guarded(() => this.#statement(name).run(...values));
  }

  #execute(sql: string): void {
    guarded(() => this.#database.exec(sql));
  }

  /** After some errors (a full disk) SQLite has rolled back by itself. */
  #undo(sql: string): void {
    if (this.#database.isOpen && this.#database.isTransaction) this.#execute(sql);
  }
}

function recordOf(row: Row): StoredRecord {
  const nameKey = blob(row, 'name_key');
  if (nameKey.length !== NAME_KEY_BYTES) throw damagedFile();
  return {
    type: typeOf(row),
    id: text(row, 'id'),
    parent: text(row, 'parent'),
    nameKey,
    revision: whole(row, 'revision'),
    wrappedKey: blob(row, 'wrapped_key'),
    nonce: blob(row, 'nonce'),
    tag: blob(row, 'tag'),
  };
}

function typeOf(row: Row): RecordType {
  const name = text(row, 'type');
  const type = RECORD_TYPES.find((known) => known === name);
  if (type === undefined) throw damagedFile();
  return type;
}
