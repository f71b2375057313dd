// Mounted files by FUSE, seen by the programs that read them. The server runs as an ordinary user.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { cLibrary } from '../../src/machine/libc.ts';
import { makePipe } from '../../src/machine/native.ts';
import { isSameProcessAlive, processEntry } from '../../src/machine/processes.ts';
import { eventually, has } from '../house.ts';
import { FuseHouse, SKIP, canary, payload, type Ended } from '../programs/fuse-house.ts';

const skip = SKIP;
const isRoot = process.geteuid?.() === 0;
const NODE = process.execPath;
const THREAD = fileURLToPath(new URL('../../src/delivery/mount/fuse-thread.ts', import.meta.url));
const PYTHON = '/usr/bin/python3';
/** A canary has 34 bytes, and these are whole numbers of them. */
const SMALL = 34 * 30;
const LARGE = 34 * 9_000;
const noPython = skip !== false ? skip : fs.existsSync(PYTHON) ? false : 'no python3';

/** Opens the file, says so, and does one step for each line it is given. */
const SLOW_READER = `import os,sys
fd=os.open(sys.argv[1],os.O_RDONLY)
print('open',os.fstat(fd).st_size,flush=True)
for line in sys.stdin:
  try: print('read',len(os.read(fd,int(line))),flush=True)
  except OSError as e: print('error',e.strerror,flush=True)`;

function assertWhole({ code, stdout, stderr }: Ended, expected: Buffer, what: string): void {
  assert.equal(stderr, '', what);
  assert.equal(code, 0, what);
  assert.equal(stdout.equals(expected), true, `${what}: ${stdout.length} of ${expected.length} bytes`);
}

function assertRefused({ code, stdout, stderr }: Ended, secret: string, words = /Permission denied/): void {
  assert.notEqual(code, 0);
  assert.match(stderr, words);
  assert.equal(stdout.includes(secret.trim()) || stderr.includes(secret.trim()), false, 'the value is nowhere');
}

void test('programs of every kind get the whole file, small and large', { skip }, async () => {
  await using house = await FuseHouse.open();
  const readers: readonly (readonly string[])[] = [
    ['cat', house.path],
    ['sh', '-c', `cat < ${house.path}`],
    ['grep', '-a', '', house.path],
    ['sh', '-c', `cp ${house.path} ${house.root}/copy && cat ${house.root}/copy && rm -f ${house.root}/copy`],
    ['dd', `if=${house.path}`, 'bs=777', 'status=none'],
    [NODE, '-e', `process.stdout.write(fs.readFileSync('${house.path}'))`],
    [NODE, '-e', `fs.promises.readFile('${house.path}').then((b) => process.stdout.write(b))`],
    [NODE, '-e', `fs.createReadStream('${house.path}').pipe(process.stdout)`],
    ...(noPython === false
      ? [
          [PYTHON, '-c', `import sys; sys.stdout.write(open('${house.path}').read())`],
          [
            PYTHON,
            '-c',
            `import sys,mmap; f=open('${house.path}'); sys.stdout.buffer.write(mmap.mmap(f.fileno(),0,mmap.MAP_PRIVATE,mmap.PROT_READ))`,
          ],
        ]
      : []),
  ];
  for (const bytes of [SMALL, LARGE]) {
    const text = canary();
    await house.mount('yes', text, bytes);
    for (const [command = '', ...args] of readers) {
      assertWhole(await house.run(command, ...args), payload(text, bytes), `${command} ${args.join(' ')}`);
    }
    await house.do({ do: 'unmount', path: house.path });
  }
  assert.equal(
    house.all('settled').every(({ outcome }) => outcome === 'delivered'),
    true,
  );
  assert.equal(house.all('settled').length, readers.length * 2);
});

