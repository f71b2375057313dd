// What is looked for of a value: whole spellings, pieces of long ones, words in parts. And what a set says of its needles.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ENCODINGS } from '../../../src/core/forms/encodings.ts';
import { needlesOf, NeedleSet, type Needle } from '../../../src/core/redactor/needles.ts';
import { Redactor } from '../../../src/core/redactor/redactor.ts';
import { buffersOf } from '../derived/made.ts';

const PIECE = 512;
const OVERLAP = 64;

function setOf(values: Readonly<Record<string, string>>): NeedleSet {
  return NeedleSet.compile(Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) })));
}

function redacted(set: NeedleSet, text: string): string {
  const redactor = new Redactor(set);
  return `${redactor.push(Buffer.from(text)).toString()}${redactor.end().toString()} (${redactor.parts})`;
}

/** Text in which no eight bytes stand twice. */
function textOf(length: number): string {
  let text = '';
  for (let k = 0; text.length < length; k += 1) text += `${k.toString(36)}.aZ9#`;
  return text.slice(0, length);
}

function raw(value: string): Needle[] {
  return needlesOf(Buffer.from(value)).filter(({ form }) => form === 'raw');
}

/** As text, with what is looked for of each. */
function said(needles: readonly Needle[]): string[] {
  return needles.map(({ bytes, isWhole, part }) => `${bytes.toString('latin1')} ${isWhole} ${part}`);
}

describe('of a value is looked for', () => {
  test('one word: it, whole and in parts of eight bytes', () => {
    assert.deepEqual(said(raw('aB3$cD5%eF7&')), ['aB3$cD5%eF7& true 8']);
  });

  test('several words: all of them whole, and each that is long enough in parts', () => {
    assert.deepEqual(said(raw('aB3$cD5% short7! eF7&gH9*k')), [
      'aB3$cD5% short7! eF7&gH9*k true 0',
      'aB3$cD5% false 8',
      'eF7&gH9*k false 8',
    ]);
  });

  test('with white space around it: it without, too', () => {
    assert.deepEqual(said(raw(' aB3$cD5%eF7&  ')), [' aB3$cD5%eF7&   true 0', 'aB3$cD5%eF7& true 8']);
  });

  test('what is secret in it, by itself', () => {
    const needles = raw('postgres://shop:aB3$cD5%eF7@db.example/shop');
    assert.ok(said(needles).includes('aB3$cD5%eF7 true 8'));
    const whole = needles.find(({ bytes }) => bytes.toString().startsWith('postgres://'));
    assert.deepEqual([whole?.isWhole, whole?.part], [true, 0], 'of an address no parts: hosts are in every log');
  });

  test('nothing shorter than seven bytes, and nothing blank', () => {
    assert.deepEqual(raw('aB3$cD'), []);
    assert.equal(raw('aB3$cD5').length, 1);
    assert.deepEqual(needlesOf(Buffer.from(' \t\n '.repeat(9))), []);
    const gap = `aB3$cD5%${' '.repeat(3 * PIECE)}eF7&gH9*`;
    assert.ok(needlesOf(Buffer.from(gap)).every(({ bytes }) => bytes.toString().trim() !== ''));
    assert.ok(redacted(setOf({ K: gap }), ' '.repeat(2 * PIECE)).startsWith(' '.repeat(2 * PIECE)));
  });
});

describe('a long spelling is looked for in pieces', () => {
  for (const length of [PIECE, PIECE + 1, 2 * PIECE - OVERLAP, 2 * PIECE - OVERLAP + 1, 2 * PIECE, 5000]) {
    test(`of ${length} bytes: of 512 at most, each with 64 of the one before, from the first byte to the last`, () => {
      const text = textOf(length);
      const starts = raw(text)
        .filter(({ isWhole }) => isWhole)
        .map(({ bytes }) => ({ start: text.indexOf(bytes.toString()), length: bytes.length }));
      const [first] = starts;
      assert.equal(first?.start, 0);
      for (const [k, piece] of starts.entries()) {
        assert.equal(piece.length, Math.min(length, PIECE));
        const next = starts[k + 1];
        if (next === undefined) assert.equal(piece.start + piece.length, length);
        else assert.ok(next.start > piece.start && next.start + OVERLAP <= piece.start + piece.length);
      }
      assert.equal(starts.length, length <= PIECE ? 1 : 1 + Math.ceil((length - PIECE) / (PIECE - OVERLAP)));
    });
  }

  test('and a piece that its encoding does not change is said to be raw', () => {
    const text = `"${textOf(1500)}`;
    const needles = needlesOf(Buffer.from(text));
    const unchanged = needles.filter(({ bytes }) => text.includes(bytes.toString('latin1')));
    assert.deepEqual([...new Set(unchanged.map(({ form }) => form))], ['raw']);
    assert.ok(unchanged.length > 4, 'JSON and shells put a byte before it');
    const json = needles.find(({ bytes }) => bytes.toString('latin1').startsWith(String.raw`\"0.aZ9#`));
    assert.notEqual(json?.form, 'raw');
  });

  test('above 4 KiB in the likely encodings alone, and not in parts', () => {
    const likely = new Set(ENCODINGS.filter(({ isForLongValues }) => isForLongValues).map(({ form }) => form));
    const formsOf = (length: number): string[] => [
      ...new Set(needlesOf(Buffer.from(textOf(length))).map(({ form }) => form)),
    ];
    assert.ok(formsOf(4096).some((form) => !likely.has(form)));
    assert.ok(formsOf(4097).every((form) => likely.has(form)));
    assert.ok(needlesOf(Buffer.from(textOf(4096))).some(({ part }) => part > 0));
    assert.ok(needlesOf(Buffer.from(textOf(4097))).every(({ part }) => part === 0));
  });
});

