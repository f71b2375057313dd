// What is counted, where parts and wholes of several secrets lie on one another; and the memory the next bytes are put into.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure } from '../../../src/core/failure.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

type Values = Readonly<Record<string, string>>;

function redactorOf(values: Values): Redactor {
  return new Redactor(
    NeedleSet.compile(Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) }))),
  );
}

/** Cut once at every place, and byte by byte: the text that comes out, and how many markers stand for parts alone. */
function everyWay(values: Values, text: string): Set<string> {
  const bytes = Buffer.from(text);
  const cuts = Array.from({ length: bytes.length }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  const single = Array.from(bytes, (byte) => Buffer.of(byte));
  return new Set(
    [...cuts, single].map((pieces) => {
      const redactor = redactorOf(values);
      const given = pieces.map((piece) => redactor.push(piece).toString());
      return `${given.join('')}${redactor.end().toString()} (${redactor.parts})`;
    }),
  );
}

const WHOLE = 'pX4#qR7$wZ2&';

describe('however a text is cut, of secrets that share bytes are named', () => {
  const cases: ReadonlyArray<readonly [what: string, values: Values, text: string, output: string]> = [
    [
      'the whole alone, where another begins alike',
      { A: WHOLE, B: 'pX4#qR7$!!!!' },
      `<${WHOLE}>`,
      '<[REDACTED:A]> (0)',
    ],
    ['the whole alone, where another ends alike', { A: WHOLE, B: '!!!!qR7$wZ2&' }, `<${WHOLE}>`, '<[REDACTED:A]> (0)'],
    ['both, of the start that is alike', { A: WHOLE, B: 'pX4#qR7$!!!!' }, '<pX4#qR7$>', '<[REDACTED:A,B]> (1)'],
    [
      'the whole and what a part goes beyond it',
      { A: WHOLE, B: 'R7$wZ2&~kM9' },
      `<${WHOLE}~kM9>`,
      '<[REDACTED:A,B]> (0)',
    ],
    ['the whole and a part before it', { A: WHOLE, B: 'kM9~pX4#qR7$!!' }, `<M9~${WHOLE}>`, '<[REDACTED:A,B]> (0)'],
    [
      'two parts, side by side',
      { A: WHOLE, B: 'kM9~vB3!tY6?' },
      '<qR7$wZ2&kM9~vB3!>',
      '<[REDACTED:A][REDACTED:B]> (2)',
    ],
    ['two of the same, side by side', { A: WHOLE }, `<${WHOLE}${WHOLE}>`, '<[REDACTED:A][REDACTED:A]> (0)'],
    ['the inner and the outer', { A: WHOLE, B: `--${WHOLE}--` }, `<--${WHOLE}-->`, '<[REDACTED:A,B]> (0)'],
    [
      'a chain of three',
      { A: 'aaaa1111BBBB', B: 'BBBB2222cccc', C: 'cccc3333DDDD' },
      '<aaaa1111BBBB2222cccc3333DDDD>',
      '<[REDACTED:A,B,C]> (0)',
    ],
  ];
  for (const [what, values, text, output] of cases) {
    test(what, () => assert.deepEqual([...everyWay(values, text)], [output]));
  }
});

void test('each name is counted once a marker, with the forms it had there', () => {
  const redactor = redactorOf({ B: WHOLE, A: 'canary-word' });
  redactor.push(Buffer.from(`${WHOLE} canary-word ${WHOLE} ${Buffer.from(WHOLE).toString('hex')}.`));
  redactor.end();
  assert.deepEqual(redactor.redactions, [
    { name: 'A', count: 1, forms: ['raw'] },
    { name: 'B', count: 3, forms: ['hex', 'raw'] },
  ]);
});

describe('given early is what is held', () => {
  test('when it is as long as may be, and no longer', () => {
    const redactor = redactorOf({ A: 'abc-canary' });
    assert.equal(redactor.push(Buffer.from('is abc')).toString(), 'is ');
    assert.equal(redactor.early(2).toString(), '');
    assert.equal(redactor.early(3).toString(), 'abc');
    assert.equal(redactor.early(3).toString(), '', 'and once');
    assert.equal(redactor.push(Buffer.from('!')).toString(), '!');
  });

  test('not when a part of it is secret already', () => {
    const redactor = redactorOf({ A: 'pX4#qR7$wZ2&' });
    redactor.push(Buffer.from('X4#qR7$w'));
    assert.equal(redactor.early(100).toString(), '');
    assert.equal(redactor.end().toString(), '[REDACTED:A]');
  });

  test('I3: not after the secrets were wiped', () => {
    const set = NeedleSet.compile([{ name: 'A', value: Buffer.from('abc-canary') }]);
    const redactor = new Redactor(set);
    redactor.push(Buffer.from('abc'));
    set.wipe();
    assert.throws(
      () => redactor.early(3),
      (error: unknown) => error instanceof Failure && /after the secrets were wiped/.test(error.message),
    );
  });
});

describe('the room for the next bytes', () => {
  const bytes = Buffer.from('is canary-word, is it? can');

  test('gives the same output as a chunk from elsewhere, and what was given before is still there', () => {
    const redactor = redactorOf({ A: 'canary-word' });
    let output = '';
    let last: Buffer = Buffer.alloc(0);
    let lastText = '';
    let next = redactor.room(5);
    for (let at = 0; at < bytes.length; at += 3) {
      const room = next;
      assert.equal(room.length, 5);
      const length = bytes.copy(room, 0, at, at + 3);
      // Filled while the one before it is looked at, and what was given before that is written.
      next = redactor.room(5).fill('?');
      assert.equal(last.toString(), lastText);
      last = redactor.push(room.subarray(0, length));
      lastText = last.toString();
      output += lastText;
    }
    assert.equal(output + redactor.end().toString(), 'is [REDACTED:A], is it? can');
  });

  test('may be left unused, or used in another place than it begins', () => {
    const redactor = redactorOf({ A: 'canary-word' });
    assert.equal(redactor.push(Buffer.from('a can')).toString(), 'a ');
    const room = redactor.room(12);
    assert.equal(redactor.push(Buffer.from('ary-word')).toString(), '');
    room.fill('?');
    const next = redactor.room(12);
    next.write('--- and on! ');
    assert.equal(redactor.push(next.subarray(3)).toString(), '[REDACTED:A] and on! ');
    assert.equal(redactor.end().toString(), '');
  });

  test('is overwritten when it is too small, and at the end', () => {
    const redactor = redactorOf({ A: 'canary-word' });
    const small = redactor.room(4);
    small.write('now ');
    for (let rooms = 0; rooms < 3; rooms += 1) redactor.room(100_000);
    assert.ok(small.every((byte) => byte === 0));
    const [first, second] = [1, 2].map(() => {
      const room = redactor.room(4);
      room.write('now ');
      return redactor.push(room);
    });
    assert.equal(`${first!.toString()}${second!.toString()}`, 'now now ');
    redactor.end();
    assert.ok([...first!, ...second!].every((byte) => byte === 0));
  });
});
