// A program that an approved run started is still the agent's: it gains nothing from having the daemon above it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canary, House, structured } from '../house.ts';

test('I7: a command inside a run is under the agent of that run, though its ancestors are the runner and the daemon', async () => {
  await using house = await House.open();
  const environmentId = await house.environment('shop', { API_TOKEN: canary() });
  const agent = await house.agent();
  const commands = [
    'environment set-output shop redacted',
    'environment delete shop',
    'environment set shop API_TOKEN --value-stdin',
  ];
  const script = commands.map((command) => `echo evil | ${house.launcher} ${command} >&2; echo $?`).join('; ');
  const argv = ['sh', '-c', `export KEYSTILE_HOME=${house.home}; ${script}`];
  const running = agent.callTool({ name: 'run_with_credentials', arguments: { environmentId, argv, reason: 'x' } });
  await house.approve();
  const { stdout, stderr } = structured(await running);
  assert.equal(stdout, '4\n4\n4\n', String(stderr));
  assert.equal((await house.keystile(['environment', 'show', 'shop'])).code, 0);
});

test('a plain variable an agent declared is shown with its value, and cannot decide where credentials go by name', async () => {
  await using house = await House.open();
  const agent = await house.agent();
  const call = async (name: string, args: Record<string, unknown>) => await agent.callTool({ name, arguments: args });
  const making = call('create_environment', {
    environmentName: 'own',
    variables: [{ name: 'DB_HOST', concealed: false, value: 'evil.example' }],
  });
  await house.approve();
  const { environmentId } = structured(await making);
  for (const name of ['HTTPS_PROXY', 'AWS_ENDPOINT_URL', 'NODE_EXTRA_CA_CERTS']) {
    const refused = await call('append_variables', {
      environmentId,
      variables: [{ name, concealed: false, value: 'evil.example' }],
    });
    assert.equal(refused.isError, true, name);
  }
  const running = call('run_with_credentials', { environmentId, argv: ['true'], reason: 'x' });
  const requestId = await house.pending();
  const prompt = await house.ok(['requests', requestId]);
  assert.match(prompt, /DB_HOST/);
  assert.match(prompt, /"evil\.example"/);
  await house.ok(['deny', requestId]);
  await running;
});
