// The vault from outside: what it keeps, what it says while locked, what it refuses.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { StoredAgent } from '../../src/vault/agents.ts';
import { Vault } from '../../src/vault/vault.ts';
import {
  CHEAP_KDF,
  failsWith,
  literal,
  PASSPHRASE,
  secret,
  temporaryFiles,
  temporaryVault,
  valueIn,
  valueOf,
} from './temporary-vault.ts';

const now = Date.now;
const agent = (agentId: string, state: StoredAgent['state'], lastSeenAt: number): StoredAgent => ({
  agentId,
  program: '/usr/bin/agent',
  programDigest: null,
  claimedName: 'Codex',
  state,
  firstSeenAt: lastSeenAt,
  lastSeenAt,
});

test('a vault is made once, opens locked, and unlocks with its passphrase', async (t) => {
  const files = temporaryFiles(t);
  assert.throws(() => Vault.open({ files, now }), failsWith('vault/absent'));
  const made = await Vault.create({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF, now });
  assert.equal(made.isUnlocked, true);
  const { environmentId } = made.createEnvironment('production', null);
  made.setVariable(environmentId, literal('TOKEN', 'canary-kG7x9q2W'));
  made.close();

  const again = Vault.create({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF, now });
  await assert.rejects(again, failsWith('vault/exists'));
  const vault = Vault.open({ files, now });
  t.after(() => vault.close());
  assert.equal(vault.vaultId, made.vaultId);
  assert.equal(vault.isUnlocked, false);
  await assert.rejects(vault.unlock(secret('another passphrase')), failsWith('vault/wrong_passphrase'));
  await vault.unlock(secret(PASSPHRASE));
  assert.equal(valueIn(vault, environmentId, 'TOKEN'), 'canary-kG7x9q2W');
});

test('a passphrase of fewer than 8 characters or more than 1 KiB makes no vault', async (t) => {
  const files = temporaryFiles(t);
  const create = (text: string): Promise<Vault> =>
    Vault.create({ files, passphrase: secret(text), kdf: CHEAP_KDF, now });
  await assert.rejects(create('1234567'), failsWith('vault/weak_passphrase'));
  await assert.rejects(create('äöüäöü'), failsWith('vault/weak_passphrase', 'passphrase'));
  await assert.rejects(create('x'.repeat(1025)), failsWith('input/too_large'));
  assert.equal(existsSync(files.vault), false);
  assert.equal(existsSync(files.deviceKey), false);
});

test('one passphrase typed with composed and with separate accents is one passphrase', async (t) => {
  const files = temporaryFiles(t);
  const made = await Vault.create({ files, passphrase: secret('caf\u00e9 cr\u00e8me'), kdf: CHEAP_KDF, now });
  t.after(() => made.close());
  await made.verify(secret('cafe\u0301 cre\u0300me'));
});

test('while locked every question and every change is refused', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('production', null);
  vault.lock();
  const calls: (() => unknown)[] = [
    () => vault.environments(),
    () => vault.environment('production'),
    () => vault.createEnvironment('x', null),
    () => vault.renameEnvironment(environmentId, 'x'),
    () => vault.deleteEnvironment(environmentId),
    () => vault.setOutput(environmentId, 'summary'),
    () => vault.setVariable(environmentId, literal('A', 'value')),
    () => vault.unsetVariable(environmentId, 'A'),
    () => vault.transaction(() => 1),
    () => vault.sealedVariables(environmentId, []),
    () => vault.holdOutput('run', Buffer.alloc(1)),
    () => vault.heldOutput('run'),
    () => vault.releaseHeldOutput('run'),
    () => vault.dropHeldOutput('run'),
    () => vault.agents(),
    () => vault.forgetAgent('agent'),
    () => vault.setting('x'),
    () => vault.setSetting('x', 'y'),
    () => vault.auditKeys(),
    () => vault.makeRecoveryKey(),
  ];
  for (const call of calls) assert.throws(call, failsWith('vault/locked'), String(call));
  await assert.rejects(vault.verify(secret(PASSPHRASE)), failsWith('vault/locked'));
});

