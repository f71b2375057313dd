// Mounted files as named pipes: real readers, real thieves, a real server that runs as an ordinary user.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { test } from 'node:test';
import { MOUNT_BYTES_MAX } from '../../src/core/mount.ts';
import { processEntry } from '../../src/machine/processes.ts';
import { assertNoCanary } from '../canaries.ts';
import { eventually, has, USER } from '../house.ts';
import { FifoHouse, isRoot, programs } from '../programs/fifo-house.ts';
import { payloadOf } from '../programs/fifo-payload.ts';

const needsRoot = { skip: isRoot ? false : 'only root can play an ordinary user' };
const needsTerminal = { skip: has('script') ? false : 'needs script(1)' };
const NODE = join('node_modules', 'node', 'bin', 'node');
const SMALL = 1_000;
const LARGE = 300_000;

function node(): string {
  return join(programs(), NODE);
}

function program(name: string): string {
  return join(programs(), 'test', 'programs', name);
}

/** A program of which nobody can look into the processes: it may be executed and not read. */
function hiddenCat(house: FifoHouse): string {
  const path = join(house.folder, 'hidden');
  fs.copyFileSync('/bin/cat', path);
  fs.chmodSync(path, 0o111);
  return path;
}

/** A reader that reads as it is told, with the file open already. */
async function slowReader(house: FifoHouse) {
  const child = house.spawn(node(), [program('fifo-slow-reader.ts'), house.path], ['pipe', 'pipe', 'inherit'], true);
  assert.ok(child.stdout !== null);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'open');
  return {
    pid: Number(child.pid),
    read: async (wish: number | 'rest'): Promise<{ bytes: number; digest: string }> => {
      child.stdin?.write(`${wish}\n`);
      return JSON.parse(String((await lines.next()).value));
    },
  };
}

function stateOf(pid: number): string | undefined {
  return processEntry(pid)?.state;
}

test('every kind of reader gets the whole file and its end', async () => {
  await using house = await FifoHouse.open('all', SMALL);
  const want = payloadOf(SMALL);
  const readers: [string, ...string[]][] = [
    ['cat', house.path],
    ['sh', '-c', 'cat < .env'],
    ['sh', '-c', '. ./.env; cat .env'],
    ['bash', '-c', 'exec 3<.env; cat <&3'],
    ['bash', '-c', 'cat <(cat .env)'],
    ['dd', `if=${house.path}`, 'status=none'],
    [node(), '-p', `process.stdout.write(fs.readFileSync('.env')); ''`],
  ];
  for (const [command, ...args] of readers) {
    const { stdout, code } = await house.run(command, args);
    assert.equal(code, 0);
    assert.ok(stdout.subarray(0, SMALL).equals(want), `${command} got ${stdout.length} bytes`);
  }
  const outcomes = await house.settled(readers.length + 1);
  assert.deepEqual(
    outcomes,
    Array.from(outcomes, () => 'delivered'),
  );
});

test('F01 I7: a reader that is refused finds an empty file at once, after it was asked about by name', async () => {
  await using house = await FifoHouse.open('none');
  const { pid, stdout, code } = await house.cat();
  assert.deepEqual([code, stdout.length], [0, 0]);
  assert.equal((await house.hears('asked')).pid, pid);
  assert.deepEqual(house.outcomes(), []);
});

test('I3: a reader waits as long as the human thinks, and others are served meanwhile', async () => {
  await using house = await FifoHouse.open('hold', SMALL);
  const waiting = house.start('cat', [house.path]);
  await house.hears('asked');
  await house.rule('all');
  assert.equal((await house.cat()).stdout.length, SMALL);
  await house.order({ do: 'answer', pid: waiting.child.pid, yes: true });
  assert.ok((await waiting.done).stdout.equals(payloadOf(SMALL)));
});

test('a reader that goes away while it waits does not have to be asked about any more', async () => {
  await using house = await FifoHouse.open('hold');
  const { child } = house.start('cat', [house.path]);
  await house.hears('asked');
  child.kill('SIGKILL');
  const denied = await house.hears('denied');
  assert.deepEqual([denied.pid, denied['gone']], [child.pid, true]);
});

test('F02: a thief that opens the file while a reader has it open gets nothing', async () => {
  await using house = await FifoHouse.open('hold', SMALL);
  const reader = house.start('head', ['-c', '64', house.path]);
  await house.hears('asked');
  const thief = house.start('dd', [`if=${house.path}`, 'status=none']);
  await house.hears('asked', ({ pid }) => pid === thief.child.pid);
  await house.order({ do: 'answer', pid: reader.child.pid, yes: true });
  assert.ok((await reader.done).stdout.equals(payloadOf(SMALL).subarray(0, 64)));
  await house.order({ do: 'answer', pid: thief.child.pid, yes: false });
  assert.equal((await thief.done).stdout.length, 0);
});

