import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { Worker } from 'node:worker_threads';
import { mountFuse, unmountFuse, whyNoFuse } from '../../src/machine/fuse-device.ts';
import { FuseRequests, isOwnThread, processOfThread } from '../../src/machine/fuse-requests.ts';
import { makePipe } from '../../src/machine/native.ts';
import { processEntry } from '../../src/machine/processes.ts';

const skip = whyNoFuse() ?? false;
let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile fuse \\ é '));
});

afterEach(async () => {
  assert.equal(await unmountFuse(folder), true);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** The lines of mountinfo for one place, of which others may have mounts of ours too. */
function mountsAt(place: string): string[] {
  const escaped = place.replaceAll('\\', '\\134').replaceAll(' ', '\\040');
  const lines = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.filter((line) => line.includes(` ${escaped} `));
}

void test('a folder becomes a file system, and its device asks to begin', { skip }, async () => {
  const device = await mountFuse(folder);
  const { readFd, writeFd } = makePipe();
  const request = new FuseRequests(device, readFd).next();
  assert.equal(request?.readUInt32LE(4), 26, 'INIT');
  assert.equal(mountsAt(folder).length, 1);
  // Not inherited (02000000), not blocking (04000), read and write (02).
  assert.match(fs.readFileSync(`/proc/self/fdinfo/${device}`, 'latin1'), /flags:\s+02\d*4002\n/);
  fs.closeSync(writeFd);
  assert.equal(new FuseRequests(device, readFd).next(), null, 'the pipe ends the reading');
  fs.closeSync(readFd);
  fs.closeSync(device);
});

void test('others see a mount for one user that runs nothing', { skip }, async () => {
  const device = await mountFuse(folder);
  const [line = ''] = mountsAt(folder);
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) assert.match(line, new RegExp(` \\S*\\b${option}\\b`));
  assert.doesNotMatch(line, /allow_other/);
  fs.closeSync(device);
});

void test('a mount whose device is closed is dead, and is taken away', { skip }, async () => {
  fs.closeSync(await mountFuse(folder));
  assert.throws(() => fs.statSync(folder), { code: 'ENOTCONN' });
  assert.equal(await unmountFuse(folder), true);
  assert.equal(fs.statSync(folder).isDirectory(), true);
  assert.deepEqual(mountsAt(folder), []);
});

void test('a mount that nobody answers for is taken away without a look inside', { skip }, async () => {
  const device = await mountFuse(folder);
  assert.equal(await unmountFuse(folder), true);
  assert.deepEqual(mountsAt(folder), []);
  fs.closeSync(device);
});

void test('taking away what is not there does nothing', { skip }, async () => {
  assert.equal(await unmountFuse(folder), true);
  assert.equal(await unmountFuse(join(folder, 'missing', 'too')), true);
});

void test('what cannot be mounted on is refused with the words of the helper', { skip }, async () => {
  await assert.rejects(mountFuse(join(folder, 'missing')), { code: 'mount/unsupported', message: /missing/ });
});

void test('I7: a thread is known by its process, and number 0 by none', async () => {
  assert.equal(processOfThread(0), null);
  assert.equal(processOfThread(-1), null);
  assert.equal(processOfThread(0x3f_ff_ff), null);
  const own = { pid: process.pid, startedAt: processEntry(process.pid)?.startedAt };
  assert.deepEqual(processOfThread(process.pid), own);
  const code = `require('node:worker_threads').parentPort.once('message', () => process.exit())`;
  const before = new Set(fs.readdirSync('/proc/self/task'));
  const worker = new Worker(code, { eval: true });
  await new Promise((online) => worker.once('online', online));
  const tid = fs.readdirSync('/proc/self/task').find((name) => !before.has(name));
  assert.ok(tid !== undefined);
  assert.deepEqual(processOfThread(Number(tid)), own);
  assert.equal(isOwnThread(Number(tid)), true);
  assert.equal(isOwnThread(1), process.pid === 1);
  await worker.terminate();
});