void test('a part of the file can be read, from the middle too, and a shell can source it', { skip }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', 'KS_A=one\nKS_B=two\n');
  const dd = await house.run('dd', `if=${house.path}`, 'bs=1', 'skip=9', 'count=4', 'status=none');
  assert.equal(dd.stdout.toString(), 'KS_B');
  assert.equal((await house.run('head', '-c', '4', house.path)).stdout.toString(), 'KS_A');
  assert.equal((await house.run('tail', '-n', '1', house.path)).stdout.toString(), 'KS_B=two\n');
  const sourced = await house.run(
    'bash',
    '-c',
    `source ${house.path}; echo $KS_A $KS_B; test -s ${house.path}; echo $?`,
  );
  // The length is told to whoever has it open only: before that, the file looks empty.
  assert.equal(sourced.stdout.toString(), 'one two\n1\n');
});

void test('an empty file is an empty file', { skip }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', 'x', 0);
  assertWhole(await house.run('cat', house.path), Buffer.alloc(0), 'cat');
});

void test(
  'I7: reads in parallel and in threads of one process are all whole, and all are of that process',
  { skip: noPython },
  async () => {
    await using house = await FuseHouse.open();
    const text = canary();
    await house.mount('yes', text, LARGE);
    const parallel = `const all = await Promise.all(Array.from({ length: 8 }, () => fs.promises.readFile('${house.path}')));
    console.log(process.pid, all.filter((b) => b.equals(Buffer.alloc(${LARGE}, ${JSON.stringify(text)}))).length);`;
    const workers = `const code = "require('node:worker_threads').parentPort.postMessage(require('node:fs').readFileSync('${house.path}').length)";
    const { Worker } = await import('node:worker_threads');
    const sizes = await Promise.all(Array.from({ length: 4 }, () => new Promise((done) => new Worker(code, { eval: true }).once('message', done))));
    console.log(process.pid, sizes.filter((size) => size === ${LARGE}).length);`;
    const python = `import os,threading
got=[]
ts=[threading.Thread(target=lambda: got.append(len(open('${house.path}').read()))) for _ in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(os.getpid(), got.count(${LARGE}))`;
    for (const [program, code, count] of [
      [NODE, `(async () => { ${parallel} })()`, 8],
      [NODE, `(async () => { ${workers} })()`, 4],
      [PYTHON, python, 8],
    ] as const) {
      const seen = house.all('asked').length;
      const { stdout, stderr } = await house.run(program, program === NODE ? '-e' : '-c', code);
      const pids = house
        .all('asked')
        .slice(seen)
        .map(({ pid }) => pid);
      assert.equal(stdout.toString().trim(), `${pids[0]} ${count}`, stderr);
      assert.deepEqual(
        pids,
        Array.from({ length: count }, () => pids[0]),
      );
    }
  },
);

void test('forty readers at once get the whole file each', { skip }, async () => {
  await using house = await FuseHouse.open();
  const text = canary();
  await house.mount('yes', text, LARGE);
  const readers = Array.from({ length: 40 }, async () => await house.run('cat', house.path));
  for (const ended of await Promise.all(readers)) assertWhole(ended, payload(text, LARGE), 'cat');
});

void test('I3: whoever is refused gets "Permission denied" and no byte', { skip }, async () => {
  await using house = await FuseHouse.open();
  const text = canary();
  await house.mount('no', text);
  assertRefused(await house.run('cat', house.path), text);
  assertRefused(await house.run('grep', '-r', 'CANARY', house.path), text);
  assertRefused(await house.run(NODE, '-e', `fs.readFileSync('${house.path}')`), text, /EACCES/);
  assert.equal(house.all('asked').length, 3);
  assert.equal(house.all('settled').length + house.all('gone').length, 0);
});

void test('nobody can write, and nobody is asked about it', { skip }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary());
  const target = fs.readlinkSync(house.path);
  for (const line of [`echo x >> ${house.path}`, `rm ${target}`, `touch ${dirname(target)}/x`, `chmod 644 ${target}`])
    assert.match((await house.run('sh', '-c', line)).stderr, /Read-only file system/, line);
  assert.equal(house.all('asked').length, 0);
});

