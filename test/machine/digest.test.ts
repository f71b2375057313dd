import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import {
  FILE_BYTES_MAX,
  directoryFacts,
  fileFacts,
  isChangeableByUser,
  operandsOf,
  processDigest,
  resolveProgram,
} from '../../src/machine/digest.ts';
import { processFacts } from '../../src/machine/processes.ts';

const OTHER_USER = 1001;
const isRoot = process.geteuid?.() === 0;
const needsRoot = { skip: isRoot ? false : 'only root can play two users' };
const digestModule = new URL('../../src/machine/digest.ts', import.meta.url).href;
let folder = '';

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-digest-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const refusal = (code: FailureCode) => (error: unknown) => error instanceof Failure && error.code === code;

function file(name: string, text: string, mode = 0o644): string {
  const path = join(folder, name);
  fs.writeFileSync(path, text, { mode });
  return path;
}

void test('I5: the facts of a file are its bytes, and a changed byte is another digest', async () => {
  const path = file('a', 'one');
  const facts = await fileFacts(path);
  assert.equal(facts.path, path);
  assert.equal(facts.digest, sha256('one'));
  assert.equal(facts.bytes, 3);
  fs.writeFileSync(path, 'two');
  assert.equal((await fileFacts(path)).digest, sha256('two'));
});

void test('I5: a link is followed, keeps its own name, and shows when it leads elsewhere', async () => {
  file('a', 'one');
  file('b', 'two');
  const link = join(folder, 'link');
  fs.symlinkSync('a', link);
  assert.deepEqual(
    { ...(await fileFacts(link)), isChangeable: null },
    { path: link, digest: sha256('one'), bytes: 3, isChangeable: null },
  );
  fs.rmSync(link);
  fs.symlinkSync('b', link);
  assert.equal((await fileFacts(link)).digest, sha256('two'));
});

void test('what is no regular file has no facts, and asking for them does not hang', async () => {
  spawnSync('mkfifo', [join(folder, 'fifo')]);
  for (const path of [folder, join(folder, 'fifo'), '/dev/zero', join(folder, 'absent')]) {
    await assert.rejects(fileFacts(path), refusal('program/not_found'), path);
  }
});

void test('I8: a file over 256 MiB is refused without being read', async () => {
  const path = file('large', '');
  fs.truncateSync(path, FILE_BYTES_MAX + 1);
  await assert.rejects(fileFacts(path), refusal('input/too_large'));
});

void test('a file is changeable if this user could write it or anything on the way to it', needsRoot, async () => {
  fs.chmodSync(folder, 0o755);
  fs.mkdirSync(join(folder, 'bin'), { mode: 0o755 });
  const path = file('bin/tool', 'x', 0o755);
  const seenBy = (uid: number | undefined, name = path): boolean => {
    const code = `import(${JSON.stringify(digestModule)}).then((m) => console.log(m.isChangeableByUser(process.argv[1])))`;
    const user = uid === undefined ? {} : { uid, gid: uid };
    return (
      spawnSync(process.execPath, ['-e', code, name], { ...user, encoding: 'utf8', cwd: '/' }).stdout.trim() === 'true'
    );
  };
  assert.equal(seenBy(OTHER_USER), false);
  for (const [what, change, undo] of [
    ['its owner', () => fs.chownSync(path, OTHER_USER, 0), () => fs.chownSync(path, 0, 0)],
    ['its mode', () => fs.chmodSync(path, 0o757), () => fs.chmodSync(path, 0o755)],
    [
      'the owner of its folder',
      () => fs.chownSync(join(folder, 'bin'), OTHER_USER, 0),
      () => fs.chownSync(join(folder, 'bin'), 0, 0),
    ],
    ['a folder above', () => fs.chmodSync(folder, 0o777), () => fs.chmodSync(folder, 0o755)],
  ] as const) {
    change();
    assert.equal(seenBy(OTHER_USER), true, what);
    undo();
  }
  // A link the user made to a file that cannot be changed can be led elsewhere.
  fs.mkdirSync(join(folder, 'own'));
  fs.symlinkSync('../bin/tool', join(folder, 'own', 'link'));
  assert.equal(seenBy(OTHER_USER, join(folder, 'own', 'link')), false);
  fs.chownSync(join(folder, 'own'), OTHER_USER, 0);
  assert.equal(seenBy(OTHER_USER, join(folder, 'own', 'link')), true);
});