test(
  'F02: a thief that opened the very same pipe gets nothing, and the reader does not either',
  needsRoot,
  async () => {
    await using house = await FifoHouse.open(['head'], SMALL);
    const both = await house.together([
      ['head', '-c', '64', house.path],
      ['dd', `if=${house.path}`, 'status=none'],
    ]);
    for (const { done } of both) assert.equal((await done).stdout.length, 0);
    assert.deepEqual(await house.settled(1), ['collided']);
    assert.equal((await house.run('head', ['-c', '64', house.path])).stdout.length, 64);
  },
);

test('F02: a thief in a thousand races gets not one byte', async () => {
  await using house = await FifoHouse.open(['cat'], SMALL);
  const thief = house.start(node(), [program('fifo-thief.ts'), house.path, '1000']);
  const want = payloadOf(SMALL);
  let whole = 0;
  let reads = 0;
  while (thief.child.exitCode === null && thief.child.signalCode === null) {
    const { stdout } = await house.cat();
    assert.ok(stdout.length === 0 || stdout.equals(want));
    reads += 1;
    if (stdout.length > 0) whole += 1;
  }
  assert.equal((await thief.done).stdout.toString(), '0');
  assert.ok(reads > 0);
  process.stdout.write(`# ${whole} of ${reads} reads beside the thief were whole\n`);
});

test('F04: a reader nobody can look into gets nothing, and is reported', needsRoot, async () => {
  await using house = await FifoHouse.open('all');
  const { stdout, code } = await house.run(hiddenCat(house), [house.path]);
  assert.deepEqual([code, stdout.length], [0, 0]);
  await house.hears('refused', ({ why }) => why === 'unidentified');
  assert.equal(house.refusals(), 1);
  assert.deepEqual(house.outcomes(), []);
});

test('F04: a reader nobody can look into gets nothing beside an admitted one either', needsRoot, async () => {
  await using house = await FifoHouse.open('all', LARGE);
  const hidden = hiddenCat(house);
  for (let i = 0; i < 5; i += 1) {
    const both = await house.together([
      ['cat', house.path],
      [hidden, house.path],
    ]);
    for (const { done } of both) assert.equal((await done).stdout.length, 0);
  }
  await eventually(() => (house.refusals('unidentified') >= 5 ? true : undefined), 'all to be reported');
  assert.deepEqual(house.outcomes(), []);
  assert.equal((await house.cat()).stdout.length, LARGE);
});

test('a shell and the child it shares its descriptor with are both asked about', needsRoot, async () => {
  await using house = await FifoHouse.open(['sh'], SMALL);
  const command = ['sh', '-c', 'exec 3< .env; cat <&3; true'] as const;
  const [refused] = await house.together([command]);
  assert.equal((await refused?.done)?.stdout.length, 0);
  assert.deepEqual(await house.settled(1), ['collided']);
  await house.rule(['sh', 'cat']);
  const [served] = await house.together([command]);
  assert.equal((await served?.done)?.stdout.length, SMALL);
  assert.deepEqual(await house.settled(3), ['collided', 'delivered', 'delivered']);
});

test('a file of the greatest size is whole, and none is larger', async () => {
  await using house = await FifoHouse.open('all', MOUNT_BYTES_MAX);
  assert.ok((await house.cat()).stdout.equals(payloadOf(MOUNT_BYTES_MAX)));
  await house.rule('all', MOUNT_BYTES_MAX + 1);
  assert.equal((await house.cat()).stdout.length, 0);
  assert.deepEqual(await house.settled(2), ['delivered', 'broken']);
});

test('two openings in one process cannot be told apart and get nothing', needsRoot, async () => {
  await using house = await FifoHouse.open('all');
  const [reader] = await house.together([['bash', '-c', 'exec 3<.env 4<.env; cat <&3; cat <&4']]);
  assert.equal((await reader?.done)?.stdout.length, 0);
  assert.deepEqual(house.outcomes(), []);
  await house.hears('refused');
});

for (const bytes of [SMALL, LARGE]) {
  test(`many readers of the same pipe get a whole copy each (${bytes} bytes)`, needsRoot, async () => {
    await using house = await FifoHouse.open('all', bytes);
    const readers = await house.together(Array.from({ length: 12 }, () => ['cat', house.path] as const));
    const want = payloadOf(bytes);
    for (const { done } of readers) assert.ok((await done).stdout.equals(want));
    assert.deepEqual(
      await house.settled(12),
      Array.from({ length: 12 }, () => 'delivered'),
    );
  });
}