void test(
  'looking at names and attributes asks nobody, and a search through the home finds no file to open',
  { skip },
  async () => {
    await using house = await FuseHouse.open();
    await house.mount('yes', canary());
    const target = fs.readlinkSync(house.path);
    const seen = await house.run('stat', '-c', '%F %a %u %s %h', target, dirname(target));
    assert.equal(seen.stdout.toString(), `regular empty file 400 ${house.uid} 0 1\ndirectory 500 ${house.uid} 0 2\n`);
    for (const command of [
      ['ls', '-laR', house.root],
      ['grep', '-r', 'CANARY', house.root],
      ['find', house.root],
      ['test', '-r', house.path],
    ])
      await house.run(command[0] ?? '', ...command.slice(1));
    assert.match((await house.run('cat', `${target}.bak`)).stderr, /No such file/);
    assert.match((await house.run('cat', join(house.mountFolder, 'x', '.env'))).stderr, /No such file/);
    assert.equal(house.all('asked').length, 0);
  },
);

void test('another user cannot open it, not even root', { skip: skip || (!isRoot && 'needs root') }, async () => {
  await using house = await FuseHouse.open();
  const text = canary();
  await house.mount('yes', text);
  fs.chmodSync(house.root, 0o755);
  for (const uid of [0, 4_321]) assertRefused(await house.program('cat', [house.path], uid).ended, text);
  assert.equal(house.all('asked').length, 0);
  assert.equal((await house.run('cat', house.path)).stdout.toString(), text);
});

void test('a yes that is taken back before the first byte leaves nothing to read', { skip: noPython }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary(), LARGE);
  const reader = house.program(PYTHON, ['-c', SLOW_READER, house.path]);
  await eventually(() => reader.seen().includes('open') || undefined, 'the open');
  assert.equal(await house.do({ do: 'revoke', id: 0 }), true, 'the copy is wiped at once');
  assert.equal((await house.event('settled')).outcome, 'revoked');
  reader.process.stdin?.end('10\n');
  assert.equal((await reader.ended).stdout.toString(), `open ${LARGE}\nerror Permission denied\n`);
});

void test('a yes that is taken back between two reads ends the reading', { skip: noPython }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary(), LARGE);
  const reader = house.program(PYTHON, ['-c', SLOW_READER, house.path]);
  reader.process.stdin?.write('1000\n');
  await eventually(() => reader.seen().includes('read 1000') || undefined, 'a read');
  assert.equal(await house.do({ do: 'revoke', id: 0 }), true);
  reader.process.stdin?.end('1000\n1000\n');
  assert.match(
    (await reader.ended).stdout.toString(),
    /read 1000\nerror Permission denied\nerror Permission denied\n$/,
  );
});

void test('a yes that was taken back before it is used delivers nothing', { skip }, async () => {
  await using house = await FuseHouse.open();
  const text = canary();
  await house.mount('ask', text);
  const reader = house.program('cat', [house.path]);
  await house.event('asked');
  await house.do({ do: 'revoke', id: 0 });
  await house.do({ do: 'answer', id: 0, isYes: true });
  assertRefused(await reader.ended, text);
  assert.equal((await house.event('settled')).outcome, 'revoked');
});

void test('a copy is wiped when its reader closes the file', { skip }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary(), LARGE);
  await house.run('cat', house.path);
  await eventually(async () => (await house.do<boolean>({ do: 'isWiped', id: 0 })) || undefined, 'the wiping');
});

void test(
  'unmounting refuses who waits, takes back what is open and removes the path',
  { skip: noPython },
  async () => {
    await using house = await FuseHouse.open();
    const text = canary();
    await house.mount('ask', text, LARGE);
    const reader = house.program(PYTHON, ['-c', SLOW_READER, house.path]);
    await house.event('asked');
    await house.do({ do: 'answer', id: 0, isYes: true });
    await eventually(() => reader.seen().includes('open') || undefined, 'the open');
    const waiting = Array.from({ length: 5 }, () => house.program('cat', [house.path]));
    await house.event('asked', 5);
    assert.equal(await house.do({ do: 'unmount', path: house.path }), true, 'every copy is wiped');
    for (const program of waiting) assertRefused(await program.ended, text);
    assert.equal(house.all('gone').length, 5);
    assert.equal(fs.lstatSync(house.path, { throwIfNoEntry: false }), undefined);
    reader.process.stdin?.end('10\n');
    assert.match((await reader.ended).stdout.toString(), /error Permission denied\n$/);
    await house.do({ do: 'answer', id: 3, isYes: true });
    assert.equal((await house.event('settled', 1)).outcome, 'revoked');
  },
);

