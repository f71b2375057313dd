// Mounted files of the back end `file`, told from outside: an ordinary user's programs read, a server of that user
// decides. See test/programs/file-house.ts.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { blockedOpeners } from '../../src/machine/blocked-openers.ts';
import { USER, eventually, has } from '../house.ts';
import { content } from '../programs/file-content.ts';
import { AS, FileHouse, assertSame, ended } from '../programs/file-house.ts';

const isRoot = process.geteuid?.() === 0;
const PYTHON = '/usr/bin/python3';
const needsPython = fs.existsSync(PYTHON) ? false : 'needs python3';

/** Until so many threads wait in open() for a leased file. */
async function waiting(count: number, among: readonly ChildProcess[]): Promise<void> {
  const pids = new Set(among.map(({ pid }) => pid));
  await eventually(() => {
    const blocked = [...blockedOpeners().values()].flat().filter(({ pid }) => pids.has(pid));
    return blocked.length === count ? true : undefined;
  }, `${count} openers to wait`);
}

/** Readers that are in one round: the server stands still while they come. */
async function together(
  house: FileHouse,
  ...commands: readonly (readonly [string, ...string[]])[]
): Promise<ChildProcess[]> {
  process.kill(house.serverPid, 'SIGSTOP');
  const readers = commands.map(([program, ...args]) => house.start(program, args));
  await waiting(readers.length, readers);
  process.kill(house.serverPid, 'SIGCONT');
  return readers;
}

const NODE = process.execPath;
const READERS: readonly (readonly [string, ...string[]])[] = [
  ['cat', '.env'],
  ['sh', '-c', 'cat < .env'],
  ['dd', 'if=.env', 'status=none'],
  ['sh', '-c', 'cp .env copied && cat copied'],
  ['bash', '-c', 'while IFS= read -r line; do printf "%s\\n" "$line"; done < .env'],
  [NODE, '-e', `process.stdout.write(require('fs').readFileSync('.env'))`],
  [NODE, '-e', `require('fs/promises').readFile('.env').then((b) => process.stdout.write(b))`],
  [NODE, '-e', `require('fs').createReadStream('.env').pipe(process.stdout)`],
  ...(needsPython === false
    ? ([[PYTHON, '-c', `import sys; sys.stdout.write(open('.env').read())`]] as [string, ...string[]][])
    : []),
];

test('every kind of program reads the whole file, once it is admitted', async () => {
  await using house = await FileHouse.open({ bytes: content('x', 3_000).lastIndexOf('\n') });
  const whole = house.content.subarray(0, house.content.lastIndexOf('\n') + 1);
  for (const [program, ...args] of READERS) {
    const { code, out, err } = await house.run(program, ...args);
    assert.deepEqual([code, err], [0, ''], `${program} ${args.join(' ')}`);
    assertSame(out.subarray(0, whole.length), whole, `${program} ${args.join(' ')}`);
  }
  const sourced = await house.run('bash', '-c', 'set -a; . ./.env 2>/dev/null; printf %s "$V7"');
  assert.equal(sourced.out.toString(), `${house.env}:7`);
  const { out } = await house.run('head', '-c', '100', '.env');
  assertSame(out, house.content.subarray(0, 100), 'head');
  await eventually(() => (house.fates['delivered'] === READERS.length + 2 ? true : undefined), 'all to be settled');
  assert.equal(Object.keys(house.fates).length, 1, JSON.stringify(house.fates));
});

test('looking at a mounted file asks nobody', async () => {
  await using house = await FileHouse.open();
  const { code } = await house.run(
    'bash',
    '-c',
    '[ -f .env ] && [ -r .env ] && stat .env && ls -l . && find . -name .env',
  );
  assert.equal(code, 0);
  await house.run('cat', '.env');
  assert.equal(house.events.filter(({ said }) => said === 'admit').length, 1);
});

test('parallel reads in one process are all whole, and it is asked about as one process', async () => {
  await using house = await FileHouse.open({ bytes: 300_000 });
  const code = `const fs = require('fs/promises');
    Promise.all(Array.from({ length: 8 }, () => fs.readFile('.env'))).then((all) => {
      if (all.some((one) => !one.equals(all[0]))) process.exit(3);
      process.stdout.write(all[0]); });`;
  const reader = house.start(NODE, ['-e', code]);
  const { code: exit, out } = await ended(reader);
  assert.equal(exit, 0);
  assertSame(out, house.content);
  const asked = house.events.filter(({ said }) => said === 'admit');
  assert.ok(asked.length > 0);
  assert.ok(asked.every(({ pid }) => pid === reader.pid));
});

