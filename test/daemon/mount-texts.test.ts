import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadFacts } from '../../src/core/mount-facts.ts';
import { mountText, MountTexts } from '../../src/daemon/jobs.ts';
import { canary } from '../house.ts';
import { literal, temporaryVault } from '../vault/temporary-vault.ts';

function readOf(environmentId: string, program: string, ...names: readonly string[]): ReadFacts {
  const cwd = { path: '/', dev: '1', ino: '2' };
  return {
    action: 'ReadMount',
    environmentId,
    environmentName: 'shop',
    environmentCreatedBy: null,
    variables: names.map((name) => ({ name, source: `shop/${name}` })),
    mountId: 'mount_1',
    path: '/project/.env',
    backend: 'fuse',
    reader: {
      process: { pid: 1, startedAt: '1', program, argv: [program], uid: 0 },
      programDigest: '',
      isProgramChangeable: false,
      operands: [],
      isInterpreter: false,
      isCodeOnCommandLine: false,
      seesOurFiles: true,
      cwd,
      loaders: {},
      isUnderAgent: false,
    },
  };
}

void test('a text that was made before is the same text, in a buffer of its own', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('shop', null);
  vault.setVariable(environmentId, literal('TOKEN', canary()));
  const texts = new MountTexts();
  const read = readOf(environmentId, '/usr/bin/cat', 'TOKEN');
  const expected = mountText(vault, read).toString();
  // What a reader's copy is wiped with must not reach what is kept for the next one.
  for (let i = 0; i < 3; i += 1) {
    const bytes = texts.open(vault, read);
    assert.equal(bytes.toString(), expected);
    bytes.fill(0);
  }
});

void test('a change of the vault is in the next text', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('shop', null);
  const texts = new MountTexts();
  const read = readOf(environmentId, '/usr/bin/cat', 'TOKEN');
  for (let i = 0; i < 3; i += 1) {
    const value = canary();
    vault.setVariable(environmentId, literal('TOKEN', value));
    assert.ok(texts.open(vault, read).includes(value));
  }
  vault.unsetVariable(environmentId, 'TOKEN');
  assert.throws(() => texts.open(vault, read));
});

void test('another choice of variables, another environment and a reader of lines have texts of their own', async (t) => {
  const { vault } = await temporaryVault(t);
  const ids = ['shop', 'other'].map((name) => vault.createEnvironment(name, null).environmentId);
  const texts = new MountTexts();
  const [shop = '', other = ''] = ids;
  for (const id of ids) for (const name of ['A', 'B']) vault.setVariable(id, literal(name, `one\n${canary()}`));
  const reads = [
    readOf(shop, '/usr/bin/cat', 'A'),
    readOf(shop, '/usr/bin/cat', 'A', 'B'),
    readOf(other, '/usr/bin/cat', 'A'),
    readOf(shop, '/usr/bin/direnv', 'A'),
  ];
  for (let round = 0; round < 2; round += 1) {
    for (const read of reads) assert.deepEqual(texts.open(vault, read), mountText(vault, read));
  }
});

void test('a locked vault gives no text, whatever was kept', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('shop', null);
  vault.setVariable(environmentId, literal('TOKEN', canary()));
  const texts = new MountTexts();
  const read = readOf(environmentId, '/usr/bin/cat', 'TOKEN');
  texts.open(vault, read);
  vault.lock();
  assert.throws(() => texts.open(vault, read), { code: 'vault/locked' });
});

void test('after a wipe texts are made anew', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('shop', null);
  const value = canary();
  vault.setVariable(environmentId, literal('TOKEN', value));
  const texts = new MountTexts();
  const read = readOf(environmentId, '/usr/bin/cat', 'TOKEN');
  for (let i = 0; i < 2; i += 1) {
    assert.ok(texts.open(vault, read).includes(value));
    texts.wipe();
  }
});

void test('more texts than are kept are all right', async (t) => {
  const { vault } = await temporaryVault(t);
  const { environmentId } = vault.createEnvironment('shop', null);
  const names = Array.from({ length: 110 }, (_, i) => `NAME_${i}`);
  vault.transaction(() => {
    for (const name of names) vault.setVariable(environmentId, literal(name, name.toLowerCase()));
  });
  const texts = new MountTexts();
  for (let round = 0; round < 2; round += 1) {
    for (const name of names) {
      const bytes = texts.open(vault, readOf(environmentId, '/usr/bin/cat', name));
      assert.ok(bytes.includes(name.toLowerCase()));
    }
  }
});
