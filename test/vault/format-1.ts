// A vault as format 1 had it, made of one of format 2: nothing in src writes format 1 any more. Written from the page on
// format 1 in docs/vault-format.md, and from nothing in src but tuple and keys.

import { createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { deriveKeys } from '../../src/vault/keys.ts';
import { tuple } from '../../src/vault/seal.ts';

type Row = Readonly<Record<string, unknown>>;

const RECORDS = `CREATE TABLE records (type TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, name_key BLOB NOT NULL, revision INTEGER NOT NULL, wrapped_key BLOB NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (type, id)) STRICT`;
const INDEXES = `CREATE UNIQUE INDEX records_by_name ON records (name_key);
  CREATE INDEX records_by_parent ON records (type, parent, revision, id)`;

/** The file of a vault that is closed. */
export function makeFormat1(path: string, vaultKey: Buffer): void {
  const database = new DatabaseSync(path);
  database.function('joined', (a, b) => Buffer.concat([bytes(a), bytes(b)]));
  database.exec(`BEGIN; ALTER TABLE records RENAME TO records_2; DROP INDEX records_by_name; DROP INDEX records_by_parent;
    ${RECORDS}; INSERT INTO records SELECT type, id, parent, name_key, revision, wrapped_key, nonce, joined(ciphertext, tag)
    FROM records_2; DROP TABLE records_2; ${INDEXES}; DROP TABLE buckets; DROP TABLE digests; DROP TABLE counts;
    PRAGMA user_version = 1`);
  writeMacs(database, vaultKey);
  database.exec('COMMIT');
  database.close();
}

export function formatOf(path: string): number {
  const database = new DatabaseSync(path);
  const row = database.prepare('PRAGMA user_version').get();
  database.close();
  return Number(row?.['user_version']);
}

function writeMacs(database: DatabaseSync, vaultKey: Buffer): void {
  const header: Row = database.prepare('SELECT * FROM header').get() ?? {};
  const [vaultId, epoch, revision] = [String(header['vault_id']), Number(header['epoch']), Number(header['revision'])];
  const { state } = deriveKeys({ vaultId, epoch }, vaultKey);
  const mac = (...parts: (string | number | Buffer)[]): Buffer =>
    createHmac('sha256', state)
      .update(tuple(...parts))
      .digest();
  const xor = Buffer.alloc(32);
  for (const row of database.prepare('SELECT * FROM records').iterate()) {
    const place = [String(row['type']), String(row['id']), String(row['parent']), bytes(row['name_key'])] as const;
    const aad = tuple('keystile/record', 1, 1, vaultId, epoch, ...place, 'body', Number(row['revision']), 'items');
    const digest = mac(
      'keystile/digest',
      aad,
      bytes(row['wrapped_key']),
      bytes(row['nonce']),
      bytes(row['sealed']).subarray(-16),
    );
    for (const [i, byte] of digest.entries()) xor[i] = (xor[i] ?? 0) ^ byte;
  }
  const contents = mac('keystile/contents', 1, 1, vaultId, epoch, revision, xor);
  const kdf = tuple(
    Number(header['memory_kib']),
    Number(header['passes']),
    Number(header['lanes']),
    bytes(header['salt']),
  );
  const wraps = [bytes(header['unlock_wrap']), bytes(header['recovery_wrap'] ?? new Uint8Array())] as const;
  const whole = mac('keystile/header', 1, 1, vaultId, epoch, kdf, ...wraps, revision, contents);
  database.prepare('UPDATE header SET contents_mac = ?, header_mac = ?').run(contents, whole);
}

function bytes(value: unknown): Buffer {
  if (!(value instanceof Uint8Array)) throw new TypeError('not a blob');
  return Buffer.from(value);
}