test('I3: who is refused finds an empty file, at once', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode deny');
  const { code, out } = await house.run('cat', '.env');
  assert.deepEqual([code, out.length], [0, 0]);
  assert.deepEqual(house.fates, {});
});

test('I7: a program that may be executed and not read is refused unseen', { skip: !isRoot }, async () => {
  await using house = await FileHouse.open();
  const program = join(house.project, 'cat-x');
  fs.copyFileSync(fs.realpathSync('/bin/cat'), program);
  fs.chmodSync(program, 0o111);
  const { code, out } = await house.run(program, '.env');
  assert.deepEqual([code, out.length], [0, 0]);
  await eventually(() => (house.fates['refused unidentified'] === 1 ? true : undefined), 'the refusal');
  assert.equal(house.events.filter(({ said }) => said === 'admit').length, 0);
});

test('I7: another user is refused unseen, root too', { skip: !isRoot }, async () => {
  await using house = await FileHouse.open();
  const { out } = await ended(house.start('cat', [house.env], { uid: 0 }));
  assert.equal(out.length, 0);
  await eventually(() => (house.fates['refused unidentified'] === 1 ? true : undefined), 'the refusal');
});

test(
  'I7: an opener in a pid namespace of its own is known by the pid it has outside',
  { skip: !isRoot || !has('unshare') },
  async () => {
    await using house = await FileHouse.open();
    const inside = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', 'cat', house.env];
    const { out } = await ended(house.start('unshare', ['--pid', '--fork', ...inside], { uid: 0 }));
    assertSame(out, house.content);
    const { pid, argv } = await house.event(({ said }) => said === 'admit');
    assert.deepEqual(argv, ['cat', house.env]);
    assert.ok(Number(pid) > 1);
  },
);

test('two files that are read at the same moment are told apart', async () => {
  await using house = await FileHouse.open();
  const other = join(house.project, 'other.env');
  await house.tell(`mount ${other}`);
  const readers = await together(house, ['cat', '.env'], ['cat', 'other.env']);
  const [first, second] = await Promise.all(readers.map(async (reader) => await ended(reader)));
  assertSame(first?.out ?? Buffer.alloc(0), house.content);
  assertSame(second?.out ?? Buffer.alloc(0), content(other, house.bytes));
  const asked = house.events.filter(({ said }) => said === 'admit').map(({ path, pid }) => [path, pid]);
  assert.deepEqual(
    new Map(asked as [string, number][]),
    new Map([
      [house.env, readers[0]?.pid],
      [other, readers[1]?.pid],
    ]),
  );
});

test('those who open one file at once all get the whole, when all are admitted', async () => {
  await using house = await FileHouse.open();
  const readers = await together(house, ['cat', '.env'], ['cat', house.env], ['head', '-c', '9999', '.env']);
  for (const { out } of await Promise.all(readers.map(async (reader) => await ended(reader))))
    assertSame(out, house.content);
  await eventually(() => (house.fates['delivered'] === 3 ? true : undefined), 'all to be settled');
});

test('I3: those who open one file at once all get nothing, when one of them is refused', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode only 9999');
  const readers = await together(house, ['cat', '.env'], ['head', '-c', '9999', '.env']);
  await Promise.all(readers.map(async (reader) => assert.equal((await ended(reader)).out.length, 0)));
  await eventually(() => (house.fates['collided'] === 1 ? true : undefined), 'the admitted one to be settled');
  assert.equal(house.fates['delivered'], undefined);
});

test('a human who takes a second is waited for', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode slow 1000');
  const { out } = await house.run('cat', '.env');
  assertSame(out, house.content);
});

test('I3: an answer that comes too late is none, and the opener does not wait for it', async () => {
  await using house = await FileHouse.open({ answerMs: 1_500 });
  await house.tell('mode hold');
  const { code, out } = await house.run('cat', '.env');
  assert.deepEqual([code, out.length], [0, 0]);
  await house.event(({ said }) => said === 'gone');
  await eventually(() => (house.fates['refused too_late'] === 1 ? true : undefined), 'the refusal');
  await house.tell('yes');
  await eventually(() => (house.fates['too_late'] === 1 ? true : undefined), 'the late yes to be settled');
});

