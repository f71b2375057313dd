import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { childBaseEnvironment, childEnvironment } from '../../src/delivery/environment.ts';
import { FrameReader } from '../../src/delivery/frames.ts';
import {
  JOB_BYTES_MAX,
  decodeOrder,
  decodeReport,
  encodeJob,
  encodeKill,
  encodeReport,
} from '../../src/delivery/job.ts';
import { NO_SIGNS } from '../../src/core/suspicion.ts';
import type { Order, OrderHeader, ReportHeader, RunEnded } from '../../src/delivery/job.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { makeJob } from './jobs.ts';

test('orders arrive as they were sent, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[A-Z]{1,8}$/), fc.string(), { maxKeys: 4 }),
      fc.option(fc.uint8Array()),
      fc.integer({ min: 1, max: 500 }),
      (values, input, step) => {
        const job = makeJob({ argv: ['/bin/true', 'ü'], values, stdin: input === null ? null : Buffer.from(input) });
        const bytes = Buffer.concat([encodeJob(job), encodeKill(), encodeJob(job)]);
        const reader = new FrameReader<OrderHeader>(JOB_BYTES_MAX);
        const orders: Order[] = [];
        for (let at = 0; at < bytes.length; at += step) {
          orders.push(...reader.push(bytes.subarray(at, at + step)).map((frame) => decodeOrder(frame)));
        }
        assert.deepEqual(orders, [{ kind: 'job', job }, { kind: 'kill' }, { kind: 'job', job }]);
        assert.ok(
          bytes.every((byte) => byte === 0),
          'what was read is wiped',
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('reports arrive as they were sent', () => {
  const [stdout, stderr] = [Buffer.from([0, 255, 10]), Buffer.alloc(0)];
  const facts = { why: 'exited', exitCode: 0, signal: null, timedOut: false, durationMs: 3, truncated: false } as const;
  const ended: RunEnded = {
    kind: 'ended',
    ...facts,
    stdout,
    stderr,
    stdoutLines: 1,
    stderrLines: 0,
    redactions: [],
    unmaskable: [],
    signs: NO_SIGNS,
    isSearched: true,
  };
  const started = { kind: 'started', pid: 7, startedAt: '123' } as const;
  const reader = new FrameReader<ReportHeader>(1000);
  const frames = reader.push(
    Buffer.concat([encodeReport({ kind: 'ready' }), encodeReport(started), encodeReport(ended)]),
  );
  assert.deepEqual(
    frames.map((frame) => decodeReport(frame)),
    [{ kind: 'ready' }, started, ended],
  );
});

test('no value and no key is in the part of a job that becomes text', () => {
  const canary = makeCanary();
  const job = makeJob({ argv: ['/bin/true'], values: { K: canary }, stdin: Buffer.from(canary) });
  const bytes = encodeJob(job);
  const header = bytes.subarray(8, 8 + bytes.readUInt32BE(0));
  assertNoCanary(header, [canary, ...job.variables.flatMap(({ key, sealed }) => [key, sealed])]);
});

test('I8: a frame that is too long or broken ends the conversation', () => {
  const tooLong = Buffer.alloc(8);
  tooLong.writeUInt32BE(2000, 4);
  for (const bytes of [
    tooLong,
    Buffer.alloc(8),
    Buffer.from('\0\0\0\x02\0\0\0\0{]'),
    Buffer.from('\0\0\0\x02\0\0\0\x01{}x'),
  ]) {
    assert.throws(() => new FrameReader(1000).push(bytes), { code: 'daemon/protocol' });
  }
});

test('of the user only the fixed list of variables reaches a child (E06)', () => {
  const user = {
    HOME: '/h',
    PATH: '/bin',
    LANG: 'C',
    LC_ALL: 'C',
    LC_x: 'no',
    TZ: undefined,
    AWS_SECRET_ACCESS_KEY: 'x',
    LD_PRELOAD: 'x',
    NODE_OPTIONS: 'x',
  };
  const base = childBaseEnvironment(user);
  assert.deepEqual({ ...base }, { HOME: '/h', PATH: '/bin', LANG: 'C', LC_ALL: 'C' });
  assert.equal(Object.getPrototypeOf(base), null);
});

test('a value wins over what the agent set, and the marker over everything', () => {
  const values = [{ name: 'A', value: Buffer.from('value') }];
  const environment = childEnvironment(
    { A: 'base', B: 'base' },
    { A: 'delta', KEYSTILE_RUN: 'forged' },
    values,
    'run_1',
  );
  assert.deepEqual({ ...environment }, { A: 'value', B: 'base', KEYSTILE_RUN: 'run_1' });
  assert.equal(Object.getPrototypeOf(environment), null);
});
