// Makes the files of test/vectors/vault: one good vault, and copies of it with one fault each. Run by hand after a
// change of the format: node scripts/vault-vectors.ts. All randomness is fixed, so the same records come out. Nothing
// makes format 1 any more: the files of test/vectors/vault-format-1 were written when it was the newest.

import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deflateSync } from 'node:zlib';
import { Secret } from '../src/core/secret.ts';
import { encodeRecoveryKey } from '../src/vault/recovery.ts';
import type { RandomBytes } from '../src/vault/seal.ts';
import { Vault } from '../src/vault/vault.ts';

export type Expectation =
  | 'success'
  | 'wrong passphrase'
  | 'header failure'
  | 'contents failure'
  | 'record failure'
  | 'file failure'
  | 'weak kdf'
  | 'newer format';

export interface Vector {
  readonly name: string;
  readonly expect: Expectation;
  readonly comment: string;
  readonly passphrase: string;
  /** The recovery key; when there is one it is used, and the passphrase becomes the new one. */
  readonly recovery: string;
  /** The 16 bytes of device.key. */
  readonly device: Buffer;
  /** The bytes of vault.db. */
  readonly vault: Buffer;
}

/** What a reader finds in the good vault: environment, variable, value. */
export const CONTENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  production: { DB_URL: 'postgres://canary-1', TOKEN: 'canary-2' },
  staging: { TOKEN: 'canary-3' },
};

const FOLDER = join(import.meta.dirname, '../test/vectors/vault');
const PASSPHRASE = 'correct horse battery staple';
const KDF = { memoryKiB: 64 * 1024, passes: 3, lanes: 4 };

interface Base {
  readonly recovery: string;
  readonly device: Buffer;
  readonly path: string;
  /** Another vault with the same content and passphrase. */
  readonly strangerPath: string;
  /** The vault before its last change. */
  readonly olderPath: string;
}

interface Fault extends Partial<Pick<Vector, 'passphrase' | 'recovery' | 'device'>> {
  readonly name: string;
  readonly expect: Expectation;
  readonly comment: string;
  /** SQL that makes the fault. `flip(blob, i)` changes the lowest bit of byte i; `stranger` and `older` are attached. */
  readonly sql?: string;
  readonly file?: (path: string) => void;
}

/** The record of one value, by the order in which they were made. */
const value = (n: number): string => `type = 'value' AND revision = (SELECT revision FROM main.records
  WHERE type = 'value' ORDER BY revision LIMIT 1 OFFSET ${n})`;
const sealedColumns = 'wrapped_key, nonce, tag, ciphertext';

