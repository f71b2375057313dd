// Mounted files by FUSE under load, and at their limits. What was measured is printed, and not judged: other work on the
// machine is in it.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MOUNTS_MAX, OPENERS_WAITING_MAX } from '../../src/core/mount.ts';
import { HARDENED_FLAGS } from '../../src/machine/interpreter.ts';
import { processTable } from '../../src/machine/processes.ts';
import { eventually } from '../house.ts';
import { FuseHouse, SKIP, canary, payload } from '../programs/fuse-house.ts';

const skip = SKIP;
const PYTHON = '/usr/bin/python3';
const noPython = skip !== false ? skip : fs.existsSync(PYTHON) ? false : 'no python3';

interface Usage {
  readonly cpuMicroseconds: number;
  readonly rss: number;
}

void test('200 readers at once, five times, get the whole file each', { skip }, async () => {
  await using house = await FuseHouse.open();
  for (const bytes of [1024, 300 * 1024]) {
    const text = canary();
    const expected = payload(text, bytes);
    await house.do({ do: 'mount', path: house.path, policy: 'yes', text, bytes, isQuiet: true });
    let whole = 0;
    for (let round = 0; round < 5; round += 1) {
      const ends = await Promise.all(Array.from({ length: 200 }, async () => await house.run('cat', house.path)));
      whole += ends.filter(({ code, stdout }) => code === 0 && stdout.equals(expected)).length;
    }
    assert.equal(whole, 1000, `${bytes} bytes`);
    await house.do({ do: 'unmount', path: house.path });
  }
});

void test('I8: as many mounts as there may be stand side by side, each with its own bytes', { skip }, async (t) => {
  await using house = await FuseHouse.open();
  const text = canary();
  const paths = Array.from({ length: MOUNTS_MAX }, (_, i) => join(house.root, `.env.${i}`));
  await Promise.all(
    paths.map((path, i) => house.do({ do: 'mount', path, policy: 'yes', text: `${i} ${text}`, isQuiet: true })),
  );
  const { stdout } = await house.run('cat', ...paths);
  assert.equal(stdout.toString(), paths.map((_, i) => `${i} ${text}`).join(''));
  const before = await house.do<Usage>({ do: 'usage' });
  await delay(3_000);
  const after = await house.do<Usage>({ do: 'usage' });
  t.diagnostic(
    `${MOUNTS_MAX} mounts, 3 s idle: ${(after.cpuMicroseconds - before.cpuMicroseconds) / 1000} ms of processor`,
  );
  await Promise.all(paths.map((path) => house.do({ do: 'unmount', path })));
  assert.deepEqual(fs.readdirSync(house.root), ['mnt']);
});

void test('5,000 opens leave nothing behind', { skip }, async (t) => {
  await using house = await FuseHouse.open({ flags: [...HARDENED_FLAGS, '--expose-gc'] });
  await house.do({ do: 'mount', path: house.path, policy: 'yes', text: canary(), bytes: 64 * 1024, isQuiet: true });
  const read = async (times: number): Promise<Usage> => {
    const code = `for (let i = 0; i < ${times}; i += 1) fs.readFileSync('${house.path}')`;
    assert.equal((await house.run(process.execPath, '-e', code)).code, 0);
    return await house.do<Usage>({ do: 'usage' });
  };
  const before = await read(1_000);
  const after = await read(5_000);
  t.diagnostic(
    `memory ${Math.round(before.rss / 1024)} KiB after 1,000, ${Math.round(after.rss / 1024)} KiB after 6,000`,
  );
  // 5,000 copies would be 320 MB.
  assert.ok(after.rss - before.rss < 48 * 1024 * 1024, `it grew by ${after.rss - before.rss} bytes`);
});

void test(
  'I8: more openers of one mount than may wait are refused as busy, and the others still get theirs',
  { skip: noPython },
  async () => {
    await using house = await FuseHouse.open();
    const text = canary();
    await house.mount('ask', text);
    const code = `import threading
threading.stack_size(65536*2)
got=[]
def read():
  try: got.append(open('${house.path}').read())
  except PermissionError: got.append('refused')
ts=[threading.Thread(target=read) for _ in range(${OPENERS_WAITING_MAX + 5})]
[t.start() for t in ts]; [t.join() for t in ts]
print(len(got)-got.count('refused'), got.count('refused'))`;
    const reader = house.program(PYTHON, ['-c', code]);
    await house.event('refused', 4);
    await house.event('asked', OPENERS_WAITING_MAX - 1);
    assert.ok(house.all('refused').every(({ why, count }) => why === 'busy' && count === 1));
    for (const { id } of house.all('asked')) house.send({ do: 'answer', id, isYes: true });
    assert.equal((await reader.ended).stdout.toString(), `${OPENERS_WAITING_MAX} 5\n`);
  },
);

void test(
  'I8: a reader that opens and never closes is stopped, and others are served when it ends',
  { skip: noPython },
  async () => {
    await using house = await FuseHouse.open();
    const text = canary();
    await house.do({ do: 'mount', path: house.path, policy: 'yes', text, bytes: 1024 * 1024, isQuiet: true });
    const code = `import os
n=0
try:
  while n<5000: os.open('${house.path}',os.O_RDONLY); n+=1
except PermissionError: pass
print(n,flush=True); input()`;
    const greedy = house.program('sh', ['-c', `ulimit -n 6000; exec ${PYTHON} -c "$0"`, code]);
    const opened = await eventually(() => /^\d+$/m.exec(greedy.seen())?.[0], 'the end of its opening');
    assert.equal(Number(opened), 128, '128 MiB in all');
    assert.match((await house.run('cat', house.path)).stderr, /Permission denied/);
    greedy.process.stdin?.end('\n');
    await greedy.ended;
    await eventually(async () => (await house.run('cat', house.path)).code === 0 || undefined, 'a reader to be served');
  },
);

void test('what a read costs, next to a plain file', { skip }, async (t) => {
  await using house = await FuseHouse.open();
  const text = canary();
  await house.do({ do: 'mount', path: house.path, policy: 'yes', text, bytes: 1024, isQuiet: true });
  const plain = join(house.root, 'plain');
  fs.writeFileSync(plain, payload(text, 1024), { mode: 0o644 });
  const code = `const times = {};
    for (const path of process.argv.slice(1)) times[path] = [];
    (async () => {
      for (let i = 0; i < 300; i += 1) for (const [path, list] of Object.entries(times)) {
        const start = performance.now();
        fs.readFileSync(path);
        list.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 2));
      }
      console.log(JSON.stringify(Object.values(times).map((list) => list.sort((a, b) => a - b)).map((list) => [list[150], list[296]])));
    })();`;
  const { stdout, stderr } = await house.run(process.execPath, '-e', code, house.path, plain);
  const [fuse, file] = JSON.parse(stdout.toString() || stderr) as [number[], number[]];
  const show = (list: readonly number[]): string => list.map((ms) => ms.toFixed(3)).join(' / ');
  t.diagnostic(
    `open, read, close, p50 / p99 ms, ${processTable().length} processes: mounted ${show(fuse)}, plain ${show(file)}`,
  );
});
