// Sealed records by type and id, in one SQLite file: the part another store could replace. It sees no plaintext and
// holds no key. docs/vault-format.md, "File".

import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { damagedHeader, newerFormat } from './header.ts';
import type { Header, RecordDigestInput } from './header.ts';
import { FORMAT, RECORD_TYPES } from './seal.ts';
import type { RecordType, StoredRecord } from './seal.ts';
import { blob, damagedFile, guarded, text, whole } from './sqlite.ts';
import type { Row } from './sqlite.ts';

/** Passphrases tried since the last right one, and when the last was tried (wall clock, ms). */
export interface Attempts {
  readonly failures: number;
  readonly lastAt: number;
}

export interface VaultStore {
  readHeader(): Header;
  writeHeader(header: Header): void;
  get(type: RecordType, id: string): StoredRecord | undefined;
  find(nameKey: Buffer): StoredRecord | undefined;
  /** Oldest revision first. */
  list(type: RecordType, parent: string): StoredRecord[];
  /** Ids alone, in their own order. */
  ids(type: RecordType, parent: string): string[];
  count(type: RecordType, parent: string): number;
  /** The id of the record with the lowest revision. */
  oldest(type: RecordType, parent: string): string | undefined;
  /** Every record without its ciphertext. */
  digests(): Iterable<RecordDigestInput>;
  put(record: StoredRecord): void;
  remove(type: RecordType, id: string): void;
  /** All changes of `work`, or none when it throws. Calls may be nested. */
  atomically<T>(work: () => T): T;
  readAttempts(): Attempts;
  writeAttempts(attempts: Attempts): void;
  /** Throws `vault/damaged` when the file contradicts itself. */
  check(): void;
  close(): void;
}

/** "KSTL" */
const APPLICATION_ID = 0x4b53544c;

const SCHEMA = [
  `CREATE TABLE header (one INTEGER PRIMARY KEY CHECK (one = 1), vault_id TEXT NOT NULL, suite INTEGER NOT NULL, epoch INTEGER NOT NULL, memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL, lanes INTEGER NOT NULL, salt BLOB NOT NULL, unlock_wrap BLOB NOT NULL, recovery_wrap BLOB, revision INTEGER NOT NULL, contents_mac BLOB NOT NULL, header_mac BLOB NOT NULL) STRICT`,
  `CREATE TABLE records (type TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, name_key BLOB NOT NULL, revision INTEGER NOT NULL, wrapped_key BLOB NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (type, id)) STRICT`,
  `CREATE UNIQUE INDEX records_by_name ON records (name_key)`,
  `CREATE INDEX records_by_parent ON records (type, parent, revision, id)`,
  `CREATE TABLE attempts (one INTEGER PRIMARY KEY CHECK (one = 1), failures INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT`,
] as const;

const SETTINGS = [
  // One writer for as long as the file is open; it also keeps the index of the log in memory, not in a file.
  'locking_mode = EXCLUSIVE',
  'journal_mode = WAL',
  // FULL: what was acknowledged survives a power cut.
  'synchronous = FULL',
  'secure_delete = ON',
  'temp_store = MEMORY',
  'mmap_size = 0',
  'trusted_schema = OFF',
  'cell_size_check = ON',
] as const;

const COLUMNS = 'type, id, parent, name_key, revision, wrapped_key, nonce';

