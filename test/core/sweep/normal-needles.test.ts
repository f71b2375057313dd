// Which spellings of a value are looked for in normalised text, and when one that is found is no chance.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { NormalNeedles } from '../../../src/core/sweep/normal-needles.ts';

const needlesOf = (values: Readonly<Record<string, string>>): NormalNeedles =>
  new NormalNeedles(Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) })));

interface Found {
  readonly names: readonly string[];
  readonly text: string;
  readonly isWhole: boolean;
}

/** In normalised text. */
function found(needles: NormalNeedles, text: string): Found[] {
  const all: Found[] = [];
  needles.matcher.find(Buffer.from(text, 'latin1'), 0, (start, end, needle, isWhole) => {
    all.push({ names: needles.namesOf(needle), text: text.slice(start, end), isWhole });
  });
  return all;
}

test('a value is looked for in small letters, without what is between them', () => {
  const needles = needlesOf({ K: 'Canary-7Qm2/x9_Lw4' });
  assert.deepEqual(found(needles, '..canary7qm2x9lw4..'), [{ names: ['K'], text: 'canary7qm2x9lw4', isWhole: true }]);
  assert.deepEqual(found(needles, 'canary7qm2x'), []);
  assert.deepEqual(found(needlesOf({ K: 'Canary 7Qm2 x9Lw4' }), 'canary7qm2x9lw4'), [
    { names: ['K'], text: 'canary7qm2x9lw4', isWhole: true },
  ]);
});

test('a value of eight letters is looked for, of seven not', () => {
  assert.equal(found(needlesOf({ K: 'c-a-n-4-r-y-7-Q' }), 'xcan4ry7qx').length, 1);
  assert.deepEqual(found(needlesOf({ K: 'c-a-n-4-r-y-7' }), 'xcan4ry7x'), []);
});

describe('a part is looked for from a length on that no innocent text has:', () => {
  const VALUE = 'canary7Qm2x9Lw4kT5vB8nZ3';
  const needles = needlesOf({ K: VALUE });
  for (const [form, spelled, least] of [
    ['as it is', VALUE, 12],
    ['base64', Buffer.from(VALUE).toString('base64'), 20],
    ['hex', Buffer.from(VALUE).toString('hex'), 24],
  ] as const) {
    test(form, () => {
      const normal = spelled.toLowerCase();
      for (const start of [0, 3, normal.length - least]) {
        const part = normal.slice(start, start + least);
        assert.deepEqual(found(needles, `-${part}-`), [{ names: ['K'], text: part, isWhole: false }]);
        assert.deepEqual(found(needles, `-${part.slice(1)}-`), []);
      }
      assert.ok(found(needles, normal).some(({ isWhole, text }) => isWhole && text === normal));
    });
  }

  test('also over the white space in it', () => {
    const words = needlesOf({ K: 'canary7Qm2x9 Lw4kT5vB8nZ3' });
    assert.deepEqual(found(words, '-m2x9lw4kt5vb-'), [{ names: ['K'], text: 'm2x9lw4kt5vb', isWhole: false }]);
    assert.deepEqual(found(words, '-2x9lw4kt5vb-'), []);
  });

  test('of an address none is', () => {
    const address = needlesOf({ K: 'postgres://canaryuser7:Qm2x9Lw4kT@db.canary.example:5432/main' });
    const normal = 'postgrescanaryuser7qm2x9lw4ktdbcanaryexample5432main';
    assert.ok(found(address, normal).some(({ text }) => text === normal));
    assert.deepEqual(found(address, 'postgrescanaryuser7'), []);
    assert.deepEqual(found(address, normal.slice(-24)), []);
  });
});

test('a needle of two values has the names of both, each once', () => {
  const needles = needlesOf({ A: 'canary-7Qm2x9Lw4', B: 'Canary_7qm2x9lw4', C: 'other-7Qm2x9Lw4kT' });
  assert.deepEqual(found(needles, 'canary7qm2x9lw4'), [{ names: ['A', 'B'], text: 'canary7qm2x9lw4', isWhole: true }]);
  assert.deepEqual(found(needles, 'other7qm2x9lw4kt'), [{ names: ['C'], text: 'other7qm2x9lw4kt', isWhole: true }]);
  assert.deepEqual(needles.namesOf(9_999), []);
  assert.equal(needles.isComplete, true);
});

describe('a value that is found counts when its letters stand apart, or at once when it is telling:', () => {
  for (const [value, gapsLeast] of [
    ['canary7qm2', 0],
    ['abcde1abcd', 0],
    ['abcdefgh0', 0],
    ['abcdefgh9', 0],
    ['12345678a', 0],
    ['12345678z', 0],
    ['abcd1abcd', 5],
    ['abcdefghij', 5],
    ['abcdefghijk', 6],
    ['1234567890', 5],
    ['abcdefghijklmnopqrstuvw', 12],
    ['abcdefghijklmnopqrstuvwx', 0],
  ] as const) {
    test(`${value} with ${gapsLeast}`, () => {
      const needles = needlesOf({ K: value });
      const counted: boolean[] = [];
      needles.matcher.find(Buffer.from(value), 0, (start, end, needle, isWhole) => {
        if (!isWhole || end - start < value.length) return;
        for (let gaps = 0; gaps < value.length; gaps += 1) counted.push(needles.counts(needle, gaps));
      });
      assert.deepEqual(
        counted,
        Array.from({ length: value.length }, (_, gaps) => gaps >= gapsLeast),
      );
    });
  }
});

test('nothing that was made of a value is left when it is wiped', () => {
  const value = Buffer.from('canary7Qm2x9Lw4');
  const needles = new NormalNeedles([{ name: 'K', value }]);
  assert.equal(value.toString(), 'canary7Qm2x9Lw4');
  needles.wipe();
  assert.deepEqual(found(needles, 'canary7qm2x9lw4'), []);
});
