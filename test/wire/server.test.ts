import assert from 'node:assert/strict';
import { spawn, spawnSync, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../src/core/failure.ts';
import { connect } from '../../src/wire/client.ts';
import { CALLS_IN_FLIGHT_MAX } from '../../src/wire/connection.ts';
import { encodeFrame } from '../../src/wire/frames.ts';
import { helloQuestion } from '../../src/wire/hello.ts';
import { makeDaemonIdentity } from '../../src/wire/identity.ts';
import { METHODS, type MethodName } from '../../src/wire/methods.ts';
import { CONNECTIONS_OF_PID_MAX, WireServer } from '../../src/wire/server.ts';
import { CANARY, codeOf, frameOf, RawPeer, startDaemon, temporaryHome, until } from './daemon.ts';

const CONNECT = fileURLToPath(new URL('../programs/connect.ts', import.meta.url));
const hello = encodeFrame(helloQuestion(Buffer.alloc(32, 7), undefined));

/** Runs a program until it ends, or has heard something. */
async function hear(argv: string[], input: Buffer, options: SpawnOptionsWithoutStdio) {
  const child = spawn(process.execPath, argv, options);
  const said = { heard: '', error: '' };
  const ended = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.heard += text;
    child.kill();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.error += text));
  child.once('close', () => ended.resolve());
  child.stdin.on('error', () => undefined).end(input);
  await ended.promise;
  return said;
}

/** A handler that waits until its caller is gone, and tells. */
function waiter() {
  const reasons: unknown[] = [];
  const state = { running: 0, reasons };
  const wait = async ({ signal }: { signal: AbortSignal }): Promise<never> => {
    state.running += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    state.running -= 1;
    reasons.push(signal.reason);
    throw signal.reason;
  };
  return { state, wait };
}

void test('S15: the two sockets are files in our folder, for nobody else, and the key lies beside them', async () => {
  await using daemon = await startDaemon({});
  const { agentSocket, controlSocket, run, daemonKey } = daemon.paths;
  for (const path of [agentSocket, controlSocket]) {
    assert.ok(lstatSync(path).isSocket());
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
  }
  assert.equal(statSync(run).mode & 0o777, 0o700);
  assert.equal(statSync(daemonKey).mode & 0o777, 0o600);
  assert.match(readFileSync(daemonKey, 'utf8'), /^[A-Za-z0-9+/]{43}=\n$/);
});

void test('a stale socket is replaced; anything else in its place is left alone and named', async () => {
  using home = temporaryHome();
  const service = { identity: makeDaemonIdentity() } as ConstructorParameters<typeof WireServer>[1];
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(home.paths.agentSocket)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  assert.ok(lstatSync(home.paths.agentSocket).isSocket());
  const server = new WireServer(home.paths, service);
  await server.listen();
  await server.close();
  writeFileSync(home.paths.controlSocket, CANARY);
  await assert.rejects(new WireServer(home.paths, service).listen(), { code: 'home/unsafe' });
  assert.equal(readFileSync(home.paths.controlSocket, 'utf8'), CANARY);
  using other = temporaryHome();
  symlinkSync(home.paths.controlSocket, other.paths.agentSocket);
  await assert.rejects(new WireServer(other.paths, service).listen(), { code: 'home/unsafe' });
});

void test(
  'S01, I7: another user is refused even when the folder is open to all',
  { skip: process.getuid?.() !== 0 },
  async () => {
    await using daemon = await startDaemon({});
    const { home, run, agentSocket, controlSocket } = daemon.paths;
    for (const path of [home, run, agentSocket, controlSocket]) chmodSync(path, 0o777);
    const say = Buffer.concat([hello, encodeFrame({ id: 1, method: 'status', params: {} })]);
    for (const path of [agentSocket, controlSocket]) {
      const stranger = await hear([CONNECT, path], say, { uid: 1002, gid: 1002, cwd: '/' });
      // It reached the socket and was cut off there, by the daemon and not by the mode of a folder.
      assert.equal(stranger.heard, '');
      assert.match(stranger.error, /^(?:ECONNRESET\n|EPIPE\n)?$/);
      const ourselves = await hear([CONNECT, path], say, { cwd: '/' });
      assert.match(Buffer.from(ourselves.heard, 'hex').toString('latin1'), /"signature"/);
    }
    assert.ok(daemon.seen.every(({ peer }) => peer.uid === process.getuid?.()));
  },
);

