// What unlocking left unchecked of a large vault is checked afterwards, in pauses.

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Secret } from '../../src/core/secret.ts';
import { checkInPauses } from '../../src/daemon/checking.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { temporaryVault } from '../vault/temporary-vault.ts';

/** More records than are checked before unlock answers. */
const ITEMS = 800;

test('C02: a record that is gone from a large vault is missed, without anybody asking for it', async (t) => {
  const { vault, files, reopen } = await temporaryVault(t);
  fill(vault);
  vault.close();
  const database = new DatabaseSync(files.vault);
  const gone = database.prepare(
    "DELETE FROM records WHERE rowid = (SELECT max(rowid) FROM records WHERE type = 'field')",
  );
  assert.equal(gone.run().changes, 1);
  database.close();
  const damaged = await new Promise((settle) => checkInPauses(reopen(), settle));
  assert.equal((damaged as { code: string }).code, 'vault/damaged');
});

test('a large vault with nothing wrong is checked to its end, and one that is locked meanwhile is no damage', async (t) => {
  const { vault, reopen } = await temporaryVault(t);
  fill(vault);
  vault.close();
  const whole = reopen();
  checkInPauses(whole, (damage) => assert.fail(damage));
  let steps = 0;
  for (const step of whole.verification()) steps += step === undefined ? 1 : 0;
  assert.ok(steps > 10, `${steps} steps`);
  checkInPauses(whole, (damage) => assert.fail(damage));
  await new Promise((settle) => setImmediate(settle));
  whole.lock();
  await new Promise((settle) => setTimeout(settle, 50));
});

function fill(vault: Vault): void {
  const { collectionId } = vault.collections.create('many');
  const items = Array.from({ length: ITEMS }, (_, i) => ({
    title: `item ${i}`,
    category: 'password' as const,
    tags: [],
    fields: [
      { label: 'password', section: null, type: 'password' as const, value: new Secret(Buffer.from(`value ${i}`)) },
    ],
    files: [],
  }));
  vault.items.import(collectionId, items);
}
