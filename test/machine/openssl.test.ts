// What native code does with OpenSSL is what node:crypto does.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomBytes, verifyWithOpenssl } from '../../src/machine/openssl.ts';
import { verifyWithNode } from '../../src/wire/identity.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');

void test('a signature that node:crypto made is good, and with any bit of it, the key or the bytes changed it is not', () => {
  const place = fc.record({ what: fc.constantFrom('key', 'bytes', 'signature'), at: fc.nat(), bit: fc.nat(7) });
  const property = fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), place, (array, { what, at, bit }) => {
    const bytes = Buffer.from(array);
    const signature = sign(null, bytes, privateKey);
    assert.equal(verifyWithOpenssl(key, bytes, signature), true);
    const changed = { key: Buffer.from(key), bytes, signature };
    const buffer = changed[what];
    buffer[at % buffer.length]! ^= 1 << bit;
    assert.equal(verifyWithOpenssl(changed.key, changed.bytes, changed.signature), false);
    assert.equal(verifyWithNode(changed.key, changed.bytes, changed.signature), false);
  });
  fc.assert(property);
});

void test('whatever the signature and the key are, both say the same', () => {
  const of = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const property = fc.property(of(32), of(64), (anyKey, signature) => {
    const words = [Buffer.from(anyKey), Buffer.from('bytes'), Buffer.from(signature)] as const;
    assert.equal(verifyWithOpenssl(...words), verifyWithNode(...words));
  });
  fc.assert(property);
});

void test('a key or a signature of another length is a no', () => {
  const bytes = Buffer.from('bytes');
  const signature = sign(null, bytes, privateKey);
  for (const length of [0, 31, 33]) {
    assert.equal(verifyWithOpenssl(Buffer.concat([key, key]).subarray(0, length), bytes, signature), false);
  }
  for (const length of [0, 63, 65]) {
    const other = Buffer.concat([signature, signature]).subarray(0, length);
    assert.equal(verifyWithOpenssl(key, bytes, other), false);
  }
});

void test('random bytes are not the same twice', () => {
  const seen = new Set(Array.from({ length: 100 }, () => randomBytes(32).toString('hex')));
  assert.equal(seen.size, 100);
  assert.ok(!seen.has('00'.repeat(32)));
});