void test('I7: who connected is observed, not told', async () => {
  await using daemon = await startDaemon({});
  using connection = await connect({ paths: daemon.paths, socket: 'control', clientName: 'x'.repeat(200) });
  await connection.call('status', {});
  const [seen] = daemon.seen;
  assert.equal(seen?.peer.pid, process.pid);
  assert.equal(seen.peer.uid, process.getuid?.());
  assert.equal(seen.peer.ancestors[0]?.pid, process.ppid);
  assert.equal(seen.clientName, 'x'.repeat(100));
});

const bad: [string, Buffer][] = [
  ['zero length', Buffer.alloc(4)],
  ['64 MiB announced', Buffer.from([4, 0, 0, 0, 0, 0, 0, 2, 0x7b, 0x7d])],
  ['trailing bytes', frameOf('{"id":1,"method":"status"}', Buffer.from('x'))],
  ['NUL', frameOf(Buffer.from('{"id":1,"method":"sta\0tus"}'))],
  ['bad UTF-8', frameOf(Buffer.from('{"id":1,"method":"\xff"}', 'latin1'))],
  ['100k brackets', frameOf(`{"id":1,"method":"status","params":${'['.repeat(100_000)}`)],
  ['1e999', frameOf('{"id":1e999,"method":"status"}')],
  ['duplicate keys', frameOf('{"id":1,"method":"status","method":"doctor"}')],
  ['__proto__', frameOf('{"id":1,"method":"status","params":{"__proto__":{}}}')],
  ['an id that is none', frameOf('{"id":"1","method":"status"}')],
  ['an unknown member', frameOf('{"id":1,"method":"status","uid":0}')],
  ['no method', frameOf('{"id":1}')],
  ['cancel and method', frameOf('{"id":1,"cancel":true,"method":"status"}')],
  ['hello again', hello],
];

for (const [what, bytes] of bad) {
  void test(`S09: ${what}: one error frame, then the end, and the daemon lives`, async () => {
    await using daemon = await startDaemon({});
    const peer = await RawPeer.greeted(daemon.paths, 'control');
    peer.sendBytes(Buffer.concat([bytes, encodeFrame({ id: 9, method: 'status', params: {} })]));
    await peer.closed();
    assert.deepEqual(
      peer.frames.map(({ message }) => codeOf(message)),
      ['daemon/protocol'],
    );
    assert.deepEqual(daemon.seen, []);
    const next = await RawPeer.greeted(daemon.paths, 'control');
    next.send({ id: 1, method: 'status', params: {} });
    assert.equal((await next.message()).id, 1);
  });
}

void test('S09: before the hello nothing else is understood, and nothing large', async () => {
  await using daemon = await startDaemon({});
  const long = encodeFrame({ hello: 1, nonce: Buffer.alloc(32).toString('base64'), client: 'x'.repeat(5_000) });
  const first = [
    encodeFrame({ id: 1, method: 'status', params: {} }),
    encodeFrame({ hello: 2, nonce: Buffer.alloc(32).toString('base64') }),
    encodeFrame({ hello: 1, nonce: 'AAAA' }),
    encodeFrame({ hello: 1, nonce: Buffer.alloc(32).toString('base64'), uid: 0 }),
    long,
  ];
  for (const bytes of first) {
    const peer = new RawPeer(daemon.paths.controlSocket);
    peer.sendBytes(bytes);
    await peer.closed();
    assert.deepEqual(
      peer.frames.map(({ message }) => codeOf(message)),
      ['daemon/protocol'],
    );
  }
});