const SQL = {
  header: 'SELECT * FROM header',
  putHeader: 'INSERT OR REPLACE INTO header VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  get: `SELECT ${COLUMNS}, sealed FROM records WHERE type = ? AND id = ?`,
  find: `SELECT ${COLUMNS}, sealed FROM records WHERE name_key = ?`,
  list: `SELECT ${COLUMNS}, sealed FROM records WHERE type = ? AND parent = ? ORDER BY revision, id`,
  // The plus keeps SQLite from walking all ids of the type for the sake of their order.
  ids: 'SELECT id FROM records WHERE type = ? AND parent = ? ORDER BY +id',
  count: 'SELECT count(*) AS count FROM records WHERE type = ? AND parent = ?',
  oldest: 'SELECT id FROM records WHERE type = ? AND parent = ? ORDER BY revision, id LIMIT 1',
  digests: `SELECT ${COLUMNS}, substr(sealed, -16) AS tag FROM records NOT INDEXED`,
  put: `INSERT INTO records (${COLUMNS}, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (type, id) DO UPDATE SET parent = excluded.parent, name_key = excluded.name_key,
    revision = excluded.revision, wrapped_key = excluded.wrapped_key, nonce = excluded.nonce, sealed = excluded.sealed`,
  remove: 'DELETE FROM records WHERE type = ? AND id = ?',
  attempts: 'SELECT failures, last_at FROM attempts',
  putAttempts: 'INSERT OR REPLACE INTO attempts VALUES (1, ?, ?)',
  check: 'PRAGMA integrity_check(1)',
} as const;

type Value = string | number | Buffer | null;

export class SqliteStore implements VaultStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<keyof typeof SQL, StatementSync>();
  #depth = 0;

  /**
   * `path` names an existing file; an empty one is made a vault without a header.
   * Throws `home/in_use` when another process has it open, `vault/newer_format`, `vault/damaged`, `machine/io`.
   */
  constructor(path: string) {
    this.#database = guarded(() => new DatabaseSync(path, { defensive: true, timeout: 0 }));
    try {
      guarded(() => this.#prepareFile());
    } catch (error) {
      this.#database.close();
      throw error;
    }
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

  digests(): RecordDigestInput[] {
    return this.#rows('digests').map((row) => Object.assign(placeOf(row), { tag: blob(row, 'tag') }));
  }

  put(record: StoredRecord): void {
    const { type, id, parent, nameKey, revision, wrappedKey, nonce, sealed } = record;
    this.#run('put', [type, id, parent, nameKey, revision, wrappedKey, nonce, sealed]);
  }

  remove(type: RecordType, id: string): void {
    this.#run('remove', [type, id]);
  }

  atomically<T>(work: () => T): T {
    const isOutermost = this.#depth === 0;
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

  #prepareFile(): void {
    for (const setting of SETTINGS) this.#database.exec(`PRAGMA ${setting}`);
    const schema = this.#database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid').all();
    const applicationId = this.#pragma('application_id');
    const format = this.#pragma('user_version');
    if (schema.length === 0 && applicationId === 0 && format === 0) {
      const version = `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`;
      this.#database.exec(`BEGIN; ${SCHEMA.join(';')}; ${version}; COMMIT`);
      return;
    }
    if (applicationId !== APPLICATION_ID) throw damagedFile();
    if (format > FORMAT) throw newerFormat();
    // A trigger or a view here would be somebody else's code, so the schema must be this one to the letter.
    const isSchemaOurs = schema.length === SCHEMA.length && schema.every((row, i) => row['sql'] === SCHEMA[i]);
    if (format !== FORMAT || !isSchemaOurs) throw damagedFile();
  }

  #pragma(name: string): number {
    const row = this.#database.prepare(`PRAGMA ${name}`).get();
    return row === undefined ? 0 : Number(row[name]);
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
  return Object.assign(placeOf(row), { sealed: blob(row, 'sealed') });
}

function placeOf(row: Row): Omit<StoredRecord, 'sealed'> {
  const name = text(row, 'type');
  const type = RECORD_TYPES.find((known) => known === name);
  if (type === undefined) throw damagedFile();
  return {
    type,
    id: text(row, 'id'),
    parent: text(row, 'parent'),
    nameKey: blob(row, 'name_key'),
    revision: whole(row, 'revision'),
    wrappedKey: blob(row, 'wrapped_key'),
    nonce: blob(row, 'nonce'),
  };
}
