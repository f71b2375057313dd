// The tables of a vault file: what a new one gets, which ones are taken for ours, and how format 1 becomes format 2.
// docs/vault-format.md, "File".

import type { DatabaseSync } from 'node:sqlite';
import { newerFormat } from './header.ts';
import { FORMAT } from './seal.ts';
import { damagedFile } from './sqlite.ts';

/** Formats this program opens. Format 1 is turned into format 2 when the vault is unlocked. */
export type Format = 1 | typeof FORMAT;

/** "KSTL" */
const APPLICATION_ID = 0x4b53544c;

const HEADER = `CREATE TABLE header (one INTEGER PRIMARY KEY CHECK (one = 1), vault_id TEXT NOT NULL, suite INTEGER NOT NULL, epoch INTEGER NOT NULL, memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL, lanes INTEGER NOT NULL, salt BLOB NOT NULL, unlock_wrap BLOB NOT NULL, recovery_wrap BLOB, revision INTEGER NOT NULL, contents_mac BLOB NOT NULL, header_mac BLOB NOT NULL) STRICT`;
const ATTEMPTS = `CREATE TABLE attempts (one INTEGER PRIMARY KEY CHECK (one = 1), failures INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT`;
const BY_NAME = `CREATE UNIQUE INDEX records_by_name ON records (name_key)`;
const BY_PARENT = `CREATE INDEX records_by_parent ON records (type, parent, revision, id)`;
const RECORDS_1 = `CREATE TABLE records (type TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, name_key BLOB NOT NULL, revision INTEGER NOT NULL, wrapped_key BLOB NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (type, id)) STRICT`;
// The ciphertext is last and its tag is not in it: nothing but opening a record reads the pages a large one overflows to.
const RECORDS = `CREATE TABLE records (type TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, name_key BLOB NOT NULL, revision INTEGER NOT NULL, wrapped_key BLOB NOT NULL, nonce BLOB NOT NULL, tag BLOB NOT NULL, ciphertext BLOB NOT NULL, PRIMARY KEY (type, id)) STRICT`;
const BUCKETS = `CREATE TABLE buckets (bucket INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT`;
const DIGESTS = `CREATE TABLE digests (first_byte INTEGER PRIMARY KEY, buckets BLOB NOT NULL) STRICT`;
const COUNTS = `CREATE TABLE counts (type TEXT PRIMARY KEY, records INTEGER NOT NULL) STRICT`;

const SCHEMAS: Readonly<Record<Format, readonly string[]>> = {
  1: [HEADER, RECORDS_1, BY_NAME, BY_PARENT, ATTEMPTS],
  2: [HEADER, RECORDS, BY_NAME, BY_PARENT, ATTEMPTS, BUCKETS, DIGESTS, COUNTS],
};

/** Run in a transaction. The tag was the last 16 bytes of `sealed`. */
export const UPGRADE = [
  'ALTER TABLE records RENAME TO records_1',
  'DROP INDEX records_by_name',
  'DROP INDEX records_by_parent',
  RECORDS,
  `INSERT INTO records SELECT type, id, parent, name_key, revision, wrapped_key, nonce, substr(sealed, -16),
    substr(sealed, 1, length(sealed) - 16) FROM records_1`,
  'DROP TABLE records_1',
  BY_NAME,
  BY_PARENT,
  BUCKETS,
  DIGESTS,
  COUNTS,
  `PRAGMA user_version = ${FORMAT}`,
].join(';');

/**
 * The format of an open file; an empty file gets the newest one. Throws `vault/newer_format`, and `vault/damaged` for
 * tables that are not ours to the letter: a trigger or a view would be somebody else's code.
 */
export function prepareSchema(database: DatabaseSync): Format {
  const found = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').all();
  const applicationId = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  if (found.length === 0 && applicationId === 0 && version === 0) {
    const numbers = `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`;
    database.exec(`BEGIN; ${SCHEMAS[FORMAT].join(';')}; ${numbers}; COMMIT`);
    return FORMAT;
  }
  if (applicationId !== APPLICATION_ID) throw damagedFile();
  if (version > FORMAT) throw newerFormat();
  if (version !== 1 && version !== FORMAT) throw damagedFile();
  // Sorted: the order in which they were made differs between a new file and one that was format 1.
  const texts = found.map((row) => String(row['sql'])).sort();
  const ours = SCHEMAS[version].toSorted();
  if (texts.length !== ours.length || texts.some((text, i) => text !== ours[i])) throw damagedFile();
  return version;
}

function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return row === undefined ? 0 : Number(row[name]);
}