test(
  'a reader at a terminal is never stopped: the round gets nothing',
  { skip: needsRoot.skip || needsTerminal.skip },
  async () => {
    await using house = await FifoHouse.open('hold');
    const [atTerminal, other] = await house.together([
      ['script', '-qec', `cat ${house.path}`, '/dev/null'],
      ['cat', house.path],
    ]);
    assert.ok(atTerminal !== undefined && other !== undefined);
    await eventually(
      () => (house.said.filter(({ event }) => event === 'asked').length === 2 ? true : undefined),
      'both asked',
    );
    await house.order({ do: 'answer all', yes: true });
    assertNoCanary((await atTerminal.done).stdout, 'CANARY_0');
    assert.equal((await other.done).stdout.length, 0);
    assert.deepEqual(await house.settled(2), ['collided', 'collided']);
  },
);

test('a reader that somebody else has stopped stays stopped, and the round gets nothing', needsRoot, async () => {
  await using house = await FifoHouse.open('hold');
  const [first, second] = await house.together([
    ['cat', house.path],
    ['cat', house.path],
  ]);
  assert.ok(first !== undefined && second !== undefined);
  await eventually(
    () => (house.said.filter(({ event }) => event === 'asked').length === 2 ? true : undefined),
    'both asked',
  );
  second.child.kill('SIGSTOP');
  await eventually(() => (stateOf(Number(second.child.pid)) === 'T' ? true : undefined), 'it to stop');
  await house.order({ do: 'answer all', yes: true });
  assert.equal((await first.done).stdout.length, 0);
  assert.equal(stateOf(Number(second.child.pid)), 'T');
  second.child.kill('SIGCONT');
  assert.equal((await second.done).stdout.length, 0);
});

test('a slow reader gets everything, also when the server is killed in the middle', async () => {
  await using house = await FifoHouse.open('all', LARGE);
  const reader = await slowReader(house);
  assert.equal((await reader.read(1_000)).bytes, 1_000);
  await house.killServer();
  const { bytes, digest } = await reader.read('rest');
  assert.equal(bytes, LARGE);
  assert.equal(digest, createHash('sha256').update(payloadOf(LARGE)).digest('hex'));
});

test('F14: a yes that is taken back before the bytes are out delivers nothing', async () => {
  await using house = await FifoHouse.open('taken back');
  assert.equal((await house.cat()).stdout.length, 0);
  assert.deepEqual(await house.settled(1), ['revoked']);
});

test('F14: what a slow reader has not read yet is taken back with the yes', async () => {
  await using house = await FifoHouse.open('all', LARGE);
  const reader = await slowReader(house);
  await reader.read(1_000);
  await house.order({ do: 'revoke', pid: reader.pid });
  await house.hears('settled');
  assert.equal((await reader.read('rest')).bytes, 1_000);
  assert.deepEqual(await house.settled(1), ['revoked']);
});

test('what a reader does not want is given to nobody else', async () => {
  await using house = await FifoHouse.open('all', LARGE);
  assert.equal((await house.run('head', ['-c', '10', house.path])).stdout.length, 10);
  assert.deepEqual((await house.hears('settled')).outcome, 'delivered');
  assert.equal((await house.cat()).stdout.length, LARGE);
});

test('a reader that does not want to wait is told to come again, not that the file is empty', async () => {
  await using house = await FifoHouse.open('hold');
  const script = `const fd = fs.openSync('.env', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    try { fs.readSync(fd, Buffer.alloc(1)); } catch (error) { console.log(error.code); }`;
  assert.equal((await house.run(node(), ['-e', script])).stdout.toString(), 'EAGAIN\n');
});

test('an ordinary user who writes to the file is told that it cannot be written', needsRoot, async () => {
  await using house = await FifoHouse.open('all', SMALL);
  const { code, stderr } = await house.run('sh', ['-c', 'echo FAKE=1 > .env']);
  assert.notEqual(code, 0);
  assert.match(stderr, /ermission denied/);
  assert.ok((await house.cat()).stdout.equals(payloadOf(SMALL)));
});

test('F09: what somebody else writes into the pipe reaches no reader', async () => {
  await using house = await FifoHouse.open('all', SMALL);
  await house.run('sh', ['-c', 'chmod 600 .env && echo FAKE=1 > .env']);
  await house.hears('hint');
  assert.ok((await house.cat()).stdout.equals(payloadOf(SMALL)));
});

