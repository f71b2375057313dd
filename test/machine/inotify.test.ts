import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { EVENT, Inotify, OpenCounter } from '../../src/machine/inotify.ts';
import type { FileEvent } from '../../src/machine/inotify.ts';
import { eventually } from '../house.ts';

const module = new URL('../../src/machine/inotify.ts', import.meta.url).href;
let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-inotify-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function file(name: string): string {
  const path = join(folder, name);
  fs.writeFileSync(path, 'x');
  return path;
}

void test('what happens to a watched file is told, and to no other', async () => {
  const seen: FileEvent[] = [];
  const inotify = new Inotify((events) => seen.push(...events), assert.fail);
  const [a, b] = [file('a'), file('b')];
  const watch = inotify.watch(a, EVENT.opened | EVENT.closed | EVENT.moved | EVENT.deleted);
  fs.readFileSync(b);
  fs.readFileSync(a);
  fs.renameSync(a, join(folder, 'c'));
  fs.unlinkSync(join(folder, 'c'));
  await eventually(() => (seen.some(({ mask }) => (mask & EVENT.deleted) !== 0) ? true : undefined), 'all events');
  const masks = seen.filter((event) => event.watch === watch).map(({ mask }) => mask);
  assert.deepEqual(masks.slice(0, 4), [EVENT.opened, EVENT.closed, EVENT.moved, EVENT.deleted]);
  await inotify.close();
});

void test('a file that is not watched any more is silent', async () => {
  const seen: FileEvent[] = [];
  const inotify = new Inotify((events) => seen.push(...events), assert.fail);
  const [a, b] = [file('a'), file('b')];
  inotify.forget(inotify.watch(a, EVENT.opened));
  const watch = inotify.watch(b, EVENT.opened);
  fs.readFileSync(a);
  fs.readFileSync(b);
  await eventually(() => (seen.some((event) => event.watch === watch) ? true : undefined), 'the other one');
  assert.equal(seen.filter(({ mask }) => (mask & EVENT.opened) !== 0).length, 1);
  await inotify.close();
  await inotify.close();
});

void test('a process that waits for events can end without closing', () => {
  const script = `import { Inotify } from '${module}'; new Inotify(() => {}, () => {}); setTimeout(() => process.exit(7), 50);`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
  assert.equal(status, 7);
});

void test('F04: every process that opens a file is counted once, however fast they come', async (t) => {
  const counter = OpenCounter.open();
  if (counter === null) {
    t.skip('this kernel does not let us count');
    return;
  }
  const [a, b] = [file('a'), file('b')];
  assert.ok(counter.add(a));
  assert.deepEqual(counter.take(), []);
  const readers = Array.from({ length: 20 }, () => spawn('cat', [a, b, a], { stdio: 'ignore' }));
  await Promise.all(readers.map(async (reader) => await once(reader, 'exit')));
  fs.readFileSync(a);
  const opened = counter.take() ?? assert.fail('lost count');
  assert.equal(opened.filter(({ isOurs }) => !isOurs).length, 20);
  assert.equal(opened.filter(({ isOurs }) => isOurs).length, 1);
  assert.equal(new Set(opened.map((event) => event.file)).size, 1);
  counter.close();
  assert.equal(counter.take(), null);
});

void test('two files are told apart', (t) => {
  const counter = OpenCounter.open();
  if (counter === null) {
    t.skip('this kernel does not let us count');
    return;
  }
  const paths = [file('a'), file('b')];
  for (const path of paths) assert.ok(counter.add(path));
  for (const path of paths) fs.readFileSync(path);
  assert.equal(new Set(counter.take()?.map((event) => event.file)).size, 2);
  counter.close();
});
