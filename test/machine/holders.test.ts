import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { inodeAt, makeFifo } from '../../src/machine/fifo.ts';
import type { InodeFacts } from '../../src/machine/fifo.ts';
import {
  Pausable,
  holderOf,
  holdersOf,
  isSameOpenFile,
  isStopped,
  standingOf,
  stillHolds,
} from '../../src/machine/holders.ts';
import { eventually } from '../house.ts';

const children: ChildProcess[] = [];
let folder = '';
let path = '';
let inode: InodeFacts;
let writer = 0;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-holders-'));
  path = join(folder, 'p');
  makeFifo(path, 0o600);
  inode = inodeAt(path) ?? assert.fail();
  // Nobody waits inside open().
  writer = fs.openSync(path, fs.constants.O_RDWR);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fs.closeSync(writer);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A shell that has run `script`, which opens the pipe, and sleeps. */
async function shell(script: string): Promise<number> {
  const child = spawn('bash', ['-c', `${script}; echo up; read -r line`], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise((settle) => child.stdout?.once('data', settle));
  return Number(child.pid);
}

void test('I7: who has a nameless pipe open is found, with what each may do', async () => {
  const reader = await shell('exec 5<p');
  const both = await shell('exec 5<>p 6<p');
  const elsewhere = await shell('exec 5</dev/null');
  assert.equal(holdersOf([inode]).get(inode)?.length, 0);
  fs.unlinkSync(path);
  const found = holdersOf([inode]).get(inode) ?? [];
  const said = new Map(
    found.map(({ pid, descriptors }) => [pid, descriptors.map(({ fd, access }) => `${fd} ${access}`)]),
  );
  assert.deepEqual(
    said,
    new Map([
      [reader, ['5 read']],
      [both, ['5 both', '6 read']],
    ]),
  );
  assert.equal(found.find(({ pid }) => pid === reader)?.startedAt, standingOf(reader)?.startedAt);
  assert.deepEqual(
    holderOf(reader, inode),
    found.find(({ pid }) => pid === reader),
  );
  assert.equal(holderOf(elsewhere, inode), null);
});

void test('several pipes are looked for at once, and not mixed up', async () => {
  const other = join(folder, 'q');
  makeFifo(other, 0o600);
  const second = inodeAt(other) ?? assert.fail();
  const [a, b] = [await shell('exec 5<p'), await shell('exec 5<>q')];
  for (const name of [path, other]) fs.unlinkSync(name);
  const found = holdersOf([inode, second]);
  assert.deepEqual(
    found.get(inode)?.map(({ pid }) => pid),
    [a],
  );
  assert.deepEqual(
    found.get(second)?.map(({ pid }) => pid),
    [b],
  );
});

void test('a descriptor that was handed on comes from the same opening, a second opening does not', async () => {
  const pid = await shell('exec 5<p 6<&5 7<p');
  assert.equal(isSameOpenFile({ pid, fd: '5' }, { pid, fd: '6' }), true);
  assert.equal(isSameOpenFile({ pid, fd: '5' }, { pid, fd: '7' }), false);
  assert.equal(isSameOpenFile({ pid, fd: '5' }, { pid: 999_999_999, fd: '5' }), false);
});

void test('a holder is not one any more when it closes or ends', async () => {
  const pid = await shell('exec 5<p');
  fs.unlinkSync(path);
  const holder = holderOf(pid, inode) ?? assert.fail();
  assert.equal(stillHolds(holder, inode), true);
  assert.equal(stillHolds({ ...holder, startedAt: '1' }, inode), false);
  children[0]?.kill('SIGKILL');
  await eventually(() => (stillHolds(holder, inode) ? undefined : true), 'it to end');
  assert.equal(holderOf(pid, inode), null);
});

void test('S07: exactly the named process is stopped and let go on', async () => {
  const pid = await shell('true');
  const startedAt = standingOf(pid)?.startedAt ?? '';
  assert.equal(Pausable.of({ pid, startedAt: `${Number(startedAt) + 1}` }), null);
  assert.equal(Pausable.of({ pid: 999_999_999, startedAt }), null);
  using pausable = Pausable.of({ pid, startedAt }) ?? assert.fail();
  assert.equal(isStopped(pid), false);
  assert.equal(pausable.pause(), true);
  await eventually(() => (isStopped(pid) ? true : undefined), 'it to stop');
  assert.equal(standingOf(pid)?.state, 'T');
  assert.equal(pausable.goOn(), true);
  await eventually(() => (isStopped(pid) ? undefined : true), 'it to go on');
  children[0]?.kill('SIGKILL');
  await eventually(() => (pausable.pause() ? undefined : true), 'it to end');
});
