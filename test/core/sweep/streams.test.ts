// A secret of which one part is on each of two streams: how far apart, in which order, and what is said of it.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { NeedleSet } from '../../../src/core/redactor/needles.ts';
import type { Find } from '../../../src/core/sweep/cut.ts';
import { crossingsIn, sweepStreams, type Laid } from '../../../src/core/sweep/streams.ts';
import { Sweeper } from '../../../src/core/sweep/sweep.ts';

/** Its halves are too short to be parts of it. */
const SECRET = 'canary7Qm2x9Lw';
const SOURCES = [{ name: 'K', value: Buffer.from(SECRET) }];
const SWEEPER = new Sweeper(SOURCES, NeedleSet.compile(SOURCES));
const [HEAD, TAIL] = [SECRET.slice(0, 7), SECRET.slice(7)];
const every = (k: number): string => [...SECRET].filter((_, at) => at % 2 === k).join('');

const swept = (out: string, err: string): readonly string[] =>
  sweepStreams(SWEEPER, [Buffer.from(out), Buffer.from(err)], [[], []]).texts.map(String);

describe('two streams', () => {
  const far = '. '.repeat(3_000);
  for (const [what, out, err, expected] of [
    ['with nothing', '', '', ['', '']],
    ['one of them empty', `a ${HEAD}`, '', [`a ${HEAD}`, '']],
    ['the end of one and the start of the other', `a ${HEAD}`, `${TAIL} b`, ['a [REDACTED:K]', '[REDACTED:K] b']],
    ['the other way round', `${TAIL} b`, `a ${HEAD}`, ['[REDACTED:K] b', 'a [REDACTED:K]']],
    ['with spaces between', `a ${HEAD} \n`, ` ${TAIL} b`, ['a [REDACTED:K]', '[REDACTED:K] b']],
    ['long ones', `${far}${HEAD}`, `${TAIL}${far}`, [`${far}[REDACTED:K]`, `[REDACTED:K]${far}`]],
    ['long ones the other way', `${TAIL}${far}`, `${far}${HEAD}`, [`[REDACTED:K]${far}`, `${far}[REDACTED:K]`]],
    ['letters in turn', every(0), every(1), ['[REDACTED:K]', '[REDACTED:K]']],
    ['letters in turn, the other first', every(1), every(0), ['[REDACTED:K]', '[REDACTED:K]']],
    ['letters in turn, one more on one', `${every(0)}.`, every(1), ['[REDACTED:K].', '[REDACTED:K]']],
    ['letters in turn, one more on the other', every(0), `${every(1)}.`, ['[REDACTED:K]', '[REDACTED:K].']],
    ['letters in turn, two more on one', `${every(0)}..`, every(1), [`${every(0)}..`, every(1)]],
    ['letters in turn, two more on the other', every(0), `${every(1)}..`, [every(0), `${every(1)}..`]],
    ['all of it on one', `a ${SECRET} b`, 'c', ['a [REDACTED:K] b', 'c']],
    ['all of it on the other', 'c', `a ${SECRET} b`, ['c', 'a [REDACTED:K] b']],
    ['parts that do not meet', `${HEAD} a`, `b ${TAIL}`, [`${HEAD} a`, `b ${TAIL}`]],
  ] as const) {
    test(what, () => {
      assert.deepEqual(swept(out, err), expected);
    });
  }

  test('the part that is 4 KiB from where they meet is seen, and no farther', () => {
    const between = (count: number): string => '.'.repeat(count);
    // What is between the parts is cut with them.
    const cut = ['[REDACTED:K]', '[REDACTED:K]'];
    const [out, err] = [`${HEAD}${between(4_096 - HEAD.length)}`, `${between(4_096 - TAIL.length)}${TAIL}`];
    assert.deepEqual(swept(out, err), cut);
    // Of parts farther off eleven letters are left: too few. Not as long as each other, or those that take turns were found.
    for (const [first, second] of [
      [`${out}...`, `${err}${between(9)}`],
      [`${between(9)}${out}`, `...${err}`],
    ] as const) {
      assert.deepEqual(swept(first, second), [first, second]);
    }
  });

  test('I8: streams of more than 64 KiB take no turns', () => {
    const filler = '.'.repeat(64 * 1024 - every(0).length);
    const cut = `[REDACTED:K]${filler}`;
    assert.deepEqual(swept(every(0) + filler, every(1) + filler), [cut, cut]);
    const [out, err] = [`${every(0)}${filler}.`, `${every(1)}${filler}.`];
    assert.deepEqual(swept(out, err), [out, err]);
  });
});

