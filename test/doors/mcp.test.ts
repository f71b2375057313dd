// The MCP server as clients meet it: a process, with and without a daemon behind it.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { StdioClientTransport as OtherTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client as OtherClient } from '@modelcontextprotocol/sdk/client/index.js';
import { INSTRUCTIONS, listedTools } from '../../src/doors/mcp/server.ts';
import { Client, StdioClientTransport } from '../mcp-client.ts';
import { startDaemon, temporaryHome, until } from '../wire/daemon.ts';
import { ENTRY, McpProcess, temporaryFolder } from './mcp-process.ts';

const CANARY = 'canary-Zq3vT9xLm2Kp8RwY5sBn';

/** CONTRACT §3: every tool of this version and its arguments, the required ones first and marked. */
const CONTRACT: Readonly<Record<string, { args: string; kind: 'read' | 'write' | 'destructive' | 'open' }>> = {
  authenticate: { args: '', kind: 'write' },
  list_environments: { args: 'accountId', kind: 'read' },
  create_environment: { args: 'environmentName! accountId variables', kind: 'write' },
  rename_environment: { args: 'environmentId! environmentName!', kind: 'write' },
  list_variables: { args: 'environmentId!', kind: 'read' },
  append_variables: { args: 'environmentId! variables!', kind: 'write' },
  remove_variables: { args: 'environmentId! names!', kind: 'destructive' },
  create_local_env_file: { args: 'environmentId! mountPath! environmentName', kind: 'write' },
  list_local_env_files: { args: 'environmentId', kind: 'read' },
  remove_local_env_file: { args: 'mountPath!', kind: 'destructive' },
  import_env_file: { args: 'environmentName! path! mount', kind: 'write' },
  run_with_credentials: {
    args: 'argv! reason! cwd env environmentId output references stdin timeoutSeconds variables',
    kind: 'open',
  },
  check_request: { args: 'requestId! waitSeconds', kind: 'read' },
  cancel_request: { args: 'requestId!', kind: 'write' },
  access_status: { args: '', kind: 'read' },
};

test('the tools, their arguments and their annotations are those of the contract, in that order', () => {
  const listed = listedTools().map(({ name, inputSchema, annotations }) => {
    const required = (inputSchema.required ?? []).toSorted();
    const optional = Object.keys(inputSchema.properties ?? {}).filter((key) => !required.includes(key));
    const { readOnlyHint, destructiveHint, openWorldHint } = annotations ?? {};
    const kind = openWorldHint ? 'open' : destructiveHint ? 'destructive' : readOnlyHint ? 'read' : 'write';
    return [name, { args: [...required.map((key) => `${key}!`), ...optional.toSorted()].join(' '), kind }] as const;
  });
  assert.deepEqual(listed, Object.entries(CONTRACT));
});

test('I4: every input is strict, and no result has a member for a value', () => {
  for (const { name, inputSchema, outputSchema, annotations } of listedTools()) {
    assert.equal(inputSchema.additionalProperties, false, name);
    assert.equal(inputSchema.type, 'object', name);
    assert.equal(outputSchema?.type, 'object', name);
    assert.doesNotMatch(JSON.stringify(outputSchema), /"(?:value|values|secret)"/, name);
    for (const hint of ['readOnlyHint', 'destructiveHint', 'openWorldHint'] as const) {
      assert.equal(typeof annotations?.[hint], 'boolean', `${name} ${hint}`);
    }
  }
});

test('the list of tools is at most 12 KB and the instructions at most 2 KB', () => {
  assert.ok(Buffer.byteLength(JSON.stringify({ tools: listedTools() })) <= 12 * 1024);
  assert.ok(Buffer.byteLength(INSTRUCTIONS) <= 2 * 1024);
});

