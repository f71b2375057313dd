// What tools take, and what they refuse: by code, by field, and without repeating what was given.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { VariableDraft } from '../../src/core/environment.ts';
import { assertNoCanary } from '../canaries.ts';
import { startDaemon, type TestDaemon } from '../wire/daemon.ts';
import { McpProcess } from './mcp-process.ts';

const CANARY = 'canary-Zq3vT9xLm2Kp8RwY5sBn';

let daemon: TestDaemon;
let mcp: McpProcess;
let drafts: readonly VariableDraft[] | undefined;
let calls = 0;

before(async () => {
  daemon = await startDaemon({
    'variables.append': ({ params }) => {
      calls += 1;
      ({ drafts } = params);
      return Promise.resolve({
        status: 'completed',
        missing: params.drafts.filter((d) => d.kind === 'missing').map((d) => d.name),
      });
    },
    'environments.create': ({ params }) => {
      calls += 1;
      ({ drafts } = params);
      return Promise.resolve({ status: 'completed', environmentId: 'env_1' });
    },
    'run.start': () => {
      calls += 1;
      return Promise.resolve({ status: 'denied', retry: 'none', message: 'No.' });
    },
  });
  mcp = await McpProcess.started(daemon.paths.home);
});
after(async () => {
  await mcp[Symbol.asyncDispose]();
  await daemon[Symbol.asyncDispose]();
});

const append = (...variables: object[]) => ({ environmentId: 'env_1', variables });
const run = (more: object) => ({ argv: ['true'], reason: 'r', ...more });

test('variables become drafts: missing, by reference, generated, or plain', async () => {
  const variables = [
    { name: 'A' },
    { name: 'B', concealed: true },
    { name: 'C', reference: 'op://vault/item/field' },
    { name: 'D', generate: 'base64:16' },
    { name: 'E', concealed: false, value: 'eu-central-1' },
  ];
  const expected = [
    { name: 'A', kind: 'missing' },
    { name: 'B', kind: 'missing' },
    { name: 'C', kind: 'reference', reference: 'op://vault/item/field' },
    { name: 'D', kind: 'generated', recipe: { kind: 'base64', bytes: 16 } },
    { name: 'E', kind: 'plain', value: 'eu-central-1' },
  ];
  const answer = await mcp.call('append_variables', append(...variables));
  assert.deepEqual(answer.structuredContent, { status: 'completed', missing: ['A', 'B'] });
  assert.deepEqual(drafts, expected);
  await mcp.call('create_environment', { environmentName: 'app', variables });
  assert.deepEqual(drafts, expected);
});

