// What is packed in bytes, by each format: with all its headers, cut, too large, and where nothing is.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { describe } from 'node:test';
import * as zlib from 'node:zlib';

import { unpacked, type Budget } from '../../../src/core/sweep/unpacked.ts';
import type { View } from '../../../src/core/sweep/view.ts';

const TEXT = 'canary-7Qm2x9Lw4 and a few words more';
const JUNK = Buffer.from('fffefdfcfbfaf9', 'hex');

const plenty = (): Budget => ({ bytes: 1_000_000, tries: 100, isComplete: true });

interface Found {
  readonly text: string;
  readonly span: readonly [number, number];
}

function found(bytes: Buffer, rest: Pick<View, 'starts' | 'blockEnd'> = {}, budget = plenty()): Found[] {
  const view: View = { bytes, spanOf: (start, end) => [start, end], ...rest };
  return Array.from(unpacked(view, budget), (it) => ({
    text: it.bytes.toString('latin1'),
    span: it.span as [number, number],
  }));
}

/** RFC 1952, 2.3: with what the flags say, between ten bytes of header and the packed ones. */
function gzip(flags: number, ...fields: (string | Buffer)[]): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3]);
  return Buffer.concat([
    header,
    ...fields.map((field) => Buffer.from(field as string, 'latin1')),
    zlib.deflateRawSync(TEXT),
  ]);
}

const [EXTRA, NAME, COMMENT, CHECKSUM] = [4, 8, 16, 2] as const;
const LONG = Buffer.concat([Buffer.from([0x02, 0x01]), Buffer.alloc(0x102, 'e')]);

describe('what begins with the mark of its format is unpacked wherever it stands:', () => {
  for (const [name, packed] of [
    ['gzip', zlib.gzipSync(TEXT)],
    ['gzip with a name', gzip(NAME, 'file.txt\0')],
    ['gzip with a comment', gzip(COMMENT, 'a comment\0')],
    ['gzip with a name and a comment', gzip(NAME | COMMENT, 'file.txt\0a comment\0')],
    ['gzip with an extra field', gzip(EXTRA, '\x03\0abc')],
    ['gzip with a long extra field', gzip(EXTRA, LONG)],
    ['gzip with a checksum of its header', gzip(CHECKSUM, 'cc')],
    ['gzip with everything', gzip(EXTRA | NAME | COMMENT | CHECKSUM, '\x01\0e', 'n\0', 'c\0', 'cc')],
    ['gzip with flags that mean nothing here', gzip(1 | 32 | 64 | 128)],
    ['zlib, level 1', zlib.deflateSync(TEXT, { level: 1 })],
    ['zlib, level 5', zlib.deflateSync(TEXT, { level: 5 })],
    ['zlib, level 6', zlib.deflateSync(TEXT)],
    ['zlib, level 9', zlib.deflateSync(TEXT, { level: 9 })],
    ['zstd', zlib.zstdCompressSync(TEXT)],
  ] as const) {
    test(name, () => {
      for (const before of [Buffer.alloc(0), JUNK]) {
        const bytes = Buffer.concat([before, packed]);
        const [first, ...more] = found(bytes);
        assert.equal(first?.text, TEXT);
        assert.equal(first?.span[0], before.length);
        assert.ok(first.span[1] > before.length && first.span[1] <= bytes.length);
        assert.deepEqual(more, []);
      }
    });

    test(`${name}, of which the end is missing`, () => {
      const text = found(packed.subarray(0, -16))[0]?.text ?? '';
      assert.ok(text.length > 20 && text.length < TEXT.length && TEXT.startsWith(text), text);
    });
  }
});

test('a header of gzip that does not end holds nothing', () => {
  assert.deepEqual(found(gzip(NAME, 'no end').subarray(0, 16)), []);
  assert.deepEqual(found(gzip(EXTRA, '\xff\xff')), []);
  assert.deepEqual(found(Buffer.from('1f8b08', 'hex')), []);
  assert.deepEqual(found(Buffer.from('1f8b0804000000000000', 'hex')), []);
});

