// The files as a thief, a vandal or another program finds them.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import { Secret } from '../../src/core/secret.ts';
import { openRecord, recordAad, sealRecord, tuple } from '../../src/vault/seal.ts';
import type { RecordPlace } from '../../src/vault/seal.ts';
import { KDF_CEILING, KDF_FLOOR, passphraseKey } from '../../src/vault/keys.ts';
import { writeNewVault } from '../../src/vault/opening.ts';
import { Vault } from '../../src/vault/vault.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import {
  CHEAP_KDF,
  failsWith,
  literal,
  PASSPHRASE,
  secret,
  temporaryFiles,
  temporaryVault,
  valueIn,
} from './temporary-vault.ts';

const now = Date.now;
const FLIPS = 300;

test('C01: no value and no name is in any file, neither while the vault is open nor after', async (t) => {
  const { vault, files } = await temporaryVault(t);
  const sweep = (when: string, canaries: readonly string[]): void => {
    const folder = dirname(files.vault);
    const names = readdirSync(folder);
    assert.ok(names.includes('vault.db') && names.includes('device.key'));
    for (const name of names) assertNoCanary(readFileSync(join(folder, name)), canaries, `${name}, ${when}`);
  };
  const values = Array.from({ length: 20 }, (_, i) => makeCanary(`value-${i}`));
  const names = ['CANARY_VARIABLE_NAME', 'canary environment', 'canary agent program', 'canary setting', 'canary text'];
  const all = [...values, ...names, 'run_canary', PASSPHRASE];
  const { environmentId } = vault.createEnvironment('canary environment', 'agent_canary');
  for (const [i, value] of values.entries()) {
    vault.setVariable(environmentId, literal(`CANARY_VARIABLE_NAME_${i}`, value));
  }
  vault.putAgent({
    agentId: 'agent_canary',
    program: '/usr/bin/canary agent program',
    programDigest: null,
    claimedName: 'canary agent program',
    state: 'pending',
    firstSeenAt: 1,
    lastSeenAt: 1,
  });
  vault.setSetting('canary setting', 'canary text');
  vault.holdOutput('run_canary', Buffer.from(`output with ${values[0]}`));
  sweep('while open', all);
  vault.transaction(() => vault.deleteEnvironment(environmentId));
  sweep('after deleting', all);
  vault.close();
  sweep('after closing', all);
  assert.deepEqual(readdirSync(dirname(files.vault)).toSorted(), ['device.key', 'vault.db']);
});

