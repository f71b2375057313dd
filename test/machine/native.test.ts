import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { lockExclusive, peerOf, pidfdIsAlive, pidfdOpen } from '../../src/machine/native.ts';

const OTHER_USER = 1001;
const isRoot = process.geteuid?.() === 0;
const nativeModule = new URL('../../src/machine/native.ts', import.meta.url).href;
let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-native-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  return Number(Reflect.get(Object(handle), 'fd'));
}

void test('I7: the kernel says who is at the other end, and its descriptor outlives nobody', async () => {
  const path = join(folder, 's');
  fs.chmodSync(folder, 0o755);
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<Socket>();
  server.once('connection', resolve);
  await new Promise<void>((ready) => server.listen(path, ready));
  fs.chmodSync(path, 0o666);
  const code = `require('net').connect(process.argv[1]).resume()`;
  const user = isRoot ? { uid: OTHER_USER, gid: OTHER_USER } : {};
  const client = spawn(process.execPath, ['-e', code, path], { ...user, cwd: '/', stdio: 'inherit' });
  const socket = await promise;
  const { pid, uid, pidfd } = peerOf(descriptorOf(socket));
  assert.equal(pid, client.pid);
  assert.equal(uid, isRoot ? OTHER_USER : process.geteuid?.());
  assert.ok(pidfd !== null);
  assert.equal(pidfdIsAlive(pidfd), true);
  const isOver = new Promise((done) => client.once('exit', done));
  client.kill('SIGKILL');
  await isOver;
  assert.equal(pidfdIsAlive(pidfd), false);
  fs.closeSync(pidfd);
  socket.destroy();
  server.close();
});

void test('a descriptor that is no socket is refused', () => {
  const file = fs.openSync('/dev/null', 'r');
  assert.throws(() => peerOf(file), /SO_PEERCRED|getpeereid/);
  fs.closeSync(file);
});

void test('a process that is not there has no descriptor', () => {
  assert.equal(pidfdOpen(0x3f_ff_ff), null);
  const own = pidfdOpen(process.pid);
  assert.ok(own !== null && pidfdIsAlive(own));
  fs.closeSync(own);
});

void test('a lock is held by one open file at a time, and ends with it', () => {
  const path = join(folder, 'lock');
  const first = fs.openSync(path, 'w');
  const second = fs.openSync(path, 'w');
  assert.equal(lockExclusive(first), true);
  assert.equal(lockExclusive(second), false);
  fs.closeSync(first);
  assert.equal(lockExclusive(second), true);
  fs.closeSync(second);
});

void test('a process closes itself and stays usable; what it executes next has default signals', () => {
  const code = `import(${JSON.stringify(nativeModule)}).then((native) => {
    const before = [native.isDumpable(), native.coreLimit() === 0n];
    native.setNonDumpable();
    native.limitCoreToZero();
    native.setChildSubreaper();
    native.restoreDefaultSignals();
    const after = [native.isDumpable(), native.coreLimit() === 0n];
    const fd = native.pidfdOpen(process.pid);
    console.log(JSON.stringify({ before, after, isAlive: native.pidfdIsAlive(fd) }));
    process.execve('/bin/grep', ['grep', 'SigIgn', '/proc/self/status'], {});
  })`;
  const user = isRoot ? { uid: OTHER_USER, gid: OTHER_USER } : {};
  const { stdout } = spawnSync(
    '/bin/sh',
    ['-c', 'ulimit -Hc 1 2>/dev/null; exec "$@"', 'sh', process.execPath, '-e', code],
    {
      ...user,
      encoding: 'utf8',
      cwd: '/',
    },
  );
  const [json = '', signals = ''] = stdout.split('\n');
  assert.deepEqual(JSON.parse(json), { before: [true, false], after: [false, true], isAlive: true });
  assert.match(signals, /SigIgn:\s+0+$/);
});

void test('nothing native is loaded before it is used', () => {
  const code = `import(${JSON.stringify(nativeModule)}).then(() =>
    console.log(require('fs').readFileSync('/proc/self/maps', 'latin1').includes('koffi')))`;
  assert.equal(spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' }).stdout, 'false\n');
});