test('locking during an unlock wins over it', async (t) => {
  const { vault } = await temporaryVault(t);
  vault.lock();
  const unlocking = vault.unlock(secret(PASSPHRASE));
  vault.lock();
  await assert.rejects(unlocking, failsWith('vault/locked'));
  assert.equal(vault.isUnlocked, false);
});

test('environments are found by id and by name, and two names that look the same are one', async (t) => {
  const { vault } = await temporaryVault(t);
  const made = vault.createEnvironment('caf\u00e9', 'agent_1');
  assert.deepEqual(made, {
    environmentId: made.environmentId,
    name: 'caf\u00e9',
    createdBy: 'agent_1',
    output: 'redacted',
    variables: [],
  });
  assert.deepEqual(vault.environment('cafe\u0301'), made);
  assert.deepEqual(vault.environment(made.environmentId), made);
  assert.throws(() => vault.createEnvironment('cafe\u0301', null), failsWith('name/taken'));
  assert.throws(() => vault.createEnvironment('two\nlines', null), failsWith('name/invalid'));
  assert.throws(() => vault.environment('tea'), failsWith('name/not_found'));

  const other = vault.createEnvironment('bar', null);
  assert.throws(() => vault.renameEnvironment(other.environmentId, 'caf\u00e9'), failsWith('name/taken'));
  vault.renameEnvironment(other.environmentId, 'tea');
  vault.setOutput(other.environmentId, 'summary');
  assert.deepEqual(
    vault.environments().map(({ name, output }) => [name, output]),
    [
      ['café', 'redacted'],
      ['tea', 'summary'],
    ],
  );
  vault.createEnvironment('bar', null);
  vault.deleteEnvironment(other.environmentId);
  assert.throws(() => vault.environment('tea'), failsWith('name/not_found'));
  assert.throws(() => vault.deleteEnvironment(other.environmentId), failsWith('name/not_found'));
});

test('a variable says everything about itself but its value', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId: id } = vault.createEnvironment('production', null);
  vault.setVariable(id, literal('TOKEN', 'canary-kG7x9q2W'));
  vault.setVariable(id, literal('PIN', '1234'));
  vault.setVariable(id, literal('USUAL', 'changeme'));
  vault.setVariable(id, literal('DATE', '1999-12-31'));
  vault.setVariable(id, literal('BLANK', '            '));
  vault.setVariable(id, { name: 'REGION', kind: 'plain', concealed: false, value: secret('eu') });
  vault.setVariable(id, { name: 'LATER', kind: 'missing', concealed: true });
  vault.setVariable(id, { name: 'LINK', kind: 'reference', concealed: true, reference: 'op://vault/item/field' });
  const described = vault.environment(id).variables;
  assert.deepEqual(
    described.map(({ name, kind, isSet, maskable, maskability }) => [name, kind, isSet, maskable, maskability]),
    [
      ['BLANK', 'literal', true, false, 'blank'],
      ['DATE', 'literal', true, false, 'predictable'],
      ['LATER', 'missing', false, true, undefined],
      ['LINK', 'reference', true, true, undefined],
      ['PIN', 'literal', true, false, 'short'],
      ['REGION', 'plain', true, true, undefined],
      ['TOKEN', 'literal', true, true, 'maskable'],
      ['USUAL', 'literal', true, false, 'common'],
    ],
  );
  assert.equal(described[3]?.reference, 'op://vault/item/field');
  assert.equal(JSON.stringify(described).includes('canary'), false);
});