test('what is said is of both: every redaction, every sign, and whether all was looked at', () => {
  const spaced = SECRET.split('').join(' ');
  const twice = Buffer.from(Buffer.from(Buffer.from(SECRET).toString('base64')).toString('base64')).toString('hex');
  const token = `ghp_${'canaryCANARY'.repeat(3)}`;
  const { redactions, signs } = sweepStreams(
    SWEEPER,
    [Buffer.from(`${spaced}\n${spaced}\n${twice}\n${token}`), Buffer.from(`${spaced}\n${token}\n${token}.`)],
    [[], []],
  );
  assert.deepEqual(redactions, [
    { name: 'K', count: 3, forms: ['decoded', 'scattered'] },
    { name: 'pattern/github', count: 1, forms: ['pattern'] },
    { name: 'K', count: 1, forms: ['scattered'] },
    { name: 'pattern/github', count: 2, forms: ['pattern'] },
  ]);
  assert.deepEqual(signs, { scattered: 3, decoded: 1, shapes: 3, isComplete: true });
});

test('of a secret of odd length in turn one stream has a letter more', () => {
  const odd = `${SECRET}8`;
  const sources = [{ name: 'K', value: Buffer.from(odd) }];
  const sweeper = new Sweeper(sources, NeedleSet.compile(sources));
  const nth = (k: number): Buffer => Buffer.from([...odd].filter((_, at) => at % 2 === k).join(''));
  for (const texts of [[nth(0), nth(1)] as const, [nth(1), nth(0)] as const]) {
    assert.deepEqual(sweepStreams(sweeper, texts, [[], []]).texts.map(String), ['[REDACTED:K]', '[REDACTED:K]']);
  }
});

test('when one was too much to look at, it is not both', () => {
  const [much, little] = [Buffer.from('1f8b0800'.repeat(1_100)), Buffer.from('x')];
  assert.equal(sweepStreams(SWEEPER, [much, little], [[], []]).signs.isComplete, false);
  assert.equal(sweepStreams(SWEEPER, [little, much], [[], []]).signs.isComplete, false);
});

test('what was known before is cut from the stream it is on', () => {
  const known = (start: number, end: number): Find => ({ span: [start, end], kind: 'plain', name: 'K', form: 'raw' });
  const { texts } = sweepStreams(
    SWEEPER,
    [Buffer.from('0123456789'), Buffer.from('abcdefghij')],
    [[known(1, 3)], [known(4, 6), known(8, 9)]],
  );
  assert.deepEqual(texts.map(String), ['0[REDACTED:K]3456789', 'abcd[REDACTED:K]gh[REDACTED:K]j']);
});

describe('of a secret on both streams', () => {
  const laid = (text: string, streams: string, places: readonly number[]): Laid => ({
    bytes: Buffer.from(text),
    streams: Uint8Array.from(streams, Number),
    places: Uint32Array.from(places),
  });
  const parts = (it: Laid): [number, number, string][][] =>
    crossingsIn(SWEEPER, it).map((own) => {
      const all = own.map(({ find: { span }, bytes }): [number, number, string] => [...span, bytes.toString()]);
      return [...new Map(all.map((part) => [part.join(), part])).values()].toSorted(([a], [b]) => a - b);
    });
  const text = `...${SECRET}..`;

  test('each has its own part, at its place', () => {
    const streams = `${'0'.repeat(8)}${'1'.repeat(11)}`;
    const places = Array.from(text, (_, k) => (k < 8 ? 100 + k : k - 8));
    const [out, err] = parts(laid(text, streams, places));
    assert.deepEqual(out, [[103, 108, 'canar']]);
    assert.deepEqual(err, [[0, 9, 'y7Qm2x9Lw']]);
  });

  test('a part with a gap is two', () => {
    const gapped = '..cana--ry7Qm2x9Lw..';
    const streams = `${'0'.repeat(6)}22${'0'.repeat(3)}${'1'.repeat(9)}`;
    const places = Array.from(gapped, (_, k) => (k < 11 ? k : k - 11));
    const [out, err] = parts(laid(gapped, streams, places));
    assert.deepEqual(out, [
      [2, 6, 'cana'],
      [8, 11, 'ry7'],
    ]);
    assert.deepEqual(err, [[0, 7, 'Qm2x9Lw']]);
  });

  test('every find says how it was found', () => {
    const streams = `${'1'.repeat(8)}${'0'.repeat(11)}`;
    const crossings = crossingsIn(
      SWEEPER,
      laid(
        text,
        streams,
        Array.from(text, (_, k) => k),
      ),
    );
    for (const { find } of crossings.flat()) {
      assert.deepEqual([find.name, find.kind, find.form], ['K', 'scattered', 'scattered']);
    }
    assert.ok(crossings[0].length > 0 && crossings[1].length > 0);
  });
});