void test(
  'an opener that is killed while it waits is gone at once, and a later yes delivers nothing',
  { skip },
  async () => {
    await using house = await FuseHouse.open();
    await house.mount('ask', canary());
    const reader = house.program('cat', [house.path]);
    const { id, pid, startedAt } = await house.event('asked');
    assert.equal(pid, reader.pid);
    reader.process.kill('SIGKILL');
    assert.equal((await house.event('gone')).id, id);
    assert.equal((await reader.ended).signal, 'SIGKILL');
    assert.equal(isSameProcessAlive({ pid, startedAt }), false);
    await house.do({ do: 'answer', id, isYes: true });
    assert.equal((await house.event('settled')).outcome, 'gone');
  },
);

void test('an opener that handles a signal while it waits is woken', { skip: noPython }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('ask', canary());
  const reader = house.program(PYTHON, ['-c', `open('${house.path}').read()`]);
  await house.event('asked');
  reader.process.kill('SIGINT');
  assert.match((await reader.ended).stderr, /KeyboardInterrupt/);
  await house.event('gone');
});

void test('the length is told to the opener, and to nobody else', { skip: noPython }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary(), 4_321);
  const other = `import os,sys
fd=os.open('${house.path}',os.O_PATH); print(flush=True); input()
print(os.stat('${house.path}').st_size, os.fstat(fd).st_size)`;
  const early = house.program(PYTHON, ['-c', other]);
  await eventually(() => early.seen() !== '' || undefined, 'the look');
  const reader = house.program(PYTHON, ['-c', SLOW_READER, house.path]);
  await eventually(() => reader.seen().includes('open 4321') || undefined, 'the open');
  assert.equal((await house.run('stat', '-L', '-c', '%s', house.path)).stdout.toString(), '0\n');
  // Whatever the kernel remembers (statx with AT_STATX_DONT_SYNC), it remembers for the reader alone.
  assert.equal((await house.run('stat', '-L', '--cached=always', '-c', '%s', house.path)).stdout.toString(), '0\n');
  early.process.stdin?.end('\n');
  assert.equal((await early.ended).stdout.toString().trim(), '0 0');
  reader.process.stdin?.end();
  await reader.ended;
});

void test('the daemon can look at its own mounts without waiting for itself, and reads nothing', { skip }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary());
  assert.equal(await house.do({ do: 'own', path: house.path }), '0 true true EACCES');
  assert.equal(house.all('asked').length, 0);
});

void test(
  'I7: an opener in a namespace of its own is known by its number out here',
  { skip: skip || (!has('unshare') && 'no unshare') },
  async (t) => {
    await using house = await FuseHouse.open();
    await house.mount('ask', canary());
    const reader = house.program('unshare', ['-Urpf', 'cat', house.path]);
    const first = await Promise.race([house.event('asked'), reader.ended]);
    if (!('event' in first)) {
      t.skip(`no user namespaces: ${first.stderr}`);
      return;
    }
    assert.equal(processEntry(first.pid)?.parentPid, reader.pid);
    assert.match(
      fs.readFileSync(`/proc/${first.pid}/status`, 'latin1'),
      new RegExp(`^NSpid:\\t${first.pid}\\t1$`, 'm'),
    );
    await house.do({ do: 'answer', id: first.id, isYes: true });
    assert.equal((await reader.ended).code, 0);
  },
);

void test(
  'I7: an opener from outside, which the kernel does not name, is refused',
  { skip: skip || (!isRoot && 'needs root') },
  async () => {
    const wrapper = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc'];
    await using house = await FuseHouse.open({ uid: 0, wrapper });
    const text = canary();
    await house.mount('yes', text);
    const [server] = fs.readFileSync(`/proc/${house.serverPid}/task/${house.serverPid}/children`, 'latin1').split(' ');
    const inside = `/proc/${server}/root${fs.readlinkSync(house.path)}`;
    assertRefused(await house.run('cat', inside), text);
    const { why, count } = await house.event('refused');
    assert.deepEqual([why, count], ['unidentified', 1]);
    assert.equal(house.all('asked').length, 0);
  },
);

