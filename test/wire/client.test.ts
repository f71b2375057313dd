import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Failure } from '../../src/core/failure.ts';
import { connect } from '../../src/wire/client.ts';
import { encodeFrame, type Message } from '../../src/wire/frames.ts';
import { helloAnswer } from '../../src/wire/hello.ts';
import { makeDaemonIdentity } from '../../src/wire/identity.ts';
import type { WatchEvent } from '../../src/wire/methods.ts';
import { CANARY, startDaemon, temporaryHome, until } from './daemon.ts';
import { FALSE_ANSWERS, impostorAt, nonceOf } from './impostor.ts';

void test('S03: what took the place of the daemon is found out, and never hears a passphrase', async () => {
  await using daemon = await startDaemon({});
  unlinkSync(daemon.paths.controlSocket);
  for (const [what, answer] of FALSE_ANSWERS) {
    using impostor = await impostorAt(daemon.paths.controlSocket, answer);
    // As every command does it: connect, then send the passphrase.
    const attempt = async (): Promise<void> => {
      using connection = await connect({ paths: daemon.paths, socket: 'control' });
      await connection.call('vault.unlock', {}, { parts: [Buffer.from(CANARY)] });
    };
    await assert.rejects(
      attempt(),
      (error: Failure) => {
        return error.code === 'daemon/impostor' && !`${error.message}${error.hint}`.includes(CANARY);
      },
      what,
    );
    const heard = Buffer.concat(impostor.heard);
    assert.ok(heard.length > 0 && heard.length < 200 && !heard.includes(CANARY), what);
  }
});

void test('S03: a proof for one socket, or for another nonce, is no proof', async () => {
  using home = temporaryHome();
  const identity = makeDaemonIdentity();
  writeFileSync(home.paths.daemonKey, identity.keyFile, { mode: 0o600 });
  const replayed = identity.prove('control', Buffer.alloc(32, 1));
  const answers = [
    (question: Message) => encodeFrame(helloAnswer('1', identity.prove('agent', nonceOf(question)))),
    () => encodeFrame(helloAnswer('1', replayed)),
  ];
  for (const answer of answers) {
    using _impostor = await impostorAt(home.paths.controlSocket, answer);
    await assert.rejects(connect({ paths: home.paths, socket: 'control' }), { code: 'daemon/impostor' });
  }
});

void test('S03: without a key, or with one that others can write, nothing is sent', async () => {
  using home = temporaryHome();
  const { paths } = home;
  using impostor = await impostorAt(paths.controlSocket, () => null);
  const attempt = () => connect({ paths, socket: 'control' });
  await assert.rejects(attempt(), { code: 'daemon/impostor' });
  writeFileSync(paths.daemonKey, 'not a key\n', { mode: 0o600 });
  await assert.rejects(attempt(), { code: 'daemon/impostor' });
  writeFileSync(paths.daemonKey, makeDaemonIdentity().keyFile);
  chmodSync(paths.daemonKey, 0o666);
  await assert.rejects(attempt(), { code: 'home/unsafe' });
  chmodSync(paths.daemonKey, 0o600);
  chmodSync(paths.run, 0o777);
  await assert.rejects(attempt(), { code: 'home/unsafe' });
  assert.deepEqual(impostor.heard, []);
});

void test('nothing there, no folder, or a dead socket: the daemon is unreachable', async () => {
  using home = temporaryHome();
  const { paths } = home;
  const attempt = () => connect({ paths, socket: 'agent' });
  await assert.rejects(attempt(), { code: 'daemon/unreachable' });
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(paths.agentSocket)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await assert.rejects(attempt(), { code: 'daemon/unreachable' });
  rmSync(paths.run, { recursive: true });
  await assert.rejects(attempt(), { code: 'daemon/unreachable' });
});

void test('a connection lost during a call is an answer: unreachable', async () => {
  await using daemon = await startDaemon({
    doctor: () => new Promise(() => undefined),
  });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const lost = assert.rejects(connection.call('doctor', {}), { code: 'daemon/unreachable' });
  await daemon.server.close();
  await lost;
  await connection.closed;
});

void test('a caller that no longer waits gets its own reason, and the connection goes on', async () => {
  const aborted: boolean[] = [];
  await using daemon = await startDaemon({
    doctor: async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborted.push(true);
      return { checks: [] };
    },
  });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const controller = new AbortController();
  const reason = new Error('the user pressed a key');
  const waiting = assert.rejects(connection.call('doctor', {}, { signal: controller.signal }), reason);
  await connection.call('status', {});
  controller.abort(reason);
  await waiting;
  await until('the abort', () => aborted.length === 1);
  assert.equal((await connection.call('status', {})).result.vault, 'absent');
  await assert.rejects(connect({ paths: daemon.paths, socket: 'control', signal: AbortSignal.abort(reason) }), reason);
});

void test('events reach who opened a watch, and nobody else', async () => {
  const event: WatchEvent = { event: 'answered', requestId: 'req_1', answer: 'denied' };
  await using daemon = await startDaemon({
    'watch.open': ({ connection }) => {
      connection.session = {};
      return Promise.resolve({ requests: [], held: [], notices: [], idleMinutes: 10 });
    },
  });
  using watcher = await connect({ paths: daemon.paths, socket: 'control' });
  using other = await connect({ paths: daemon.paths, socket: 'control' });
  const heard: WatchEvent[] = [];
  watcher.onEvent((heardEvent) => heard.push(heardEvent));
  other.onEvent(() => assert.fail('not for this connection'));
  await watcher.call('watch.open', {});
  await watcher.call('status', {});
  await other.call('status', {});
  for (const connection of daemon.seen) connection.sendEvent(event);
  await until('the event', () => heard.length === 1);
  await other.call('status', {});
  assert.deepEqual(heard, [event]);
});

void test('I4: a part for the agent socket never leaves the client', async () => {
  await using daemon = await startDaemon({});
  using connection = await connect({ paths: daemon.paths, socket: 'agent' });
  const call = connection.call('environments.list', {}, { parts: [Buffer.from(CANARY)] });
  await assert.rejects(call, { code: 'input/too_large' });
  assert.equal((await connection.call('environments.list', {})).result.status, 'completed');
});

void test('the client loads neither zod nor koffi', () => {
  const client = fileURLToPath(new URL('../../src/wire/client.ts', import.meta.url));
  const hooks = `import { registerHooks } from 'node:module';
    let seen = 0;
    registerHooks({ resolve(name, context, next) {
      seen += 1;
      if (/zod|koffi|methods\\.ts|native\\.ts/.test(name)) throw new Error('loads ' + name);
      return next(name, context);
    } });
    await import(${JSON.stringify(client)});
    console.log(seen);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', hooks], { encoding: 'utf8' });
  assert.ok(Number(stdout) > 5, stderr);
});
