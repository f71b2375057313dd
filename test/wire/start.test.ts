import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HomePaths } from '../../src/machine/paths.ts';
import { connect } from '../../src/wire/client.ts';
import { ensureDaemon } from '../../src/wire/start.ts';
import { CANARY, temporaryHome, until } from './daemon.ts';

const script = fileURLToPath(new URL('../programs/daemon-of-wire.ts', import.meta.url));
const startModule = new URL('../../src/wire/start.ts', import.meta.url).href;

interface Started {
  pid: number;
  cwd: string;
  env: Record<string, string>;
}

/** A home without a copy of Node: it is what takes the time, and is tested with the interpreter. */
function home() {
  const made = temporaryHome();
  writeFileSync(join(made.paths.home, 'bin'), 'no folder here');
  return made;
}

const startedIn = (paths: HomePaths) => JSON.parse(readFileSync(join(paths.home, 'started'), 'utf8')) as Started;

async function stop(paths: HomePaths): Promise<void> {
  const { pid } = startedIn(paths);
  using connection = await connect({ paths, socket: 'control' });
  await connection.call('daemon.stop', {}).catch(() => undefined);
  await until('the end of the daemon', () => !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}

void test('a daemon is started once, far from its caller: own folder, clean environment', async () => {
  using made = home();
  const { paths } = made;
  process.env['CANARY_TOKEN'] = CANARY;
  try {
    await ensureDaemon(paths, { script });
    await ensureDaemon(paths, { script });
  } finally {
    delete process.env['CANARY_TOKEN'];
  }
  const started = startedIn(paths);
  assert.equal(started.cwd, paths.home);
  assert.equal(started.env['KEYSTILE_HOME'], paths.home);
  assert.ok(!JSON.stringify(started).includes(CANARY));
  const session = readFileSync(`/proc/${started.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3];
  assert.equal(Number(session), started.pid);
  await stop(paths);
});

void test('two that start it at once both succeed, with one daemon', async () => {
  using made = home();
  const { paths } = made;
  const program = `import { ensureDaemon } from ${JSON.stringify(startModule)};
    await ensureDaemon(${JSON.stringify(paths)}, { script: ${JSON.stringify(script)} });`;
  const codes = await Promise.all(
    [1, 2, 3].map(async () => {
      const { promise, resolve } = Promise.withResolvers<number | null>();
      spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' }).once('exit', resolve);
      return promise;
    }),
  );
  // The file `started` can be written only once, by whoever holds the lock.
  assert.deepEqual(codes, [0, 0, 0]);
  await stop(paths);
});

void test('a daemon that cannot start says why; one that says nothing leaves a pointer to the log', async () => {
  using made = home();
  const { paths } = made;
  writeFileSync(join(paths.home, 'fail-start'), 'clearly');
  await assert.rejects(ensureDaemon(paths, { script }), {
    code: 'machine/not_hardened',
    message: 'the test wants it so',
  });
  writeFileSync(join(paths.home, 'fail-start'), 'silently');
  await assert.rejects(ensureDaemon(paths, { script }), { code: 'daemon/unreachable', hint: /keystile\.log/ });
  rmSync(join(paths.home, 'fail-start'));
  await ensureDaemon(paths, { script });
  await stop(paths);
});

void test('in the foreground it stays until the daemon has ended, and only where none runs yet', async () => {
  using made = home();
  const { paths } = made;
  const staying = ensureDaemon(paths, { script, foreground: true });
  let isOver = false;
  void staying.finally(() => (isOver = true));
  await until('the daemon', () => existsSync(join(paths.home, 'started')) && existsSync(paths.controlSocket));
  await assert.rejects(ensureDaemon(paths, { script, foreground: true }), { code: 'home/in_use' });
  await ensureDaemon(paths, { script });
  assert.equal(isOver, false);
  await stop(paths);
  await staying;
});

void test('S03: an impostor on the socket is named, not joined', async () => {
  using made = home();
  const { paths } = made;
  const server = createServer((socket) => socket.on('error', () => undefined).end('hello'));
  await new Promise<void>((resolve) => server.listen(paths.controlSocket, resolve));
  await assert.rejects(ensureDaemon(paths, { script }), { code: 'daemon/impostor' });
  server.close();
});
