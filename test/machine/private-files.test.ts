import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import {
  ensurePrivateFolder,
  openPrivateAppend,
  readPrivate,
  refuseUnsafeAncestors,
  writePrivateAtomic,
} from '../../src/machine/private-files.ts';

const OTHER_USER = 1001;
let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-private-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const mode = (path: string): number => fs.statSync(path).mode & 0o7777;

function refused(act: () => unknown, code: FailureCode, message: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code);
    assert.match(`${error.message}; ${error.hint}`, message);
    return true;
  });
}

void test('missing folders are made 0700, whatever the umask', () => {
  const before = process.umask(0o777);
  try {
    ensurePrivateFolder(join(folder, 'a', 'b'));
  } finally {
    process.umask(before);
  }
  assert.equal(mode(join(folder, 'a')), 0o700);
  assert.equal(mode(join(folder, 'a', 'b')), 0o700);
  ensurePrivateFolder(join(folder, 'a', 'b'));
});

void test('a folder that others may enter is refused, with the command that closes it', () => {
  const home = join(folder, 'home');
  fs.mkdirSync(home);
  fs.chmodSync(home, 0o750);
  refused(() => ensurePrivateFolder(home), 'home/unsafe', /run: chmod 700 .*home/);
  assert.equal(mode(home), 0o750);
});

void test('S02: a home that is a symbolic link is refused, even to a good folder', () => {
  ensurePrivateFolder(join(folder, 'real'));
  fs.symlinkSync(join(folder, 'real'), join(folder, 'home'));
  refused(() => ensurePrivateFolder(join(folder, 'home')), 'home/unsafe', /symbolic link/);
  fs.symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
  refused(() => ensurePrivateFolder(join(folder, 'dangling')), 'home/unsafe', /symbolic link/);
});

void test('a file where the home should be is refused', () => {
  fs.writeFileSync(join(folder, 'home'), '');
  refused(() => ensurePrivateFolder(join(folder, 'home')), 'home/unsafe', /not a folder/);
  refused(() => ensurePrivateFolder(join(folder, 'home', 'run')), 'home/unsafe', /not a folder|ENOTDIR/);
});

void test('a link of our own above the home is followed', () => {
  ensurePrivateFolder(join(folder, 'disk', 'me'));
  fs.symlinkSync('disk/../disk', join(folder, 'link'));
  ensurePrivateFolder(join(folder, 'link', 'me', 'home'));
  assert.equal(refuseUnsafeAncestors(join(folder, 'link', 'me')), fs.realpathSync(join(folder, 'disk', 'me')));
});

void test('links that turn in a circle are refused', () => {
  fs.symlinkSync('b', join(folder, 'a'));
  fs.symlinkSync('a', join(folder, 'b'));
  refused(() => ensurePrivateFolder(join(folder, 'a', 'home')), 'home/unsafe', /too many|symbolic/);
});

void test('a home below a folder that everybody can write is refused, below a sticky one is not', () => {
  const shared = join(folder, 'shared');
  fs.mkdirSync(shared);
  fs.chmodSync(shared, 0o777);
  refused(() => ensurePrivateFolder(join(shared, 'home')), 'home/unsafe', /chmod go-w .*shared/);
  assert.ok(!fs.existsSync(join(shared, 'home')));
  fs.chmodSync(shared, 0o1777);
  ensurePrivateFolder(join(shared, 'home'));
});

const isRoot = process.geteuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'only root can play another user' };

void test('S02: a folder or link that another user made in advance is refused', needsRoot, () => {
  fs.chmodSync(folder, 0o1777);
  fs.mkdirSync(join(folder, 'home'), { mode: 0o700 });
  fs.chownSync(join(folder, 'home'), OTHER_USER, OTHER_USER);
  refused(() => ensurePrivateFolder(join(folder, 'home')), 'home/unsafe', /another user/);
  refused(() => ensurePrivateFolder(join(folder, 'home', 'run')), 'home/unsafe', /another user/);
  ensurePrivateFolder(join(folder, 'real'));
  fs.symlinkSync('real', join(folder, 'link'));
  fs.lchownSync(join(folder, 'link'), OTHER_USER, OTHER_USER);
  refused(() => ensurePrivateFolder(join(folder, 'link', 'home')), 'home/unsafe', /link that belongs to another user/);
});

void test('a group that is not the user’s own may not write above the home', needsRoot, () => {
  const above = join(folder, 'above');
  fs.mkdirSync(above);
  fs.chownSync(above, 0, OTHER_USER);
  fs.chmodSync(above, 0o775);
  refused(() => ensurePrivateFolder(join(above, 'home')), 'home/unsafe', /other users can write/);
});