void test("root's agent can change whatever is not the system's own, and a link to that", needsRoot, () => {
  fs.chmodSync(folder, 0o755);
  assert.equal(isChangeableByUser(file('tool', 'x', 0o755)), true);
  fs.symlinkSync('/bin/sh', join(folder, 'sh'));
  assert.equal(isChangeableByUser(join(folder, 'sh')), true);
  assert.equal(isChangeableByUser('/bin/sh'), false);
  assert.equal(isChangeableByUser('/etc/passwd'), true);
});

void test('a system program is not changeable for an ordinary user', () => {
  const code = `import(${JSON.stringify(digestModule)}).then((m) => console.log(m.isChangeableByUser('/bin/sh')))`;
  const user = isRoot ? { uid: OTHER_USER, gid: OTHER_USER } : {};
  assert.equal(spawnSync(process.execPath, ['-e', code], { ...user, encoding: 'utf8', cwd: '/' }).stdout, 'false\n');
});

void test('I7: the digest of a running program is of what runs, also when its file was replaced', async () => {
  const path = join(folder, 'agent');
  fs.copyFileSync(fs.realpathSync('/bin/sh'), path);
  const digest = createHash('sha256').update(fs.readFileSync(path)).digest('hex');
  const child = spawn(path, ['-c', 'echo up; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const facts = processFacts(Number(child.pid));
  assert.ok(facts !== null);
  fs.rmSync(path);
  file('agent', 'something harmless');
  assert.equal(await processDigest(facts), digest);
  assert.equal(await processDigest({ pid: facts.pid, startedAt: '1' }), null);
  child.kill('SIGKILL');
});

void test('E07: a program is looked for on absolute entries only, a name with a slash from the folder', () => {
  file('tool', '#!/bin/sh\n', 0o755);
  file('data', 'not executable');
  fs.mkdirSync(join(folder, 'sub'));
  fs.symlinkSync('tool', join(folder, 'alias'));
  const real = fs.realpathSync(folder);
  assert.equal(resolveProgram('tool', ['.', '', 'bin', join(folder, 'sub'), folder], folder), join(real, 'tool'));
  assert.equal(resolveProgram('./tool', [], folder), join(real, 'tool'));
  assert.equal(resolveProgram('../tool', [], join(folder, 'sub')), join(real, 'tool'));
  assert.equal(resolveProgram(join(folder, 'alias'), [], '/'), join(real, 'tool'));
  for (const [name, path] of [
    ['tool', ['.', '', './']],
    ['data', [folder]],
    ['sub', [folder]],
    ['./absent', [folder]],
    ['x'.repeat(5000), [folder]],
  ] as const) {
    assert.throws(() => resolveProgram(name, path, folder), refusal('program/not_found'), name.slice(0, 20));
  }
  for (const name of ['', 'a\0b'])
    assert.throws(() => resolveProgram(name, [folder], folder), refusal('input/invalid'));
});

void test('I5: operands are the arguments that are files, once each, in order, and values of --flag=file', async () => {
  file('b.py', 'b');
  file('a.py', 'a');
  fs.mkdirSync(join(folder, 'sub'));
  const argv = [
    'a.py',
    'b.py',
    '--config=a.py',
    './b.py',
    'sub',
    'absent',
    '',
    'x\0y',
    '-',
    '/proc/self/environ',
    '/dev/null',
  ];
  const operands = await operandsOf(argv, folder);
  assert.deepEqual(
    operands.map(({ path, digest }) => [path, digest]),
    [
      [join(folder, 'b.py'), sha256('b')],
      [join(folder, 'a.py'), sha256('a')],
    ],
  );
});

void test('I8: 33 files or 512 MiB are too much', async () => {
  const names = Array.from({ length: 33 }, (_, i) => `f${i}`);
  for (const name of names) file(name, name);
  assert.equal((await operandsOf(['x', ...names.slice(1)], folder)).length, 32);
  await assert.rejects(operandsOf(['x', ...names], folder), refusal('input/too_large'));
  fs.truncateSync(join(folder, 'f0'), FILE_BYTES_MAX + 1);
  await assert.rejects(operandsOf(['x', 'f0'], folder), refusal('input/too_large'));
});

void test('a folder is known by device and inode, not by name', () => {
  fs.mkdirSync(join(folder, 'a'));
  fs.symlinkSync('a', join(folder, 'link'));
  const facts = directoryFacts(join(folder, 'link'));
  const stats = fs.statSync(join(folder, 'a'), { bigint: true });
  assert.deepEqual(facts, { path: fs.realpathSync(join(folder, 'a')), dev: String(stats.dev), ino: String(stats.ino) });
  assert.throws(() => directoryFacts(join(folder, 'absent')), refusal('input/invalid'));
  assert.throws(() => directoryFacts(file('f', '')), refusal('input/invalid'));
});
