import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { isLeaseWhole, leaseBreakMs, onLeaseBroken, releaseLease, takeLease } from '../../src/machine/file-lease.ts';
import { eventually } from '../house.ts';

let folder = '';
let path = '';
let fd = -1;

beforeEach(() => {
  folder = fs.mkdtempSync('/dev/shm/keystile-test-');
  path = join(folder, 'leased');
  fd = fs.openSync(path, 'wx+', 0o600);
});

afterEach(() => {
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
});

void test('who opens a leased file waits until it is let in, and the holder hears of it', async () => {
  let heard = 0;
  const stop = onLeaseBroken(() => (heard += 1));
  assert.equal(takeLease(fd), true);
  assert.equal(isLeaseWhole(fd), true);
  const child = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let read = '';
  child.stdout.on('data', (chunk: Buffer) => (read += chunk.toString()));
  const over = new Promise((resolve) => child.once('close', resolve));
  await eventually(() => (heard > 0 ? true : undefined), 'the signal');
  assert.equal(isLeaseWhole(fd), false);
  fs.writeSync(fd, 'late');
  assert.equal(releaseLease(fd), true);
  await over;
  assert.equal(read, 'late');
  stop();
});

void test('a lease is given only for a file that nobody else has open', async () => {
  const child = spawn('sh', ['-c', 'exec 5< "$1"; echo open; read line', 'sh', path], { stdio: 'pipe' });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.equal(takeLease(fd), false);
  child.stdin.end();
  await eventually(() => (takeLease(fd) ? true : undefined), 'the other one to close it');
});

void test('to release what is not leased says so', () => {
  assert.equal(isLeaseWhole(fd), false);
  assert.equal(releaseLease(fd), false);
});

void test('what cannot be leased is refused with a code', () => {
  const other = fs.openSync('/dev/null', 'r');
  assert.throws(() => takeLease(other), { code: 'machine/unsupported' });
  fs.closeSync(other);
});

void test('looking at a leased file does not break it, and not waiting for it fails at once', () => {
  assert.equal(takeLease(fd), true);
  assert.equal(fs.statSync(path).size, 0);
  assert.equal(isLeaseWhole(fd), true);
  const code = `require('fs').openSync(process.argv[1], require('fs').constants.O_NONBLOCK)`;
  const { stderr } = spawnSync(process.execPath, ['-e', code, path], { encoding: 'utf8' });
  assert.match(stderr, /EAGAIN/);
  assert.equal(isLeaseWhole(fd), false);
});

void test('the patience of the kernel is what the system says', () => {
  const seconds = Number(fs.readFileSync('/proc/sys/fs/lease-break-time', 'latin1'));
  assert.equal(leaseBreakMs(), seconds === 0 ? null : seconds * 1_000);
});
