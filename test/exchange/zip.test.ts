// ZIP archives: what is in them comes out whole or not at all, and no more of it than may.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import { INFLATED_BYTES_MAX, ZipArchive } from '../../src/exchange/zip.ts';
import { claiming, zip } from './fixtures.ts';

const MIB = 1024 * 1024;

test('what was packed comes out, stored or deflated', () => {
  // fflate, which packs them here, takes an object, where this name is none.
  const name = fc.string({ minLength: 1, maxLength: 20 }).filter((it) => it !== '__proto__');
  const contents = fc.dictionary(name, fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(contents, fc.constantFrom(0 as const, 6 as const), (files, level) => {
      const archive = new ZipArchive(
        zip(Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, [bytes, { level }]]))),
      );
      for (const [file, bytes] of Object.entries(files)) {
        assert.deepEqual(archive.extract(file, 200), { kind: 'content', content: Buffer.from(bytes) });
      }
    }),
  );
});

test('a file that says it is too large is not inflated, and one that is larger than it says is damaged', () => {
  const bomb = zip({ bomb: new Uint8Array(8 * MIB) });
  assert.deepEqual(new ZipArchive(bomb).extract('bomb', MIB), { kind: 'too-large' });
  assert.deepEqual(new ZipArchive(claiming(bomb, 100)).extract('bomb', MIB), { kind: 'damaged' });
});

test('the files of one archive come to 1 GiB together, however often the same bytes are named', () => {
  const archive = new ZipArchive(claiming(zip({ a: Buffer.from('a') }), 64 * MIB));
  assert.throws(
    () => {
      for (let taken = 0; taken <= INFLATED_BYTES_MAX; taken += 64 * MIB) archive.extract('a', 64 * MIB);
    },
    (error) => error instanceof Failure && error.code === 'input/too_large',
  );
});

test('an archive that was cut or changed anywhere gives what was in it or a Failure', () => {
  const whole = zip({ 'a.txt': Buffer.from('something to keep'), b: new Uint8Array(1000) });
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length));
  fc.assert(
    fc.property(change, ([at, byte, end]) => {
      const broken = Buffer.from(whole);
      broken[at] = byte;
      try {
        const extracted = new ZipArchive(broken.subarray(0, end)).extract('a.txt', MIB);
        if (extracted.kind === 'content') assert.equal(extracted.content.toString(), 'something to keep');
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