test('C02: whatever bit of the file is flipped, the vault says so or nothing has changed', async (t) => {
  const { vault, files, reopen } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('production', null);
  vault.setVariable(environmentId, literal('TOKEN', 'canary-0123456789'));
  vault.makeRecoveryKey().wipe();
  const readAll = (from: Vault): unknown => [from.environments(), valueIn(from, environmentId, 'TOKEN')];
  const good = readAll(vault);
  vault.close();
  const bytes = readFileSync(files.vault);
  let refused = 0;
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const [a, b] = [randomBytes(4).readUInt32BE() % bytes.length, flip % 8];
    const changed = Buffer.from(bytes);
    changed[a] = (changed[a] ?? 0) ^ (1 << b);
    writeFileSync(files.vault, changed);
    let opened: Vault | undefined;
    try {
      opened = reopen();
      assert.deepEqual(readAll(opened), good, `byte ${a}, bit ${b}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const codes = ['vault/damaged', 'vault/weak_kdf', 'vault/newer_format', 'machine/io'];
      assert.ok(codes.includes(error.code), `byte ${a}, bit ${b}: ${error.code}`);
      refused += 1;
    } finally {
      opened?.close();
    }
  }
  assert.ok(refused > 0, 'no flip was seen');
});

const shortText = fc.string({ maxLength: 6 });
const place: fc.Arbitrary<RecordPlace> = fc.record({
  type: fc.constantFrom('environment', 'variable', 'value', 'output', 'agent', 'setting', 'mount', 'backup'),
  id: shortText,
  parent: shortText,
  nameKey: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  revision: fc.nat(),
});

test('C03: a record opens only in its place: vault, epoch, type, id, parent, name and revision', () => {
  const key = randomBytes(32);
  const vault = { vaultId: 'vault_a', epoch: 1 };
  fc.assert(
    fc.property(place, place, fc.uint8Array(), (here, there, bytes) => {
      const content = Buffer.from(bytes);
      const record = sealRecord(vault, key, here, content, randomBytes);
      assert.deepEqual(openRecord(vault, key, record), content);
      const elsewhere: unknown[] = [
        { vaultId: 'vault_b', epoch: 1 },
        { vaultId: 'vault_a', epoch: 2 },
      ];
      for (const other of elsewhere) {
        assert.throws(() => openRecord(other as typeof vault, key, record), failsWith('vault/damaged'));
      }
      for (const member of ['type', 'id', 'parent', 'nameKey', 'revision'] as const) {
        const moved = { ...record, [member]: there[member] };
        if (recordAad(vault, moved, 'body').equals(recordAad(vault, record, 'body'))) continue;
        assert.throws(() => openRecord(vault, key, moved), failsWith('vault/damaged'), member);
      }
    }),
  );
});

test('different tuples are different bytes', () => {
  const parts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      assert.equal(tuple(...one).equals(tuple(...other)), JSON.stringify(one) === JSON.stringify(other));
      assert.equal(tuple(...one, '').equals(tuple(...one)), false);
    }),
  );
  assert.notDeepEqual(tuple(1, 2), tuple(2, 1));
  assert.notDeepEqual(tuple('ab', 'c'), tuple('a', 'bc'));
});

test('C06: key derivation settings outside the limits are refused, when a vault is made and when it is read', async (t) => {
  const files = temporaryFiles(t);
  const bad = [
    { ...KDF_FLOOR, memoryKiB: KDF_FLOOR.memoryKiB - 1 },
    { ...KDF_FLOOR, passes: 2 },
    { ...KDF_FLOOR, lanes: 0 },
    { ...KDF_FLOOR, passes: 3.5 },
    { ...KDF_CEILING, memoryKiB: KDF_CEILING.memoryKiB + 1 },
    { ...KDF_CEILING, passes: 11 },
    { ...KDF_CEILING, lanes: 17 },
  ];
  for (const kdf of bad) {
    const made = Vault.create({ files, passphrase: secret(PASSPHRASE), kdf, now });
    await assert.rejects(made, failsWith('vault/weak_kdf'));
  }
  (await writeNewVault({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF })).wipe();
  for (const change of ['memory_kib = 8, passes = 1', 'memory_kib = 8388608', 'passes = 2147483648']) {
    const database = new DatabaseSync(files.vault);
    database.exec(`UPDATE header SET ${change}`);
    database.close();
    assert.throws(() => Vault.open({ files, now }), failsWith('vault/weak_kdf'));
  }
});

test('C07: no nonce and no key comes twice, however often the same value is written', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('production', null);
  const seen = new Set<string>();
  for (let i = 0; i < 200; i += 1) {
    vault.setVariable(environmentId, literal('TOKEN', 'canary-0123456789'));
    const [sealed] = vault.sealedVariables(environmentId, ['TOKEN']);
    seen.add(sealed?.nonce.toString('hex') ?? '').add(sealed?.key.reveal().toString('hex') ?? '');
  }
  assert.equal(seen.size, 400);
});

test('C11: the key derivation gives what the reference implementation of Argon2id gives', async () => {
  // phc-winner-argon2, src/test.c: Argon2id, version 0x13, t=2, m=2^16, p=1.
  const key = await passphraseKey(
    secret('password'),
    { memoryKiB: 65536, passes: 2, lanes: 1 },
    Buffer.from('somesalt'),
  );
  assert.equal(key.toString('hex'), '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7');
});

test('C13: locking overwrites every key, and what was handed out before stays with its receiver', async (t) => {
  const files = temporaryFiles(t);
  // 32 random bytes are always a key: of the vault, of a record, of the kit.
  const made: Buffer[] = [];
  const random = (count: number): Buffer => {
    const bytes = randomBytes(count);
    if (count === 32) made.push(bytes);
    return bytes;
  };
  const vault = await Vault.create({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF, now, random });
  t.after(() => vault.close());
  const { environmentId } = vault.createEnvironment('production', null);
  vault.setVariable(environmentId, literal('TOKEN', 'canary-0123456789'));
  vault.makeRecoveryKey().wipe();
  assert.ok(made.length >= 5);
  const [sealed] = vault.sealedVariables(environmentId, ['TOKEN']);
  vault.lock();
  for (const [i, key] of made.entries())
    assert.ok(
      key.every((byte) => byte === 0),
      `key ${i} of ${made.length}`,
    );
  assert.equal(
    sealed?.key.reveal().some((byte) => byte !== 0),
    true,
  );
});

test('C15: the files are 0600 whatever the umask, and nothing planted in their place is followed', async (t) => {
  const files = temporaryFiles(t);
  const folder = dirname(files.vault);
  const elsewhere = join(folder, 'elsewhere');
  writeFileSync(elsewhere, 'precious', { mode: 0o600 });
  for (const suffix of ['.new', '.new-wal', '.new-journal']) symlinkSync(elsewhere, files.vault + suffix);
  const umask = process.umask(0);
  let vault: Vault;
  try {
    vault = await Vault.create({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF, now });
  } finally {
    process.umask(umask);
  }
  vault.createEnvironment('production', null);
  const modes = readdirSync(folder).map((name) => [name, (lstatSync(join(folder, name)).mode & 0o7777).toString(8)]);
  assert.deepEqual(Object.fromEntries(modes), {
    'device.key': '600',
    elsewhere: '600',
    'vault.db': '600',
    'vault.db-wal': '600',
  });
  vault.close();
  assert.equal(readFileSync(elsewhere, 'utf8'), 'precious');

  for (const suffix of ['-wal', '-shm', '-journal']) {
    symlinkSync(elsewhere, files.vault + suffix);
    assert.throws(() => Vault.open({ files, now }), failsWith('home/unsafe'), suffix);
    rmSync(files.vault + suffix);
  }
  chmodSync(files.vault, 0o644);
  assert.throws(() => Vault.open({ files, now }), failsWith('home/unsafe'));
  chmodSync(files.vault, 0o600);
  chmodSync(folder, 0o755);
  assert.throws(() => Vault.open({ files, now }), failsWith('home/unsafe'));
  chmodSync(folder, 0o700);
  const linked = { vault: join(folder, 'link.db'), deviceKey: files.deviceKey };
  symlinkSync(files.vault, linked.vault);
  assert.throws(() => Vault.open({ files: linked, now }), failsWith('home/unsafe'));
  await assert.rejects(
    Vault.create({ files: linked, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF, now }),
    failsWith('home/unsafe'),
  );
  mkdirSync(join(folder, 'folder.db'));
  assert.throws(
    () => Vault.open({ files: { ...linked, vault: join(folder, 'folder.db') }, now }),
    failsWith('home/unsafe'),
  );
  chmodSync(files.deviceKey, 0o644);
  const open = Vault.open({ files, now });
  t.after(() => open.close());
  await assert.rejects(open.unlock(secret(PASSPHRASE)), failsWith('home/unsafe'));
});

test('a file that is no vault, and another key, are refused', async (t) => {
  const { files, vault } = await temporaryVault(t);
  vault.close();
  assert.throws(
    () => Vault.openWithKey({ files, now }, new Secret(Buffer.alloc(32))),
    failsWith('vault/damaged', 'header'),
  );
  writeFileSync(files.vault, 'hello, I am a text file, longer than the hundred bytes of a header'.repeat(9));
  assert.throws(() => Vault.open({ files, now }), failsWith('vault/damaged', 'file'));
});