test('I9: exactly the named variables are handed out, each openable with its own key alone', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId: id } = vault.createEnvironment('production', null);
  for (const name of ['A', 'B', 'C']) vault.setVariable(id, literal(name, `canary-${name}`));
  vault.setVariable(id, { name: 'LATER', kind: 'missing', concealed: true });
  vault.setVariable(id, { name: 'LINK', kind: 'reference', concealed: true, reference: 'op://vault/item/field' });
  const [c, a] = vault.sealedVariables(id, ['C', 'A']);
  assert.ok(c !== undefined && a !== undefined);
  assert.deepEqual([c.name, valueOf(c), a.name, valueOf(a)], ['C', 'canary-C', 'A', 'canary-A']);
  assert.throws(() => valueOf({ ...c, key: a.key }), failsWith('vault/damaged'));
  assert.throws(() => valueOf({ ...c, aad: a.aad }), failsWith('vault/damaged'));
  assert.throws(() => vault.sealedVariables(id, ['A', 'LATER']), failsWith('vault/value_missing', 'LATER'));
  assert.throws(() => vault.sealedVariables(id, ['LINK']), failsWith('vault/value_missing', 'LINK'));
  assert.throws(() => vault.sealedVariables(id, ['D']), failsWith('name/not_found', 'D'));
});

test('setting a variable again replaces all of it, and unsetting removes it', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId: id } = vault.createEnvironment('production', null);
  vault.setVariable(id, literal('TOKEN', 'canary-old-value'));
  vault.setVariable(id, literal('TOKEN', 'canary-new-value'));
  assert.equal(valueIn(vault, id, 'TOKEN'), 'canary-new-value');
  vault.setVariable(id, { name: 'TOKEN', kind: 'missing', concealed: true });
  assert.throws(() => valueIn(vault, id, 'TOKEN'), failsWith('vault/value_missing'));
  vault.unsetVariable(id, 'TOKEN');
  assert.deepEqual(vault.environment(id).variables, []);
  assert.throws(() => vault.unsetVariable(id, 'TOKEN'), failsWith('name/not_found'));
});

test('impossible variables are refused before anything changes', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId: id } = vault.createEnvironment('production', null);
  const value = secret('canary');
  const literalKind = { name: 'A', kind: 'literal', concealed: true } as const;
  const refused = [
    { ...literalKind, name: 'LD_PRELOAD', value, code: 'name/invalid' },
    { ...literalKind, name: 'A=B', value, code: 'name/invalid' },
    { ...literalKind, concealed: false, value, code: 'input/invalid' },
    { ...literalKind, code: 'input/invalid' },
    { ...literalKind, kind: 'missing', value, code: 'input/invalid' },
    { ...literalKind, kind: 'reference', code: 'input/invalid' },
    { ...literalKind, value: secret('a\0b'), code: 'input/invalid' },
    { ...literalKind, value: secret('x'.repeat(64 * 1024 + 1)), code: 'input/too_large' },
  ] as const;
  for (const { code, ...input } of refused) {
    assert.throws(() => vault.setVariable(id, input), failsWith(code), `${input.name} ${input.kind}`);
  }
  assert.throws(() => vault.setVariable('env_00000000000000000000', literal('A', 'b')), failsWith('name/not_found'));
  vault.setVariable(id, literal('LARGE', 'x'.repeat(64 * 1024)));
  vault.setVariable(id, literal('EMPTY', ''));
  assert.equal(valueIn(vault, id, 'LARGE').length, 64 * 1024);
  assert.equal(valueIn(vault, id, 'EMPTY'), '');
  assert.deepEqual(
    vault.environment(id).variables.map(({ name }) => name),
    ['EMPTY', 'LARGE'],
  );
});

test('I8: the 501st variable of an environment is refused, the 500th is not', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId: id } = vault.createEnvironment('production', null);
  vault.transaction(() => {
    for (let i = 0; i < 500; i += 1) vault.setVariable(id, { name: `V_${i}`, kind: 'missing', concealed: true });
  });
  assert.throws(() => vault.setVariable(id, literal('ONE_MORE', 'x')), failsWith('vault/limit'));
  vault.setVariable(id, literal('V_499', 'replaced'));
});