void test('S09: frames byte by byte, and many in one write', async () => {
  await using daemon = await startDaemon({});
  const peer = await RawPeer.greeted(daemon.paths, 'control');
  for (const byte of encodeFrame({ id: 1, method: 'status', params: {} })) {
    await new Promise((resolve) => peer.socket.write(Buffer.from([byte]), resolve));
  }
  peer.sendBytes(Buffer.concat([2, 3, 4].map((id) => encodeFrame({ id, method: 'status', params: {} }))));
  await peer.message(3);
  assert.deepEqual(
    peer.frames.map(({ message }) => message.id),
    [1, 2, 3, 4],
  );
});

void test('S09, I8: announced and never sent, or sent and refused, memory stays where it was', async () => {
  await using daemon = await startDaemon({});
  const announce = Buffer.from([1, 0xff, 0xff, 0xff, 0, 0, 0, 2]);
  const deep = frameOf('['.repeat(400_000));
  const attack = async (): Promise<void> => {
    const peers = [await RawPeer.greeted(daemon.paths, 'agent'), await RawPeer.greeted(daemon.paths, 'control')];
    peers[0]?.sendBytes(deep);
    await peers[0]?.closed();
    peers[1]?.sendBytes(announce);
    peers[1]?.socket.end();
    await peers[1]?.closed();
  };
  // The first rounds let the heap find its size.
  for (let round = 0; round < 10; round += 1) await attack();
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 40; round += 1) await attack();
  const growth = process.memoryUsage().rss - before;
  assert.ok(growth < 50 * 1024 * 1024, `grew by ${growth}`);
});

void test('I8: whatever bytes arrive, the daemon answers the next one', async () => {
  await using daemon = await startDaemon({});
  const { agentSocket } = daemon.paths;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, isGreeted) => {
      const peer = isGreeted ? await RawPeer.greeted(daemon.paths, 'agent') : new RawPeer(agentSocket);
      peer.socket.end(Buffer.from(bytes));
      await peer.closed();
    }),
    { numRuns: 100 },
  );
  using connection = await connect({ paths: daemon.paths, socket: 'agent' });
  assert.equal((await connection.call('environments.list', {})).result.status, 'completed');
  assert.deepEqual(daemon.broken, []);
});

void test('M12, S05, I4: the agent socket has no control method, and every try is reported once', async () => {
  await using daemon = await startDaemon({});
  const peer = await RawPeer.greeted(daemon.paths, 'agent');
  const names = Object.keys(METHODS) as MethodName[];
  const control = names.filter((name) => METHODS[name].socket === 'control');
  assert.ok(control.length > 20);
  const tried = [...control, 'reveal', 'toString', '__proto__', 'constructor'];
  for (const [index, method] of [...tried, ...tried].entries()) {
    peer.send({ id: index + 1, method, params: {} });
    assert.equal(codeOf(await peer.message(index)), 'daemon/method_not_found');
  }
  assert.deepEqual(daemon.refused, [...control, 'unknown']);
  assert.deepEqual(daemon.seen, []);
  const human = await RawPeer.greeted(daemon.paths, 'control');
  human.send({ id: 1, method: 'environments.list', params: {} });
  assert.equal(codeOf(await human.message()), 'daemon/method_not_found');
});

void test('I4: no part crosses the agent socket, in either direction', async () => {
  await using daemon = await startDaemon({
    'environments.list': ({ setParts }) => {
      setParts([Buffer.from(CANARY)]);
      return Promise.resolve({ status: 'completed', environments: [] });
    },
  });
  const peer = await RawPeer.greeted(daemon.paths, 'agent');
  peer.send({ id: 1, method: 'environments.list', params: {} });
  assert.equal(codeOf(await peer.message()), 'input/too_large');
  peer.send({ id: 2, method: 'environments.list', params: {} }, [Buffer.from(CANARY)]);
  await peer.closed();
  assert.equal(codeOf(peer.frames[1]?.message), 'daemon/protocol');
  assert.ok(!JSON.stringify(peer.frames).includes(CANARY));
});

