// Every file of test/vectors/vault gives exactly the outcome it names, and the script still makes the same ones.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { CONTENT, makeVectors } from '../../scripts/vault-vectors.ts';
import { Failure } from '../../src/core/failure.ts';
import { Vault } from '../../src/vault/vault.ts';
import { secret, valueIn } from './temporary-vault.ts';

const FOLDER = join(import.meta.dirname, '../vectors/vault');
const FORMAT_1_FOLDER = join(import.meta.dirname, '../vectors/vault-format-1');
const VECTORS_MIN = 50;
const FORMAT_1_VECTORS_MIN = 15;

interface ReadVector {
  readonly head: Readonly<Record<string, string>>;
  readonly vault: Buffer;
}

const folder = mkdtempSync(join(tmpdir(), 'keystile-vectors-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function readVector(text: string): ReadVector {
  const [head = '', body = ''] = text.split('\n\n');
  const members = head.split('\n').map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { head: Object.fromEntries(members), vault: inflateSync(Buffer.from(body, 'base64')) };
}

/** Opens a vault and reads all of it; says how that ended, in the words of the vectors. */
async function outcomeOf(name: string, { head, vault: bytes }: ReadVector): Promise<string> {
  const place = mkdtempSync(join(folder, name));
  const files = { vault: join(place, 'vault.db'), deviceKey: join(place, 'device.key') };
  writeFileSync(files.vault, bytes, { mode: 0o600 });
  writeFileSync(files.deviceKey, Buffer.from(head['device'] ?? '', 'hex'), { mode: 0o600 });
  const opened: Vault[] = [];
  try {
    const vault = Vault.open({ files, now: () => 0 });
    opened.push(vault);
    const passphrase = secret(head['passphrase'] ?? '');
    if (head['recovery']) await vault.recover(secret(head['recovery']), passphrase);
    else await vault.unlock(passphrase);
    const found = vault.environments().map(({ environmentId, name, variables }) => {
      const values = variables.map((variable) => [variable.name, valueIn(vault, environmentId, variable.name)]);
      return [name, Object.fromEntries(values)];
    });
    assert.deepEqual(Object.fromEntries(found), CONTENT);
    return 'success';
  } catch (error) {
    return wordsFor(error, opened[0]?.isUnlocked === true);
  } finally {
    opened[0]?.close();
  }
}

function wordsFor(error: unknown, isUnlocked: boolean): string {
  if (!(error instanceof Failure)) throw error;
  if (error.code === 'vault/wrong_passphrase') return 'wrong passphrase';
  if (error.code === 'vault/weak_kdf') return 'weak kdf';
  if (error.code === 'vault/newer_format') return 'newer format';
  assert.equal(error.code, 'vault/damaged');
  if (isUnlocked) return 'record failure';
  // What does not name its part is the wrapped vault key, which is in the header.
  return `${error.field ?? 'header'} failure`;
}

async function checkAll(from: string, least: number): Promise<void> {
  const names = readdirSync(from);
  assert.ok(names.length >= least, `only ${names.length} vectors`);
  for (const name of names) {
    const vector = readVector(readFileSync(join(from, name), 'utf8'));
    assert.equal(await outcomeOf(name, vector), vector.head['expect'], `${name}: ${vector.head['comment']}`);
  }
}

test('every vector gives exactly the outcome it names', async () => {
  await checkAll(FOLDER, VECTORS_MIN);
});

test('a vault of format 1 opens with all it holds, and one that was tampered with does not', async () => {
  await checkAll(FORMAT_1_FOLDER, FORMAT_1_VECTORS_MIN);
});

test('the script makes the same vectors: same expectations, same rows', async () => {
  const work = join(folder, 'work');
  mkdirSync(work, { mode: 0o700 });
  const made = await makeVectors(work);
  assert.deepEqual(made.map(({ name }) => `${name}.txt`).toSorted(), readdirSync(FOLDER).toSorted());
  for (const { name, expect, device, vault } of made) {
    const kept = readVector(readFileSync(join(FOLDER, `${name}.txt`), 'utf8'));
    assert.equal(kept.head['expect'], expect);
    assert.equal(kept.head['device'], device.toString('hex'));
    if (expect !== 'file failure') assert.deepEqual(rowsOf(work, kept.vault), rowsOf(work, vault), name);
  }
});

function rowsOf(place: string, bytes: Buffer): unknown[] {
  const path = join(place, 'rows.db');
  writeFileSync(path, bytes);
  const database = new DatabaseSync(path);
  const rows = ['header', 'records ORDER BY type, id', 'digests', 'counts'].map((table) =>
    database.prepare(`SELECT * FROM ${table}`).all(),
  );
  database.close();
  return rows;
}
