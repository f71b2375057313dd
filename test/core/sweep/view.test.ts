// The text in decoded bytes, against what it is by definition.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { BLOCK_BYTES, textIn } from '../../../src/core/sweep/view.ts';

const LINE = 'abcdefghijkl';

/** The stretches of text, as their bytes and places say. */
function stretchesOf(bytes: Buffer): string[] {
  const view = textIn(bytes);
  if (view === undefined) return [];
  const stretches: string[] = [];
  for (let start = 0; start < view.bytes.length;) {
    const end = view.bytes.indexOf(0xff, start);
    const [first, last] = view.spanOf(start, end);
    stretches.push(view.bytes.toString('latin1', start, end));
    assert.equal(bytes.toString('latin1', first, last), stretches.at(-1), 'the places are those of the bytes');
    start = end + 1;
  }
  return stretches;
}

test('of all bytes these are text: printable ones, white space, zeros', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const letter = String.fromCharCode(byte);
    const isText = /[ -~\t-\r\0]/.test(letter);
    const expected = isText ? [`${LINE}${letter}${LINE}`] : [LINE, LINE];
    assert.deepEqual(stretchesOf(Buffer.from(`${LINE}${letter}${LINE}`, 'latin1')), expected, `byte ${byte}`);
  }
});

test('twelve bytes are a stretch, eleven are none, and without one there is nothing', () => {
  assert.deepEqual(stretchesOf(Buffer.from(`\x80${LINE}\x80`, 'latin1')), [LINE]);
  assert.equal(textIn(Buffer.from(`\x80${LINE.slice(1)}\x80`, 'latin1')), undefined);
  assert.equal(textIn(Buffer.alloc(0)), undefined);
});

test('letters of UTF-8 in a stretch belong to it, and bytes that only look like their start do not', () => {
  for (const letters of ['c280', 'dfbf', 'e0a080', 'efbfbf', 'f0908080', 'f48fbfbf', 'c3a4c3b6', 'e28682c3a4']) {
    const written = `${LINE}${Buffer.from(letters, 'hex').toString('latin1')}mn`;
    assert.deepEqual(stretchesOf(Buffer.from(`\x80${written}\x80`, 'latin1')), [written], letters);
    assert.deepEqual(stretchesOf(Buffer.from(written.slice(0, -2), 'latin1')), [written.slice(0, -2)], letters);
  }
  for (const letters of ['c180', 'c241', 'c2c0', 'e08041', 'e0c080', 'f0909041', 'f5808080', 'c2', 'e080', 'f09090']) {
    const written = `${LINE}${Buffer.from(letters, 'hex').toString('latin1')}`;
    assert.deepEqual(stretchesOf(Buffer.from(written, 'latin1')), [LINE], letters);
  }
});

test('every stretch of ASCII in random bytes is there, in order, with its places', () => {
  const noise = fc.array(fc.constantFrom(0x80, 0x9c, 0xbf), { minLength: 1, maxLength: 40 });
  const ascii = fc.string({ minLength: 0, maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, ascii)), (parts) => {
      const bytes = Buffer.concat(parts.flatMap(([before, text]) => [Buffer.from(before), Buffer.from(text)]));
      const expected = parts.map(([, text]) => text).filter((text) => text.length >= 12);
      assert.deepEqual(stretchesOf(bytes), expected);
    }),
  );
});

test('a stretch across the end of a block, or right at it, is whole', () => {
  for (const length of [BLOCK_BYTES - 20, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES - 7]) {
    const noise = '\x80'.repeat(length);
    const text = `${LINE}mnopqrstuvwxyz`;
    assert.deepEqual(stretchesOf(Buffer.from(noise + text, 'latin1')), [text]);
    assert.deepEqual(stretchesOf(Buffer.from(`${text}${noise}${text}${noise}`, 'latin1')), [text, text]);
  }
});

test('the place of a stretch in a stretch is that of its bytes', () => {
  const view = textIn(Buffer.from(`\x80\x80${LINE}\x80\x80${LINE}`, 'latin1'));
  assert.ok(view !== undefined);
  assert.equal(view.bytes.toString('latin1'), `${LINE}\xff${LINE}\xff`);
  assert.deepEqual(view.spanOf(0, 1), [2, 3]);
  assert.deepEqual(view.spanOf(1, 5), [3, 7]);
  assert.deepEqual(view.spanOf(11, 14), [13, 17]);
});
