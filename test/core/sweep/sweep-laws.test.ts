// Laws of the second look over made-up secrets and texts.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { needlesOf, NeedleSet } from '../../../src/core/redactor/needles.ts';
import { endOf, normalise, PLAIN } from '../../../src/core/sweep/normalised.ts';
import { crossingsIn, sweepStreams } from '../../../src/core/sweep/streams.ts';
import { Sweeper } from '../../../src/core/sweep/sweep.ts';
import { WAYS } from './sweep-ways.ts';

const RUNS = 150;

interface Scene {
  readonly values: readonly Buffer[];
  readonly text: Buffer;
}

const bytesOf = (alphabet: string, minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength }).map((text) => Buffer.from(text));

/** Of letters that markers and words around are not made of, but for some. */
const value = fc.oneof(
  bytesOf('jkqvwxyzJKQVWXYZ2345', 12, 40),
  bytesOf('jkq7-_./:+', 12, 30),
  bytesOf('ab1', 10, 16),
  bytesOf('QWXYZq2345 "\'$é', 16, 40),
);
const separators = bytesOf(' -_.|:\n\t', 1, 4);
const filler = fc.oneof(
  bytesOf('mnop \n=', 0, 20),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);

const scene: fc.Arbitrary<Scene> = fc.array(value, { minLength: 1, maxLength: 3 }).chain((values) => {
  const written = fc
    .tuple(fc.constantFrom(...values), fc.constantFrom(...WAYS))
    .map(([secret, way]) => Buffer.from(way.write(secret)));
  const scattered = fc
    .tuple(fc.constantFrom(...values), separators)
    .map(([secret, between]) => spread(secret, between));
  const part = fc
    .tuple(fc.constantFrom(...values), fc.nat(30))
    .map(([secret, length]) => secret.subarray(length % secret.length));
  const text = fc.array(fc.oneof(written, scattered, part, filler, filler), { maxLength: 6 });
  return fc.record({ values: fc.constant(values), text: text.map((parts) => Buffer.concat(parts)) });
});

function spread(secret: Buffer, between: Buffer): Buffer {
  return Buffer.concat([...secret].flatMap((byte) => [Buffer.from([byte]), between]));
}

function sweeperFor(values: readonly Buffer[]): Sweeper {
  const sources = values.map((bytes, k) => ({ name: `N${k}`, value: bytes }));
  return new Sweeper(sources, NeedleSet.compile(sources));
}

const withoutMarkers = (text: Buffer): Buffer =>
  Buffer.from(text.toString('latin1').replaceAll(/\[REDACTED:[^\]]*\]/g, ''), 'latin1');

test('a text that was looked at stays as it is the second time', () => {
  fc.assert(
    fc.property(scene, ({ values, text }) => {
      const sweeper = sweeperFor(values);
      const { text: once } = sweeper.sweep(text);
      const twice = sweeper.sweep(once);
      assert.equal(twice.text.toString('latin1'), once.toString('latin1'));
      assert.deepEqual(twice.redactions, []);
    }),
    { numRuns: RUNS },
  );
});

test('no secret is left in what a reader sees of the text, whatever was between its letters', () => {
  fc.assert(
    fc.property(scene, ({ values, text }) => {
      const swept = withoutMarkers(sweeperFor(values).sweep(text).text);
      const seen = normalise(swept, { ...PLAIN, isTerminal: true }).bytes.toString('latin1');
      for (const secret of values) {
        assert.ok(!swept.includes(secret), 'as it is');
        const normal = normalise(secret, PLAIN).bytes.toString('latin1');
        const isTelling = /[0-9]/.test(normal) && /[a-z]/.test(normal) && new Set(normal).size >= 6;
        if (normal.length >= 8 && isTelling) assert.ok(!seen.includes(normal), 'normalised');
      }
    }),
    { numRuns: RUNS },
  );
});

