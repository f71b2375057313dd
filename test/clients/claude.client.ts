// The real Claude Code, from setup to the masked result.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canary, House } from '../house.ts';
import { ClientHome, Service, writeSignIn } from './drive.ts';
import { startMockModel } from './mock-model.ts';

describe('the real Claude Code', () => {
  test('lists variables and signs in with a secret it never sees', async () => {
    const secret = canary();
    await using service = await Service.open(secret);
    await using house = await House.open();
    const environmentId = await house.environment('shop', { API_TOKEN: secret });
    const run = { environmentId, argv: writeSignIn(house, service.url), reason: 'sign in' };
    await using model = await startMockModel('messages', [
      [{ id: 'toolu_list', tool: 'mcp__keystile__list_variables', args: { environmentId } }],
      [{ id: 'toolu_run', tool: 'mcp__keystile__run_with_credentials', args: run }],
      'done',
    ]);
    using home = new ClientHome(house);
    await home.setup('claude', model);
    const running = home.claude('go', model);
    await house.approve();
    await house.approve();
    const done = await running;
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(service.shown, [`Bearer ${secret}`], 'the right value arrived, once');
    assert.match(model.outputs.get('toolu_list') ?? '', /API_TOKEN/);
    assert.match(model.outputs.get('toolu_run') ?? '', /status 200 welcome/);
    assert.match(model.outputs.get('toolu_run') ?? '', /\[REDACTED:API_TOKEN\]/);
    const swept = home.sweep(secret, model, [done]);
    assert.ok(swept.files > 10 && swept.requests > 0, JSON.stringify(swept));
  });

  test('is told no, and nothing ran', async () => {
    await using house = await House.open();
    const secret = canary();
    const environmentId = await house.environment('shop', { API_TOKEN: secret });
    const run = { environmentId, argv: ['sh', '-c', 'echo $API_TOKEN > ran'], reason: 'x' };
    await using model = await startMockModel('messages', [
      [{ id: 'toolu_run', tool: 'mcp__keystile__run_with_credentials', args: run }],
      'done',
    ]);
    using home = new ClientHome(house);
    await home.setup('claude', model);
    const running = home.claude('go', model);
    await house.ok(['deny', await house.pending()]);
    const done = await running;
    assert.match(model.outputs.get('toolu_run') ?? '', /"status":\s*"denied"/);
    home.sweep(secret, model, [done]);
  });
});
