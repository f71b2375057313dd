// How far the second look looks: over markers, through encodings, for how long; and what it says.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import * as zlib from 'node:zlib';

import { NeedleSet } from '../../../src/core/redactor/needles.ts';
import type { Find } from '../../../src/core/sweep/cut.ts';
import { NOTHING_SEEN } from '../../../src/core/sweep/signs.ts';
import { Sweeper } from '../../../src/core/sweep/sweep.ts';

function sweeperFor(values: Readonly<Record<string, string>>): Sweeper {
  const sources = Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) }));
  return new Sweeper(sources, NeedleSet.compile(sources));
}

const VALUE = 'canary-7Qm2x9L';
const SWEEPER = sweeperFor({ K: VALUE });
const [HEAD, TAIL] = ['canary-', '7Qm2x9L'];
const swept = (text: string, sweeper = SWEEPER): string => sweeper.sweep(Buffer.from(text)).text.toString();

describe('a secret around', () => {
  for (const marker of [
    '[REDACTED:K]',
    '<REDACTED:K>',
    '{REDACTED:K}',
    '(REDACTED:K)',
    '[REDACTED:K,K]',
    '[REDACTED:K,+3]',
    '[REDACTED:K,+12]',
    '[REDACTED:pattern/github]',
    '[REDACTED:pattern/private-key,K]',
  ]) {
    test(`the marker ${marker} is cut with it`, () => {
      assert.equal(swept(`a ${HEAD}${marker}${TAIL} b`), 'a [REDACTED:K] b');
    });
  }

  for (const text of [
    '[REDACTED:L]',
    '[REDACTED:K,L]',
    '[REDACTED:K,+]',
    '[REDACTED:K,+3x]',
    '[REDACTED:x+3]',
    '[REDACTED:pattern/]',
    '[REDACTED:pattern/X]',
    '[REDACTED:xpattern/x]',
    '[REDACTED:pattern/x1]',
    '[REDACTED K]',
    '[REDACTEDxK]',
    '[xEDACTED:K]',
    `[REDACTED:${Array.from({ length: 600 }, () => 'K').join(',')},K]`,
  ]) {
    test(`${text.slice(0, 30)} is a secret no more, for that is no marker of ours`, () => {
      const whole = `a ${HEAD}${text}${TAIL} b`;
      assert.equal(swept(whole), whole);
    });
  }

  test('a marker of 1,200 bytes between its brackets is cut with it', () => {
    const marker = `[REDACTED:${Array.from({ length: 600 }, () => 'K').join(',')}]`;
    assert.equal(swept(`a ${HEAD}${marker}${TAIL} b`), 'a [REDACTED:K] b');
  });
});

describe('what a terminal shows, and what it may not be one that shows:', () => {
  for (const [what, text, expected] of [
    ['a sequence between letters', 'a canary-7Q\x1b[31mm2x9L b', 'a [REDACTED:K] b'],
    ['a sequence that ends with a letter of it', 'a canary-7Q\x1b[31m2x9L b', 'a [REDACTED:K] b'],
    ['brackets beside a sequence', '[a] canary-7Q\x1b[31mm2x9L (b)', '[a] [REDACTED:K] (b)'],
    ['the start of a marker at the end', 'a \x1b[1mcanary-[REDACTED:K', 'a \x1b[1mcanary-[REDACTED:K'],
    ['numbers before lines', '1 canary\n2 7Qm\n3 2x9\n4 L b', '1 [REDACTED:K] b'],
    ['two lines with numbers are none', 'canary\n2 7Qm\n3 2x9L b', 'canary\n2 7Qm\n3 2x9L b'],
  ] as const) {
    test(what, () => {
      assert.equal(swept(text), expected);
    });
  }
});

test('words and digits alone are a secret when every second of their letters stands apart', () => {
  const sweeper = sweeperFor({ K: 'adminpassword' });
  for (const [text, expected] of [
    ['a-d-m-i-n-p-assword', 'a-d-m-i-n-p-assword'],
    ['a-d-m-i-n-p-a-ssword', '[REDACTED:K]'],
    ['admin-password', 'admin-password'],
    ['adminp-a-s-s-w-o-r-d', '[REDACTED:K]'],
    ['x--adminp-a-s-s-w-o-rd--y', 'x--adminp-a-s-s-w-o-rd--y'],
  ] as const) {
    assert.equal(swept(text, sweeper), expected);
  }
});

