// Who a reader is (I7): its program, folder and loader variables, and when it is a stranger (F04).

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { processEntry, type ProcessName } from '../../src/machine/processes.ts';
import { isSameFileFor, programMark, seenReader } from '../../src/machine/readers.ts';
import { eventually, has } from '../house.ts';

const isRoot = process.geteuid?.() === 0;

interface Options {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly uid?: number;
}

/** A process that waits, for as long as `look` takes. */
async function withProcess<T>(
  argv: readonly string[],
  options: Options,
  look: (name: ProcessName, child: ChildProcess) => T | Promise<T>,
): Promise<T> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env: {}, stdio: ['pipe', 'ignore', 'ignore'], ...options });
  try {
    const name = await eventually(() => {
      const entry = child.pid === undefined ? null : processEntry(child.pid);
      // Between fork and exec it is still us.
      const isStarted = entry !== null && programMark(entry) !== programMark({ pid: process.pid, startedAt: '' });
      return isStarted ? entry : undefined;
    }, 'the process to start');
    return await look(name, child);
  } finally {
    child.kill('SIGKILL');
  }
}

test('I7: a reader is its program, arguments, folder, parents and the variables that load code', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keystile-reader-')));
  const env = { LD_LIBRARY_PATH: '/opt/lib', NODE_OPTIONS: '--x', SECRET: 'canary', PATH: '/usr/bin', PYTHONPATH: '' };
  await withProcess(['/bin/sleep', '60'], { env, cwd: folder }, (name) => {
    const seen = seenReader(name);
    assert.ok(seen !== null);
    assert.match(seen.process.program, /\/sleep$/);
    assert.deepEqual(seen.process.argv, ['/bin/sleep', '60']);
    assert.equal(seen.cwd.path, folder);
    assert.equal(seen.ancestors[0]?.pid, process.pid);
    assert.deepEqual(seen.loaders, { LD_LIBRARY_PATH: '/opt/lib', NODE_OPTIONS: '--x', PYTHONPATH: '' });
    assert.doesNotMatch(JSON.stringify(seen), /canary/);
    assert.deepEqual([seen.isInOurPidNamespace, seen.seesOurFiles], [true, true]);
    assert.equal(seen.hasAgentMarker, false);
  });
  await withProcess(['/bin/sleep', '60'], { env: { CLAUDECODE: '1' } }, (name) => {
    assert.equal(seenReader(name)?.hasAgentMarker, true, 'also when no agent is among its parents');
  });
  rmSync(folder, { recursive: true });
});

test('a reader that executes another program is another one', async () => {
  await withProcess(['/bin/sh', '-c', 'read x; exec sleep 60'], {}, async (name, child) => {
    const before = seenReader(name)?.programMark;
    assert.equal(programMark(name), before);
    child.stdin?.write('go\n');
    await eventually(() => (programMark(name) === before ? undefined : true), 'the exec');
    assert.match(seenReader(name)?.process.program ?? '', /\/sleep$/);
  });
});

test(
  'F04: a program that closed itself to others is a stranger to an ordinary user',
  { skip: isRoot ? false : 'needs root' },
  async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keystile-reader-')));
    chmodSync(folder, 0o755);
    const closed = join(folder, 'sleep');
    copyFileSync('/bin/sleep', closed);
    chmodSync(closed, 0o111);
    // Root sees everything, so the one who looks is an ordinary user too.
    const look = `
    const { seenReader } = await import(${JSON.stringify(new URL('../../src/machine/readers.ts', import.meta.url).href)});
    const { processEntry } = await import(${JSON.stringify(new URL('../../src/machine/processes.ts', import.meta.url).href)});
    const { spawn } = await import('node:child_process');
    for (const program of [${JSON.stringify(closed)}, '/bin/sleep']) {
      const child = spawn(program, ['60'], { stdio: 'ignore' });
      await new Promise((settle) => child.once('spawn', settle));
      const entry = processEntry(child.pid);
      console.log(seenReader(entry) === null ? 'stranger' : 'known');
      child.kill('SIGKILL');
    }`;
    const { spawnSync } = await import('node:child_process');
    const out = spawnSync(process.execPath, ['--input-type=module', '-e', look], {
      encoding: 'utf8',
      uid: 1001,
      gid: 1001,
      cwd: '/',
    });
    // A clone in a private folder cannot be read by that user; then there is nothing to look with.
    if (/EACCES|ERR_MODULE_NOT_FOUND|Cannot find module/.test(out.stderr)) assert.ok(out.stdout === '', out.stdout);
    else assert.deepEqual(out.stdout.trim().split('\n'), ['stranger', 'known'], out.stderr);
    rmSync(folder, { recursive: true });
  },
);

test('a process of another user is a stranger', { skip: isRoot ? false : 'needs root' }, async () => {
  await withProcess(['/bin/sleep', '60'], { uid: 1002 }, (name) => assert.equal(seenReader(name), null));
});

test('a process that is gone, or another one with its number, is a stranger', async () => {
  await withProcess(['/bin/sleep', '60'], {}, (name) => {
    assert.equal(seenReader({ ...name, startedAt: '1' }), null);
  });
  assert.equal(seenReader({ pid: 4_194_304, startedAt: '1' }), null);
});

test(
  'a reader in namespaces of its own is seen to be',
  { skip: has('unshare') ? false : 'unshare is not installed' },
  async () => {
    await withProcess(
      ['unshare', '--user', '--map-root-user', '--pid', '--mount', '--fork', 'sleep', '60'],
      { env: { PATH: '/usr/bin:/bin' } },
      async (name) => {
        const inside = await eventually(() => childOf(name.pid), 'the process inside');
        const seen = seenReader(inside);
        assert.ok(seen !== null, 'it is seen from outside');
        assert.deepEqual([seen.isInOurPidNamespace, seen.seesOurFiles], [false, false]);
        assert.equal(isSameFileFor(seen.process, '/bin/sh'), true);
        assert.equal(isSameFileFor(seen.process, '/nowhere'), false);
      },
    );
  },
);

test(
  'F06: a reader with a root of its own is seen to be, also without a mount namespace',
  { skip: existsSync('/usr/bin/python3') ? false : 'python3 is not installed' },
  async () => {
    // CLONE_NEWUSER gives an ordinary user the right to chroot.
    const code = `import ctypes, os, time; ctypes.CDLL(None).unshare(0x10000000); os.chroot('/usr'); time.sleep(60)`;
    await withProcess(['/usr/bin/python3', '-c', code], {}, async (name) => {
      const seen = await eventually(() => {
        const looked = seenReader(name);
        return looked?.seesOurFiles === false ? looked : undefined;
      }, 'another root');
      assert.match(seen.process.program, /^\/usr\/bin\/python3/, 'the program is the same');
    });
  },
);

function childOf(pid: number): ProcessName | undefined {
  for (let candidate = pid + 1; candidate < pid + 50; candidate += 1) {
    const entry = processEntry(candidate);
    if (entry?.parentPid === pid && /sleep/.test(programMark(entry) ?? '')) return entry;
  }
  return undefined;
}