void test('I4: no session makes the agent socket carry events', async () => {
  await using daemon = await startDaemon({
    'environments.list': ({ connection }) => {
      connection.session = {};
      connection.sendEvent({ event: 'closed', why: 'idle' });
      return Promise.resolve({ status: 'completed', environments: [] });
    },
  });
  const peer = await RawPeer.greeted(daemon.paths, 'agent');
  peer.send({ id: 1, method: 'environments.list', params: {} });
  assert.equal((await peer.message()).id, 1);
});

void test('a call is checked in order: method, parts, params, guard; only then the handler runs', async () => {
  const order: string[] = [];
  await using daemon = await startDaemon(
    {
      'environment.show': () => {
        order.push('handler');
        return Promise.reject(new Failure('name/not_found', 'none'));
      },
    },
    {
      guard: (row, call) => {
        order.push(`guard ${call.method} ${row.needsUnlocked}`);
        const isGood = call.method === 'environment.show' && call.params.environment === 'good';
        return isGood ? Promise.resolve() : Promise.reject(new Failure('vault/locked', 'the vault is locked'));
      },
    },
  );
  const peer = await RawPeer.greeted(daemon.paths, 'control');
  const ask = async (id: number, params: object, parts: Buffer[] = []) => {
    peer.send({ id, method: 'environment.show', params }, parts);
    return peer.message(id - 1);
  };
  const tooMany = await ask(1, { wrong: 1 }, [Buffer.from('x')]);
  assert.deepEqual([codeOf(tooMany), (tooMany.error as { field: string }).field], ['input/invalid', 'parts']);
  const unknown = await ask(2, { environment: 'good', extra: CANARY });
  assert.deepEqual([codeOf(unknown), (unknown.error as { field: string }).field], ['input/invalid', 'extra']);
  assert.ok(!JSON.stringify(unknown).includes(CANARY));
  assert.equal(codeOf(await ask(3, { environment: 7 })), 'input/invalid');
  assert.equal(codeOf(await ask(4, { environment: 'a\0b' })), 'input/invalid');
  assert.equal(codeOf(await ask(5, { environment: '\ud800' })), 'input/invalid');
  assert.deepEqual(order, []);
  assert.equal(codeOf(await ask(6, { environment: 'bad' })), 'vault/locked');
  assert.equal(codeOf(await ask(7, { environment: 'good' })), 'name/not_found');
  assert.deepEqual(order, ['guard environment.show true', 'guard environment.show true', 'handler']);
});

void test('the field of an error is the path to it', async () => {
  await using daemon = await startDaemon({});
  const peer = await RawPeer.greeted(daemon.paths, 'agent');
  const drafts = [
    { name: 'A', kind: 'missing' },
    { name: 'B', kind: 'missing', value: CANARY },
  ];
  peer.send({ id: 1, method: 'variables.append', params: { environmentId: 'env_1', drafts } });
  const { error } = await peer.message();
  assert.deepEqual(
    { ...(error as object), hint: '' },
    {
      code: 'input/invalid',
      message: 'drafts[1].value is not an argument',
      hint: '',
      field: 'drafts[1].value',
    },
  );
});

void test('what breaks inside is told to the log, not to the peer', async () => {
  await using daemon = await startDaemon({ 'vault.lock': () => Promise.reject(new Error(CANARY)) });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  await assert.rejects(connection.call('vault.lock', {}), (error: Failure) => {
    return error.code === 'internal/error' && !JSON.stringify(error.toDocument()).includes(CANARY);
  });
  assert.match(String(daemon.broken[0]?.cause), new RegExp(CANARY));
});

void test('S11: answers find their questions, in whatever order they come', async () => {
  const first = Promise.withResolvers<void>();
  await using daemon = await startDaemon({
    'environment.create': async ({ params }) => {
      if (params.name === 'first') await first.promise;
      return { environmentId: `env_${params.name}` };
    },
  });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const slow = connection.call('environment.create', { name: 'first' });
  const quick = await connection.call('environment.create', { name: 'second' });
  first.resolve();
  assert.equal(quick.result.environmentId, 'env_second');
  assert.equal((await slow).result.environmentId, 'env_first');
});