void test('a new file is 0600 whatever the umask, and replaces the old one whole', () => {
  const path = join(folder, 'file');
  const before = process.umask(0);
  try {
    writePrivateAtomic(path, Buffer.from('first'));
    const inode = fs.statSync(path).ino;
    writePrivateAtomic(path, Buffer.from('second'));
    assert.notEqual(fs.statSync(path).ino, inode);
  } finally {
    process.umask(before);
  }
  assert.equal(mode(path), 0o600);
  assert.equal(readPrivate(path)?.toString(), 'second');
  assert.deepEqual(fs.readdirSync(folder), ['file']);
});

void test('writing over a link replaces the link and not what it leads to', () => {
  const victim = join(folder, 'victim');
  fs.writeFileSync(victim, 'kept');
  fs.symlinkSync(victim, join(folder, 'file'));
  writePrivateAtomic(join(folder, 'file'), Buffer.from('new'));
  assert.equal(fs.readFileSync(victim, 'utf8'), 'kept');
});

void test('a write that fails leaves the old bytes and no rest', () => {
  fs.mkdirSync(join(folder, 'file', 'inside'), { recursive: true });
  refused(() => writePrivateAtomic(join(folder, 'file'), Buffer.from('x')), 'machine/io', /EISDIR|ENOTEMPTY|EEXIST/);
  assert.deepEqual(fs.readdirSync(folder), ['file']);
});

void test('reading: absent is null; a link, a folder, a FIFO, an open mode or too many bytes is refused', () => {
  const path = join(folder, 'file');
  assert.equal(readPrivate(path), null);
  fs.writeFileSync(path, 'x'.repeat(11), { mode: 0o600 });
  refused(() => readPrivate(path, 10), 'input/too_large', /10 bytes/);
  fs.symlinkSync(path, join(folder, 'link'));
  refused(() => readPrivate(join(folder, 'link')), 'home/unsafe', /symbolic link/);
  refused(() => readPrivate(folder), 'home/unsafe', /not a regular file/);
  execFileSync('mkfifo', ['-m', '600', join(folder, 'fifo')]);
  refused(() => readPrivate(join(folder, 'fifo')), 'home/unsafe', /not a regular file/);
  fs.chmodSync(path, 0o640);
  refused(() => readPrivate(path), 'home/unsafe', /chmod 600/);
});

void test('appending adds to what is there, and refuses links, FIFOs and open modes', () => {
  const path = join(folder, 'log');
  for (const text of ['a', 'b']) {
    const file = openPrivateAppend(path);
    fs.writeSync(file, text);
    fs.closeSync(file);
  }
  assert.equal(fs.readFileSync(path, 'utf8'), 'ab');
  assert.equal(mode(path), 0o600);
  fs.symlinkSync(path, join(folder, 'link'));
  refused(() => openPrivateAppend(join(folder, 'link')), 'home/unsafe', /symbolic link/);
  execFileSync('mkfifo', ['-m', '600', join(folder, 'fifo')]);
  refused(() => openPrivateAppend(join(folder, 'fifo')), 'machine/io', /ENXIO/);
  fs.chmodSync(path, 0o644);
  refused(() => openPrivateAppend(path), 'home/unsafe', /chmod 600/);
});

void test('a device is appended to only where the human named it', () => {
  refused(() => openPrivateAppend('/dev/full'), 'home/unsafe', /not a regular file/);
  const file = openPrivateAppend('/dev/full', { isDeviceAllowed: true });
  assert.throws(() => fs.writeSync(file, 'x'), /ENOSPC/);
  fs.closeSync(file);
});

void test('an ordinary user makes a home in a sticky folder, and not in one of root’s', needsRoot, () => {
  const source = new URL('../../src/machine/private-files.ts', import.meta.url).href;
  const program = `import(${JSON.stringify(source)}).then((m) => m.ensurePrivateFolder(process.argv[1]))
    .catch((error) => console.log(error.code))`;
  const run = (path: string): string =>
    spawnSync(process.execPath, ['-e', program, path], { uid: OTHER_USER, gid: OTHER_USER, encoding: 'utf8', cwd: '/' })
      .stdout;
  fs.chmodSync(folder, 0o1777);
  assert.equal(run(join(folder, 'mine', 'home')), '');
  assert.equal(fs.statSync(join(folder, 'mine', 'home')).uid, OTHER_USER);
  fs.chmodSync(folder, 0o755);
  assert.equal(run(join(folder, 'other')), 'machine/io\n');
});