test('random text without a secret comes through byte for byte, and is not changed itself', () => {
  const words = fc.array(
    fc.oneof(fc.lorem(), fc.base64String(), fc.json(), fc.webUrl(), fc.uuid(), fc.ipV6(), fc.string()),
    { maxLength: 12 },
  );
  const texts = fc.oneof(
    words.map((all) => Buffer.from(all.join('\n'))),
    fc.uint8Array({ maxLength: 4_000 }).map((bytes) => Buffer.from(bytes)),
  );
  const values = ['sk_live_canary7Qm2x9Lw4kT', `p@ss'w"rd$1 z&<é`, '0123456789abcdef0123456789abcdef01234567'].map(
    (text) => Buffer.from(text),
  );
  const sweeper = sweeperFor(values);
  fc.assert(
    fc.property(texts, (text) => {
      const before = Buffer.from(text);
      assert.deepEqual(sweeper.sweep(text).text, before);
      assert.deepEqual(text, before);
    }),
    { numRuns: RUNS * 2 },
  );
});

test('what is cut is exactly the stretch from the first letter of the secret to its last', () => {
  const sides = fc.tuple(bytesOf('mno \n', 0, 30), bytesOf('mno \n', 0, 30));
  fc.assert(
    fc.property(bytesOf('JKQVWXYZ2345', 14, 30), separators, sides, (secret, between, [before, behind]) => {
      const spreadOut = spread(secret, between).subarray(0, -between.length);
      const { text } = sweeperFor([secret]).sweep(Buffer.concat([before, spreadOut, behind]));
      assert.equal(text.toString(), `${before.toString()}[REDACTED:N0]${behind.toString()}`);
    }),
    { numRuns: RUNS },
  );
});

test('every byte that normalising leaves is the one at its place', () => {
  const texts = fc.array(
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\x1b[31m', 'a\ba', 'é', 'ｗ', '\u200b', '\x1b]0;t\x07')),
  );
  fc.assert(
    fc.property(texts, (parts) => {
      const text = Buffer.from(parts.join(''));
      const { bytes, places } = normalise(text, { ...PLAIN, isTerminal: true });
      let last = -1;
      for (const [k, byte] of bytes.entries()) {
        const place = places[k]!;
        assert.ok(place > last);
        assert.ok(endOf(text, place) <= text.length);
        if (byte < 0x80 && text[place]! < 0x80)
          assert.equal(
            text
              .toString('latin1', place, place + 1)
              .toLowerCase()
              .charCodeAt(0),
            byte,
          );
        last = place;
      }
    }),
    { numRuns: RUNS * 2 },
  );
});

test('a secret cut anywhere, one part at the end of one stream and the other at the start of the other, is cut from both', () => {
  const secret = 'sk_live_canary7Qm2x9Lw4kT';
  const sweeper = sweeperFor([Buffer.from(secret)]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: secret.length - 1 }), fc.boolean(), (at, isTurned) => {
      const parts = [Buffer.from(`mm ${secret.slice(0, at)}`), Buffer.from(`${secret.slice(at)} nn`)] as const;
      const [first, second] = parts;
      const swept = sweepStreams(sweeper, isTurned ? [second, first] : [first, second], [[], []]);
      const texts = swept.texts.map(String);
      assert.deepEqual(isTurned ? texts.toReversed() : texts, ['mm [REDACTED:N0]', '[REDACTED:N0] nn']);
    }),
    { numRuns: 50 },
  );
});

test('letters on each stream in turn are cut from both', () => {
  const secret = 'sk_live_canary7Qm2x9Lw4kT';
  const nth = (k: number): Buffer => Buffer.from([...secret].filter((_, at) => at % 2 === k).join(''));
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const { texts, signs } = sweepStreams(sweeperFor([Buffer.from(secret)]), [nth(order[0]), nth(order[1])], [[], []]);
    assert.deepEqual(texts.map(String), ['[REDACTED:N0]', '[REDACTED:N0]']);
    assert.equal(signs.scattered, 2);
  }
});

test('what is on one stream alone is no crossing', () => {
  const secret = Buffer.from('sk_live_canary7Qm2x9Lw4kT');
  const bytes = Buffer.concat([secret, Buffer.from(' other')]);
  const streams = Uint8Array.from(bytes, (_, k) => (k < secret.length ? 0 : 1));
  const places = Uint32Array.from(bytes, (_, k) => k);
  assert.deepEqual(crossingsIn(sweeperFor([secret]), { bytes, streams, places }), [[], []]);
  assert.ok(needlesOf(secret).length > 0);
});
