// A vault too large to be checked whole before it is unlocked, and what somebody does to its file meanwhile: whoever asks
// for what was changed is told, and going through all of it finds the rest.

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Secret } from '../../src/core/secret.ts';
import { bucketOf } from '../../src/vault/digest-tree.ts';
import type { Records } from '../../src/vault/records.ts';
import { Vault } from '../../src/vault/vault.ts';
import { assertDigests } from './digests.ts';
import { temporaryRecords } from './temporary-records.ts';
import type { OpenRecords, TemporaryRecords } from './temporary-records.ts';
import { failsWith } from './temporary-vault.ts';

/** More than are checked before unlocking. */
const ITEMS = 2_500;
const isDamaged = failsWith('vault/damaged');
const item = (n: number): { type: 'item'; id: string; parent: string; name: string } => {
  return { type: 'item', id: `item_${n}`, parent: `collection_${n % 2}`, name: `item ${n}` };
};
const contentOf = (n: number, version: number): Buffer => Buffer.from(`canary of ${n}, version ${version}`);

/** A large vault: items, one agent that is blocked, and the same file before the last change. */
interface Large extends TemporaryRecords {
  readonly older: string;
}

async function largeVault(t: TestContext): Promise<Large> {
  const made = await temporaryRecords(t);
  const older = `${made.path}.older`;
  {
    using opened = made.open();
    opened.records.transaction(() => {
      for (let n = 0; n < ITEMS; n += 1) opened.records.put(item(n), contentOf(n, 1));
      opened.records.putJson({ type: 'agent', id: 'a', parent: '', name: 'agent' }, { state: 'blocked' });
    });
  }
  copyFileSync(made.path, older);
  using again = made.open();
  again.records.put(item(7), contentOf(7, 2));
  return { ...made, older };
}

let large: Large;
let copies = 0;
before(async (t) => {
  // Where it shares its bucket, an older bucket is damage to its neighbours as well: one vault in fifty.
  do large = await largeVault(t as TestContext);
  while (neighbours(large.path, 'item_7') > 0);
});

/** How many other records are in the bucket of this one. */
function neighbours(path: string, id: string): number {
  using database = new DatabaseSync(path, { readOnly: true });
  const keys = database.prepare('SELECT id, name_key FROM records').all() as { id: string; name_key: Uint8Array }[];
  const buckets = new Map(keys.map((row) => [row.id, bucketOf(Buffer.from(row.name_key))]));
  const own = buckets.get(id);
  assert.notEqual(own, undefined);
  return [...buckets.values()].filter((bucket) => bucket === own).length - 1;
}

/** A copy of the large vault that somebody has changed, opened. `older` is attached. */
function changed(sql: string): OpenRecords & { readonly path: string } {
  const path = `${large.path}.${copies}`;
  copies += 1;
  copyFileSync(large.path, path);
  const database = new DatabaseSync(path, { defensive: false });
  database.prepare('ATTACH ? AS older').run(large.older);
  database.exec(sql);
  database.close();
  return { ...large.open(path), path };
}

function walk(records: Records): number {
  let steps = 0;
  for (const step of records.verification()) {
    steps += 1;
    assert.equal(step, undefined);
  }
  return steps;
}

function find(records: Records, n: number): string | undefined {
  const { type, parent, name } = item(n);
  const record = records.find(type, parent, name);
  return record && records.open(record).toString();
}

test('a large vault holds what it was given, and nothing is wrong with it', () => {
  using opened = large.open();
  const { records } = opened;
  assert.equal(find(records, 7), 'canary of 7, version 2');
  assert.equal(find(records, ITEMS), undefined);
  assert.equal(records.get('item', 'item_8')?.parent, 'collection_0');
  assert.equal(records.list('item', 'collection_1').length, ITEMS / 2);
  assert.equal(records.count('item', 'collection_1'), ITEMS / 2);
  assert.ok(walk(records) > ITEMS / 100);
});

test('a large vault is checked while it is used: what changes between two steps is not taken for damage', () => {
  const { path, state } = useWhileChecked();
  assert.ok(assertDigests(path, state) > 0, 'no two records share a bucket');
  using again = large.open(path);
  walk(again.records);
});

/** Changes a third of all records each way, between the steps. */
function useWhileChecked(): { path: string; state: Buffer } {
  using opened = changed('');
  const { records, keys, path } = opened;
  let n = 0;
  for (const step of records.verification()) {
    assert.equal(step, undefined);
    records.transaction(() => {
      for (let i = 0; i < 20; i += 1, n += 1) {
        if (n % 3 === 0) records.remove({ type: 'item', id: `item_${n}` });
        else records.put(item(n % 3 === 1 ? n : n + ITEMS), contentOf(n, 3));
      }
    });
  }
  assert.ok(n > ITEMS / 3, `${n} changed`);
  walk(records);
  return { path, state: Buffer.from(keys.state) };
}

test('C02: a record that is gone is missed by whoever asks for its name, and by going through all', () => {
  using opened = changed(`DELETE FROM records WHERE id = 'item_7'`);
  assert.equal(find(opened.records, 8), 'canary of 8, version 1');
  assert.throws(() => find(opened.records, 7), isDamaged);
  assert.throws(() => walk(opened.records), isDamaged);
});

