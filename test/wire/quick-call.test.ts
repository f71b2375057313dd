// One call that a process waits for: it ends as the same call over an ordinary connection, or asks nothing at all.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Failure } from '../../src/core/failure.ts';
import type { HomePaths } from '../../src/machine/paths.ts';
import { connect } from '../../src/wire/client.ts';
import { encodeFrame, type Message } from '../../src/wire/frames.ts';
import { helloAnswer } from '../../src/wire/hello.ts';
import { makeDaemonIdentity } from '../../src/wire/identity.ts';
import { startDaemon, temporaryHome } from './daemon.ts';
import { FALSE_ANSWERS, impostorAt, nonceOf } from './impostor.ts';

const PROGRAM = fileURLToPath(new URL('../programs/quick-call.ts', import.meta.url));
const NOTHING_ASKED = { answer: null, heavy: [] };

interface Call {
  readonly method?: string;
  readonly silenceMs?: number;
  readonly params?: object;
  /** Called when the call has said that nobody answers. */
  readonly onSilence?: () => void;
}

/** In a process of its own, which waits and does nothing else. */
async function quickCall(paths: HomePaths, call: Call = {}): Promise<Record<string, unknown>> {
  const { method = 'status', silenceMs = 60_000, params = {}, onSilence } = call;
  const child = spawn(process.execPath, [PROGRAM, paths.home, method, String(silenceMs), JSON.stringify(params)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (onSilence !== undefined) child.stdout.once('data', onSilence);
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(said.split('\n').at(-2) ?? '') as Record<string, unknown>;
}

void test('it is answered as over an ordinary connection, and loads neither node:net nor node:crypto', async () => {
  const opened = { values: [{ name: 'A', form: 'value', isMasked: true, isSecret: true, bytes: 300_000 }] } as const;
  await using daemon = await startDaemon({
    'values.open': ({ setParts }) => {
      setParts([Buffer.alloc(300_000, 7)]);
      return Promise.resolve({ values: [...opened.values] });
    },
  });
  const params = { purpose: 'run', environments: [], references: [], argv: ['true'], path: null } as const;
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const ordinary = await connection.call('values.open', {
    ...params,
    environments: [],
    references: [],
    argv: ['true'],
  });
  const quick = await quickCall(daemon.paths, { method: 'values.open', params });
  const parts = ordinary.parts.map((part) => part.toString('base64'));
  assert.deepEqual(quick, { answer: ordinary.result, parts, heavy: [] });
});

void test('S03: what took the place of the daemon hears no call', async () => {
  await using daemon = await startDaemon({});
  unlinkSync(daemon.paths.controlSocket);
  for (const [what, answer] of [...FALSE_ANSWERS, ['silence', () => null] as const]) {
    using impostor = await impostorAt(daemon.paths.controlSocket, answer);
    assert.deepEqual(await quickCall(daemon.paths), NOTHING_ASKED, what);
    const heard = Buffer.concat(impostor.heard);
    assert.ok(heard.length > 0 && heard.length < 200 && !heard.includes('status'), what);
  }
});

void test('S03: a proof for the other socket, for another nonce, or by another key than that of the home is none', async () => {
  using home = temporaryHome();
  const identity = makeDaemonIdentity();
  writeFileSync(home.paths.daemonKey, identity.keyFile, { mode: 0o600 });
  const replayed = identity.prove('control', Buffer.alloc(32, 1));
  const proof = (question: Message) => encodeFrame(helloAnswer('1', identity.prove('control', nonceOf(question))));
  const answers = [
    (question: Message) => encodeFrame(helloAnswer('1', identity.prove('agent', nonceOf(question)))),
    () => encodeFrame(helloAnswer('1', replayed)),
  ];
  for (const answer of answers) {
    using _impostor = await impostorAt(home.paths.controlSocket, answer);
    assert.deepEqual(await quickCall(home.paths), NOTHING_ASKED);
  }
  writeFileSync(home.paths.daemonKey, makeDaemonIdentity().keyFile);
  using impostor = await impostorAt(home.paths.controlSocket, proof);
  assert.deepEqual(await quickCall(home.paths), NOTHING_ASKED);
  assert.equal(impostor.heard.length, 1);
});

void test('S03: without a key, or with one that others can write, nothing is sent', async () => {
  using home = temporaryHome();
  const { paths } = home;
  using impostor = await impostorAt(paths.controlSocket, () => null);
  assert.deepEqual(await quickCall(paths), NOTHING_ASKED);
  writeFileSync(paths.daemonKey, 'not a key\n', { mode: 0o600 });
  assert.deepEqual(await quickCall(paths), NOTHING_ASKED);
  writeFileSync(paths.daemonKey, makeDaemonIdentity().keyFile);
  chmodSync(paths.daemonKey, 0o666);
  assert.deepEqual(await quickCall(paths), NOTHING_ASKED);
  chmodSync(paths.daemonKey, 0o600);
  chmodSync(paths.run, 0o777);
  assert.deepEqual(await quickCall(paths), NOTHING_ASKED);
  assert.deepEqual(impostor.heard, []);
});

void test('where nothing listens, or there is no folder, nothing is asked', async () => {
  using home = temporaryHome();
  assert.deepEqual(await quickCall(home.paths), NOTHING_ASKED);
  rmSync(home.paths.run, { recursive: true });
  assert.deepEqual(await quickCall(home.paths), NOTHING_ASKED);
});

void test('a call too large to be sent at once is left to an ordinary connection', async () => {
  const asked: string[] = [];
  await using daemon = await startDaemon(counting(asked));
  const params = { purpose: 'run', environments: [], references: [], argv: ['x'.repeat(100_000)], path: null };
  assert.deepEqual(await quickCall(daemon.paths, { method: 'values.open', params }), NOTHING_ASKED);
  assert.deepEqual(asked, []);
});

void test('what the daemon refuses is thrown, and was asked once', async () => {
  const asked: string[] = [];
  await using daemon = await startDaemon(counting(asked));
  const params = { purpose: 'run', environments: [], references: [], argv: ['true'], path: null };
  const quick = await quickCall(daemon.paths, { method: 'values.open', params });
  assert.deepEqual(quick, { failure: 'human/needed', heavy: [] });
  assert.equal(asked.length, 1);
});

void test('I3: a call whose answer is lost is not made again: it may have been carried out', async () => {
  using home = temporaryHome();
  const identity = makeDaemonIdentity();
  writeFileSync(home.paths.daemonKey, identity.keyFile, { mode: 0o600 });
  let calls = 0;
  using _daemon = await impostorAt(home.paths.controlSocket, (message, socket) => {
    if (message.hello !== undefined) return encodeFrame(helloAnswer('1', identity.prove('control', nonceOf(message))));
    calls += 1;
    socket.destroy();
    return null;
  });
  assert.deepEqual(await quickCall(home.paths), { failure: 'daemon/unreachable', heavy: [] });
  assert.equal(calls, 1);
});

void test('an answer that nobody asked for is an error of the protocol', async () => {
  using home = temporaryHome();
  const identity = makeDaemonIdentity();
  writeFileSync(home.paths.daemonKey, identity.keyFile, { mode: 0o600 });
  const wrong: Buffer[] = [
    encodeFrame({ id: 2, result: {} }),
    Buffer.concat([encodeFrame({ id: 1, result: {} }), encodeFrame({ id: 1, result: {} })]),
    Buffer.alloc(100, 0x20),
  ];
  for (const answer of wrong) {
    using _daemon = await impostorAt(home.paths.controlSocket, (message) =>
      message.hello === undefined ? answer : encodeFrame(helloAnswer('1', identity.prove('control', nonceOf(message)))),
    );
    assert.deepEqual(await quickCall(home.paths), { failure: 'daemon/protocol', heavy: [] });
  }
});

void test('who waits for long is told once, and still gets the answer', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using daemon = await startDaemon({
    doctor: async () => {
      await released;
      return { checks: [] };
    },
  });
  const { answer } = await quickCall(daemon.paths, { method: 'doctor', silenceMs: 1, onSilence: release });
  assert.deepEqual(answer, { checks: [] });
});

function counting(asked: string[]) {
  return {
    'values.open': () => {
      asked.push('values.open');
      return Promise.reject(new Failure('human/needed', 'in this test'));
    },
  };
}
