import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import {
  blockedOpeners,
  isProgramShown,
  leaseKey,
  parseLocks,
  readBlockedOpeners,
} from '../../src/machine/blocked-openers.ts';
import { holdersBelow } from '../../src/machine/file-holders.ts';
import { releaseLease, takeLease } from '../../src/machine/file-lease.ts';
import { Lookout } from '../../src/machine/lookout.ts';
import { eventually } from '../house.ts';

let folder = '';
let path = '';
let fd = -1;
let key = '';
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync('/dev/shm/keystile-test-');
  path = join(folder, 'leased');
  fd = fs.openSync(path, 'wx+', 0o600);
  key = leaseKey(fs.fstatSync(fd, { bigint: true }));
  assert.equal(takeLease(fd), true);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
});

function start(program: string, ...args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}

async function waiting(count: number): Promise<readonly number[]> {
  return await eventually(() => {
    const pids = blockedOpeners()
      .get(key)
      ?.map(({ pid }) => pid);
    return pids?.length === count ? pids : undefined;
  }, `${count} openers`);
}

void test('I7: a leased file that nobody opens is listed with nobody', () => {
  assert.deepEqual(blockedOpeners().get(key), []);
});

void test('I7: whoever waits in open() is known by its pid, however it names the file', async () => {
  fs.symlinkSync(path, join(folder, 'link'));
  const direct = start('cat', path);
  const linked = start('sh', '-c', 'cd "$1" && exec cat link', 'sh', folder);
  const pids = await waiting(2);
  assert.deepEqual(new Set(pids), new Set([direct.pid, linked.pid]));
  releaseLease(fd);
  await eventually(() => (blockedOpeners().has(key) ? undefined : true), 'the lease to go');
});

void test('who wants to write is told apart from who reads', async () => {
  start('cat', path);
  const writer = start('sh', '-c', 'exec cat > "$1"', 'sh', path);
  await waiting(2);
  const writers = blockedOpeners()
    .get(key)
    ?.filter(({ isWriting }) => isWriting);
  assert.deepEqual(writers, [{ pid: writer.pid, isWriting: true }]);
});

void test('who is killed while it waits is not listed any more', async () => {
  const child = start('cat', path);
  await waiting(1);
  child.kill('SIGKILL');
  await waiting(0);
});

void test('looks that are asked for at once are shared, and see what was there when they were asked for', async () => {
  const lookout = new Lookout(readBlockedOpeners);
  const early = lookout.look();
  start('cat', path);
  await waiting(1);
  const late = await Promise.all([lookout.look(), lookout.look(), lookout.look()]);
  await early;
  assert.ok(late.every((seen) => seen.get(key)?.length === 1));
  assert.equal(late[1], late[2]);
});

void test('processes that cannot be seen from here have no pid, and two leases are not mixed up', () => {
  const text = [
    '1: POSIX  ADVISORY  WRITE 811 00:19:1204 0 EOF',
    '1: -> POSIX  ADVISORY  WRITE 812 00:19:1204 0 EOF',
    '2: LEASE  BREAKING  READ 4170 00:1b:23 0 EOF',
    '2: -> LEASE  BREAKER   READ 0 <none>:0 0 EOF',
    '2: -> LEASE  BREAKER   READ 4190 <none>:0 0 EOF',
    '2:  -> LEASE  BREAKER   WRITE 4191 <none>:0 0 EOF',
    '3: LEASE  ACTIVE    WRITE 4170 00:1b:24 0 EOF',
    '4: FLOCK  ADVISORY  WRITE 700 00:1b:23 0 EOF',
    '4: -> FLOCK  ADVISORY  WRITE 701 00:1b:23 0 EOF',
    '',
  ].join('\n');
  assert.deepEqual(
    parseLocks(text),
    new Map([
      [
        '00:1b:23',
        [
          { pid: 0, isWriting: false },
          { pid: 4190, isWriting: false },
          { pid: 4191, isWriting: true },
        ],
      ],
      ['00:1b:24', []],
    ]),
  );
});

void test('a nameless file is found in the hands of who has it open, also by a handle that cannot be read', async () => {
  releaseLease(fd);
  const child = start('sh', '-c', 'exec 5< "$1"; echo open; read line', 'sh', path);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  assert.deepEqual(await holdersBelow(basename(folder)), new Map(), 'it has a name');
  fs.rmSync(path);
  assert.deepEqual(await holdersBelow(basename(folder)), new Map([[key, new Set([child.pid])]]));
  assert.deepEqual(await holdersBelow('elsewhere'), new Map());
});

void test('a program is shown while it runs, and not when it is gone', async () => {
  const child = start('cat');
  await eventually(() => (isProgramShown(Number(child.pid)) ? true : undefined), 'it to run');
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await over;
  assert.equal(isProgramShown(Number(child.pid)), false);
});