describe('what has no mark is unpacked where a word begins, and nowhere else:', () => {
  for (const [name, packed] of [
    ['deflate', zlib.deflateRawSync(TEXT)],
    ['Brotli', zlib.brotliCompressSync(TEXT)],
  ] as const) {
    test(name, () => {
      const bytes = Buffer.concat([JUNK, packed]);
      const expected = [{ text: TEXT, span: [JUNK.length, bytes.length] }];
      assert.deepEqual(found(bytes, { starts: [JUNK.length] }), expected);
      assert.deepEqual(found(bytes), []);
      assert.deepEqual(found(bytes, { starts: [bytes.length, 1_000] }), []);
    });
  }
});

test('all that is packed in one text is found, and what follows a block is not taken for a part of it', () => {
  const [one, two] = [zlib.gzipSync(`one ${TEXT}`), zlib.zstdCompressSync(`two ${TEXT}`)];
  const texts = found(Buffer.concat([one, JUNK, two, one])).map(({ text }) => text);
  assert.deepEqual(texts, [`one ${TEXT}`, `one ${TEXT}`, `two ${TEXT}`]);
  const raw = zlib.deflateRawSync(TEXT);
  const bytes = Buffer.concat([raw, raw]);
  const cut = found(bytes, { starts: [0], blockEnd: (at) => at + 20 });
  assert.ok(cut[0] !== undefined && cut[0].text.length > 5 && cut[0].text.length < TEXT.length);
  assert.ok(TEXT.startsWith(cut[0].text));
  assert.deepEqual(cut[0].span, [0, 20]);
});

test('fewer than seven bytes are no text', () => {
  assert.deepEqual(found(zlib.gzipSync('6 byte')), []);
  assert.deepEqual(
    found(zlib.gzipSync('7 bytes')).map(({ text }) => text),
    ['7 bytes'],
  );
});

describe('I8: what may still be done', () => {
  test('is one try less for each that is tried, found or not', () => {
    const budget = plenty();
    found(Buffer.concat([zlib.gzipSync(TEXT), JUNK, Buffer.from('1f8b08', 'hex')]), { starts: [1, 9_999] }, budget);
    assert.deepEqual(budget, { bytes: 1_000_000, tries: 96, isComplete: true });
  });

  test('is nothing when no tries or no bytes are left, and that is said', () => {
    for (const budget of [
      { ...plenty(), tries: 0 },
      { ...plenty(), bytes: 0 },
      { ...plenty(), bytes: -1 },
    ]) {
      const { tries } = budget;
      assert.deepEqual(found(zlib.gzipSync(TEXT), {}, budget), []);
      assert.deepEqual([budget.isComplete, budget.tries], [false, tries]);
    }
    const last = { ...plenty(), tries: 1 };
    assert.equal(found(zlib.gzipSync(TEXT), {}, last).length, 1);
    assert.equal(last.isComplete, true);
    assert.equal(
      found(Buffer.concat([zlib.gzipSync(TEXT), zlib.gzipSync(TEXT)]), {}, { ...plenty(), tries: 1 }).length,
      1,
    );
  });

  test('with nothing packed in the text it does not matter', () => {
    const budget = { ...plenty(), tries: 0 };
    assert.deepEqual(found(Buffer.from(TEXT), { starts: [] }, budget), []);
    assert.equal(budget.isComplete, true);
  });

  test('of what is too large the start is given, and that it is not all is said', () => {
    const budget = { ...plenty(), bytes: TEXT.length - 1 };
    assert.deepEqual(
      found(zlib.gzipSync(TEXT), {}, budget).map(({ text }) => text),
      [TEXT],
    );
    assert.equal(budget.isComplete, false);
    const exact = { ...plenty(), bytes: TEXT.length };
    assert.equal(found(zlib.gzipSync(TEXT), {}, exact).length, 1);
    assert.equal(exact.isComplete, true);
  });

  test('of what is large in a small space only 4 KiB of it are opened', () => {
    const noise = createHash('shake256', { outputLength: 20_000 }).digest();
    const packed = zlib.gzipSync(noise);
    assert.ok(packed.length > 8_000);
    const [first] = found(packed, {}, { ...plenty(), bytes: 10_000 });
    assert.ok(first !== undefined && first.text.length < noise.length);
    assert.ok(noise.toString('latin1').startsWith(first.text));
    assert.ok(first.span[1] <= 4_096);
  });
});
