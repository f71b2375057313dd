// A vault of format 1 when it is unlocked: it becomes one of format 2 with all it held, or nothing changes.

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { formatOf, makeFormat1 } from './format-1.ts';
import { temporaryRecords } from './temporary-records.ts';
import type { TemporaryRecords } from './temporary-records.ts';
import { failsWith } from './temporary-vault.ts';

const ITEMS = 2_500;
/** Longer than a page of the file, as the content of a file is. */
const LARGE = Buffer.alloc(100_000, 'canary ');

let made: TemporaryRecords;
before(async (t) => {
  made = await temporaryRecords(t as TestContext);
  {
    using opened = made.open();
    const { records } = opened;
    records.transaction(() => {
      for (let n = 0; n < ITEMS; n += 1) {
        records.put(
          { type: 'item', id: `item_${n}`, parent: 'collection', name: `item ${n}` },
          Buffer.from(`canary ${n}`),
        );
      }
      records.put({ type: 'file', id: 'file', parent: 'item_1', name: 'a file' }, LARGE);
      records.putJson({ type: 'setting', id: 'setting', parent: '', name: 'a setting' }, { text: 'canary' });
    });
  }
  makeFormat1(made.path, made.vaultKey);
});

test('a vault of format 1 becomes one of format 2 at its first unlock, with all it held and under the same revision', () => {
  const path = `${made.path}.good`;
  copyFileSync(made.path, path);
  assert.equal(formatOf(path), 1);
  for (let round = 0; round < 2; round += 1) {
    using opened = made.open(path);
    const { records } = opened;
    assert.equal(records.header.revision, 1);
    for (let n = 0; n < ITEMS; n += 500) {
      const record = records.find('item', 'collection', `item ${n}`);
      assert.equal(record && records.open(record).toString(), `canary ${n}`);
    }
    const file = records.find('file', 'item_1', 'a file');
    assert.deepEqual(file && records.open(file), LARGE);
    assert.equal(records.count('setting', ''), 1);
    for (const step of records.verification()) assert.equal(step, undefined);
  }
  assert.equal(formatOf(path), 2);
  using again = made.open(path);
  again.records.remove({ type: 'item', id: 'item_3' });
  assert.equal(again.records.find('item', 'collection', 'item 3'), undefined);
});

test('C02: a vault of format 1 that was tampered with is not unlocked, and stays as it is', () => {
  const faults = [
    [`DELETE FROM records WHERE id = 'item_9'`, 'contents'],
    [`UPDATE records SET revision = 0 WHERE id = 'item_9'`, 'contents'],
    [`UPDATE records SET parent = 'item_2' WHERE type = 'file'`, 'contents'],
    [
      `INSERT INTO records SELECT type, 'x', parent, randomblob(32), revision, wrapped_key, nonce, sealed
      FROM records WHERE id = 'item_9'`,
      'contents',
    ],
    [`UPDATE header SET revision = 2`, 'header'],
    [`UPDATE header SET contents_mac = randomblob(32)`, 'header'],
  ] as const;
  for (const [i, [sql, field]] of faults.entries()) {
    const path = `${made.path}.${i}`;
    copyFileSync(made.path, path);
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    assert.throws(() => made.open(path), failsWith('vault/damaged', field), sql);
    assert.equal(formatOf(path), 1);
  }
});

test('a vault of format 2 is not taken for one of format 1', () => {
  const path = `${made.path}.back`;
  copyFileSync(made.path, path);
  made.open(path)[Symbol.dispose]();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 1');
  database.close();
  assert.throws(() => made.open(path), failsWith('vault/damaged', 'file'));
});
