// A field's value in the form that its reference asks for.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { opensshPrivateKey } from '../../src/core/openssh.ts';
import { applyForm } from '../../src/core/value-form.ts';
import { generateSshKey } from '../../src/vault/ssh-key.ts';

const SEED = Buffer.from('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');

test('a value is copied, so that whoever wipes what was handed over wipes nothing else', async () => {
  const value = Buffer.from('value');
  const copy = await applyForm(value, 'value', 0);
  copy.fill(0);
  assert.equal(value.toString(), 'value');
});

test('a seed becomes the password of the moment', async () => {
  assert.equal((await applyForm(SEED, 'otp', 59_000)).toString(), '287082');
});

test('a private key becomes one of OpenSSH', async () => {
  const { privatePem } = await generateSshKey('ed25519');
  assert.deepEqual(await applyForm(privatePem, 'openssh', 0), opensshPrivateKey(privatePem));
});

test('a value that cannot have the form is refused', async () => {
  for (const form of ['otp', 'openssh'] as const) {
    await assert.rejects(applyForm(Buffer.from('neither!'), form, 0), { code: 'input/invalid' });
  }
});