test('who goes away is not waited for, and a yes for it comes to nothing', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode hold');
  const reader = house.start('cat', ['.env']);
  await house.event(({ said }) => said === 'admit');
  reader.kill('SIGKILL');
  await house.event(({ said, pid }) => said === 'gone' && pid === reader.pid);
  await house.tell('yes');
  await eventually(() => (house.fates['gone'] === 1 ? true : undefined), 'the yes to be settled');
});

for (const [mode, fate] of [
  ['taken-back', 'revoked'],
  ['failing', 'broken'],
] as const) {
  test(`I3: nothing is handed over when the bytes are ${mode}`, async () => {
    await using house = await FileHouse.open();
    await house.tell(`mode ${mode}`);
    const { code, out } = await house.run('cat', '.env');
    assert.deepEqual([code, out.length], [0, 0]);
    await eventually(() => (house.fates[fate] === 1 ? true : undefined), 'it to be settled');
  });
}

test('I3: those who would get different bytes from one file get none', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode twofaced');
  const readers = await together(house, ['cat', '.env'], ['cat', house.env]);
  await Promise.all(readers.map(async (reader) => assert.equal((await ended(reader)).out.length, 0)));
  await eventually(() => (house.fates['collided'] === 2 ? true : undefined), 'both to be settled');
});

/** Opens, reads a little, says so, and reads the rest when it is told to. */
const SLOW = `exec 5< .env; head -c 10 <&5; read go; cat <&5`;

test('I6: a yes that is taken back takes the file from who is reading it', async () => {
  await using house = await FileHouse.open({ bytes: 300_000 });
  const reader = house.start('bash', ['-c', SLOW]);
  const over = ended(reader);
  await new Promise((resolve) => reader.stdout?.once('data', resolve));
  await house.tell('revoke');
  await eventually(() => (house.fates['delivered'] === 1 ? true : undefined), 'it to be settled');
  reader.stdin?.end('go\n');
  assert.equal((await over).out.length, 10);
});

test('I6: a file has bytes for a limited time, even if somebody keeps it open', async () => {
  await using house = await FileHouse.open({ bytes: 300_000, servingMs: 200 });
  const reader = house.start('bash', ['-c', SLOW]);
  const over = ended(reader);
  await house.event(({ said }) => said === 'settle');
  reader.stdin?.end('go\n');
  assert.ok((await over).out.length <= 10);
});

test('a process that a reader started may have its file open', async () => {
  await using house = await FileHouse.open({ bytes: 300_000 });
  const reader = house.start('bash', ['-c', 'exec 5< .env; sleep 0.5; (sleep 0.5; cat <&5)']);
  assertSame((await ended(reader)).out, house.content);
  await eventually(() => (house.fates['delivered'] === 1 ? true : undefined), 'it to be settled');
  assert.deepEqual(house.fates, { delivered: 1 });
});

/** Takes a handle on the waiting file, which does not count as opening it, and comes in when there are bytes. */
const THIEF = `import os, sys, time, ctypes
if sys.argv[1] == 'hiding': ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
h = os.open(os.path.realpath('.env'), os.O_PATH); print('ready', flush=True)
p = f'/proc/self/fd/{h}'
while os.stat(h).st_size == 0: time.sleep(0.001)
if sys.argv[1] == 'hiding': ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
os.chmod(p, 0o400); f = open(p); print('in', flush=True); sys.stdin.readline()`;

test(
  'I3: who has a handle on the file from before it was opened is seen, and nobody gets it',
  { skip: needsPython },
  async () => {
    await using house = await FileHouse.open();
    const thief = house.start(PYTHON, ['-c', THIEF, 'plain']);
    await new Promise((resolve) => thief.stdout?.once('data', resolve));
    assert.equal((await house.run('cat', '.env')).out.length, 0);
    await eventually(() => (house.fates['refused collided'] === 1 ? true : undefined), 'the stranger to be seen');
    assert.deepEqual(house.fates, { collided: 1, 'refused collided': 1 });
    assertSame((await house.run('cat', '.env')).out, house.content, 'the next file');
  },
);

test(
  'I6: a stranger who comes in while a file is read is seen, and then nobody has it',
  { skip: needsPython },
  async () => {
    await using house = await FileHouse.open({ bytes: 300_000 });
    const thief = house.start(PYTHON, ['-c', THIEF, 'hiding']);
    await new Promise((resolve) => thief.stdout?.once('data', resolve));
    const reader = house.start('bash', ['-c', SLOW]);
    const over = ended(reader);
    await eventually(() => (house.fates['refused collided'] === 1 ? true : undefined), 'the stranger to be seen');
    reader.stdin?.end('go\n');
    assert.ok((await over).out.length <= 10);
  },
);

