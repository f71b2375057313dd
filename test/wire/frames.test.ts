import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameReader, REQUEST_LIMITS, type Frame } from '../../src/wire/frames.ts';
import { CANARY, frameOf } from './daemon.ts';

const refused = { code: 'daemon/protocol' };
const { agent, control } = REQUEST_LIMITS;

function readAll(chunks: Buffer[], limits = control): Frame[] {
  const reader = new FrameReader(limits);
  return chunks.flatMap((chunk) => [...reader.push(Buffer.from(chunk))]);
}

/** `bytes` cut at the given places, in any order. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const plain = { noNullPrototype: true };
const message = fc.record({ id: fc.nat(), text: fc.string({ unit: 'grapheme', maxLength: 40 }) }, plain);
const parts = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 });
const messages = fc.array(fc.record({ message, parts }, plain), { maxLength: 5 });

void test('messages and parts come back the same under any chunking', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(5_000), { maxLength: 30 }), (sent, places) => {
      const bytes = Buffer.concat(sent.map(({ message, parts }) => encodeFrame(message, parts)));
      const frames = readAll(cut(bytes, places));
      assert.deepEqual(
        frames.map(({ message, parts }) => ({ message, parts: parts.map((part) => new Uint8Array(part)) })),
        sent,
      );
    }),
  );
});

void test('S09: byte by byte, and two frames in one write', () => {
  const bytes = Buffer.concat([encodeFrame({ id: 1 }, [Buffer.from('one')]), encodeFrame({ id: 2 })]);
  const oneByOne = readAll([...bytes].map((byte) => Buffer.from([byte])));
  const atOnce = readAll([bytes]);
  assert.deepEqual(oneByOne, atOnce);
  assert.deepEqual(
    atOnce.map(({ message }) => message),
    [{ id: 1 }, { id: 2 }],
  );
  assert.equal(atOnce[0]?.parts[0]?.toString(), 'one');
});

void test('a large frame in small chunks takes time in proportion to its size', () => {
  const bytes = encodeFrame({ id: 1 }, [Buffer.alloc(8 * 1024 * 1024, 1)]);
  const reader = new FrameReader(control);
  let frames = 0;
  // With a copy of all that came before at every chunk this would move 500 GiB.
  for (let at = 0; at < bytes.length; at += 64) {
    for (const frame of reader.push(Buffer.from(bytes.subarray(at, at + 64)))) frames += frame.parts.length;
  }
  assert.equal(frames, 1);
});

/** Numbers as u32be, one after another. */
function header(...numbers: number[]): Buffer {
  return Buffer.concat(numbers.map((n) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n])));
}

void test('S09: lengths that cannot be are refused before their bytes arrive', () => {
  const wrong = [
    header(0),
    header(3),
    header(4),
    header(64 * 1024 * 1024),
    header(0xffffffff),
    header(6, 0, 0),
    header(6, 3, 0),
    header(8, 0xffffffff, 0),
  ];
  for (const bytes of wrong) assert.throws(() => readAll([bytes]), refused, bytes.toString('hex'));
});

void test('what does not fill its frame exactly is refused', () => {
  const wrong = [
    frameOf('{}', Buffer.from('x')),
    frameOf('{"parts":[2]}', Buffer.from('x')),
    frameOf('{"parts":[0]}', Buffer.from('x')),
    frameOf('{"parts":[1,-1,1]}', Buffer.from('x')),
    frameOf('{"parts":[0.5,0.5]}', Buffer.from('x')),
    frameOf('{"parts":["1"]}', Buffer.from('x')),
    frameOf('{"parts":{"length":1}}', Buffer.from('x')),
    frameOf('{"parts":[9007199254740991,9007199254740991]}', Buffer.from('x')),
    frameOf('{"parts":[0,0,0,0,1]}', Buffer.from('x')),
    frameOf('{"parts":null}'),
    frameOf('[]'),
    frameOf('null'),
    frameOf('"text"'),
  ];
  for (const bytes of wrong) assert.throws(() => readAll([bytes]), refused, bytes.toString('latin1'));
});

void test('I4: the limits of the agent socket allow no part, sent or received, and 512 KiB', () => {
  assert.throws(() => readAll([encodeFrame({ id: 1 }, [Buffer.from(CANARY)])], agent), refused);
  assert.throws(() => readAll([encodeFrame({ id: 1, text: 'x'.repeat(512 * 1024) })], agent), refused);
  assert.throws(() => encodeFrame({ id: 1 }, [Buffer.from(CANARY)], agent), { code: 'input/too_large' });
  assert.throws(() => encodeFrame({ text: 'x'.repeat(512 * 1024) }, [], agent), { code: 'input/too_large' });
  assert.equal(readAll([encodeFrame({ id: 1, text: 'x'.repeat(500 * 1024) })], agent).length, 1);
});

void test('frames before a bad one are delivered, and none after it', () => {
  const reader = new FrameReader(control);
  const seen: unknown[] = [];
  const bytes = Buffer.concat([encodeFrame({ id: 1 }), frameOf('{'), encodeFrame({ id: 2 })]);
  assert.throws(() => {
    for (const { message } of reader.push(bytes)) seen.push(message);
  }, refused);
  assert.deepEqual(seen, [{ id: 1 }]);
  assert.throws(() => [...reader.push(encodeFrame({ id: 3 }))], refused);
});

void test('a chunk is wiped once it was read', () => {
  const chunk = encodeFrame({ id: 1 }, [Buffer.from(CANARY)]);
  const [frame] = new FrameReader(control).push(chunk);
  assert.equal(frame?.parts[0]?.toString(), CANARY);
  assert.ok(chunk.every((byte) => byte === 0));
});

void test('I8: random bytes are frames or a typed refusal, never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
      try {
        readAll(chunks.map((chunk) => Buffer.from(chunk)));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'daemon/protocol');
      }
    }),
    { numRuns: 1_000 },
  );
});
