import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach } from 'node:test';
import {
  ancestorsOf,
  descendantsOf,
  isSameProcessAlive,
  processEntry,
  processFacts,
  processesWithMarker,
} from '../../src/machine/processes.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) process.kill(-Number(child.pid), 'SIGKILL');
  }
});

/** A child that has said a line, so it runs what it should run. */
async function started(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const child = spawn(command, args, { env, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const { promise, resolve } = Promise.withResolvers<void>();
  child.stdout.once('data', () => resolve());
  await promise;
  return Number(child.pid);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it never came to pass');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

void test('I7: facts of a process are those of the system', async () => {
  const pid = await started('/bin/sh', ['-c', 'echo up; read line', 'a b', '']);
  const facts = processFacts(pid);
  assert.equal(facts?.program, fs.realpathSync('/bin/sh'));
  assert.deepEqual(facts?.argv, ['/bin/sh', '-c', 'echo up; read line', 'a b', '']);
  assert.equal(facts?.uid, process.geteuid?.());
  assert.match(facts?.startedAt ?? '', /^\d+$/);
  assert.equal(processFacts(999_999_999), null);
});

void test('I7: a name full of parentheses and spaces does not shift what is read', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'keystile-processes-'));
  const program = join(folder, 'a) R 1 (b');
  fs.copyFileSync(fs.realpathSync('/bin/sh'), program);
  const pid = await started(program, ['-c', 'echo up; read line']);
  assert.equal(processEntry(pid)?.parentPid, process.pid);
  assert.equal(processFacts(pid)?.program, program);
  // An update replaces the file under a running program: it keeps its name.
  fs.rmSync(program);
  assert.equal(processFacts(pid)?.program, program);
  fs.rmSync(folder, { recursive: true });
});

void test('ancestors come nearest first and end at the top', async () => {
  await started('/bin/sh', ['-c', '/bin/sh -c "echo up; read line"; true']);
  const below = descendantsOf(process.pid).at(-1);
  assert.ok(below !== undefined);
  const pids = ancestorsOf(below.pid).map(({ pid }) => pid);
  assert.equal(pids[0], below.parentPid);
  assert.ok(pids.includes(process.pid));
  assert.ok(pids.indexOf(process.pid) > 0);
  assert.equal(ancestorsOf(below.pid, 1).length, 1);
});

void test('S07: a process is the same only with the same start time', async () => {
  const pid = await started('/bin/sh', ['-c', 'echo up; read line']);
  const entry = processEntry(pid);
  assert.ok(entry !== null);
  assert.equal(isSameProcessAlive(entry), true);
  assert.equal(isSameProcessAlive({ pid, startedAt: `${Number(entry.startedAt) + 1}` }), false);
  children[0]?.kill('SIGKILL');
  await until(() => !isSameProcessAlive(entry));
});

void test('a zombie is dead, and still listed below its parent', async () => {
  // The child outlives the shell's last chance to reap it: it ends when the shell has become something else.
  const untilExec = '(while [ "$(cat /proc/$$/comm)" != sleep ]; do :; done)';
  const pid = await started('/bin/sh', ['-c', `${untilExec} & echo up; exec sleep 1000`]);
  await until(() => descendantsOf(pid)[0]?.state === 'Z');
  const [zombie] = descendantsOf(pid);
  assert.ok(zombie !== undefined);
  assert.equal(isSameProcessAlive(zombie), false);
  assert.equal(processFacts(zombie.pid), null);
});

void test('a whole tree is found below its root', async () => {
  const pid = await started('/bin/sh', ['-c', '(sleep 1000 & sleep 1000 & echo up; wait) & wait']);
  await until(() => descendantsOf(pid).length === 3);
  assert.ok(descendantsOf(pid).every(({ startedAt }) => /^\d+$/.test(startedAt)));
});

void test('a marker in the environment finds exactly the processes that carry it', async () => {
  const value = `m${process.pid}`;
  const first = await started('/bin/sh', ['-c', 'echo up; read line'], { KS_TEST_MARK: value, Z: '1' });
  const last = await started('/bin/sh', ['-c', 'echo up; read line'], { A: '1', KS_TEST_MARK: value });
  await started('/bin/sh', ['-c', 'echo up; read line'], { X_KS_TEST_MARK: value });
  await started('/bin/sh', ['-c', 'echo up; read line'], { KS_TEST_MARK: `${value}0` });
  const found = processesWithMarker('KS_TEST_MARK', value).map(({ pid }) => pid);
  assert.deepEqual(new Set(found), new Set([first, last]));
});