void test('whoever is at the path first keeps it', { skip }, async () => {
  await using house = await FuseHouse.open();
  const makers: readonly (readonly [string, () => void])[] = [
    ['a file', () => fs.writeFileSync(house.path, 'mine')],
    ['a link that leads nowhere', () => fs.symlinkSync('/nowhere', house.path)],
    ['a folder', () => fs.mkdirSync(house.path)],
  ];
  for (const [what, make] of makers) {
    make();
    const { ino } = fs.lstatSync(house.path);
    await assert.rejects(house.mount('yes', canary()), { code: 'mount/exists' }, what);
    assert.equal(fs.lstatSync(house.path).ino, ino, what);
    fs.rmSync(house.path, { recursive: true });
  }
  const { dev, ino } = await house.mount('yes', canary());
  const stats = fs.lstatSync(house.path, { bigint: true });
  assert.deepEqual([dev, ino], [String(stats.dev), String(stats.ino)]);
});

void test('what somebody put in the place of the link is noticed, and stays', { skip }, async () => {
  await using house = await FuseHouse.open();
  await house.mount('yes', canary());
  assert.equal(await house.do({ do: 'isIntact', path: house.path }), true);
  fs.rmSync(house.path);
  assert.equal(await house.do({ do: 'isIntact', path: house.path }), false);
  fs.writeFileSync(house.path, 'mine');
  assert.equal(await house.do({ do: 'isIntact', path: house.path }), false);
  await house.do({ do: 'unmount', path: house.path });
  assert.equal(fs.readFileSync(house.path, 'utf8'), 'mine');
});

void test('after the daemon is killed nobody hangs, and the next one takes the place', { skip: noPython }, async () => {
  await using house = await FuseHouse.open();
  const text = canary();
  await house.mount('ask', text, LARGE);
  const reader = house.program(PYTHON, ['-c', SLOW_READER, house.path]);
  await house.event('asked');
  await house.do({ do: 'answer', id: 0, isYes: true });
  reader.process.stdin?.write('1000\n');
  await eventually(() => reader.seen().includes('read 1000') || undefined, 'a read');
  const blocked = house.program('cat', [house.path]);
  await house.event('asked', 1);
  await house.kill();
  assertRefused(await blocked.ended, text, /Software caused connection abort|Transport endpoint/);
  reader.process.stdin?.end('1000\n');
  assert.match((await reader.ended).stdout.toString(), /read 1000\nerror (?:Software caused|Transport endpoint)/);
  assertRefused(await house.run('cat', house.path), text, /Transport endpoint is not connected/);
  await house.start();
  assertRefused(await house.run('cat', house.path), text, /No such file/);
  await assert.rejects(house.mount('yes', text), { code: 'mount/exists' });
  fs.rmSync(house.path);
  await house.mount('yes', text);
  assert.equal((await house.run('cat', house.path)).stdout.toString(), text);
});

void test('a daemon that ends or fails while files are open does not stay behind', { skip: noPython }, async () => {
  for (const [order, code] of [
    ['exit', 0],
    ['throw', 1],
    ['close', 0],
  ] as const) {
    await using house = await FuseHouse.open();
    await house.mount('ask', canary(), LARGE);
    const reader = house.program(PYTHON, ['-c', SLOW_READER, house.path]);
    await house.event('asked');
    await house.do({ do: 'answer', id: 0, isYes: true });
    await eventually(() => reader.seen().includes('open') || undefined, 'the open');
    const waiting = house.program('cat', [house.path]);
    await house.event('asked', 1);
    if (order === 'close') {
      await house.do({ do: 'close' });
      await house.do({ do: 'close' });
      assert.equal(fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(house.root), false);
      await assert.rejects(house.mount('yes', canary()), { code: 'mount/unsupported' });
      house.send({ do: 'exit' });
    } else house.send({ do: order });
    assert.equal(await house.serverEnd(), code, order);
    assert.notEqual((await waiting.ended).code, 0);
    reader.process.stdin?.end('10\n');
    assert.match((await reader.ended).stdout.toString(), /error/);
  }
});