const REPLACEMENTS: readonly (readonly [string, string])[] = [
  ['a file', 'rm .env; printf FAKE=1 > .env'],
  ['another pipe', 'rm .env; mkfifo .env'],
  ['a link', 'printf FAKE=1 > other; ln -sf other .env'],
  ['nothing', 'rm .env'],
];

for (const [what, command] of REPLACEMENTS) {
  test(`F09: when ${what} stands at the path, that shows at once, and it is left alone`, async () => {
    await using house = await FifoHouse.open('all');
    await house.run('sh', ['-c', command]);
    await house.hears('hint');
    assert.equal((await house.order({ do: 'look' }))['isIntact'], false);
    const before = fs.lstatSync(house.path, { throwIfNoEntry: false })?.ino;
    if (what === 'another pipe') await house.run('sh', ['-c', 'exec 3<>.env']);
    else if (what !== 'nothing') assert.equal((await house.cat()).stdout.toString(), 'FAKE=1');
    await house.order({ do: 'unmount' });
    assert.equal(fs.lstatSync(house.path, { throwIfNoEntry: false })?.ino, before);
    assert.equal(house.said.filter(({ event }) => event === 'asked').length, 0);
  });
}

test('F09: a mounted file that was moved away is empty under its new name, however often it is read', async () => {
  await using house = await FifoHouse.open('all');
  await house.run('mv', ['.env', 'moved']);
  for (let i = 0; i < 3; i += 1) assert.equal((await house.run('cat', ['moved'])).stdout.length, 0);
  assert.equal((await house.order({ do: 'look' }))['isIntact'], false);
  await eventually(() => (house.refusals('broken') === 3 ? true : undefined), 'three to be refused');
});

test('F08 F10: nothing that exists is ever mounted over', async () => {
  await using house = await FifoHouse.open('all');
  const file = join(house.folder, 'file');
  fs.writeFileSync(file, 'mine');
  fs.symlinkSync('nowhere', join(house.folder, 'link'));
  fs.mkdirSync(join(house.folder, 'folder'));
  for (const name of ['file', 'link', 'folder', '.env']) {
    await assert.rejects(house.order({ do: 'mount', path: join(house.folder, name) }), /mount\/exists/);
  }
  assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
  assert.equal(fs.readlinkSync(join(house.folder, 'link')), 'nowhere');
  assert.deepEqual(fs.readdirSync(house.folder).toSorted(), ['.env', 'file', 'folder', 'link']);
});

test('the pipe is private to its user and leaves nothing beside it', async () => {
  await using house = await FifoHouse.open('all');
  await house.cat();
  const { mode, uid } = fs.lstatSync(house.path);
  assert.equal(mode & 0o777, 0o400);
  assert.equal(uid, isRoot ? USER : process.geteuid?.());
  assert.deepEqual(fs.readdirSync(house.folder), ['.env']);
});

test('I3: closing a mount ends everybody who waits, and takes the path away', async () => {
  await using house = await FifoHouse.open('hold');
  const waiting = house.start('cat', [house.path]);
  await house.hears('asked');
  await house.order({ do: 'unmount' });
  assert.equal((await waiting.done).stdout.length, 0);
  assert.equal(fs.existsSync(house.path), false);
  assert.deepEqual(fs.readdirSync(house.folder), []);
});

test('closing a mount takes back what a slow reader has not read', async () => {
  await using house = await FifoHouse.open('all', LARGE);
  const reader = await slowReader(house);
  await reader.read(1_000);
  await house.order({ do: 'unmount' });
  assert.equal((await reader.read('rest')).bytes, 1_000);
  assert.deepEqual(await house.settled(1), ['revoked']);
});

test(
  'without a count of openers it mounts only when that is asked for, and serves one and many',
  needsRoot,
  async () => {
    await using house = await FifoHouse.open('all', SMALL, '--uncounted');
    const readers = await house.together(Array.from({ length: 4 }, () => ['cat', house.path] as const));
    for (const { done } of readers) assert.equal((await done).stdout.length, SMALL);
    assert.equal((await house.run('sh', ['-c', 'cat < .env'])).stdout.length, SMALL);
    assert.equal((await house.run(hiddenCat(house), [house.path])).stdout.length, 0);
    await house.run('mv', ['.env', 'moved']);
    assert.equal((await house.run('cat', ['moved'])).stdout.length, 0);
  },
);

test('a server that ends without closing its mounts ends all the same', async () => {
  await using house = await FifoHouse.open('all');
  const exited = once(house.server, 'exit');
  house.server.stdin?.write(`${JSON.stringify({ do: 'stop', path: house.path })}\n`);
  assert.deepEqual(await exited, [0, null]);
  await eventually(() => (fs.existsSync(house.path) ? undefined : true), 'the guard to take the path away');
});
