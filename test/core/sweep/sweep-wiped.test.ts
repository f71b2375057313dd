// Of a secret that was decoded, turned round or laid together to be found, nothing is left in memory.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { NeedleSet } from '../../../src/core/redactor/needles.ts';
import { sweepStreams } from '../../../src/core/sweep/streams.ts';
import { Sweeper } from '../../../src/core/sweep/sweep.ts';

const VALUE = 'canary-7Qm2x9Lw';
const SOURCES = [{ name: 'K', value: Buffer.from(VALUE) }];
const SWEEPER = new Sweeper(SOURCES, NeedleSet.compile(SOURCES));
/** As it is and normalised, and parts of both. */
const LEFT = [VALUE, VALUE.toLowerCase(), 'canary7qm2x9lw', 'canary', 'Qm2x9Lw', 'qm2x9lw'];

/** Every buffer that is made on the way. */
function madeBy(work: () => void): Buffer[] {
  // oxlint-disable-next-line typescript/unbound-method -- they do not ask what they are called on
  const { alloc, allocUnsafe, concat, from } = Buffer;
  const buffers: Buffer[] = [];
  const kept = (buffer: Buffer): Buffer => {
    buffers.push(buffer);
    return buffer;
  };
  Object.assign(Buffer, {
    alloc: (size: number, fill = 0) => kept(alloc(size, fill)),
    // What is in memory already is of other tests.
    allocUnsafe: (size: number) => kept(alloc(size)),
    concat: (parts: readonly Uint8Array[]) => kept(concat(parts)),
    from: (...args: Parameters<typeof from>) => kept(from(...args)),
  });
  try {
    work();
  } finally {
    Object.assign(Buffer, { alloc, allocUnsafe, concat, from });
  }
  return buffers;
}

function assertNothingLeft(work: () => void): void {
  const made = madeBy(work);
  assert.ok(made.length > 0);
  for (const buffer of made) for (const part of LEFT) assert.ok(!buffer.includes(part), part);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('nothing is left of a secret that was', () => {
  for (const [what, text] of [
    ['normalised', VALUE.split('').join(' ')],
    ['normalised on a terminal and beside one', VALUE.split('').join('\x1b[1m ')],
    [
      'normalised in numbered lines',
      VALUE.split('')
        .map((letter, k) => `${k} ${letter}`)
        .join('\n'),
    ],
    ['backwards', VALUE.split('').toReversed().join('')],
    ['between other letters', VALUE.split('').join('z')],
    ['encoded twice', base64(base64(VALUE))],
    ['encoded with text around it', base64(`the key is ${base64(`it is ${VALUE}, is it not`)}, and no other`)],
    ['written as numbers', [...Buffer.from(VALUE)].join(', ')],
    ['escaped', `a${[...Buffer.from(VALUE)].map((byte) => `%${byte.toString(16)}`).join('')}b`],
    ['escaped in lines', `a${[...Buffer.from(VALUE)].map((byte) => `=${byte.toString(16)}`).join('=\n')}b`],
  ] as const) {
    test(what, () => {
      const bytes = Buffer.from(text);
      assertNothingLeft(() => assert.match(SWEEPER.sweep(bytes).text.toString(), /\[REDACTED:K\]/));
    });
  }

  test('on two streams', () => {
    const texts = [Buffer.from(`a ${VALUE.slice(0, 7)}`), Buffer.from(VALUE.slice(7))] as const;
    const sweep = (): string => String(sweepStreams(SWEEPER, texts, [[], []]).texts[0]);
    assertNothingLeft(() => assert.match(sweep(), /\[REDACTED:K\]/));
  });
});