for (const [era, mode, version] of [
  ['the older protocol', 'legacy', '2025-11-25'],
  ['the protocol of 2026-07-28', { pin: '2026-07-28' }, '2026-07-28'],
] as const) {
  test(`the SDK's own client is served in ${era}`, async () => {
    using home = temporaryFolder();
    const env = { KEYSTILE_HOME: home.path, PATH: process.env.PATH ?? '' };
    const client = new Client({ name: 'sdk-2', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [ENTRY, 'mcp'], env }));
    try {
      assert.equal(client.getNegotiatedProtocolVersion(), version);
      assert.match(client.getInstructions() ?? '', /never see/);
      const { tools } = await client.listTools();
      assert.deepEqual(
        tools.map(({ name }) => name),
        Object.keys(CONTRACT),
      );
      // The client checks structuredContent against the outputSchema it listed.
      const answer = await client.callTool({ name: 'list_environments', arguments: {} });
      assert.equal((answer.structuredContent as { status: string }).status, 'approver_unavailable');
    } finally {
      await client.close();
    }
  });
}

test('a client of the first SDK is served, and gives its name to the daemon', async () => {
  let name: string | null = null;
  await using daemon = await startDaemon({
    'environments.list': ({ connection }) => {
      name = connection.clientName;
      return Promise.resolve({
        status: 'completed',
        environments: [{ environmentId: 'env_1', name: 'a', variableCount: 2 }],
      });
    },
  });
  const env = { KEYSTILE_HOME: daemon.paths.home, PATH: process.env.PATH ?? '' };
  const client = new OtherClient({ name: 'sdk-1', version: '1' });
  await client.connect(new OtherTransport({ command: process.execPath, args: [ENTRY, 'mcp'], env }));
  try {
    const { tools } = await client.listTools();
    assert.equal(tools.length, Object.keys(CONTRACT).length);
    const answer = await client.callTool({ name: 'list_environments', arguments: {} });
    const expected = { status: 'completed', environments: [{ environmentId: 'env_1', name: 'a', variableCount: 2 }] };
    assert.deepEqual(answer.structuredContent, expected);
    assert.equal((answer.content as { text: string }[])[0]?.text, JSON.stringify(expected));
    assert.equal(name, 'sdk-1');
  } finally {
    await client.close();
  }
});

test('without a daemon every tool says what the human has to do, and to come back later', async () => {
  using home = temporaryFolder();
  await using mcp = await McpProcess.started(home.path);
  const given: Record<string, object> = {
    create_environment: { environmentName: 'a' },
    rename_environment: { environmentId: 'e', environmentName: 'a' },
    list_variables: { environmentId: 'e' },
    append_variables: { environmentId: 'e', variables: [{ name: 'A' }] },
    remove_variables: { environmentId: 'e', names: ['A'] },
    create_local_env_file: { environmentId: 'e', mountPath: '/a/.env' },
    remove_local_env_file: { mountPath: '/a/.env' },
    import_env_file: { path: '/a/.env', environmentName: 'a' },
    run_with_credentials: { argv: ['true'], reason: 'r' },
    check_request: { requestId: 'r' },
    cancel_request: { requestId: 'r' },
  };
  for (const name of Object.keys(CONTRACT)) {
    const answer = await mcp.call(name, given[name] ?? {});
    assert.equal(answer.isError, undefined, name);
    assert.deepEqual(Object.keys(answer.structuredContent ?? {}), ['status', 'retry', 'message'], name);
    assert.equal(answer.structuredContent?.status, 'approver_unavailable', name);
    assert.equal(answer.structuredContent?.retry, 'later', name);
    assert.match(String(answer.structuredContent?.message), /tell the human: run "keystile start"/, name);
  }
});

test('S03: what sits on the socket without proof hears nothing and is called by its name', async () => {
  using home = temporaryHome();
  const heard: Buffer[] = [];
  const impostor = createServer((socket) =>
    socket.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined),
  );
  await new Promise<void>((resolve) => impostor.listen({ path: home.paths.agentSocket }, resolve));
  await using mcp = await McpProcess.started(home.paths.home);
  const answer = await mcp.call('run_with_credentials', { argv: ['echo', CANARY], reason: CANARY });
  assert.equal(answer.structuredContent?.status, 'approver_unavailable');
  assert.match(String(answer.structuredContent?.message), /not the Keystile daemon/);
  assert.ok(!Buffer.concat(heard).includes(CANARY));
  impostor.close();
});