void test('S11: an id that is in flight cannot be used again, and another connection has ids of its own', async () => {
  const { state, wait } = waiter();
  await using daemon = await startDaemon({ doctor: wait });
  const [peer, other] = [
    await RawPeer.greeted(daemon.paths, 'control'),
    await RawPeer.greeted(daemon.paths, 'control'),
  ];
  peer.send({ id: 1, method: 'doctor', params: {} });
  await until('the call', () => state.running === 1);
  other.send({ id: 1, cancel: true });
  other.send({ id: 1, method: 'status', params: {} });
  assert.equal((await other.message()).id, 1);
  assert.equal(state.running, 1);
  peer.send({ id: 1, method: 'status', params: {} });
  await peer.closed();
  assert.equal(codeOf(peer.frames[0]?.message), 'daemon/protocol');
  await until('the abort', () => state.running === 0);
});

void test('S11, I3: a cancelled call is told so, and no answer follows; its id is free again afterwards', async () => {
  const { state, wait } = waiter();
  await using daemon = await startDaemon({ doctor: wait });
  const peer = await RawPeer.greeted(daemon.paths, 'control');
  peer.send({ id: 1, method: 'doctor', params: {} });
  await until('the call', () => state.running === 1);
  peer.send({ id: 1, cancel: true });
  await until('the abort', () => state.running === 0);
  assert.equal((state.reasons[0] as Failure).code, 'request/over');
  peer.send({ id: 1, method: 'status', params: {} });
  assert.equal(((await peer.message()).result as { home: string }).home, daemon.paths.home);
});

void test('I3: a lost connection aborts what it asked for', async () => {
  const { state, wait } = waiter();
  await using daemon = await startDaemon({ doctor: wait });
  const peer = await RawPeer.greeted(daemon.paths, 'control');
  peer.send({ id: 1, method: 'status', params: {} });
  peer.send({ id: 2, method: 'doctor', params: {} });
  await until('the call', () => state.running === 1);
  peer.socket.destroy();
  await until('the abort', () => state.running === 0);
  assert.ok(daemon.seen[0]?.closed.aborted);
});

void test('I3: closing refuses what waits, takes no more, and leaves no socket', async () => {
  const { state, wait } = waiter();
  await using daemon = await startDaemon({ doctor: wait });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const waiting = assert.rejects(connection.call('doctor', {}), { code: 'daemon/unreachable', message: /stopping/ });
  await until('the call', () => state.running === 1);
  await daemon.server.close();
  await waiting;
  await connection.closed;
  await assert.rejects(connection.call('status', {}), { code: 'daemon/unreachable' });
  await assert.rejects(connect({ paths: daemon.paths, socket: 'control' }), { code: 'daemon/unreachable' });
  assert.equal(lstatSync(daemon.paths.controlSocket, { throwIfNoEntry: false }), undefined);
});

void test('a handler that does not listen cannot keep the daemon from closing', async () => {
  await using daemon = await startDaemon({ doctor: () => new Promise(() => undefined) });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const lost = assert.rejects(connection.call('doctor', {}), { code: 'daemon/unreachable' });
  await connection.call('status', {});
  await daemon.server.close();
  await lost;
});

void test('D04, I8: too many calls at once are refused one by one, and the others go on', async () => {
  const { state, wait } = waiter();
  await using daemon = await startDaemon({ 'environments.list': wait });
  using flood = await connect({ paths: daemon.paths, socket: 'agent' });
  const calls = Array.from({ length: 500 }, () => flood.call('environments.list', {}));
  const codes = Promise.all(
    calls.map((call) =>
      call.then(
        () => 'done',
        (error: Failure) => error.code,
      ),
    ),
  );
  await until('the flood', () => state.running === CALLS_IN_FLIGHT_MAX);
  using human = await connect({ paths: daemon.paths, socket: 'control' });
  await human.call('status', {});
  flood.close();
  const counted = (await codes).filter((code) => code === 'daemon/busy').length;
  assert.ok(counted <= 500 - CALLS_IN_FLIGHT_MAX);
  assert.equal(state.reasons.length + state.running, CALLS_IN_FLIGHT_MAX);
});