test('a transaction changes everything or nothing, also when it is nested', async (t) => {
  const { vault, reopen } = await temporaryVault(t);
  const { environmentId: id } = vault.createEnvironment('production', null);
  const boom = new Error('boom');
  assert.throws(
    () =>
      vault.transaction(() => {
        vault.setVariable(id, literal('A', 'canary'));
        vault.setSetting('x', 'y');
        throw boom;
      }),
    boom,
  );
  assert.deepEqual(vault.environment(id).variables, []);
  assert.equal(vault.setting('x'), undefined);
  vault.transaction(() => {
    vault.setVariable(id, literal('A', 'canary-outer'));
    assert.throws(() => vault.createEnvironment('production', null), failsWith('name/taken'));
    assert.throws(
      () =>
        vault.transaction(() => {
          vault.setVariable(id, literal('B', 'canary-inner'));
          throw boom;
        }),
      boom,
    );
  });
  vault.close();
  const again = reopen();
  assert.deepEqual(
    again.environment(id).variables.map(({ name }) => name),
    ['A'],
  );
});

test('I8: fifty held outputs are kept, the oldest makes room, and release is the last reading', async (t) => {
  const { vault } = await temporaryVault(t);
  vault.transaction(() => {
    for (let i = 0; i < 3; i += 1) vault.holdOutput(`run_same_${i}`, Buffer.from('x'));
  });
  for (let i = 0; i < 50; i += 1) vault.holdOutput(`run_${i}`, Buffer.from(`canary-${i}`));
  assert.throws(() => vault.heldOutput('run_same_0'), failsWith('run/nothing_held'));
  vault.holdOutput('run_50', Buffer.alloc(3 * 1024 * 1024, 'x'));
  assert.throws(() => vault.heldOutput('run_0'), failsWith('run/nothing_held'));
  assert.equal(vault.heldOutput('run_1').reveal().toString(), 'canary-1');
  assert.equal(vault.heldOutput('run_50').byteLength, 3 * 1024 * 1024);
  assert.equal(vault.releaseHeldOutput('run_1').reveal().toString(), 'canary-1');
  assert.throws(() => vault.releaseHeldOutput('run_1'), failsWith('run/nothing_held'));
  vault.dropHeldOutput('run_2');
  assert.throws(() => vault.dropHeldOutput('run_2'), failsWith('run/nothing_held'));
  assert.throws(() => vault.holdOutput('run_x', Buffer.alloc(3 * 1024 * 1024 + 1)), failsWith('input/too_large'));
});

test('agents are remembered, and strangers cannot crowd out those the human decided about', async (t) => {
  const { vault } = await temporaryVault(t);
  vault.transaction(() => {
    vault.putAgent(agent('mine', 'admitted', 1));
    vault.putAgent(agent('bad', 'blocked', 2));
    for (let i = 0; i < 300; i += 1) vault.putAgent(agent(`stranger_${i}`, 'pending', 10 + i));
  });
  const ids = vault.agents().map(({ agentId }) => agentId);
  assert.equal(ids.length, 200);
  assert.deepEqual([ids[0], ids[1], ids.at(-1)], ['mine', 'bad', 'stranger_299']);
  vault.putAgent(agent('bad', 'admitted', 2));
  assert.deepEqual(vault.agents()[1], agent('bad', 'admitted', 2));
  vault.forgetAgent('bad');
  assert.throws(() => vault.forgetAgent('bad'), failsWith('name/not_found'));
});

test('settings are texts by name', async (t) => {
  const { vault } = await temporaryVault(t);
  assert.equal(vault.setting('path'), undefined);
  vault.setSetting('path', '/usr/bin');
  vault.setSetting('path', '/usr/local/bin');
  assert.equal(vault.setting('path'), '/usr/local/bin');
  assert.throws(() => vault.setSetting('big', 'x'.repeat(70_000)), failsWith('input/too_large'));
});