void test(
  'somebody who takes the file system away breaks the mounts, and later ones work again',
  { skip },
  async () => {
    await using house = await FuseHouse.open();
    await house.mount('yes', canary());
    assert.equal((await house.run('fusermount3', '-u', '-z', house.mountFolder)).code, 0);
    await eventually(
      async () => (await house.do({ do: 'isIntact', path: house.path })) === false || undefined,
      'the end',
    );
    await house.do({ do: 'unmount', path: house.path });
    const text = canary();
    await house.mount('yes', text);
    assert.equal((await house.run('cat', house.path)).stdout.toString(), text);
  },
);

void test('no bytes from the device end the thread that reads it', { skip }, async () => {
  // A pair of sockets that keep the borders of messages is a device whose kernel we are.
  const ends = Buffer.alloc(8);
  const socketpair = cLibrary().func('int socketpair(int domain, int type, int protocol, void *ends)');
  assert.equal(socketpair(1, 5, 0, ends), 0, 'AF_UNIX, SOCK_SEQPACKET');
  const [kernel, device] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  const { readFd: wake, writeFd } = makePipe();
  const worker = new Worker(THREAD, { workerData: { device, wake, uid: 1, gid: 1 }, env: {} });
  let isAlive = true;
  worker.on('error', (error) => assert.fail(String(error)));
  worker.on('exit', () => (isAlive = false));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is about windows of a browser
  worker.postMessage({ kind: 'add', mount: 1, folder: 'f', name: 'n' });
  const answer = Buffer.alloc(70_000);
  let statfs = 0n;
  const ask = async (requests: readonly Uint8Array[]): Promise<void> => {
    for (const request of requests) fs.writeSync(kernel, request);
    statfs += 1n;
    fs.writeSync(kernel, fuseRequest(17, statfs, 1, 0, Buffer.alloc(0)));
    for (let unique = 0n; unique !== statfs; unique = answer.readBigUInt64LE(8)) {
      const { bytesRead } = await promisify(fs.read)(kernel, answer, 0, answer.length, null);
      assert.equal(answer.readUInt32LE(0), bytesRead, 'an answer has the length it says');
    }
    assert.equal(answer.readInt32LE(4), 0);
  };
  // The folder has node 2, and this lookup makes node 3, the file.
  await ask([
    fuseRequest(1, 99n << 32n, 1, 0, Buffer.from('f\0')),
    fuseRequest(1, 98n << 32n, 2, 0, Buffer.from('n\0')),
  ]);
  const request = fc
    .record({
      opcode: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.nat({ max: 0xffff_ffff })),
      node: fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat()),
      pid: fc.constantFrom(0, 1, -1, process.pid, 0x7fff_ffff),
      body: fc.uint8Array({ maxLength: 128 }),
    })
    .map(({ opcode, node, pid, body }) => fuseRequest(opcode, 97n << 32n, node, pid, Buffer.from(body)));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(request, fc.uint8Array({ minLength: 1, maxLength: 64 })), { maxLength: 8 }),
      ask,
    ),
    { numRuns: 500 },
  );
  assert.equal(isAlive, true);
  fs.closeSync(writeFd);
  await eventually(() => !isAlive || undefined, 'the end of the thread');
  for (const fd of [kernel, device, wake]) fs.closeSync(fd);
});

/** fuse_in_header and a body. */
function fuseRequest(opcode: number, unique: bigint, node: number, pid: number, body: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(40 + body.length, 0);
  header.writeUInt32LE(opcode, 4);
  header.writeBigUInt64LE(unique, 8);
  header.writeBigUInt64LE(BigInt(node), 16);
  header.writeInt32LE(pid, 32);
  return Buffer.concat([header, body]);
}
