// The main job, end to end: an agent runs a command with a credential it never sees.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, House, PASSPHRASE, structured } from '../house.ts';
import type { Client } from '../mcp-client.ts';

describe('an agent runs a command with a credential it never sees', () => {
  const secret = canary();
  let house: House;
  let agent: Client;
  let environmentId: string;
  const seen: string[] = [];

  before(async () => {
    house = await House.open();
    environmentId = await house.environment('shop', { API_TOKEN: secret });
    await house.ok(['environment', 'set', 'shop', 'REGION', '--plain', 'eu-west-1']);
    agent = await house.agent();
  });

  after(async () => {
    await house[Symbol.asyncDispose]();
    assertNoCanary(Buffer.from(seen.join('\n')), secret);
  });

  const call = async (name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
    const result = await agent.callTool({ name, arguments: args });
    seen.push(JSON.stringify(result));
    return structured(result);
  };
  const run = async (argv: readonly string[], more: Record<string, unknown> = {}): Promise<Record<string, unknown>> =>
    await call('run_with_credentials', { environmentId, argv, reason: 'the test', ...more });

  test('it is admitted once, sees names, and never a value', async () => {
    const listing = call('list_variables', { environmentId });
    await house.approve();
    const { status, variableNames } = await listing;
    assert.equal(status, 'completed');
    assert.deepEqual(variableNames, ['API_TOKEN', 'REGION']);
    assert.equal((await call('list_environments'))['status'], 'completed', 'and does not ask again');
  });

  test('an approved run gets the value and gives back masked output', async () => {
    const running = run([
      'sh',
      '-c',
      'printf "%s|%s|" "$API_TOKEN" "$REGION"; printf %s "$API_TOKEN" | base64 -w0 >&2',
    ]);
    await house.approve();
    const { status, exitCode, stdout, stderr, redactions, outputMode } = await running;
    assert.equal(status, 'completed');
    assert.equal(exitCode, 0);
    assert.equal(stdout, '[REDACTED:API_TOKEN]|eu-west-1|');
    assert.doesNotMatch(String(stderr), new RegExp(Buffer.from(secret).toString('base64').slice(4, 12)));
    assert.equal(outputMode, 'redacted');
    assert.deepEqual(
      (redactions as { name: string }[]).map(({ name }) => name),
      ['API_TOKEN'],
    );
  });

  test('a grant answers the same again, and asks for anything else', async () => {
    const first = run(['true']);
    await house.approve('--for', '15m');
    assert.equal((await first)['status'], 'completed');
    assert.equal((await run(['true']))['status'], 'completed');
    const other = run(['true', 'x']);
    const requestId = await house.pending();
    await house.ok(['deny', requestId]);
    assert.equal((await other)['status'], 'denied');
  });

  test('I5: a script that changed after it was shown does not run', async () => {
    const script = join(house.project, 'deploy.sh');
    writeFileSync(script, 'echo good\n');
    const running = agent.callTool({
      name: 'run_with_credentials',
      arguments: { environmentId, argv: ['sh', 'deploy.sh'], reason: 'x' },
    });
    await house.pending();
    writeFileSync(script, 'echo evil $API_TOKEN | rev\n');
    await house.approve();
    const result = await running;
    assert.equal(result.isError, true);
    assert.match(JSON.stringify(result), /operand_changed/);
    assert.doesNotMatch(JSON.stringify(result), /evil/);
  });

  test('I6: revoking kills a running tree, also a grandchild in a session of its own', async () => {
    const marker = `${house.root}/alive`;
    const running = run(['sh', '-c', `setsid sh -c 'echo $$ > ${marker}; exec sleep 600' & sleep 600`]);
    await house.approve();
    const pid = await eventually(() => tryRead(marker), 'the grandchild');
    await house.ok(['revoke', '--all']);
    assert.equal((await running)['status'], 'denied');
    assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
  });

  test('the model is told to wait when the human is slow, and polls for the result', async () => {
    const running = run(['echo', 'done']);
    const requestId = await house.pending();
    const early = await call('check_request', { requestId, waitSeconds: 0 });
    assert.equal(early['status'], 'approval_pending');
    assert.equal(early['retry'], 'poll');
    await house.approve();
    await running;
    const late = await call('check_request', { requestId });
    assert.equal(late['status'], 'completed');
    assert.equal(late['stdout'], 'done\n');
  });

  test("held output is the human's, until it is released", async () => {
    const running = run(['sh', '-c', 'echo result $API_TOKEN'], { output: 'summary' });
    const requestId = await house.approve();
    const { stdout, stdoutLines, runId, outputMode } = await running;
    assert.equal(outputMode, 'summary');
    assert.equal(stdout, '');
    assert.equal(stdoutLines, 1);
    const released = await house.human(['release', String(runId), '--yes']);
    assert.equal(released.code, 0, released.stderr);
    assert.equal((await call('check_request', { requestId }))['stdout'], 'result [REDACTED:API_TOKEN]\n');
  });

  test('approving needs the passphrase, even at a terminal', async () => {
    const running = run(['id']);
    const requestId = await house.pending();
    const forged = await house.run(
      'script',
      ['-qec', `${house.launcher} approve ${requestId} </dev/null`, '/dev/null'],
      'y\ny\n',
    );
    assert.notEqual(forged.code, 0);
    const wrong = await house.keystile(['approve', requestId, '--passphrase-stdin'], 'not the passphrase\n');
    assert.equal(wrong.code, 4, wrong.stderr);
    assert.equal(await house.pending(), requestId);
    await house.ok(['deny', requestId]);
    assert.equal((await running)['status'], 'denied');
  });

  test('a concealed value is refused on the way in, and kept nowhere', async () => {
    const made = await call('create_environment', { environmentName: 'agents own' });
    const value = canary();
    const result = await agent.callTool({
      name: 'append_variables',
      arguments: { environmentId: made['environmentId'], variables: [{ name: 'X', value }] },
    });
    assert.equal(result.isError, true);
    assertNoCanary(Buffer.from(JSON.stringify(result)), value);
    const { missing } = await call('append_variables', {
      environmentId: made['environmentId'],
      variables: [{ name: 'X' }, { name: 'Y', generate: 'hex:32' }],
    });
    assert.deepEqual(missing, ['X']);
  });

  test('locking ends everything: no names, no lists, no runs', async () => {
    await house.ok(['lock']);
    assert.equal((await call('list_environments'))['status'], 'locked');
    assert.equal((await run(['true']))['status'], 'locked');
    assert.equal((await house.keystile(['environment', 'list'])).code, 3);
    await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    assert.equal((await call('list_environments'))['status'], 'completed');
  });

  test('I2: the audit log tells what happened in order, verifies, and holds no value', async () => {
    const { events } = await house.json<{ events: { event: string }[] }>(['audit', 'list']);
    const kinds = new Set(events.map(({ event }) => event));
    for (const kind of ['requested', 'granted', 'leased', 'delivered', 'ended', 'denied', 'revoked', 'vault_locked']) {
      assert.ok(kinds.has(kind), kind);
    }
    await house.ok(['audit', 'verify']);
    assertNoCanary(readFileSync(join(house.home, 'audit', 'events.jsonl')), secret);
    assertNoCanary(readFileSync(join(house.home, 'keystile.log')), secret);
    assertNoCanary(readFileSync(join(house.home, 'vault.db')), secret);
  });
});

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