test('the audit keys are three different keys, the same after every unlock, and copies', async (t) => {
  const { vault, reopen } = await temporaryVault(t);
  const first = vault.auditKeys();
  const hex = Object.values(first).map((key) => key.reveal().toString('hex'));
  assert.equal(new Set(hex).size, 3);
  assert.ok(hex.every((text) => text.length === 64));
  for (const key of Object.values(first)) key.wipe();
  vault.close();
  const again = Object.values(reopen().auditKeys()).map((key) => key.reveal().toString('hex'));
  assert.deepEqual(again, hex);
});

test('the recovery kit opens the vault without passphrase and machine, and makes both new', async (t) => {
  const { vault, files } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('production', null);
  vault.setVariable(environmentId, literal('TOKEN', 'canary-kG7x9q2W'));
  const oldKit = vault.makeRecoveryKey();
  const kit = vault.makeRecoveryKey();
  const text = kit.reveal().toString();
  assert.match(text, /^([0-9A-HJKMNP-TV-Z]{7}-){7}[0-9A-HJKMNP-TV-Z]{7}$/);
  vault.lock();
  const oldDeviceKey = readFileSync(files.deviceKey);

  const fresh = 'a new passphrase';
  await assert.rejects(vault.recover(oldKit, secret(fresh)), failsWith('vault/wrong_passphrase'));
  const mistyped = `${text[0] === '2' ? '3' : '2'}${text.slice(1)}`;
  await assert.rejects(vault.recover(secret(mistyped), secret(fresh)), failsWith('input/invalid'));
  await assert.rejects(vault.recover(secret(`${text}0`), secret(fresh)), failsWith('input/invalid'));
  await assert.rejects(vault.recover(kit, secret('short')), failsWith('vault/weak_passphrase'));
  assert.equal(vault.isUnlocked, false);

  await vault.recover(secret(text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o')), secret(fresh));
  assert.equal(valueIn(vault, environmentId, 'TOKEN'), 'canary-kG7x9q2W');
  assert.notDeepEqual(readFileSync(files.deviceKey), oldDeviceKey);
  vault.lock();
  await assert.rejects(vault.unlock(secret(PASSPHRASE)), failsWith('vault/wrong_passphrase'));
  await vault.unlock(secret(fresh));
});

test('a recovery that was cut off between its two files leaves a vault that opens', async (t) => {
  const { vault, files } = await temporaryVault(t);
  const kit = vault.makeRecoveryKey();
  const before = readFileSync(files.deviceKey);
  // Cut off early: a new secret lies there, and the vault does not know it.
  writeFileSync(`${files.deviceKey}.new`, Buffer.alloc(16, 7), { mode: 0o600 });
  vault.lock();
  await vault.unlock(secret(PASSPHRASE));
  assert.deepEqual(readFileSync(files.deviceKey), before);
  assert.equal(existsSync(`${files.deviceKey}.new`), false);
  // Cut off late: the vault knows the new secret, which is not in its place yet.
  await vault.recover(kit, secret('a new passphrase'));
  const after = readFileSync(files.deviceKey);
  writeFileSync(`${files.deviceKey}.new`, after, { mode: 0o600 });
  writeFileSync(files.deviceKey, before);
  vault.lock();
  await vault.unlock(secret('a new passphrase'));
  assert.deepEqual(readFileSync(files.deviceKey), after);
  assert.equal(existsSync(`${files.deviceKey}.new`), false);
});

test('without the secret of this machine the passphrase does not open the vault', async (t) => {
  const { vault, files } = await temporaryVault(t);
  vault.lock();
  writeFileSync(files.deviceKey, Buffer.alloc(16, 1));
  await assert.rejects(vault.unlock(secret(PASSPHRASE)), failsWith('vault/wrong_passphrase'));
  writeFileSync(files.deviceKey, '');
  await assert.rejects(vault.unlock(secret(PASSPHRASE)), failsWith('vault/damaged'));
});

test('a vault that is open somewhere is not opened twice', async (t) => {
  const { files, vault } = await temporaryVault(t);
  assert.throws(() => Vault.open({ files, now }), failsWith('home/in_use'));
  vault.close();
  Vault.open({ files, now }).close();
});
