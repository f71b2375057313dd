// Mounted files as named pipes, under stress: floods of readers, thousands of reads, lost events, and the limits.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { OPENERS_WAITING_MAX } from '../../src/core/mount.ts';
import { eventually } from '../house.ts';
import { FifoHouse, isRoot, programs } from '../programs/fifo-house.ts';
import { payloadOf } from '../programs/fifo-payload.ts';

const needsRoot = { skip: isRoot ? false : 'only root sees where readers wait' };
const READERS = 200;
const RUNS = 5;
const READS = 5_000;

function node(): string {
  return join(programs(), 'node_modules', 'node', 'bin', 'node');
}

for (const bytes of [1_024, 300_000]) {
  test(`${READERS} readers at once are whole or refused, never torn, and none hangs (${bytes} bytes)`, async () => {
    await using house = await FifoHouse.open('all', bytes);
    const want = payloadOf(bytes);
    let whole = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const reads = await Promise.all(Array.from({ length: READERS }, async () => await house.cat()));
      for (const { stdout } of reads) assert.ok(stdout.length === 0 || stdout.equals(want), `${stdout.length} bytes`);
      whole += reads.filter(({ stdout }) => stdout.length > 0).length;
    }
    const empty = READERS * RUNS - whole;
    await eventually(() => {
      const delivered = house.outcomes().filter((outcome) => outcome === 'delivered').length;
      return delivered >= whole ? true : undefined;
    }, 'all to be settled');
    const reported = house.refusals() + house.outcomes().filter((outcome) => outcome !== 'delivered').length;
    assert.ok(reported >= empty, `${empty} were empty and ${reported} reported`);
    process.stdout.write(`# ${whole} of ${READERS * RUNS} were whole (${bytes} bytes)\n`);
  });
}

test(`many readers of one pipe take turns (${READERS / 4} at once)`, needsRoot, async () => {
  await using house = await FifoHouse.open('all', 300_000);
  const readers = await house.together(Array.from({ length: READERS / 4 }, () => ['cat', house.path] as const));
  const want = payloadOf(300_000);
  for (const { done } of readers) assert.ok((await done).stdout.equals(want));
});

test(`F12: after ${READS} reads there are no more descriptors and no more memory than before`, async () => {
  await using house = await FifoHouse.open('all', 2_000);
  const script = `for (let i = 0; i < ${READS}; i += 1) if (fs.readFileSync('.env').length !== 2000) process.exit(1);`;
  // Once, so that everything that is made on first use is there.
  await house.run(node(), ['-e', script.replace(String(READS), '500')]);
  const settledDescriptors = async (): Promise<number> => Number((await house.order({ do: 'look' }))['descriptors']);
  const before = await eventually(async () => {
    const now = await settledDescriptors();
    return now < 60 ? now : undefined;
  }, 'the graves to be levelled');
  const { residentKiB } = await house.order({ do: 'look' });
  const { code, stderr } = await house.run(node(), ['-e', script]);
  assert.equal(code, 0, stderr);
  await eventually(
    async () => ((await settledDescriptors()) <= before + 2 ? true : undefined),
    'no descriptor to be left',
  );
  const grown = Number((await house.order({ do: 'look' }))['residentKiB']) - Number(residentKiB);
  // V8 keeps what it once had; a leak of one buffer for each read would be more than this.
  assert.ok(grown < 160 * 1024, `grew by ${grown} KiB`);
  process.stdout.write(`# grew by ${grown} KiB in ${READS} reads\n`);
  assert.deepEqual(fs.readdirSync(house.folder), ['.env']);
});

test('I8: when events are lost, a reader that came meanwhile is served all the same', needsRoot, async () => {
  await using house = await FifoHouse.open('all', 1_000);
  const other = join(house.folder, 'other');
  await house.order({ do: 'mount', path: other });
  house.server.kill('SIGSTOP');
  // The queue holds max_queued_events; each of these is two or more, and no two in a row are equal.
  const max = Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  const flood = `for (let i = 0; i < ${max}; i += 1) fs.closeSync(fs.openSync(i % 2 ? '.env' : 'other', 'r'));`;
  assert.equal((await house.run(node(), ['-e', flood])).code, 0);
  const readers = [house.start('cat', [house.path]), house.start('cat', [other])];
  for (const { child } of readers) {
    await eventually(() => {
      return fs.readFileSync(`/proc/${child.pid}/wchan`, 'utf8').includes('pipe_read') ? true : undefined;
    }, 'it to wait');
  }
  house.server.kill('SIGCONT');
  for (const { done } of readers) {
    const { stdout } = await done;
    assert.ok(stdout.length === 0 || stdout.length === 1_000);
  }
  for (const path of [house.path, other]) assert.equal((await house.run('cat', [path])).stdout.length, 1_000);
});

test('I8: more openers than may wait are refused as busy, and the others are served', async () => {
  await using house = await FifoHouse.open('hold', 10);
  const script = `let last = 0; const opened = [];
    for (let i = 0; i <= ${OPENERS_WAITING_MAX}; i += 1) {
      while (fs.statSync('.env').ino === last);
      last = fs.statSync('.env').ino;
      opened.push(fs.openSync('.env', 'r'));
    }
    const lengths = opened.map((fd) => fs.readFileSync(fd).length);
    console.log(lengths.filter((length) => length === 10).length);`;
  const reader = house.start(node(), ['-e', script]);
  await house.hears('refused', ({ why }) => why === 'busy');
  assert.equal(house.refusals(), 1);
  await house.order({ do: 'answer all', yes: true });
  assert.equal((await reader.done).stdout.toString().trim(), String(OPENERS_WAITING_MAX));
});
