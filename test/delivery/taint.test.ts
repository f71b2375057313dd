// The taint scan on real folders: what it finds, what it must not follow, open or wait for, and where it stops.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { NeedleSet } from '../../src/core/redactor/redactor.ts';
import type { Taint } from '../../src/core/taint.ts';
import { TAINT_LIMITS_DEFAULT, TaintBudget, type TaintLimits } from '../../src/delivery/taint-budget.ts';
import { TaintText } from '../../src/delivery/taint-text.ts';
import { findTaint } from '../../src/delivery/taint.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { canary, has, USER } from '../house.ts';

const CANARY = makeCanary();
let folder = '';
let needles: NeedleSet;

beforeEach(() => {
  folder = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'keystile-taint-'));
  needles = NeedleSet.compile([{ name: 'K', value: Buffer.from(CANARY) }]);
});

afterEach(() => {
  needles.wipe();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function scan(since = 0, limits: Partial<TaintLimits> = {}, cwd = folder): Promise<Taint> {
  const taint = await findTaint(cwd, since, needles, new TaintBudget({ ...TAINT_LIMITS_DEFAULT, ...limits }));
  assertNoCanary(JSON.stringify(taint), CANARY);
  return taint;
}

const put = (name: string, text: string | Buffer): void => {
  fs.mkdirSync(join(folder, name, '..'), { recursive: true });
  fs.writeFileSync(join(folder, name), text);
};
const hit = (file: string, line: number, name = 'K') => ({ name, file, line });
const git = (...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder, stdio: 'ignore' });

describe('what is found', () => {
  test('a secret is named with file and line, raw and encoded, in folders as well', async () => {
    put('notes.txt', `one\ntwo ${CANARY}\nthree\n`);
    put('a/b/c.bin', Buffer.from(`\n\n\n${Buffer.from(CANARY).toString('base64')}`));
    put('clean.txt', 'nothing of it');
    const { hits, limits, files } = await scan();
    assert.deepEqual(
      hits.toSorted((a, b) => a.line - b.line),
      [hit('notes.txt', 2), hit('a/b/c.bin', 4)],
    );
    assert.deepEqual(limits, []);
    assert.equal(files, 3);
  });

  test('what did not change since the start is not opened, whatever its other times say', async () => {
    put('old.txt', CANARY);
    const since = fs.statSync(join(folder, 'old.txt')).ctimeMs + 1_000;
    fs.utimesSync(join(folder, 'old.txt'), since / 1_000 + 60, since / 1_000 + 60);
    assert.deepEqual(await scan(since), { hits: [], limits: [], files: 0 });
  });

  test('a file whose time of change was set back is found', async () => {
    const since = Date.now();
    put('new.txt', CANARY);
    fs.utimesSync(join(folder, 'new.txt'), 1, 1);
    assert.deepEqual((await scan(since)).hits, [hit('new.txt', 1)]);
  });

  test('a secret in the name of a file, of a folder or behind a link is found, and the name is told masked', async () => {
    const name = canary();
    needles = NeedleSet.compile([{ name: 'K', value: Buffer.from(name) }]);
    put(`${name}.txt`, 'x');
    fs.mkdirSync(join(folder, `d-${name}`));
    fs.symlinkSync(`/nowhere/${name}`, join(folder, 'link'));
    const { hits } = await scan();
    assertNoCanary(JSON.stringify(hits), name);
    assert.deepEqual(
      new Set(hits.map(({ file, line }) => `${line} ${file}`)),
      new Set(['0 [REDACTED:K].txt', '0 d-[REDACTED:K]', '0 link']),
    );
  });

  test('a secret across the pieces a file is read in is found on its line (law: as counted in the whole)', async () => {
    const text = new TaintText(needles);
    await fc.assert(
      fc.asyncProperty(fc.nat(300_000), fc.nat(40), fc.nat(40), async (filler, before, inside) => {
        const head = Buffer.concat([Buffer.alloc(before, '\n'), Buffer.alloc(filler, 'x'), Buffer.alloc(inside, '\n')]);
        text.begin();
        text.push(Buffer.concat([head, Buffer.from(CANARY), Buffer.alloc(70_000, '\n')]));
        assert.deepEqual(text.hits, [{ name: 'K', line: before + inside + 1 }]);
      }),
      { numRuns: 40 },
    );
  });

  test(
    'objects of git are looked into: a blob, a commit message, a work tree elsewhere',
    { skip: !has('git') && 'needs git' },
    async () => {
      git('init', '-q');
      put('secret.txt', `a\nb\n${CANARY}\n`);
      git('add', 'secret.txt');
      fs.rmSync(join(folder, 'secret.txt'));
      const { hits } = await scan();
      assert.equal(hits.length, 1);
      assert.match(hits[0]!.file, /^\.git\/objects\/[0-9a-f]{2}\/[0-9a-f]{38}$/);
      assert.equal(hits[0]!.line, 3);
      git('commit', '-q', '-m', `subject\n\n${CANARY}`);
      assert.ok((await scan()).hits.length > 1);
    },
  );

  test(
    'packs of git are looked into, also where an object is a difference',
    { skip: !has('git') && 'needs git' },
    async () => {
      git('init', '-q');
      const long = Array.from({ length: 400 }, (_, i) => `line ${i} of a file that is much longer than its changes\n`);
      put('long.txt', long.join(''));
      git('add', '.');
      git('commit', '-q', '-m', 'one');
      put('long.txt', `${long.join('')}K=${CANARY}\n`);
      git('commit', '-q', '-a', '-m', 'two');
      put('long.txt', `${long.join('')}${long.join('')}`);
      git('commit', '-q', '-a', '-m', 'three');
      git('gc', '-q', '--aggressive', '--prune=now');
      const { hits, limits } = await scan();
      assert.deepEqual(limits, []);
      assert.ok(hits.length > 0);
      for (const { file } of hits) assert.match(file, /^\.git\/objects\/pack\/pack-[0-9a-f]{40}\.pack$/);
    },
  );

  test('a pack that is cut, or none, is noted and is no error', async () => {
    put('objects/pack/a.pack', 'PACK\0\0\0\u0002\0\0\0\u0009\u0091');
    put('objects/pack/b.pack', 'no pack');
    put('z.txt', CANARY);
    const { hits, limits } = await scan();
    assert.deepEqual([hits, limits], [[hit('z.txt', 1)], ['unread']]);
  });

  test(
    'objects of a repository above the folder are looked into, and of a linked work tree',
    { skip: !has('git') && 'needs git' },
    async () => {
      git('init', '-q', 'main');
      put('main/sub/secret.txt', CANARY);
      git('-C', 'main', 'add', '.');
      git('-C', 'main', 'commit', '-q', '-m', 'x');
      git('-C', 'main', 'worktree', 'add', '-q', '../linked', '-b', 'other');
      for (const below of ['main/sub', 'linked']) {
        fs.rmSync(join(folder, below, 'secret.txt'), { force: true });
        const { hits } = await scan(0, {}, join(folder, below));
        assert.ok(
          hits.some(({ file }) => file.startsWith(`${folder}/main/.git/objects/`)),
          below,
        );
      }
    },
  );
});

describe('what is not followed, opened or waited for', () => {
  test('a link is not followed, a loop of links ends', async () => {
    const outside = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'keystile-outside-'));
    fs.writeFileSync(join(outside, 'x'), CANARY);
    fs.symlinkSync(outside, join(folder, 'out'));
    fs.symlinkSync(join(outside, 'x'), join(folder, 'file'));
    fs.mkdirSync(join(folder, 'a'));
    fs.symlinkSync('..', join(folder, 'a', 'loop'));
    assert.deepEqual(await scan(), { hits: [], limits: [], files: 0 });
    fs.rmSync(outside, { recursive: true });
  });

  test('a pipe nobody writes to, a socket and a device are passed by', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    if (process.getuid?.() === 0) execFileSync('mknod', [join(folder, 'zero'), 'c', '1', '5']);
    put('after.txt', CANARY);
    assert.deepEqual(await scan(), { hits: [hit('after.txt', 1)], limits: [], files: 1 });
  });

  test('names with control characters, newlines and bytes that are no text are told harmlessly', async () => {
    put('a\u001b[2J\nb\u202e', CANARY);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x0a])]), CANARY);
    const files = (await scan()).hits.map(({ file }) => file);
    assert.equal(files.length, 2);
    for (const file of files) assert.match(file, /^[\x20-\x7e]+$/);
    assert.ok(files.includes('a\\u{1b}[2J\\u{a}b\\u{202e}'));
  });

  test('a long path is told by its end', async () => {
    put(`${'d'.repeat(200)}/${'e'.repeat(200)}/last.txt`, CANARY);
    const file = (await scan()).hits[0]?.file ?? '';
    assert.ok(file.length <= 300 && file.startsWith('...') && file.endsWith('/last.txt'));
  });

  test(
    'what this user may not read is noted, and the rest is scanned',
    { skip: process.getuid?.() !== 0 && 'needs root' },
    async () => {
      put('closed/x', CANARY);
      put('unreadable', CANARY);
      put('open', CANARY);
      for (const name of ['closed', 'unreadable']) fs.chmodSync(join(folder, name), 0);
      fs.chmodSync(folder, 0o755);
      process.seteuid?.(USER);
      try {
        assert.deepEqual(await scan(), { hits: [hit('open', 1)], limits: ['unread'], files: 2 });
      } finally {
        process.seteuid?.(0);
      }
    },
  );

  test('a run without anything to look for has nothing opened', async () => {
    put('x', CANARY);
    assert.deepEqual(await findTaint(folder, 0, NeedleSet.compile([])), { hits: [], limits: [], files: 0 });
  });

  test('a folder that is gone is noted, and is no error', async () => {
    assert.deepEqual(await scan(0, {}, join(folder, 'gone')), { hits: [], limits: ['unread'], files: 0 });
  });

  test('a folder mounted into itself is walked once', { skip: !canMount() && 'needs the right to mount' }, async () => {
    put('one/x', CANARY);
    fs.mkdirSync(join(folder, 'one', 'again'));
    execFileSync('mount', ['--bind', folder, join(folder, 'one', 'again')]);
    try {
      assert.deepEqual((await scan()).hits, [hit('one/x', 1)]);
    } finally {
      execFileSync('umount', [join(folder, 'one', 'again')]);
    }
  });

  test('files that come, go and change meanwhile do no harm', async () => {
    const script =
      'i=0; while :; do i=$((i+1)); echo $i > f$((i%50)); rm -f f$(((i+25)%50)); mkdir -p d; rmdir d; done';
    const { spawn } = await import('node:child_process');
    const busy = spawn('sh', ['-c', script], { cwd: folder, stdio: 'ignore' });
    put('still.txt', CANARY);
    try {
      for (let i = 0; i < 20; i += 1) assert.deepEqual((await scan()).hits, [hit('still.txt', 1)]);
    } finally {
      busy.kill('SIGKILL');
      await new Promise((gone) => busy.once('close', gone));
    }
  });
});

