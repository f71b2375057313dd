// XAES-256-GCM against the specification's own vectors, and its laws.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import { pad, unpad } from '../../src/core/padding.ts';
import { openXaes, sealXaes } from '../../src/core/xaes.ts';

const NONCE = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
const PLAINTEXT = Buffer.from('XAES-256-GCM');

const isDamaged = (thrown: unknown): boolean => thrown instanceof Failure && thrown.code === 'vault/damaged';
const bytes = (constraints?: fc.IntArrayConstraints): fc.Arbitrary<Buffer> =>
  fc.uint8Array(constraints ?? {}).map((array) => Buffer.from(array));
const fixed = (length: number): fc.Arbitrary<Buffer> => bytes({ minLength: length, maxLength: length });
const sealedCase = fc.record({ key: fixed(32), nonce: fixed(24), plaintext: bytes({ maxLength: 300 }), aad: bytes() });

test('both vectors of the XAES-256-GCM specification are reproduced', () => {
  const first = sealXaes(Buffer.alloc(32, 1), NONCE, PLAINTEXT, Buffer.alloc(0));
  assert.equal(first.toString('hex'), 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271');
  const second = sealXaes(Buffer.alloc(32, 3), NONCE, PLAINTEXT, Buffer.from('c2sp.org/XAES-256-GCM'));
  assert.equal(second.toString('hex'), '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d');
});

test('the accumulated vector over 10,000 random messages is reproduced', () => {
  // 569 bytes are the most that one round reads.
  const random = createHash('shake128', { outputLength: 10_000 * 569 }).digest();
  const accumulated = createHash('shake128', { outputLength: 32 });
  let offset = 0;
  const take = (length: number): Buffer => random.subarray(offset, (offset += length));
  for (let round = 0; round < 10_000; round += 1) {
    const key = take(32);
    const nonce = take(24);
    const plaintext = take(take(1)[0] ?? 0);
    const aad = take(take(1)[0] ?? 0);
    const sealed = sealXaes(key, nonce, plaintext, aad);
    assert.deepEqual(openXaes(key, nonce, sealed, aad), plaintext);
    accumulated.update(sealed);
  }
  assert.equal(accumulated.digest('hex'), 'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939');
});

test('what is sealed opens to the same bytes', () => {
  fc.assert(
    fc.property(sealedCase, ({ key, nonce, plaintext, aad }) => {
      assert.deepEqual(openXaes(key, nonce, sealXaes(key, nonce, plaintext, aad), aad), plaintext);
    }),
  );
});

test('C02: one bit changed in the nonce, the ciphertext, the tag or the additional data and nothing opens', () => {
  fc.assert(
    fc.property(sealedCase, fc.nat(), ({ key, nonce, plaintext, aad }, at) => {
      const parts = [nonce, sealXaes(key, nonce, plaintext, aad), aad].map((part) => Buffer.from(part));
      let bit = at % (parts.reduce((sum, part) => sum + part.length, 0) * 8);
      for (const part of parts) {
        if (bit >= 0 && bit < part.length * 8) part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        bit -= part.length * 8;
        if (bit < 0) bit = -1;
      }
      const [nonceNow, sealed, aadNow] = parts as [Buffer, Buffer, Buffer];
      assert.throws(() => openXaes(key, nonceNow, sealed, aadNow), isDamaged);
    }),
  );
});

test('C04: a tag cut to 4, 8, 12 or 15 bytes is refused, and so are nonces and keys of other lengths', () => {
  const key = Buffer.alloc(32, 1);
  const sealed = sealXaes(key, NONCE, PLAINTEXT, Buffer.alloc(0));
  for (const kept of [0, 4, 8, 12, 15]) {
    const cut = sealed.subarray(0, PLAINTEXT.length + kept);
    assert.throws(() => openXaes(key, NONCE, cut, Buffer.alloc(0)), isDamaged);
    assert.throws(() => openXaes(key, NONCE, sealed.subarray(0, kept), Buffer.alloc(0)), isDamaged);
  }
  assert.throws(() => openXaes(key, NONCE.subarray(1), sealed, Buffer.alloc(0)), isDamaged);
  assert.throws(() => openXaes(key.subarray(1), NONCE, sealed, Buffer.alloc(0)), isDamaged);
  assert.throws(() => sealXaes(key, NONCE.subarray(12), PLAINTEXT, Buffer.alloc(0)), TypeError);
  assert.throws(() => sealXaes(key.subarray(16), NONCE, PLAINTEXT, Buffer.alloc(0)), TypeError);
});

test('padding hides the length, gives the content back, and takes no other shape', () => {
  fc.assert(
    fc.property(bytes({ maxLength: 5000 }), (content) => {
      const padded = pad(content);
      assert.ok(padded.length === 64 || padded.length === 256 || padded.length % 1024 === 0);
      assert.deepEqual(unpad(padded), content);
      assert.throws(() => unpad(Buffer.concat([padded, Buffer.alloc(1024)])), isDamaged);
      assert.throws(() => unpad(padded.subarray(1)), isDamaged);
    }),
  );
  const marked = pad(Buffer.from('canary'));
  marked[63] = 1;
  assert.throws(() => unpad(marked), isDamaged);
  assert.throws(() => unpad(Buffer.alloc(0)), isDamaged);
});

test('large content has few lengths, grows by a 16th at most, and opens also with the lengths it used to have', () => {
  const lengths = new Set<number>();
  for (let length = 32 * 1024; length < 128 * 1024; length += 511) {
    const content = Buffer.alloc(length, 1);
    const padded = pad(content);
    assert.ok(padded.length - length <= length / 16 + 4, `${length} became ${padded.length}`);
    assert.deepEqual(unpad(padded), content);
    lengths.add(padded.length);
    const before = Buffer.alloc(Math.ceil((length + 4) / 1024) * 1024);
    padded.copy(before, 0, 0, length + 4);
    assert.deepEqual(unpad(before), content);
    assert.throws(() => unpad(Buffer.concat([padded, Buffer.alloc(1024)])), isDamaged);
  }
  assert.ok(lengths.size <= 50, `${lengths.size} lengths`);
  // 25 MiB, the largest file: steps of 512 KiB.
  assert.equal(pad(Buffer.alloc(25 * 1024 * 1024)).length, 25.5 * 1024 * 1024);
});
