import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { Failure } from '../../src/core/failure.ts';
import { Log } from '../../src/machine/log.ts';

const CANARY = 'canary Lq3 value';
let folder = '';
let path = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-log-'));
  path = join(folder, 'keystile.log');
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const lines = (): Record<string, unknown>[] =>
  fs
    .readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

void test('a line says when, how bad and what, in a file of our own', () => {
  const log = new Log(path, () => new Date(0));
  log.write('info', 'started', { pid: 7, version: '0.1.0' });
  assert.deepEqual(lines(), [
    { at: '1970-01-01T00:00:00.000Z', level: 'info', event: 'started', version: '0.1.0', pid: 7 },
  ]);
  assert.equal(fs.statSync(path).mode & 0o777, 0o600);
});

void test('text from outside does not get in, whatever is thrown', () => {
  const log = new Log(path);
  const inner = Object.assign(new Error(CANARY), { code: 'EACCES', path: CANARY });
  log.write('error', CANARY, { code: CANARY, where: `${CANARY}\n`, extra: CANARY } as object);
  log.failure('sweep', new Failure('machine/io', CANARY, { cause: inner }));
  log.failure('sweep', new Error(`${CANARY}\n    at ${CANARY}:1:1\n    at canary:1:1`));
  log.failure('sweep', Object.assign(new Error(CANARY), { name: CANARY }));
  log.failure('sweep', CANARY);
  log.failure('sweep', { toString: () => CANARY });
  assert.ok(!/canary/.test(fs.readFileSync(path, 'utf8')));
  const [, failure] = lines();
  assert.deepEqual([failure?.['code'], failure?.['cause']], ['machine/io', 'EACCES']);
  assert.match(String(failure?.['where']), /log\.test\.ts:\d+:\d+/);
});

void test('I8: past 1 MiB the log begins again and one old one is kept', () => {
  const log = new Log(path);
  fs.writeFileSync(path, 'x'.repeat(1024 * 1024), { mode: 0o600 });
  fs.writeFileSync(`${path}.1`, 'older');
  log.write('info', 'last');
  log.write('info', 'first');
  assert.deepEqual(
    lines().map((line) => line['event']),
    ['first'],
  );
  assert.ok(fs.statSync(`${path}.1`).size > 1024 * 1024);
  assert.deepEqual(fs.readdirSync(folder).toSorted(), ['keystile.log', 'keystile.log.1']);
});

void test('a log that cannot be written stops nothing', () => {
  new Log('/proc/nowhere/keystile.log').write('info', 'x');
  fs.symlinkSync('/dev/full', path);
  new Log(path).failure('x', new Error('y'));
});
