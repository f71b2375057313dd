// What is found is joined, marked and counted.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { NeedleSet } from '../../../src/core/redactor/needles.ts';
import { Cut, type Find, type Kind } from '../../../src/core/sweep/cut.ts';

const NEEDLES = NeedleSet.compile(
  ['A', 'B', 'C'].map((name) => ({ name, value: Buffer.from(`canary-${name}-7Qm2x9Lw4`) })),
);
const TEXT = Buffer.from('0123456789');

const find = (start: number, end: number, name = 'A', kind: Kind = 'plain', form = 'raw'): Find => ({
  span: [start, end],
  kind,
  name,
  form,
});

function cutOf(...finds: Find[]): { cut: Cut; text: string } {
  const cut = new Cut(NEEDLES);
  for (const it of finds) cut.add(it);
  return { cut, text: cut.applyTo(TEXT).toString() };
}

describe('of stretches', () => {
  for (const [what, finds, expected] of [
    ['one is cut', [find(2, 4)], '01[REDACTED:A]456789'],
    ['one at the start', [find(0, 1)], '[REDACTED:A]123456789'],
    ['one at the end', [find(9, 10)], '012345678[REDACTED:A]'],
    ['all of the text', [find(0, 10)], '[REDACTED:A]'],
    ['two are two', [find(1, 2), find(5, 7, 'B')], '0[REDACTED:A]234[REDACTED:B]789'],
    ['two that touch are two', [find(1, 3), find(3, 5)], '0[REDACTED:A][REDACTED:A]56789'],
    ['two that overlap are one', [find(1, 3), find(2, 5, 'B')], '0[REDACTED:A,B]56789'],
    ['one inside of another is one with it', [find(1, 8), find(2, 3), find(4, 8)], '0[REDACTED:A]89'],
    ['a chain is one', [find(1, 3), find(2, 5), find(4, 7)], '0[REDACTED:A]789'],
    ['the later first', [find(6, 8), find(1, 3, 'B')], '0[REDACTED:B]345[REDACTED:A]89'],
    ['names are in order', [find(2, 4, 'C'), find(2, 4, 'A'), find(2, 3, 'B')], '01[REDACTED:A,B,C]456789'],
    ['none are left', [], '0123456789'],
  ] as const) {
    test(what, () => {
      assert.equal(cutOf(...finds).text, expected);
    });
  }
});

test('whether anything was cut is known, and what was cut is not cut again', () => {
  const cut = new Cut(NEEDLES);
  assert.equal(cut.hasChanged, false);
  assert.equal(cut.applyTo(TEXT), TEXT);
  assert.equal(cut.hasChanged, false);
  cut.add(find(2, 4));
  assert.deepEqual(cut.finds, [find(2, 4)]);
  const once = cut.applyTo(TEXT);
  assert.equal(cut.hasChanged, true);
  assert.deepEqual(cut.finds, []);
  assert.equal(cut.applyTo(once), once);
  assert.equal(cut.hasChanged, false);
  assert.equal(TEXT.toString(), '0123456789');
});

test('each marker counts for its names, with every form that was found there, in order', () => {
  const { cut } = cutOf(
    find(0, 2, 'B'),
    find(3, 5, 'A', 'plain', 'hex'),
    find(3, 5, 'A', 'plain', 'base64'),
    find(4, 6, 'B', 'plain', 'shell'),
    find(7, 9, 'B', 'plain', 'raw'),
  );
  assert.deepEqual(cut.redactions, [
    { name: 'A', count: 1, forms: ['base64', 'hex'] },
    { name: 'B', count: 3, forms: ['raw', 'shell'] },
  ]);
  cut.add(find(0, 1, 'C'));
  cut.add(find(1, 2, 'A'));
  cut.applyTo(TEXT);
  assert.deepEqual(cut.redactions, [
    { name: 'A', count: 2, forms: ['base64', 'hex', 'raw'] },
    { name: 'B', count: 3, forms: ['raw', 'shell'] },
    { name: 'C', count: 1, forms: ['raw'] },
  ]);
});

test('what stands there as it is was not scattered or decoded, for each name by itself', () => {
  const { cut } = cutOf(
    find(0, 2, 'A', 'scattered', 'scattered'),
    find(0, 2, 'A', 'plain', 'raw'),
    find(0, 2, 'A', 'decoded', 'decoded'),
    find(0, 2, 'B', 'scattered', 'scattered'),
    find(4, 5, 'B', 'decoded', 'decoded'),
    find(7, 8, 'C', 'scattered', 'scattered'),
    find(7, 8, 'C', 'decoded', 'decoded'),
  );
  assert.deepEqual(cut.redactions, [
    { name: 'A', count: 1, forms: ['raw'] },
    { name: 'B', count: 2, forms: ['decoded', 'scattered'] },
    { name: 'C', count: 1, forms: ['decoded', 'scattered'] },
  ]);
});

describe('a stretch that was found in several ways counts for the plainest:', () => {
  for (const [kinds, expected] of [
    [['plain'], [0, 0, 0]],
    [['scattered'], [1, 0, 0]],
    [['decoded'], [0, 1, 0]],
    [['shape'], [0, 0, 1]],
    [
      ['decoded', 'scattered', 'plain', 'shape'],
      [0, 0, 0],
    ],
    [
      ['shape', 'decoded', 'scattered'],
      [1, 0, 0],
    ],
    [
      ['shape', 'decoded'],
      [0, 1, 0],
    ],
  ] as const) {
    test(kinds.join(', '), () => {
      const { cut } = cutOf(...kinds.map((kind) => find(2, 4, 'A', kind)));
      const { scattered, decoded, shapes } = cut.signs;
      assert.deepEqual([scattered, decoded, shapes], expected);
    });
  }
});

test('I8: a great number of finds are joined before there are more', () => {
  const cut = new Cut(NEEDLES);
  for (let k = 0; k < 99_999; k += 1) cut.add(find(k, k + 2, 'A', 'decoded'));
  assert.equal(cut.finds.length, 99_999);
  cut.add(find(99_999, 100_001, 'B', 'decoded'));
  const joined = (name: string): Find => find(0, 100_001, name, 'decoded', 'scattered');
  assert.deepEqual(cut.finds, [joined('A'), joined('B')]);
  cut.add(find(100_000, 100_003, 'C'));
  assert.deepEqual(cut.finds, [joined('A'), joined('B'), find(100_000, 100_003, 'C')]);
  assert.equal(cut.applyTo(Buffer.alloc(100_010, 'x')).toString(), `[REDACTED:A,B,C]${'x'.repeat(7)}`);
});