const FAULTS = (base: Base): Fault[] => [
  { name: 'success', expect: 'success', comment: 'a good vault' },
  {
    name: 'success-recovery',
    expect: 'success',
    comment: 'opened with the recovery key',
    recovery: base.recovery,
    device: Buffer.alloc(16),
    passphrase: 'a new passphrase',
  },
  {
    name: 'passphrase',
    expect: 'wrong passphrase',
    comment: 'the last letter is missing',
    passphrase: PASSPHRASE.slice(0, -1),
  },
  {
    name: 'device',
    expect: 'wrong passphrase',
    comment: 'the right passphrase on another machine',
    device: Buffer.alloc(16, 9),
  },
  {
    name: 'recovery-key',
    expect: 'wrong passphrase',
    comment: 'a well-formed recovery key of no vault',
    recovery: encodeRecoveryKey(Buffer.alloc(32)).toString(),
    passphrase: 'a new passphrase',
  },
  {
    name: 'salt',
    expect: 'wrong passphrase',
    comment: 'one bit of the salt',
    sql: 'UPDATE header SET salt = flip(salt, 0)',
  },
  {
    name: 'passes-in-range',
    expect: 'wrong passphrase',
    comment: 'passes 4 for 3: allowed, but another key',
    sql: 'UPDATE header SET passes = 4',
  },
  { name: 'lanes-in-range', expect: 'wrong passphrase', comment: 'lanes 2 for 4', sql: 'UPDATE header SET lanes = 2' },
  {
    name: 'vault-id',
    expect: 'wrong passphrase',
    comment: 'the id of another vault',
    sql: "UPDATE header SET vault_id = 'vault_00000000000000000000'",
  },
  { name: 'epoch', expect: 'wrong passphrase', comment: 'epoch 2 for 1', sql: 'UPDATE header SET epoch = 2' },
  {
    name: 'commitment',
    expect: 'wrong passphrase',
    comment: 'one bit of the commitment of the unlock wrap',
    sql: 'UPDATE header SET unlock_wrap = flip(unlock_wrap, 0)',
  },
  {
    name: 'unlock-wrap',
    expect: 'header failure',
    comment: 'one bit of the wrapped key behind the right commitment',
    sql: 'UPDATE header SET unlock_wrap = flip(unlock_wrap, 60)',
  },
  {
    name: 'recovery-wrap',
    expect: 'header failure',
    comment: 'one bit of the recovery wrap',
    sql: 'UPDATE header SET recovery_wrap = flip(recovery_wrap, 0)',
  },
  {
    name: 'recovery-wrap-removed',
    expect: 'header failure',
    comment: 'the recovery wrap is gone',
    sql: 'UPDATE header SET recovery_wrap = NULL',
  },
  {
    name: 'revision',
    expect: 'header failure',
    comment: 'the revision is one less',
    sql: 'UPDATE header SET revision = revision - 1',
  },
  {
    name: 'contents-mac',
    expect: 'header failure',
    comment: 'one bit of the MAC over the records',
    sql: 'UPDATE header SET contents_mac = flip(contents_mac, 0)',
  },
  {
    name: 'header-mac',
    expect: 'header failure',
    comment: 'one bit of the MAC over the header',
    sql: 'UPDATE header SET header_mac = flip(header_mac, 0)',
  },
  {
    name: 'header-mac-short',
    expect: 'header failure',
    comment: 'the MAC over the header is cut to 16 bytes',
    sql: 'UPDATE header SET header_mac = substr(header_mac, 1, 16)',
  },
  { name: 'header-removed', expect: 'header failure', comment: 'there is no header', sql: 'DELETE FROM header' },
  { name: 'memory-below-floor', expect: 'weak kdf', comment: 'memory 8 KiB', sql: 'UPDATE header SET memory_kib = 8' },
  { name: 'passes-below-floor', expect: 'weak kdf', comment: 'passes 2', sql: 'UPDATE header SET passes = 2' },
  {
    name: 'memory-above-ceiling',
    expect: 'weak kdf',
    comment: 'memory 8 GiB',
    sql: 'UPDATE header SET memory_kib = 8388608',
  },
  {
    name: 'passes-above-ceiling',
    expect: 'weak kdf',
    comment: 'passes 2^31',
    sql: 'UPDATE header SET passes = 2147483648',
  },
  { name: 'lanes-above-ceiling', expect: 'weak kdf', comment: 'lanes 17', sql: 'UPDATE header SET lanes = 17' },
  { name: 'format-newer', expect: 'newer format', comment: 'format 3', sql: 'PRAGMA user_version = 3' },
  { name: 'suite-newer', expect: 'newer format', comment: 'suite 2', sql: 'UPDATE header SET suite = 2' },
  {
    name: 'format-older',
    expect: 'file failure',
    comment: 'called format 1, with the tables of format 2',
    sql: 'PRAGMA user_version = 1',
  },
  { name: 'format-zero', expect: 'file failure', comment: 'format 0', sql: 'PRAGMA user_version = 0' },
  {
    name: 'application-id',
    expect: 'file failure',
    comment: 'the file of another program',
    sql: 'PRAGMA application_id = 1',
  },
  {
    name: 'trigger',
    expect: 'file failure',
    comment: 'a trigger was planted',
    sql: 'CREATE TRIGGER planted AFTER INSERT ON records BEGIN DELETE FROM records; END',
  },
  {
    name: 'truncated',
    expect: 'file failure',
    comment: 'the second half of the file is gone',
    file: (path) => truncateSync(path, 12_288),
  },
  {
    name: 'record-ciphertext',
    expect: 'record failure',
    comment: 'one bit of the ciphertext of a value',
    sql: `UPDATE records SET ciphertext = flip(ciphertext, 0) WHERE ${value(0)}`,
  },
  {
    name: 'record-shortened',
    expect: 'record failure',
    comment: 'the first byte of a ciphertext is gone',
    sql: `UPDATE records SET ciphertext = substr(ciphertext, 2) WHERE ${value(0)}`,
  },
  {
    name: 'record-tag',
    expect: 'contents failure',
    comment: 'one bit of the tag of a value',
    sql: `UPDATE records SET tag = flip(tag, 15) WHERE ${value(0)}`,
  },
  {
    name: 'record-tag-short',
    expect: 'contents failure',
    comment: 'a tag is cut to 12 bytes',
    sql: `UPDATE records SET tag = substr(tag, 1, 12) WHERE ${value(0)}`,
  },
  {
    name: 'record-nonce',
    expect: 'contents failure',
    comment: 'one bit of the nonce of a value',
    sql: `UPDATE records SET nonce = flip(nonce, 0) WHERE ${value(0)}`,
  },
  {
    name: 'record-key',
    expect: 'contents failure',
    comment: 'one bit of the wrapped key of a value',
    sql: `UPDATE records SET wrapped_key = flip(wrapped_key, 40) WHERE ${value(0)}`,
  },
  {
    name: 'record-revision',
    expect: 'contents failure',
    comment: 'the revision of a record is one more',
    sql: `UPDATE records SET revision = revision + 1 WHERE ${value(0)}`,
  },
  {
    name: 'record-parent',
    expect: 'contents failure',
    comment: 'a variable is moved to the other environment',
    sql: `UPDATE records SET parent = (SELECT parent FROM records WHERE ${value(2)}) WHERE ${value(0)}`,
  },
  {
    name: 'record-removed',
    expect: 'contents failure',
    comment: 'a value is gone',
    sql: `DELETE FROM records WHERE ${value(0)}`,
  },
  {
    name: 'record-swapped',
    expect: 'contents failure',
    comment: 'two environments have exchanged their values',
    sql: `CREATE TEMP TABLE held AS SELECT ${sealedColumns} FROM records WHERE ${value(1)};
    UPDATE records SET (${sealedColumns}) = (SELECT ${sealedColumns} FROM main.records AS other WHERE ${value(2)}) WHERE ${value(1)};
    UPDATE records SET (${sealedColumns}) = (SELECT ${sealedColumns} FROM held) WHERE ${value(2)}`,
  },
  {
    name: 'record-of-another-vault',
    expect: 'contents failure',
    comment: 'all records of another vault',
    sql: 'DELETE FROM records; INSERT INTO records SELECT * FROM stranger.records',
  },
  {
    name: 'record-older',
    expect: 'contents failure',
    comment: 'all records as they were one change ago',
    sql: 'DELETE FROM records; INSERT INTO records SELECT * FROM older.records',
  },
  {
    name: 'record-added',
    expect: 'contents failure',
    comment: 'a record of another vault more',
    sql: 'INSERT INTO records SELECT * FROM stranger.records LIMIT 1',
  },
  {
    name: 'record-older-one',
    expect: 'contents failure',
    comment: 'the one record that changed last, as it was before, with the buckets and digests of that time',
    sql: `DELETE FROM records WHERE type = 'environment' AND revision = (SELECT max(revision) FROM main.records);
    INSERT OR IGNORE INTO records SELECT * FROM older.records;
    DELETE FROM buckets; INSERT INTO buckets SELECT * FROM older.buckets;
    DELETE FROM digests; INSERT INTO digests SELECT * FROM older.digests`,
  },
  {
    name: 'record-renamed',
    expect: 'contents failure',
    comment: 'one bit of a name key',
    sql: `UPDATE records SET name_key = flip(name_key, 31) WHERE ${value(0)}`,
  },
  {
    name: 'bucket-older',
    expect: 'contents failure',
    comment: 'the record that changed last, and its bucket, as they were before',
    sql: `DELETE FROM records WHERE type = 'environment' AND revision = (SELECT max(revision) FROM main.records);
    INSERT OR IGNORE INTO records SELECT * FROM older.records;
    DELETE FROM buckets; INSERT INTO buckets SELECT * FROM older.buckets`,
  },
  {
    name: 'bucket-changed',
    expect: 'contents failure',
    comment: 'one bit of the digest of a record in its bucket',
    sql: 'UPDATE buckets SET entries = flip(entries, 39) WHERE bucket = (SELECT min(bucket) FROM buckets)',
  },
  {
    name: 'bucket-removed',
    expect: 'contents failure',
    comment: 'a bucket is gone, and the record in it',
    sql: `DELETE FROM records WHERE name_key = (SELECT min(name_key) FROM records);
    DELETE FROM buckets WHERE bucket = (SELECT min(bucket) FROM buckets)`,
  },
  {
    name: 'bucket-added',
    expect: 'contents failure',
    comment: 'a bucket of a record that was never there',
    sql: 'INSERT INTO buckets SELECT max(bucket) + 1, entries FROM buckets',
  },
  {
    name: 'digests-changed',
    expect: 'contents failure',
    comment: 'one bit of the digest of a bucket',
    sql: 'UPDATE digests SET buckets = flip(buckets, 16) WHERE first_byte = (SELECT min(first_byte) FROM digests)',
  },
  {
    name: 'digests-removed',
    expect: 'contents failure',
    comment: 'a group of buckets is gone, and the records in it',
    sql: `DELETE FROM records WHERE substr(name_key, 1, 1) = (SELECT min(substr(name_key, 1, 1)) FROM records);
    DELETE FROM digests WHERE first_byte = (SELECT min(first_byte) FROM digests)`,
  },
  {
    name: 'digests-moved',
    expect: 'contents failure',
    comment: 'a group of buckets has the number of another one',
    sql: `UPDATE digests SET first_byte = (SELECT max(first_byte) FROM main.digests) - 1
    WHERE first_byte = (SELECT max(first_byte) FROM main.digests)`,
  },
  {
    name: 'digests-beyond',
    expect: 'file failure',
    comment: 'a group with the number 256',
    sql: "INSERT INTO digests VALUES (256, x'00')",
  },
  {
    name: 'counts-changed',
    expect: 'contents failure',
    comment: 'one environment less is counted, and there is one less',
    sql: `DELETE FROM records WHERE type = 'environment' AND revision = (SELECT max(revision) FROM main.records);
    UPDATE counts SET records = records - 1 WHERE type = 'environment'`,
  },
];