void test('D04, I8: one process holds a limited number of connections, and is told when it is over', async () => {
  await using daemon = await startDaemon({});
  const open = [];
  for (let i = 0; i < CONNECTIONS_OF_PID_MAX; i += 1)
    open.push(await connect({ paths: daemon.paths, socket: 'agent' }));
  await assert.rejects(connect({ paths: daemon.paths, socket: 'control' }), { code: 'daemon/busy' });
  open[0]?.close();
  const again = async (): Promise<void> => {
    const connection = await connect({ paths: daemon.paths, socket: 'control' }).catch(() => null);
    if (connection === null) return again();
    await connection.call('status', {});
    connection.close();
  };
  await again();
  for (const connection of open) connection.close();
});

/** A daemon whose `environment.create` answers with as many KiB as the name says; counts its answers. */
async function verboseDaemon() {
  const answered: string[] = [];
  const daemon = await startDaemon({
    'environment.create': ({ params }) => {
      answered.push(params.name);
      return Promise.resolve({ environmentId: 'x'.repeat(Number(params.name) * 1024) });
    },
  });
  return { daemon, answered };
}

function verboseCalls(count: number, kib: number): Buffer {
  const params = { name: String(kib) };
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  return Buffer.concat(ids.map((id) => encodeFrame({ id, method: 'environment.create', params })));
}

void test('I8: who does not read its answers is not listened to until it does, and loses none', async () => {
  const { daemon, answered } = await verboseDaemon();
  await using _daemon = daemon;
  const peer = await RawPeer.greeted(daemon.paths, 'control');
  peer.socket.pause();
  const count = 400;
  peer.sendBytes(verboseCalls(count, 256));
  using other = await connect({ paths: daemon.paths, socket: 'control' });
  for (let i = 0; i < 20; i += 1) await other.call('status', {});
  assert.ok(answered.length > 0 && answered.length <= 2 * CALLS_IN_FLIGHT_MAX, `${answered.length} answers`);
  peer.socket.resume();
  await until('all answers', () => peer.frames.length === count || peer.isClosed);
  assert.equal(peer.frames.length, count);
});

void test('I8: 64 MiB of unread answers end the connection', async () => {
  const { daemon } = await verboseDaemon();
  await using _daemon = daemon;
  const peer = await RawPeer.greeted(daemon.paths, 'control');
  peer.socket.pause();
  peer.sendBytes(verboseCalls(40, 4096));
  using other = await connect({ paths: daemon.paths, socket: 'control' });
  await other.call('status', {});
  peer.socket.resume();
  await peer.closed();
  assert.ok(peer.frames.length < 40);
});

void test('parts arrive as they were, come back as they were set, and are wiped on both ways', async () => {
  let arrived: readonly Buffer[] = [];
  let held = '';
  const own = Buffer.from(CANARY);
  await using daemon = await startDaemon({
    'vault.recovery_key': ({ parts, setParts }) => {
      arrived = parts;
      held = String(parts[0]);
      setParts([own]);
      return Promise.resolve({ vaultId: 'vault_1' });
    },
  });
  using connection = await connect({ paths: daemon.paths, socket: 'control' });
  const { result, parts } = await connection.call('vault.recovery_key', {}, { parts: [Buffer.from(CANARY)] });
  assert.deepEqual([result.vaultId, held, String(parts[0])], ['vault_1', CANARY, CANARY]);
  assert.ok(arrived.length === 1 && arrived[0]?.every((byte) => byte === 0));
  assert.ok(own.every((byte) => byte === 0));
});
