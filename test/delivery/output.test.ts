import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KEPT_BYTES_MAX, Output, SCANNED_BYTES_MAX } from '../../src/delivery/output.ts';
import type { Mask } from '../../src/delivery/output.ts';

const HALF = KEPT_BYTES_MAX / 2;
const NO_MASK: Mask = { push: (chunk) => chunk, end: () => Buffer.alloc(0) };

function outputOf(chunks: readonly Buffer[]): Output {
  const output = new Output(NO_MASK);
  for (const chunk of chunks) output.push(chunk);
  output.end();
  return output;
}

test('up to 1 MiB comes back byte for byte, however it was cut', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: KEPT_BYTES_MAX }), { maxLength: 8 });
  const check = (size: number, places: number[]): void => {
    const bytes = Buffer.from(Array.from({ length: 997 }, (_, i) => (i * 31) % 256));
    const whole = Buffer.alloc(size, bytes);
    const borders = [0, ...places.filter((at) => at < size).sort((a, b) => a - b), size];
    const output = outputOf(borders.slice(1).map((end, i) => whole.subarray(borders[i], end)));
    assert.ok(output.bytes().equals(whole));
    assert.equal(output.isTruncated, false);
  };
  fc.assert(fc.property(fc.integer({ min: 0, max: KEPT_BYTES_MAX }), cuts, check), { numRuns: 40 });
  check(KEPT_BYTES_MAX, []);
});

test('of more, the head and the tail come back, and the count of what is missing is right', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: HALF * 3 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: HALF }), (lengths, extra) => {
      const all = Buffer.concat(
        [...lengths, KEPT_BYTES_MAX, extra].map((length, i) => Buffer.alloc(length, `${i}abcdefg\n`)),
      );
      const output = new Output(NO_MASK);
      let at = 0;
      for (const length of [...lengths, KEPT_BYTES_MAX, extra]) output.push(all.subarray(at, (at += length)));
      output.end();
      const missing = all.length - KEPT_BYTES_MAX;
      const marker = Buffer.from(`\n[... ${missing} bytes left out ...]\n`);
      assert.ok(output.bytes().equals(Buffer.concat([all.subarray(0, HALF), marker, all.subarray(-HALF)])));
      assert.equal(output.isTruncated, true);
      const newlines = all.reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0);
      assert.equal(output.lines, newlines + (all.at(-1) === 0x0a ? 0 : 1));
    }),
    { numRuns: 10 },
  );
});

test('no character is cut in two where the middle is left out', () => {
  for (const shift of [0, 1, 2, 3]) {
    const text = 'x'.repeat(shift) + '😀'.repeat(400_000);
    const bytes = outputOf([Buffer.from(text)]).bytes();
    assert.ok(!bytes.toString('utf8').includes('\ufffd'));
    assert.ok(bytes.length <= KEPT_BYTES_MAX + 50);
  }
  const noText = outputOf([Buffer.alloc(2 * KEPT_BYTES_MAX, 0x80)]).bytes();
  assert.ok(noText.length > KEPT_BYTES_MAX, 'bytes that are no text are not trimmed');
});

test('lines are counted as people count them', () => {
  const linesOf = (text: string): number => outputOf([Buffer.from(text)]).lines;
  assert.deepEqual(['', 'a', 'a\n', 'a\nb', '\n\n'].map(linesOf), [0, 1, 1, 2, 2]);
});

test('I8: past the limit nothing is scanned any more', () => {
  let scanned = 0;
  const chunk = Buffer.alloc(5 * 1024 * 1024);
  const output = new Output({
    push: (chunk) => ((scanned += chunk.length), chunk.subarray(0, 0)),
    end: () => chunk.subarray(0, 0),
  });
  while (!output.isFlooded) output.push(chunk);
  output.push(chunk);
  assert.equal(scanned, SCANNED_BYTES_MAX);
  assert.equal(output.isTruncated, true);
});