/** All vectors. `folder` is a private one to work in. */
export async function makeVectors(folder: string): Promise<Vector[]> {
  const base = await makeBase(folder);
  return FAULTS(base).map(({ sql, file, ...fault }, i) => {
    const path = join(folder, `fault-${i}.db`);
    copyFileSync(base.path, path);
    if (sql !== undefined) damage(path, sql, base);
    file?.(path);
    return { passphrase: PASSPHRASE, recovery: '', device: base.device, ...fault, vault: readFileSync(path) };
  });
}

/** One vector as a file: lines of `name: text`, an empty line, vault.db as zlib (RFC 1950) in base64. */
export function vectorText({ expect, comment, passphrase, recovery, device, vault }: Vector): string {
  const head = [
    ['expect', expect],
    ['comment', comment],
    ['passphrase', passphrase],
    ['recovery', recovery],
    ['device', device.toString('hex')],
  ].map(([name, text]) => `${name}: ${text}`.trimEnd());
  const body =
    deflateSync(vault, { level: 9 })
      .toString('base64')
      .match(/.{1,100}/g) ?? [];
  return [...head, '', ...body, ''].join('\n');
}

async function makeBase(folder: string): Promise<Base> {
  const path = join(folder, 'base.db');
  const olderPath = join(folder, 'older.db');
  const strangerPath = join(folder, 'stranger.db');
  const { recovery, device } = await makeVault(path, 'base', olderPath);
  await makeVault(strangerPath, 'stranger', join(folder, 'older-stranger.db'));
  return { path, olderPath, strangerPath, recovery, device };
}

