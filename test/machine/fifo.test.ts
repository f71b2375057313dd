import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import {
  hasReaders,
  holdOn,
  inodeAt,
  makeFifo,
  makeRoom,
  openWriter,
  reopen,
  replaceOurs,
  unreadBytes,
} from '../../src/machine/fifo.ts';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
const KIB = 1024;
let folder = '';
let path = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-fifo-'));
  path = join(folder, 'p');
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

void test('F10: a named pipe is made with its mode, and never where something is', () => {
  makeFifo(path, 0o400);
  const stat = fs.lstatSync(path);
  assert.ok(stat.isFIFO());
  assert.equal(stat.mode & 0o777, 0o400);
  assert.throws(() => makeFifo(path, 0o400), { code: 'mount/exists' });
  assert.throws(() => makeFifo(join(folder, 'nowhere', 'p'), 0o400), { code: 'machine/io' });
});

void test('a writer is opened only when there is a reader, and the kernel knows when the last one leaves', () => {
  makeFifo(path, 0o600);
  assert.equal(openWriter(path), null);
  const reader = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = openWriter(path) ?? assert.fail();
  assert.equal(hasReaders(writer), true);
  fs.closeSync(reader);
  assert.equal(hasReaders(writer), false);
  fs.closeSync(writer);
});

void test('a pipe takes up to 1 MiB in one write, and says what nobody has read', () => {
  makeFifo(path, 0o600);
  const reader = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = openWriter(path) ?? assert.fail();
  const bytes = Buffer.alloc(KIB * KIB, 'x');
  assert.equal(makeRoom(writer, bytes.length), true);
  assert.equal(fs.writeSync(writer, bytes), bytes.length);
  assert.equal(unreadBytes(reader), bytes.length);
  assert.equal(fs.readSync(reader, Buffer.alloc(KIB)), KIB);
  assert.equal(unreadBytes(reader), bytes.length - KIB);
  fs.closeSync(reader);
  fs.closeSync(writer);
});

void test('a pipe that lost its name is opened again through a descriptor', () => {
  makeFifo(path, 0o600);
  const reader = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  fs.unlinkSync(path);
  const hold = holdOn(reader);
  const writer = reopen(hold, O_WRONLY | O_NONBLOCK);
  fs.writeSync(writer, 'x');
  assert.equal(unreadBytes(reader), 1);
  for (const fd of [writer, reader]) fs.closeSync(fd);
  // A hold is not a reader.
  assert.throws(() => reopen(hold, O_WRONLY | O_NONBLOCK), { code: 'ENXIO' });
  fs.closeSync(hold);
});

void test('F09: a file is replaced only when it is ours, in one step, and nothing is lost', () => {
  const fresh = join(folder, 'fresh');
  makeFifo(path, 0o600);
  const ours = inodeAt(path);
  fs.writeFileSync(fresh, 'new');
  assert.equal(
    replaceOurs(fresh, path, ({ ino }) => ino === ours?.ino),
    true,
  );
  assert.equal(fs.readFileSync(path, 'utf8'), 'new');
  assert.deepEqual(fs.readdirSync(folder), ['p']);
  fs.writeFileSync(fresh, 'newer');
  assert.equal(
    replaceOurs(fresh, path, ({ ino }) => ino === ours?.ino),
    false,
  );
  assert.equal(fs.readFileSync(path, 'utf8'), 'new');
  assert.equal(fs.readFileSync(fresh, 'utf8'), 'newer');
  assert.equal(inodeAt(join(folder, 'nowhere')), null);
});