test('parts of an address are words that everybody knows, and its password is not', () => {
  const sweeper = sweeperFor({ DSN: 'postgres://canaryuser7:Qm2x9Lw4kT@db.canary.example:5432/main' });
  const innocent = 'postgres://canaryuser7\nhost db.canary.example:5432/main is down, canaryuser7@db.canary.example';
  assert.equal(swept(innocent, sweeper), innocent);
  assert.equal(swept('a Q m 2 x 9 L w 4 k T b', sweeper), 'a [REDACTED:DSN] b');
});

describe('encoded in itself', () => {
  const hex = (text: string, times: number): string =>
    times === 0 ? text : hex(Buffer.from(text).toString('hex'), times - 1);
  const gzip = (text: string, times: number): string =>
    times === 0 ? text : gzip(zlib.gzipSync(Buffer.from(text)).toString('base64'), times - 1);

  test('three times and in a form that is known it is found, once more it is not', () => {
    assert.equal(swept(`a ${hex(VALUE, 4)} b`), 'a [REDACTED:K] b');
    const far = `a ${hex(VALUE, 5)} b`;
    assert.equal(swept(far), far);
  });

  test('packed it is found, and packed again', () => {
    assert.equal(swept(`a ${gzip(VALUE, 1)} b`), 'a [REDACTED:K] b');
    assert.equal(swept(`a ${gzip(hex(VALUE, 2), 1)} b`), 'a [REDACTED:K] b');
    assert.equal(swept(`a ${gzip(VALUE, 2)} b`), 'a [REDACTED:K] b');
  });

  test('gzip as it is, too, behind text', () => {
    const packed = zlib.gzipSync(`${VALUE} and more`);
    const { text } = SWEEPER.sweep(Buffer.concat([Buffer.from('a '), packed]));
    assert.ok(text.toString('latin1').startsWith('a [REDACTED:K]'));
  });
});

describe('a text in which cutting makes secrets of what is left', () => {
  const nested = (depth: number): string => (depth === 0 ? VALUE : HEAD + nested(depth - 1) + TAIL);

  test('is cut again, up to fifteen times', () => {
    assert.equal(swept(`a ${nested(14)} b`), 'a [REDACTED:K] b');
  });

  test('is not shown when that does not end', () => {
    assert.throws(() => swept(`a ${nested(15)} b`), {
      code: 'internal/error',
      message: 'output holds secrets in secrets',
    });
  });
});

describe('what is said', () => {
  test('of a text without a secret is nothing, and it is the same text', () => {
    const text = Buffer.from('nothing in here');
    const answer = SWEEPER.sweep(text);
    assert.equal(answer.text, text);
    assert.deepEqual(answer.signs, NOTHING_SEEN);
    assert.deepEqual(answer.signs, { scattered: 0, decoded: 0, shapes: 0, isComplete: true });
    assert.deepEqual(answer.redactions, []);
  });

  test('I8: of one in which too much may be packed is that it was not all', () => {
    const gzips = (count: number): Buffer => Buffer.from('1f8b0800'.repeat(count));
    assert.equal(SWEEPER.sweep(gzips(100)).signs.isComplete, true);
    assert.equal(SWEEPER.sweep(gzips(1_100)).signs.isComplete, false);
  });

  test('of what was known before is what is known', () => {
    const known: Find = { span: [2, 5], kind: 'scattered', name: 'K', form: 'scattered' };
    const answer = SWEEPER.sweep(Buffer.from('0123456789'), [known]);
    assert.equal(answer.text.toString(), '01[REDACTED:K]56789');
    assert.deepEqual(answer.redactions, [{ name: 'K', count: 1, forms: ['scattered'] }]);
    assert.equal(answer.signs.scattered, 1);
  });
});

test('what is found without cutting is the plain and the scattered, not what must be decoded', () => {
  const text = `${VALUE} ${VALUE.split('').join(' ')} ${Buffer.from(Buffer.from(VALUE).toString('hex')).toString('hex')}`;
  const finds = SWEEPER.findsIn(Buffer.from(text));
  const spans = new Set(finds.map(({ span: [start, end], kind, form }) => `${start}-${end} ${kind} ${form}`));
  assert.deepEqual([...spans].toSorted(), ['0-14 plain raw', '0-14 scattered scattered', '15-42 scattered scattered']);
});