async function makeVault(path: string, seed: string, olderPath: string): Promise<{ recovery: string; device: Buffer }> {
  const files = { vault: path, deviceKey: `${path}.device.key` };
  const options = { files, now: () => 0, random: fixedRandom(seed) };
  const vault = await Vault.create({ ...options, passphrase: new Secret(Buffer.from(PASSPHRASE)), kdf: KDF });
  const recovery = vault.makeRecoveryKey().reveal().toString();
  for (const [name, variables] of Object.entries(CONTENT)) {
    const { environmentId } = vault.createEnvironment(name, null);
    for (const [variable, text] of Object.entries(variables)) {
      const secret = new Secret(Buffer.from(text));
      vault.setVariable(environmentId, { name: variable, kind: 'literal', concealed: true, value: secret });
    }
  }
  vault.close();
  copyFileSync(path, olderPath);
  // A change that changes nothing but the revision of one record.
  const again = Vault.open(options);
  await again.unlock(new Secret(Buffer.from(PASSPHRASE)));
  again.setOutput(again.environment('staging').environmentId, 'redacted');
  again.close();
  return { recovery, device: readFileSync(files.deviceKey) };
}

/** SHA-256 of a seed and a counter, over and over. Never use this for a vault that keeps anything. */
function fixedRandom(seed: string): RandomBytes {
  let counter = 0;
  return (count) => {
    const blocks: Buffer[] = [];
    for (let made = 0; made < count; made += 32) {
      blocks.push(createHash('sha256').update(`keystile test vector ${seed} ${counter}`).digest());
      counter += 1;
    }
    return Buffer.concat(blocks).subarray(0, count);
  };
}

function damage(path: string, sql: string, base: Base): void {
  const database = new DatabaseSync(path);
  database.function('flip', { deterministic: true }, (blob, at) => {
    const bytes = Buffer.from(blob instanceof Uint8Array ? blob : []);
    bytes[Number(at)] = (bytes[Number(at)] ?? 0) ^ 1;
    return bytes;
  });
  database.prepare('ATTACH ? AS stranger').run(base.strangerPath);
  database.prepare('ATTACH ? AS older').run(base.olderPath);
  database.exec(sql);
  database.close();
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'keystile-vectors-'));
  try {
    const vectors = await makeVectors(folder);
    for (const vector of vectors) writeFileSync(join(FOLDER, `${vector.name}.txt`), vectorText(vector));
    process.stdout.write(`${vectors.length} vectors in ${FOLDER}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
