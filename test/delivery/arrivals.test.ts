// The order in which two streams come in: what is kept of it, and that a secret in it is found.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NeedleSet, Redactor } from '../../src/core/redactor/redactor.ts';
import { Arrivals } from '../../src/delivery/arrivals.ts';
import { Output, KEPT_BYTES_MAX } from '../../src/delivery/output.ts';
import { SecondLook } from '../../src/delivery/second-look.ts';
import type { SweptStreams } from '../../src/core/sweep/streams.ts';

const SECRET = 'sk_live_canary7Qm2x9Lw4kT';
const REACH = 1024;

test('whatever comes, each kept byte is the one of its stream at its place, and no change is without both its sides', () => {
  const chunk = fc.record({
    stream: fc.constantFrom<0 | 1>(0, 1),
    length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3_000 })),
  });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
      const arrivals = new Arrivals();
      const written: [number[], number[]] = [[], []];
      const order: [0 | 1, number][] = [];
      for (const [k, { stream, length }] of chunks.entries()) {
        const bytes = Buffer.from(Uint8Array.from({ length }, (_, at) => (k * 31 + at * 7) % 251));
        for (const byte of bytes) order.push([stream, written[stream].push(byte) - 1]);
        arrivals.push(stream, bytes);
        bytes.fill(0);
      }
      const laid = arrivals.laid();
      assert.equal(
        laid === null,
        written.some((bytes) => bytes.length === 0),
      );
      if (laid === null) return;
      const kept = new Set<string>();
      for (const [k, byte] of laid.bytes.entries()) {
        const stream: number | undefined = laid.streams[k];
        if (stream === 2) continue;
        assert.equal(byte, written[stream === 0 ? 0 : 1][laid.places[k] ?? 0]);
        kept.add(`${stream} ${laid.places[k]!}`);
      }
      for (let k = 1; k < order.length; k += 1) {
        if (order[k]![0] === order[k - 1]![0]) continue;
        for (const [stream, place] of [...order.slice(Math.max(0, k - REACH), k), ...order.slice(k, k + REACH)]) {
          assert.ok(kept.has(`${stream} ${place}`));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('I8: of a program that changes between its streams without end a part is kept, and it says so', () => {
  const arrivals = new Arrivals();
  for (let k = 0; k < 1_000_000; k += 1) arrivals.push(k % 2 === 0 ? 0 : 1, Buffer.from('x'));
  assert.equal(arrivals.isComplete, false);
  assert.ok((arrivals.laid()?.bytes.length ?? 0) <= 512 * 1024);
});

/** What is given back of chunks of both streams, in this order. */
function given(chunks: readonly (readonly [0 | 1, string | Buffer])[]): SweptStreams {
  const sources = [{ name: 'KEY', value: Buffer.from(SECRET) }];
  const needles = NeedleSet.compile(sources);
  const look = new SecondLook();
  look.learn(sources, needles);
  const masks = [new Redactor(needles), new Redactor(needles)] as const;
  const outputs = masks.map((mask, k) => new Output(mask, (chunk) => look.arrivals.push(k === 0 ? 0 : 1, chunk)));
  for (const [stream, text] of chunks) outputs[stream]?.push(Buffer.from(text));
  for (const output of outputs) output.end();
  const streams = outputs.map((output, k) => ({ output, isMasked: (masks[k]?.redactions.length ?? 0) > 0 }));
  return look.at([streams[0]!, streams[1]!]);
}

test('letters of a secret on both streams, a few in each write, are cut from both', () => {
  for (const width of [1, 2, 5]) {
    const pieces = SECRET.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
    const chunks = pieces.map((piece, k) => [k % 2 === 0 ? 0 : 1, piece] as const);
    const { texts, redactions, signs } = given([
      [0, 'one\n'],
      [1, 'two and more\n'],
      ...chunks,
      [0, '\nend'],
      [1, '\nend'],
    ]);
    for (const text of texts) assert.match(text.toString(), /^(one|two and more)\n(\[REDACTED:KEY\])+\nend$/);
    assert.ok(redactions.every(({ name }) => name === 'KEY'));
    assert.ok(signs.scattered >= 2);
  }
});

test('with line feeds between them, too', () => {
  const chunks = [...SECRET].map((letter, k) => [k % 3 === 0 ? 0 : 1, `${letter}\n`] as const);
  const letters = given([[1, 'begin\n'], ...chunks]).texts.map((text) =>
    text
      .toString()
      .replaceAll(/\[REDACTED:KEY\]/g, '')
      .replaceAll(/\s/g, ''),
  );
  assert.deepEqual(letters, ['', 'begin']);
});

test('where something was masked or left out before, what the parts say is sought', () => {
  const chunks = [...SECRET].map((letter, k) => [k % 2 === 0 ? 0 : 1, letter] as const);
  for (const before of [SECRET, Buffer.alloc(KEPT_BYTES_MAX + 9, 'm')]) {
    const { texts } = given([[0, before], [1, 'x\n'], [0, '\n'], ...chunks, [0, ' end'], [1, ' end']]);
    assert.match(texts[0].toString(), /\n(\[REDACTED:KEY\])+ end$/);
    assert.match(texts[1].toString(), /^x\n(\[REDACTED:KEY\])+ end$/);
  }
});

test('where a part is too short to be sought, nothing of either stream is given back', () => {
  const { texts, signs } = given([
    [0, SECRET],
    [1, 'x'],
    [0, `\n${SECRET.slice(0, 2)}`],
    [1, SECRET.slice(2)],
  ]);
  for (const text of texts) assert.match(text.toString(), /^\[output withheld: [^\n]+\]\n$/);
  assert.equal(signs.isComplete, false);
});

test('I3: without having learned what to look for, it gives nothing back', () => {
  const output = new Output({ push: (chunk) => chunk, end: () => Buffer.alloc(0) });
  output.push(Buffer.from('some text'));
  const stream = { output, isMasked: false };
  const empty = { output: new Output({ push: (chunk) => chunk, end: () => Buffer.alloc(0) }), isMasked: false };
  const { texts } = new SecondLook().at([stream, empty]);
  assert.match(texts[0].toString(), /^\[output withheld/);
  assert.equal(texts[1].length, 0);
});

test('two streams without a secret come back as they are', () => {
  const { texts, redactions, signs } = given([
    [0, 'out\n'],
    [1, 'err\n'],
    [0, 'out 2\n'],
  ]);
  assert.deepEqual(texts.map(String), ['out\nout 2\n', 'err\n']);
  assert.deepEqual([redactions, signs.isComplete], [[], true]);
});
