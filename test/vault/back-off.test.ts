// Waiting after wrong passphrases, with a clock of the test's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempts, VaultStore } from '../../src/vault/store.ts';
import { chargeAttempt, forgiveAttempts, waitMs } from '../../src/vault/back-off.ts';
import { Vault } from '../../src/vault/vault.ts';
import { failsWith, PASSPHRASE, secret, temporaryVault } from './temporary-vault.ts';

function memoryStore(): Pick<VaultStore, 'readAttempts' | 'writeAttempts'> {
  let kept: Attempts = { failures: 0, lastAt: 0 };
  return {
    readAttempts: () => kept,
    writeAttempts: (attempts) => {
      kept = attempts;
    },
  };
}

test('five tries are free, then the wait doubles from 1 to 300 seconds', () => {
  const waits = Array.from({ length: 16 }, (_, failures) => waitMs(failures) / 1000);
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  assert.equal(waitMs(100_000), 300_000);
});

test('a wait is over when it is over, and a right passphrase ends it', () => {
  const store = memoryStore();
  for (let i = 0; i < 5; i += 1) chargeAttempt(store, 1000);
  assert.throws(() => chargeAttempt(store, 1999), failsWith('vault/back_off'));
  chargeAttempt(store, 2000);
  assert.throws(() => chargeAttempt(store, 3999), /wait 1 second$/);
  forgiveAttempts(store);
  for (let i = 0; i < 5; i += 1) chargeAttempt(store, 2000);
});

test('a clock that is set back neither ends the wait nor makes it longer than 300 seconds', () => {
  const store = memoryStore();
  store.writeAttempts({ failures: 30, lastAt: 10 ** 12 });
  assert.throws(() => chargeAttempt(store, 5000), /wait 300 seconds$/);
  assert.throws(() => chargeAttempt(store, 5000 + 299_000), /wait 1 second$/);
  chargeAttempt(store, 5000 + 300_000);
  assert.equal(store.readAttempts().failures, 31);
});

test('C09: wrong passphrases cost waiting that survives a restart, and verify counts with unlock', async (t) => {
  let time = 1_000_000;
  const now = (): number => time;
  const { vault, files } = await temporaryVault(t, now);
  for (let i = 0; i < 3; i += 1) {
    await assert.rejects(vault.verify(secret('wrong passphrase')), failsWith('vault/wrong_passphrase'));
  }
  vault.close();
  const again = Vault.open({ files, now });
  // Two at once: both are counted before either is answered.
  const two = [again.unlock(secret('wrong passphrase')), again.unlock(secret('wrong passphrase'))];
  for (const one of await Promise.allSettled(two)) assert.equal(one.status, 'rejected');
  await assert.rejects(again.unlock(secret(PASSPHRASE)), failsWith('vault/back_off'));
  again.close();
  const later = Vault.open({ files, now });
  t.after(() => later.close());
  await assert.rejects(later.unlock(secret(PASSPHRASE)), failsWith('vault/back_off'));
  time += 1000;
  await later.unlock(secret(PASSPHRASE));
  await later.verify(secret(PASSPHRASE));
});