const REFUSALS: readonly (readonly [string, object, string, string])[] = [
  ['append_variables', append({ name: 'A', value: CANARY }), 'input/value_refused', 'variables[0].value'],
  [
    'append_variables',
    append({ name: 'A', value: CANARY, concealed: true }),
    'input/value_refused',
    'variables[0].value',
  ],
  [
    'append_variables',
    append({ name: 'A', value: CANARY, concealed: false }),
    'input/looks_secret',
    'variables[0].value',
  ],
  [
    'append_variables',
    append({ name: 'B' }, { name: 'API_KEY', value: 'x', concealed: false }),
    'input/looks_secret',
    'variables[1].value',
  ],
  ['append_variables', append({ name: 'A', value: 'x', generate: 'uuid' }), 'input/invalid', 'variables[0]'],
  ['append_variables', append({ name: 'A', generate: 'hex:4' }), 'input/invalid', 'variables[0].generate'],
  [
    'append_variables',
    append({ name: 'A', generate: 'hex:32', concealed: false }),
    'input/invalid',
    'variables[0].concealed',
  ],
  [
    'append_variables',
    append({ name: 'A', reference: 'file:///x' }),
    'input/reference_invalid',
    'variables[0].reference',
  ],
  ['append_variables', append({ name: 'A' }, { name: 'A' }), 'input/invalid', 'variables[1].name'],
  ['append_variables', append({ name: 'PATH' }), 'name/invalid', 'variables[0].name'],
  ['append_variables', append({ name: 'LD_PRELOAD' }), 'name/invalid', 'variables[0].name'],
  ['append_variables', append({ name: 'A\nB' }), 'name/invalid', 'variables[0].name'],
  ['append_variables', append({ name: 'A\0B' }), 'input/invalid', 'variables[0].name'],
  ['append_variables', append(), 'input/invalid', 'variables'],
  ['append_variables', append({ name: 'A', secret: CANARY }), 'input/invalid', 'variables[0].secret'],
  ['append_variables', { ...append({ name: 'A' }), foo: CANARY }, 'input/invalid', 'foo'],
  ['append_variables', { variables: [{ name: 'A' }] }, 'input/invalid', 'environmentId'],
  ['create_environment', { environmentName: 'a\nb' }, 'name/invalid', 'environmentName'],
  ['create_environment', { environmentName: 7 }, 'input/invalid', 'environmentName'],
  ['run_with_credentials', run({ argv: ['echo', 'op://v/i/f'] }), 'input/reference_in_argv', 'argv[1]'],
  ['run_with_credentials', run({ argv: ['curl', '--user=keystile://v/i/f'] }), 'input/reference_in_argv', 'argv[1]'],
  ['run_with_credentials', run({ argv: ['OP://v/i/f'] }), 'input/reference_in_argv', 'argv[0]'],
  ['run_with_credentials', run({ references: { A: 'op://v/i' } }), 'input/reference_invalid', 'references.A'],
  [
    'run_with_credentials',
    run({ references: { HTTPS_PROXY: 'op://v/i/f' } }),
    'name/invalid',
    'references.HTTPS_PROXY',
  ],
  ['run_with_credentials', run({ env: { X: 'op://v/i/f' } }), 'input/reference_unsupported', 'env.X'],
  ['run_with_credentials', run({ env: { LD_PRELOAD: CANARY } }), 'input/environment_refused', 'env.LD_PRELOAD'],
  ['run_with_credentials', run({ env: { 'a b': CANARY } }), 'input/environment_refused', 'env.a?b'],
  ['run_with_credentials', run({ argv: [] }), 'input/invalid', 'argv'],
  ['run_with_credentials', run({ argv: ['a\0b'] }), 'input/invalid', 'argv[0]'],
  ['run_with_credentials', run({ argv: ['\ud800'] }), 'input/invalid', 'argv[0]'],
  ['run_with_credentials', run({ argv: Array.from({ length: 5_000 }, () => 'a') }), 'input/too_large', 'argv'],
  ['run_with_credentials', run({ argv: ['a'.repeat(10_000)] }), 'input/too_large', 'argv[0]'],
  ['run_with_credentials', run({ timeoutSeconds: 3_601 }), 'input/too_large', 'timeoutSeconds'],
  ['run_with_credentials', run({ timeoutSeconds: 1.5 }), 'input/invalid', 'timeoutSeconds'],
  ['run_with_credentials', run({ output: 'raw' }), 'input/invalid', 'output'],
  ['run_with_credentials', run({ shell: true }), 'input/invalid', 'shell'],
  ['run_with_credentials', { argv: ['true'] }, 'input/invalid', 'reason'],
  ['check_request', { requestId: 'r', waitSeconds: 46 }, 'input/too_large', 'waitSeconds'],
];

test('M02, M05: what may not come in is refused by code and field, and reaches neither the daemon nor the answer', async () => {
  const before = calls;
  for (const [tool, args, code, field] of REFUSALS) {
    const refusal = await mcp.refusal(tool, args);
    assert.deepEqual([refusal.code, refusal.field], [code, field], `${tool} ${JSON.stringify(args).slice(0, 100)}`);
    assertNoCanary(Buffer.from(refusal.text), [CANARY], tool);
  }
  assert.equal(calls, before);
  assertNoCanary(Buffer.from(mcp.stderr), [CANARY], 'standard error');
  assert.match((await mcp.refusal('run_with_credentials', run({ argv: ['op://a/b/c'] }))).text, /reference_in_argv/);
});

test('what only looks like a reference, or is an ordinary word, goes through', async () => {
  for (const more of [
    { argv: ['open', 'shop://x'] },
    { argv: ['grep', 'op:/x'] },
    { env: { MODE: 'fast' } },
    { references: {} },
  ]) {
    assert.equal((await mcp.call('run_with_credentials', run(more))).structuredContent?.status, 'denied');
  }
});

test('ten megabytes in a value, or a million variables, are refused and the server lives on', async () => {
  const value = await mcp.refusal(
    'append_variables',
    append({ name: 'A', concealed: false, value: 'a '.repeat(5_000_000) }),
  );
  assert.deepEqual([value.code, value.field], ['input/too_large', 'variables[0].value']);
  const many = await mcp.refusal('append_variables', {
    environmentId: 'env_1',
    variables: Array.from({ length: 1_000_000 }, () => ({})),
  });
  assert.deepEqual([many.code, many.field], ['input/too_large', 'variables']);
  assert.equal((await mcp.call('append_variables', append({ name: 'A' }))).structuredContent?.status, 'completed');
});

test('a tool that is not there is an error of the protocol', async () => {
  const { error } = await mcp.request('tools/call', { name: 'reveal', arguments: {} });
  assert.equal(error?.code, -32602);
});