void test('each needle is there once, and all are views of what the caller wipes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (value) => {
      const spent: Buffer[] = [];
      const needles = needlesOf(Buffer.from(value), spent);
      assert.equal(new Set(needles.map(({ bytes }) => bytes.toString('latin1'))).size, needles.length);
      assert.ok(needles.every(({ isWhole, part }) => isWhole || part > 0));
      for (const bytes of spent) bytes.fill(0);
      assert.ok(needles.every(({ bytes }) => bytes.every((byte) => byte === 0)));
    }),
    { numRuns: 200 },
  );
});

void test('of a value, and of what was made of it, nothing is left in memory when its set is wiped', () => {
  const password = 'aB3$cD5%eF7&gH9*';
  const value = Buffer.from(`postgres://shop:${encodeURIComponent(password)}@db.example/shop`);
  const forms = [
    password,
    Buffer.from(password).toString('base64').slice(0, 20),
    Buffer.from(password).toString('hex'),
  ];
  const buffers = buffersOf(() => NeedleSet.compile([{ name: 'K', value }]).wipe());
  assert.ok(buffers.length > 100);
  for (const form of forms) assert.ok(!buffers.some((bytes) => bytes.includes(form)), form);
});

void test('what is secret in an address is wiped with the rest', () => {
  const spent: Buffer[] = [];
  const needles = needlesOf(Buffer.from('postgres://shop:aB3%24cD5%25eF7@db.example/shop'), spent);
  assert.ok(needles.some(({ bytes }) => bytes.toString() === 'aB3$cD5%eF7'));
  for (const bytes of spent) bytes.fill(0);
  assert.ok(needles.every(({ bytes }) => bytes.every((byte) => byte === 0)));
});

describe('where two secrets have the same spelling, found is what either would find', () => {
  const key = 'aB3$cD5%eF7&gH9*kL';
  const inBase64 = Buffer.from(key).toString('base64');

  for (const names of [
    ['A', 'B'],
    ['B', 'A'],
  ]) {
    test(`parts from the lesser length on (${names.join(' first, then ')})`, () => {
      const values: Record<string, string> = { A: key, B: inBase64 };
      const set = setOf(Object.fromEntries(names.map((name) => [name, values[name]!])));
      assert.equal(redacted(set, `<${inBase64.slice(1, 12)}>`), '<[REDACTED:A,B]> (1)');
    });

    test(`all of it, when one is looked for in parts alone (${names.join(' first, then ')})`, () => {
      const values: Record<string, string> = { A: `${key} tail`, B: key };
      const set = setOf(Object.fromEntries(names.map((name) => [name, values[name]!])));
      assert.equal(redacted(set, `<${key}>`), '<[REDACTED:A,B]> (0)');
    });

    test(`a part, when both are looked for in parts alone (${names.join(' first, then ')})`, () => {
      const values: Record<string, string> = { A: `${key} tail`, B: `${key} more` };
      const set = setOf(Object.fromEntries(names.map((name) => [name, values[name]!])));
      assert.equal(redacted(set, `<${key}>`), '<[REDACTED:A,B]> (1)');
    });

    test(`parts, when one is looked for whole alone (${names.join(' first, then ')})`, () => {
      const values: Record<string, string> = { A: key, B: [...key].toReversed().join('') };
      const set = setOf(Object.fromEntries(names.map((name) => [name, values[name]!])));
      assert.equal(redacted(set, `<${key.slice(2, 12)}>`), '<[REDACTED:A,B]> (1)');
    });
  }
});

describe('a set', () => {
  test('has one marker for the same names, and another for others', () => {
    const set = setOf({ A: 'aB3$cD5%', B: 'eF7&gH9*', AB: 'kL1#mN2@' });
    assert.equal(set.markerFor(['A', 'B']).toString(), '[REDACTED:A,B]');
    assert.equal(set.markerFor(['AB']).toString(), '[REDACTED:AB]');
    assert.equal(set.markerFor(['A', 'B']), set.markerFor(['A', 'B']), 'which is made once');
  });

  test('I8: remembers a thousand markers', () => {
    const set = setOf({ A: 'aB3$cD5%' });
    const first = set.markerFor(['N0']);
    for (let k = 1; k < 1000; k += 1) set.markerFor([`N${k}`]);
    assert.equal(set.markerFor(['N0']), first);
    set.markerFor(['N1000']);
    const again = set.markerFor(['N0']);
    assert.notEqual(again, first, 'and begins anew');
    assert.equal(again.toString(), first.toString());
    assert.equal(set.markerFor(['N0']), again);
  });

  test('names an owner once, with the first form of the table', () => {
    const set = setOf({ A: 'aB3$cD5%', B: 'aB3$cD5%' });
    const redactor = new Redactor(set);
    redactor.push(Buffer.from('aB3$cD5% '));
    redactor.end();
    assert.deepEqual(redactor.redactions, [
      { name: 'A', count: 1, forms: ['raw'] },
      { name: 'B', count: 1, forms: ['raw'] },
    ]);
    assert.deepEqual(set.ownersOf(1_000_000), []);
  });

  test('finds nothing after it was wiped', () => {
    const set = setOf({ A: 'aB3$cD5%' });
    const found: number[] = [];
    set.matcher.find(Buffer.from('aB3$cD5% '), 0, (start) => found.push(start));
    assert.notEqual(found.length, 0);
    set.wipe();
    assert.equal(set.isWiped, true);
    set.matcher.find(Buffer.from('aB3$cD5% '), 0, () => assert.fail('it was found'));
  });
});