test('I3: a file that was given another name is not served', async () => {
  await using house = await FileHouse.open();
  assert.equal(
    (
      await house.run(
        'bash',
        '-c',
        'ln "$(readlink .env)" kept 2>/dev/null || ln "$(readlink .env)" "$(readlink .env).kept"',
      )
    ).code,
    0,
  );
  assert.equal((await house.run('cat', '.env')).out.length, 0);
  await eventually(() => (house.fates['collided'] === 1 ? true : undefined), 'it to be settled');
  assertSame((await house.run('cat', '.env')).out, house.content, 'the next file');
});

test('nobody writes a mounted file', { skip: !isRoot && 'needs root' }, async () => {
  await using house = await FileHouse.open();
  const { code, err } = await house.run('bash', '-c', 'echo A=1 >> .env');
  assert.equal(code, 1);
  assert.match(err, /Permission denied/);
  const other = await house.run('bash', '-c', 'chmod u+w .env; echo A=1 >> .env; cat .env');
  assertSame(other.out, house.content);
  await eventually(() => (house.fates['refused collided'] === 1 ? true : undefined), 'the writer to be refused');
});

test('who does not want to wait is told to come again, and it is on the record', { skip: needsPython }, async () => {
  await using house = await FileHouse.open();
  const { err } = await house.run(PYTHON, '-c', `import os; os.open('.env', os.O_NONBLOCK)`);
  assert.match(err, /BlockingIOError/);
  await eventually(() => (house.fates['refused unidentified'] === 1 ? true : undefined), 'the refusal');
});

test('nothing is mounted over what is there', async () => {
  await using house = await FileHouse.open();
  const paths = ['file', 'folder', 'link', 'dangling'].map((name) => join(house.project, name));
  const [file = '', folder = '', link = '', dangling = ''] = paths;
  fs.writeFileSync(file, 'kept');
  fs.mkdirSync(folder);
  fs.symlinkSync(file, link);
  fs.symlinkSync('/nowhere', dangling);
  for (const path of paths) await assert.rejects(house.tell(`mount ${path}`), /mount\/exists/);
  assert.equal(fs.readFileSync(link, 'utf8'), 'kept');
  assert.equal(fs.readlinkSync(dangling), '/nowhere');
  await assert.rejects(house.tell(`mount ${house.env}`), /mount\/exists/);
  assertSame((await house.run('cat', '.env')).out, house.content);
});

test('a mount that something else was put in the place of is not intact, and that stays when it is closed', async () => {
  await using house = await FileHouse.open();
  assert.equal(await house.tell(`intact ${house.env}`), true);
  const target = fs.readlinkSync(house.env);
  fs.rmSync(house.env);
  fs.symlinkSync('/etc/hostname', house.env);
  assert.equal(await house.tell(`intact ${house.env}`), false);
  await house.tell(`close ${house.env}`);
  assert.equal(fs.readlinkSync(house.env), '/etc/hostname');
  assert.equal(fs.existsSync(target), false);
});

test('a mount whose file is gone is not intact', async () => {
  await using house = await FileHouse.open();
  fs.rmSync(fs.readlinkSync(house.env));
  assert.equal(await house.tell(`intact ${house.env}`), false);
});

test('a closed mount lets who waits go with nothing, and leaves nothing behind', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode hold');
  const reader = house.start('cat', ['.env']);
  await house.event(({ said }) => said === 'admit');
  const target = fs.readlinkSync(house.env);
  await house.tell(`close ${house.env}`);
  assert.equal((await ended(reader)).out.length, 0);
  assert.equal(fs.lstatSync(house.env, { throwIfNoEntry: false }), undefined);
  await house.end();
  assert.equal(fs.existsSync(join(target, '../..')), false);
});

test('I3: a server that is killed leaves nobody waiting and no bytes, and the next one tidies up', async () => {
  await using house = await FileHouse.open();
  await house.tell('mode hold');
  const reader = house.start('cat', ['.env']);
  await house.event(({ said }) => said === 'admit');
  const target = fs.readlinkSync(house.env);
  await house.killServer();
  const { code, out } = await ended(reader);
  assert.deepEqual([code, out.length], [0, 0]);
  assert.equal((await house.run('cat', '.env')).out.length, 0);
  assert.equal(fs.statSync(target).size, 0);
  await house.serve();
  assert.equal(fs.existsSync(target), false);
  fs.rmSync(house.env);
  await house.tell(`mount ${house.env}`);
  assertSame((await house.run('cat', '.env')).out, house.content);
});