describe('where it stops', () => {
  test('a huge file with holes is read to the limit of one file and no further', async () => {
    put('huge', 'x');
    fs.truncateSync(join(folder, 'huge'), 2 ** 40);
    put('z.txt', CANARY);
    const { hits, limits } = await scan(0, { fileBytes: 1_000_000 });
    assert.deepEqual(limits, ['bytes']);
    assert.deepEqual(hits, [hit('z.txt', 1)]);
  });

  test('an object that inflates without end is cut, and one that is broken is no error', async () => {
    put(`objects/ab/${'0'.repeat(38)}`, deflateSync(Buffer.alloc(50_000_000)));
    put(`objects/ab/${'1'.repeat(38)}`, 'this is not compressed');
    const { limits, hits } = await scan(0, { fileBytes: 1_000_000 });
    assert.deepEqual([limits, hits], [['bytes'], []]);
  });

  for (const [limit, limits] of [
    ['entries', { entries: 10 }],
    ['files', { files: 10 }],
    ['bytes', { bytes: 10 }],
    ['time', { milliseconds: 0 }],
  ] as const) {
    test(`the limit of ${limit} is said`, async () => {
      for (let i = 0; i < 20; i += 1) put(`f${i}`, 'twenty bytes, or more');
      assert.ok((await scan(0, limits)).limits.includes(limit));
    });
  }

  test('of one file five places are told, of a run fifty, and that there were more', async () => {
    for (let i = 0; i < 20; i += 1) put(`f${i}`, `${CANARY}\n`.repeat(20));
    const { hits, limits } = await scan();
    assert.equal(hits.length, 50);
    assert.deepEqual(limits, ['hits']);
    assert.ok(hits.every(({ line }) => line <= 5));
  });

  test('what packages brought is looked through last', async () => {
    for (let i = 0; i < 20; i += 1) put(`node_modules/a${i}/x`, 'x');
    put('src/deep/er/x.ts', CANARY);
    assert.deepEqual((await scan(0, { files: 10 })).hits, [hit('src/deep/er/x.ts', 1)]);
  });
});

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const place = fs.mkdtempSync(join(tmpdir(), 'keystile-mount-'));
  try {
    execFileSync('mount', ['--bind', place, place], { stdio: 'ignore' });
    execFileSync('umount', [place], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    fs.rmdirSync(place);
  }
}
