// Bundles with a passphrase, whose key takes a second to derive, and what the program age (Debian: age) says of ours.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encryptBundle, generateIdentity } from '../../src/exchange/bundle.ts';
import { writeContainer } from '../../src/exchange/container.ts';
import { canary } from '../house.ts';
import { failureOf, itemCalled, readAs, secretOf, small, typing } from './fixtures.ts';
import { runProgram, typeInto, unlessThere } from './programs.ts';

test('a bundle with a passphrase opens with that passphrase only', async () => {
  const value = canary();
  const bundle = await encryptBundle(small(value), {
    kind: 'passphrase',
    passphrase: secretOf('four words ärе enough'),
  });
  const vaults = await readAs('bundle', bundle, { password: typing('four words ärе enough') });
  assert.equal(itemCalled(vaults, 'Site').fields['password [password]'], value);
  assert.equal((await failureOf('bundle', bundle, { password: typing(value) }, [value])).code, 'import/password');
});

test('a passphrase means the same to age-encryption as to us', async () => {
  const { Decrypter, Encrypter } = await import('age-encryption');
  const passphrase = 'four words ärе enough';
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  const ours = await encryptBundle(small('x'), { kind: 'passphrase', passphrase: secretOf(passphrase) });
  assert.deepEqual(Buffer.from(await decrypter.decrypt(ours)), writeContainer(small('x')));
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(10);
  const theirs = Buffer.from(await encrypter.encrypt(writeContainer(small('x'))));
  assert.equal((await readAs('bundle', theirs, { password: typing(passphrase) }))[0]?.name, 'Team');
  const costly = Buffer.from(theirs.toString('latin1').replace(' 10\n', ' 30\n'), 'latin1');
  assert.equal((await failureOf('bundle', costly, { password: typing(passphrase) })).code, 'import/damaged');
});

test(
  'the program age opens our bundles and we open what it encrypts, with X25519',
  { skip: unlessThere('age') },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keystile-age-'));
    try {
      const { identity, recipient } = await generateIdentity('x25519');
      const key = join(folder, 'key.txt');
      writeFileSync(key, identity.reveal(), { mode: 0o600 });
      const container = writeContainer(small('x'));
      const bundle = await encryptBundle(small('x'), { kind: 'recipients', recipients: [recipient] });
      assert.deepEqual(runProgram('age', ['-d', '-i', key], bundle), container);
      for (const args of [
        ['-r', recipient],
        ['-a', '-r', recipient],
      ]) {
        const theirs = runProgram('age', args, container);
        assert.equal(itemCalled(await readAs('bundle', theirs, { identities: identity }), 'Site').title, 'Site');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test(
  'the program age opens our passphrase bundles and we open those it encrypts with a passphrase',
  { skip: unlessThere('age') },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keystile-age-'));
    const [plain, bundle] = [join(folder, 'plain'), join(folder, 'bundle.age')];
    try {
      const passphrase = 'four unrelated words';
      writeFileSync(bundle, await encryptBundle(small('x'), { kind: 'passphrase', passphrase: secretOf(passphrase) }));
      await typeInto('age', ['-d', '-o', plain, bundle], [passphrase]);
      assert.deepEqual(readFileSync(plain), writeContainer(small('x')));
      await typeInto('age', ['-p', '-o', `${bundle}2`, plain], [passphrase, passphrase]);
      const vaults = await readAs('bundle', readFileSync(`${bundle}2`), { password: typing(passphrase) });
      assert.equal(itemCalled(vaults, 'Site').fields['password [password]'], 'x');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