test('a server that is killed while its file is read leaves the bytes to who reads, and to nobody else', async () => {
  await using house = await FileHouse.open({ bytes: 300_000 });
  const reader = house.start('bash', ['-c', SLOW]);
  const over = ended(reader);
  await new Promise((resolve) => reader.stdout?.once('data', resolve));
  await house.killServer();
  assert.equal((await house.run('cat', '.env')).out.length, 0);
  reader.stdin?.end('go\n');
  assertSame((await over).out, house.content);
  assert.equal(fs.statSync(house.env).size, 0);
});

test('a folder of that name that somebody else made is not used, and it is said', { skip: !isRoot }, async () => {
  await using house = await FileHouse.open();
  const folder = join(fs.readlinkSync(house.env), '../..');
  await house.end();
  fs.mkdirSync(folder, { mode: 0o777 });
  await house.serve();
  await assert.rejects(house.tell(`mount ${house.env}`), /mount\/unsupported/);
  assert.match(String(await house.tell('unsupported')), /not private/);
  assert.equal(fs.lstatSync(house.env, { throwIfNoEntry: false }), undefined);
  fs.rmdirSync(folder);
});

test('I8: more than so many do not wait for one file; who is too much is refused, and the others are served', async () => {
  await using house = await FileHouse.open({ waitingMax: 3 });
  await house.tell('mode hold');
  const readers: ChildProcess[] = [];
  for (let count = 1; count <= 3; count += 1) {
    readers.push(house.start('cat', ['.env']));
    await eventually(
      () => house.events.filter(({ said }) => said === 'admit').length === count || undefined,
      'a question',
    );
  }
  assert.equal((await house.run('cat', '.env')).out.length, 0);
  await eventually(() => (house.fates['refused busy'] === 1 ? true : undefined), 'the refusal');
  assert.deepEqual(house.fates, { 'refused busy': 1 });
  await house.tell('yes');
  for (const reader of readers) assertSame((await ended(reader)).out, house.content);
});

/** The path of the folder that is made in a mount namespace of its own, prepared by `script`; or the code of a failure. */
async function folderAfter(script: string): Promise<string> {
  const module = new URL('../../src/delivery/mount/file-folder.ts', import.meta.url).href;
  const code = `const { makeMountFolder } = await import('${module}');
    process.setgroups([]); process.setgid(${USER}); process.setuid(${USER});
    try { console.log(makeMountFolder('/home/of/somebody')); } catch (error) { console.log(error.code); }`;
  const command = `${script}; exec "$0" --input-type=module -e "$1"`;
  const { out, err } = await runAsRoot('unshare', '--mount', 'sh', '-e', '-c', command, process.execPath, code);
  assert.equal(err, '');
  return out.trim();
}

async function runAsRoot(program: string, ...args: string[]): Promise<{ readonly out: string; readonly err: string }> {
  const { stdout, stderr } = await promisify(execFile)(program, args);
  return { out: stdout, err: stderr };
}

test(
  'the folder of the files is where memory is: of the user first, shared next, or none',
  { skip: !isRoot || !has('unshare') },
  async () => {
    const own = `mount -t tmpfs none /run/user; mkdir /run/user/${USER}; mount -t tmpfs -o mode=700,uid=${USER},gid=${USER} none /run/user/${USER}`;
    assert.match(await folderAfter(own), /^\/run\/user\/1001\/keystile-[0-9a-f]{16}$/);
    const notMine = `mount -t tmpfs none /run/user; mkdir /run/user/${USER}; chmod 777 /run/user/${USER}; mount -t tmpfs -o mode=1777 none /dev/shm`;
    assert.match(await folderAfter(notMine), /^\/dev\/shm\/keystile-1001-[0-9a-f]{16}$/);
    // ramfs is memory too, but has no limit: one that fills up takes the machine with it.
    assert.equal(await folderAfter('mount -t ramfs -o mode=1777 none /dev/shm'), 'mount/unsupported');
  },
);

test('the folder of the files is in memory, private, and of the ordinary user', async () => {
  await using house = await FileHouse.open();
  const folder = join(fs.readlinkSync(house.env), '../..');
  const { mode, uid } = fs.statSync(folder);
  assert.equal(mode & 0o777, 0o700);
  assert.equal(uid, AS.uid ?? process.geteuid?.());
  assert.match(folder, /^\/(?:dev\/shm|run\/user)\//);
});
