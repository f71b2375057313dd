import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fitText } from '../../src/daemon/output-text.ts';

/** What an answer carries: the text in JSON, and that JSON as a string in JSON. */
const carried = (text: string): number =>
  Buffer.byteLength(JSON.stringify(text)) + Buffer.byteLength(JSON.stringify(JSON.stringify(text)));
const ROOM = 4.5 * 1024 * 1024 + 200;

void test('a megabyte of what people write comes back as it is', () => {
  for (const line of ['y\n', 'ordinary text of a program\n', 'größer als üblich\n', '😀']) {
    const text = line.repeat(Math.floor(1024 ** 2 / Buffer.byteLength(line)));
    assert.deepEqual(fitText(text), { text, isCut: false });
    assert.ok(carried(text) < ROOM);
  }
});

void test('D01, I8: what JSON would blow up is cut in the middle, and says how much', () => {
  for (const character of ['\0', '\u001b', '"', '\\']) {
    const { text, isCut } = fitText(`head${character.repeat(1024 ** 2)}tail`);
    assert.equal(isCut, true);
    assert.ok(carried(text) < ROOM);
    assert.match(text, /^head/);
    assert.match(text, /tail$/);
    const left = Number(/\[(\d+) characters left out/.exec(text)?.[1]);
    assert.equal(text.split(character).length - 1 + left, 1024 ** 2);
  }
});

void test('whatever the text, it fits, and its ends stay', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (piece) => {
      const whole = piece.repeat(100_000);
      const { text, isCut } = fitText(whole);
      assert.ok(carried(text) < ROOM);
      if (!isCut) assert.equal(text, whole);
    }),
    { numRuns: 15 },
  );
});