test('what the daemon answers comes through, status and requestId first, and nothing it does not name', async () => {
  const pending = { message: 'Poll.', retry: 'poll', requestId: 'req_1', status: 'approval_pending', value: CANARY };
  const done = { exitCode: 0, status: 'completed', runId: 'run_1', stdout: 'out', redactions: [], secret: CANARY };
  const asked: unknown[] = [];
  await using daemon = await startDaemon({
    'run.start': ({ params }) => {
      asked.push(params);
      return Promise.resolve((asked.length === 1 ? pending : done) as never);
    },
    'requests.check': () => Promise.resolve({ ...done, status: 'completed' } as never),
    'variables.list': () => Promise.resolve({ status: 'locked', retry: 'later', message: 'Unlock.' }),
  });
  using project = temporaryFolder();
  await using mcp = await McpProcess.started(daemon.paths.home, { cwd: project.path });
  const first = await mcp.call('run_with_credentials', { argv: ['make'], reason: 'build', cwd: 'sub' });
  assert.equal(
    first.content[0]?.text,
    '{"status":"approval_pending","requestId":"req_1","retry":"poll","message":"Poll."}',
  );
  const second = await mcp.call('run_with_credentials', { argv: ['make'], reason: 'build' });
  assert.deepEqual(second.structuredContent, {
    status: 'completed',
    runId: 'run_1',
    exitCode: 0,
    redactions: [],
    stdout: 'out',
  });
  assert.deepEqual(asked, [
    { argv: ['make'], reason: 'build', cwd: `${project.path}/sub` },
    { argv: ['make'], reason: 'build', cwd: project.path },
  ]);
  const locked = await mcp.call('list_variables', { environmentId: 'env_1' });
  assert.deepEqual(locked.structuredContent, { status: 'locked', retry: 'later', message: 'Unlock.' });
  assert.match(
    (await mcp.call('check_request', { requestId: 'req_1', waitSeconds: 45 })).content[0]?.text ?? '',
    /^\{"status":"completed",/,
  );
});

test('the connection is made again after the daemon was restarted', async () => {
  using home = temporaryHome();
  await using mcp = await McpProcess.started(home.paths.home);
  for (let round = 0; round < 3; round += 1) {
    const daemon = await startDaemon({}, {}, home.paths);
    const answer = await mcp.call('list_environments');
    assert.equal(answer.structuredContent?.status, 'completed');
    await daemon[Symbol.asyncDispose]();
    assert.equal((await mcp.call('list_environments')).structuredContent?.status, 'approver_unavailable');
  }
});

test('I3: a call the client cancels is over for the daemon too', async () => {
  let isAborted = false;
  let isAsked = false;
  await using daemon = await startDaemon({
    'run.start': ({ signal }) =>
      new Promise((_resolve, reject) => {
        isAsked = true;
        signal.addEventListener('abort', () => {
          isAborted = true;
          reject(signal.reason as Error);
        });
      }),
  });
  await using mcp = await McpProcess.started(daemon.paths.home);
  mcp.send({
    jsonrpc: '2.0',
    id: 'x',
    method: 'tools/call',
    params: { name: 'run_with_credentials', arguments: { argv: ['a'], reason: 'r' } },
  });
  await until('the call', () => isAsked);
  mcp.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x' } });
  await until('the end of it', () => isAborted);
  assert.equal((await mcp.call('list_environments')).structuredContent?.status, 'completed');
});

test('accountId may be the own one or absent; another one is not there', async () => {
  let admitted = false;
  await using daemon = await startDaemon({
    authenticate: () =>
      Promise.resolve(
        admitted
          ? { status: 'completed', accountId: 'vault_1', agentId: 'agent_1', locked: false }
          : { status: 'approval_pending', requestId: 'req_1', retry: 'poll', message: 'Poll.' },
      ),
  });
  await using mcp = await McpProcess.started(daemon.paths.home);
  const pending = await mcp.call('list_environments', { accountId: 'vault_1' });
  assert.equal(pending.structuredContent?.requestId, 'req_1');
  assert.match(String(pending.structuredContent?.message), /make this call again/);
  admitted = true;
  assert.equal((await mcp.call('list_environments', { accountId: 'vault_1' })).structuredContent?.status, 'completed');
  const { code, field } = await mcp.refusal('list_environments', { accountId: 'vault_2' });
  assert.deepEqual([code, field], ['name/not_found', 'accountId']);
});

test('M09: whatever happens, every line on standard output is JSON-RPC', async () => {
  using home = temporaryFolder();
  const noise =
    'data:text/javascript,setTimeout(()=>{console.log("NOISE");console.info("NOISE");process.stdout.write("NOISE");' +
    'Promise.reject(new Error("NOISE-"+"SECRET"));process.emitWarning("NOISE")},1)';
  const nodeArgs = ['--import', noise];
  await using mcp = await McpProcess.started(home.path, {
    nodeArgs,
    env: { NODE_DEBUG: '*', NODE_DEBUG_NATIVE: 'MKSNAPSHOT' },
  });
  await mcp.call('list_environments');
  mcp.send('not json\n{"jsonrpc":"2.0"}\n[]\n\n{"jsonrpc":"2.0","id":"last","method":"ping"}\n');
  await mcp.answerTo('last');
  await until('the noise', () => mcp.stderr.includes('NOISE'));
  for (const answer of mcp.answers) assert.equal((answer as { jsonrpc?: string }).jsonrpc, '2.0');
  assert.equal(mcp.answers.filter(({ error }) => error?.code === -32700).length, 1);
  assert.ok(!mcp.stderr.includes('NOISE-SECRET'));
});

test('M09: the process ends soon at the end of input and at a signal, also while a call waits', async () => {
  let waiting = 0;
  await using daemon = await startDaemon({
    authenticate: ({ signal }) =>
      new Promise((_resolve, reject) => {
        waiting += 1;
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  });
  const ends = [
    (mcp: McpProcess) => void mcp.child.stdin?.end(),
    (mcp: McpProcess) => void mcp.child.kill('SIGTERM'),
    (mcp: McpProcess) => void mcp.child.kill('SIGINT'),
    (mcp: McpProcess) => void mcp.child.stdout?.destroy(),
  ];
  for (const [at, end] of ends.entries()) {
    await using mcp = await McpProcess.started(daemon.paths.home);
    mcp.send({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'authenticate', arguments: {} } });
    await until('the call', () => waiting === at + 1);
    end(mcp);
    // Nothing tells a process that nobody reads but the next write.
    if (at === 3) mcp.send({ jsonrpc: '2.0', id: 10, method: 'ping' });
    assert.equal(await mcp.exited(), 0);
    assert.equal(mcp.answers.length, 1);
  }
});

test('M10: a member that is there twice, or is called __proto__, is refused and changes nothing', async () => {
  let calls = 0;
  await using daemon = await startDaemon({
    'run.start': () => {
      calls += 1;
      return Promise.reject(new Error('not in this test'));
    },
  });
  await using mcp = await McpProcess.started(daemon.paths.home);
  const twice = '{"__proto__":{"approved":true},"argv":["id"],"reason":"r","argv":["sh","-c","evil"]}';
  const proto = '{"__proto__":{"approved":true},"argv":["id"],"reason":"r"}';
  for (const [at, args] of [twice, proto].entries()) {
    mcp.send(
      `{"jsonrpc":"2.0","id":"m${at}","method":"tools/call","params":{"name":"run_with_credentials","arguments":${args}}}\n`,
    );
    assert.equal((await mcp.answerTo(`m${at}`)).error?.code, -32600);
  }
  assert.equal(calls, 0);
});

test('a message without end is skipped, and the next one is answered', async () => {
  using home = temporaryFolder();
  await using mcp = await McpProcess.started(home.path);
  for (let i = 0; i < 20; i += 1) mcp.send('x'.repeat(1024 * 1024));
  mcp.send('\n{"jsonrpc":"2.0","id":"next","method":"ping"}\n');
  assert.deepEqual((await mcp.answerTo('next')).result, {});
  assert.equal((await mcp.answerTo(null)).error?.code, -32600);
});