test('C02: an agent that is gone from a large vault is missed as soon as agents are listed', () => {
  using opened = changed(`DELETE FROM records WHERE type = 'agent'`);
  assert.throws(() => opened.records.list('agent', ''), isDamaged);
  assert.throws(() => opened.records.find('agent', '', 'agent'), isDamaged);
});

test('C03: a record as it was before is refused by name, by id and in a list, alone or with its bucket', () => {
  const record = `DELETE FROM records WHERE id = 'item_7';
    INSERT INTO records SELECT * FROM older.records WHERE id = 'item_7';`;
  const bucket = `DELETE FROM buckets; INSERT INTO buckets SELECT * FROM older.buckets`;
  for (const sql of [record, record + bucket]) {
    using opened = changed(sql);
    const { records } = opened;
    assert.throws(() => find(records, 7), isDamaged);
    assert.throws(() => records.get('item', 'item_7'), isDamaged);
    assert.throws(() => records.list('item', 'collection_1'), isDamaged);
    assert.equal(records.list('item', 'collection_0').length, ITEMS / 2);
    assert.throws(() => walk(records), isDamaged);
  }
});

test('C03: with digests of an earlier time, or other counts, the vault is not unlocked', () => {
  for (const sql of [
    'DELETE FROM digests; INSERT INTO digests SELECT * FROM older.digests',
    'UPDATE counts SET records = records - 1',
  ]) {
    assert.throws(() => changed(sql), failsWith('vault/damaged', 'contents'));
  }
});

test('C03: a record moved to another parent, or given another name or id, is refused', () => {
  using moved = changed(`UPDATE records SET parent = 'collection_1' WHERE id = 'item_8'`);
  assert.throws(() => moved.records.list('item', 'collection_1'), isDamaged);
  assert.throws(() => find(moved.records, 8), isDamaged);
  using exchanged =
    changed(`CREATE TEMP TABLE held AS SELECT id, name_key FROM records WHERE id IN ('item_8', 'item_10');
    UPDATE records SET name_key = randomblob(32) WHERE id = 'item_10';
    UPDATE records SET name_key = (SELECT name_key FROM held WHERE id = 'item_10') WHERE id = 'item_8';
    UPDATE records SET name_key = (SELECT name_key FROM held WHERE id = 'item_8') WHERE id = 'item_10'`);
  assert.throws(() => find(exchanged.records, 8), isDamaged);
  assert.throws(() => exchanged.records.get('item', 'item_10'), isDamaged);
  using renamed = changed(`UPDATE records SET id = 'item_other' WHERE id = 'item_8'`);
  assert.throws(() => find(renamed.records, 8), isDamaged);
  assert.throws(() => renamed.records.get('item', 'item_other'), isDamaged);
});

test('C03: a record that was added is refused in a list, and found by going through all', () => {
  using opened = changed(`INSERT INTO records SELECT type, 'item_added', parent, randomblob(32), revision, wrapped_key,
    nonce, tag, ciphertext FROM records WHERE id = 'item_8'`);
  assert.throws(() => opened.records.list('item', 'collection_0'), isDamaged);
  assert.throws(() => opened.records.get('item', 'item_added'), isDamaged);
  assert.throws(() => walk(opened.records), isDamaged);
});

test('a change beside a record that was tampered with is refused and not made: it would make the rest look right', () => {
  using opened = changed(`UPDATE buckets SET entries = zeroblob(40)`);
  assert.throws(() => opened.records.put(item(9), contentOf(9, 2)), isDamaged);
  assert.throws(() => opened.records.remove({ type: 'item', id: 'item_9' }), isDamaged);
  using older = changed(`DELETE FROM records WHERE id = 'item_7';
    INSERT INTO records SELECT * FROM older.records WHERE id = 'item_7'`);
  assert.throws(() => older.records.put(item(7), contentOf(7, 3)), isDamaged);
  assert.throws(() => older.records.remove({ type: 'item', id: 'item_7' }), isDamaged);
  const { revision } = older.records.header;
  older.records.put(item(9), contentOf(9, 2));
  assert.equal(older.records.header.revision, revision + 1);
  assert.throws(() => walk(older.records), isDamaged);
});

test('an index that hides a record from lists is found by going through all', () => {
  // Without its entry in sqlite_schema the index is not kept while a row gets another rowid.
  using opened = changed(`PRAGMA writable_schema = ON;
    CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'records_by_parent';
    DELETE FROM sqlite_schema WHERE name = 'records_by_parent'; PRAGMA writable_schema = RESET;
    UPDATE records SET rowid = 1000000 WHERE id = 'item_8';
    PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; PRAGMA writable_schema = RESET`);
  assert.equal(find(opened.records, 8), 'canary of 8, version 1');
  assert.throws(() => walk(opened.records), failsWith('vault/damaged', 'file'));
});

test('the vault hands out the steps of its verification, which end with a small vault and with the lock', () => {
  const path = `${large.path}.vault`;
  copyFileSync(large.path, path);
  const files = { vault: path, deviceKey: `${path}.device.key` };
  const vault = Vault.openWithKey({ files, now: Date.now }, new Secret(Buffer.from(large.vaultKey)));
  try {
    const steps = vault.verification();
    assert.equal(steps.next().done, false);
    vault.lock();
    assert.equal(steps.next().done, true);
    assert.throws(() => vault.verification().next(), failsWith('vault/locked'));
  } finally {
    vault.close();
  }
});
