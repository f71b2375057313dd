// What is left when a daemon with mounts is killed: nothing. The guard is a real shell, the daemon a real process.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FifoBackend } from '../../src/delivery/mount/fifo.ts';
import { Guard } from '../../src/delivery/mount/guard.ts';
import { makeFifo } from '../../src/machine/fifo.ts';
import { descendantsOf, processEntry } from '../../src/machine/processes.ts';
import { eventually } from '../house.ts';
import { FifoHouse, isRoot } from '../programs/fifo-house.ts';

const needsRoot = { skip: isRoot ? false : 'only root sees where readers wait' };
let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-guard-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

async function until(what: string, isSo: () => boolean): Promise<void> {
  await eventually(() => (isSo() ? true : undefined), what);
}

function inodeOf(path: string): string {
  return `${fs.lstatSync(path, { bigint: true }).ino}`;
}

function isThere(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The shell below `pid`. */
function guardOf(pid: number): number {
  const found = descendantsOf(pid).filter(({ pid }) => fs.readFileSync(`/proc/${pid}/cmdline`).includes('trap'));
  assert.equal(found.length, 1);
  return found[0]?.pid ?? 0;
}

function stateOf(pid: number): string | undefined {
  return processEntry(pid)?.state;
}

test('I3: a reader that waits when the daemon is killed gets an end at once, and the path goes', async () => {
  await using house = await FifoHouse.open('hold');
  const { done } = house.start('cat', [house.path]);
  await house.hears('asked');
  await house.killServer();
  const { code, stdout } = await done;
  assert.deepEqual([code, stdout.length], [0, 0]);
  await until('the path to go', () => !isThere(house.path));
  assert.deepEqual(fs.readdirSync(house.folder), []);
});

test('who opens the file after the daemon was killed does not wait for ever', needsRoot, async () => {
  await using house = await FifoHouse.open();
  const guard = guardOf(Number(house.server.pid));
  process.kill(guard, 'SIGSTOP');
  await house.killServer();
  const late = house.start('cat', [house.path]);
  await until('the reader to hang', () => {
    return fs.readFileSync(`/proc/${late.child.pid}/wchan`, 'utf8').includes('wait_for_partner');
  });
  process.kill(guard, 'SIGCONT');
  assert.equal((await late.done).stdout.length, 0);
  assert.equal(isThere(house.path), false);
  await until('the guard to end', () => (stateOf(guard) ?? 'Z') === 'Z');
});

test('after many reads the guard knows the pipe that stands there now', async () => {
  await using house = await FifoHouse.open();
  for (let i = 0; i < 5; i += 1) assert.equal((await house.cat()).stdout.length, 100);
  await house.killServer();
  await until('the path to go', () => !isThere(house.path));
});

test('what somebody else put in the place of a mounted file is left when the daemon is killed', async () => {
  await using house = await FifoHouse.open();
  await house.run('sh', ['-c', 'rm -f .env; printf mine > .env']);
  const guard = guardOf(Number(house.server.pid));
  await house.killServer();
  await until('the guard to end', () => (stateOf(guard) ?? 'Z') === 'Z');
  assert.equal(fs.readFileSync(house.path, 'utf8'), 'mine');
});

test('processes that wait for their turn go on when the daemon is killed', needsRoot, async () => {
  await using house = await FifoHouse.open('all', 300_000);
  const sleeper = ['sh', '-c', 'exec sleep 1000 < .env'] as const;
  // None of them ever reads: the first holds its copy, and the others wait for it.
  const readers = await holding(house, [sleeper, sleeper, sleeper]);
  const pids = readers.map(({ child }) => Number(child.pid));
  await until('some to be stopped', () => pids.filter((pid) => stateOf(pid) === 'T').length === 2);
  await house.killServer();
  await until('all to go on', () => pids.every((pid) => stateOf(pid) !== 'T'));
  for (const { child } of readers) child.kill('SIGKILL');
});

/** Like `house.together`, for programs that open the file and do not read. */
async function holding(house: FifoHouse, commands: readonly (readonly [string, ...string[]])[]) {
  house.server.kill('SIGSTOP');
  const started = commands.map(([program, ...args]) => house.start(program, args));
  for (const { child } of started) {
    await until('it to have the file open', () => {
      const link = `/proc/${child.pid}/fd/0`;
      return fs.existsSync(link) && fs.statSync(link).isFIFO() && stateOf(Number(child.pid)) === 'S';
    });
  }
  house.server.kill('SIGCONT');
  return started;
}

test('a guard that is killed is replaced, and the next one knows everything', async () => {
  await using house = await FifoHouse.open();
  const first = guardOf(Number(house.server.pid));
  process.kill(first, 'SIGKILL');
  await until('another guard', () => {
    const below = descendantsOf(Number(house.server.pid)).filter(({ pid, state }) => pid !== first && state !== 'Z');
    return below.some(({ pid }) => fs.readFileSync(`/proc/${pid}/cmdline`).includes('trap'));
  });
  assert.equal((await house.cat()).stdout.length, 100);
  await house.killServer();
  await until('the path to go', () => !isThere(house.path));
});

test('the guard outlives the signals of a terminal, and shows no path and no environment', async () => {
  await using house = await FifoHouse.open();
  const server = Number(house.server.pid);
  const guard = guardOf(server);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.kill(guard, signal);
  assert.equal(fs.readFileSync(`/proc/${guard}/cmdline`).includes(house.folder), false);
  assert.match(fs.readFileSync(`/proc/${guard}/environ`, 'latin1'), /^PATH=[\w/:]+\0(?:PWD=\/\0|OLDPWD=\/\0)*$/);
  // The daemon takes children in other sessions for orphans of runs.
  assert.equal(processEntry(guard)?.sessionId, processEntry(server)?.sessionId);
  await house.killServer();
  await until('the path to go', () => !isThere(house.path));
});

test('a normal end leaves nothing to the guard', async () => {
  await using house = await FifoHouse.open();
  const guard = guardOf(Number(house.server.pid));
  await house.order({ do: 'close' });
  assert.deepEqual(fs.readdirSync(house.folder), []);
  assert.equal(stateOf(guard) ?? 'Z', 'Z');
});

test('the guard takes away its own pipes and links, by inode, whatever their names are', async () => {
  const guard = new Guard();
  const names = [
    'plain',
    ' spaces  in it ',
    'quotes \' " `id` $(id) $HOME',
    'umlaut ü',
    '-f',
    '*',
    'back\\slash',
    'replaced',
  ];
  for (const name of names) {
    const [fifo, link] = [join(folder, `p${name}`), join(folder, `l${name}`)];
    makeFifo(fifo, 0o400);
    fs.symlinkSync('/nowhere', link);
    await guard.watch({ kind: 'fifo', path: fifo, ino: inodeOf(fifo) });
    await guard.watch({ kind: 'link', path: link, ino: inodeOf(link) });
  }
  const dropped = join(folder, 'dropped');
  makeFifo(dropped, 0o400);
  await guard.watch({ kind: 'fifo', path: dropped, ino: inodeOf(dropped) });
  guard.drop({ kind: 'fifo', path: dropped, ino: inodeOf(dropped) });
  // Another inode under a name it knows, and a folder where nothing is mounted.
  for (const path of [join(folder, 'preplaced'), join(folder, 'lreplaced')]) {
    fs.renameSync(path, `${path}.old`);
    fs.writeFileSync(path, 'mine');
  }
  await guard.watch({ kind: 'unmount', path: folder });
  await guard.close();
  const left = ['dropped', 'preplaced', 'preplaced.old', 'lreplaced', 'lreplaced.old'];
  assert.deepEqual(fs.readdirSync(folder).toSorted(), left.toSorted());
});

test('the guard lets go on exactly the process that was stopped, not one that got its number', async () => {
  const [ours, other] = [spawn('sleep', ['1000']), spawn('sleep', ['1000'])];
  const startOf = (pid = 0): string => processEntry(pid)?.startedAt ?? '';
  const guard = new Guard();
  assert.equal(guard.stopping(Number(ours.pid), startOf(ours.pid)), true);
  assert.equal(guard.stopping(Number(other.pid), `${Number(startOf(other.pid)) + 1}`), true);
  for (const child of [ours, other]) {
    child.kill('SIGSTOP');
    await until('it to stop', () => stateOf(Number(child.pid)) === 'T');
  }
  await guard.close();
  await until('ours to go on', () => stateOf(Number(ours.pid)) !== 'T');
  assert.equal(stateOf(Number(other.pid)), 'T');
  for (const child of [ours, other]) child.kill('SIGKILL');
});

test('I3: without a guard nothing is mounted, and nobody is stopped', async () => {
  const guard = new Guard();
  await guard.close();
  const backend = new FifoBackend({ guard });
  const doorkeeper = { admit: async () => null, refused: () => undefined };
  await assert.rejects(backend.mount(join(folder, '.env'), doorkeeper), { code: 'mount/unsupported' });
  assert.deepEqual(fs.readdirSync(folder), []);
  assert.equal(guard.stopping(process.pid, '1'), false);
  await backend.close();
});

test('a path that could speak to the guard is refused', async () => {
  await using guard = new Guard();
  for (const path of [`${folder}/a\nset 0 link 1 /etc`, `${folder}/\u0000`, `${folder}/\u001b`, 'relative']) {
    await assert.rejects(guard.watch({ kind: 'fifo', path, ino: '1' }), { code: 'mount/unsafe' });
  }
});

test('I8: five hundred mounts are told, dropped and told again without loss', async () => {
  const guard = new Guard();
  const long = join(folder, 'x'.repeat(200));
  fs.mkdirSync(long);
  const paths = Array.from({ length: 500 }, (_, i) => join(long, `p${i}`));
  for (const path of paths) fs.symlinkSync('/nowhere', path);
  const entries = paths.map((path) => ({ kind: 'link', path, ino: inodeOf(path) }) as const);
  await Promise.all(entries.map(async (entry) => await guard.watch(entry)));
  for (const entry of entries) guard.drop(entry);
  for (const entry of entries.slice(0, 100)) guard.tell(entry);
  await guard.watch(entries[0] ?? assert.fail());
  await guard.close();
  assert.equal(fs.readdirSync(long).length, 400);
});
