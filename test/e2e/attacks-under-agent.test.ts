// A coding agent uses the command line of the human. What it changes becomes a request, what would carry a value or
// loosen a rule is refused, and the passphrase decides as ever.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { attack, nodeOf, ORDINARY, tryFile } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, House, PASSPHRASE, type Done } from '../house.ts';

describe('the command line under an agent', () => {
  let house: House;
  let codex: string;

  before(async () => {
    house = await House.open(ORDINARY);
    await house.environment('shop', { API_TOKEN: canary() });
    codex = join(house.root, 'codex');
    copyFileSync(realpathSync('/bin/sh'), codex);
    chmodSync(codex, 0o755);
  });
  after(async () => await house[Symbol.asyncDispose]());

  /** A shell called codex runs a command, and waits for it. */
  const underAgent = async (args: string, input = ''): Promise<Done> =>
    await attack(house, codex, ['-c', `${house.launcher} ${args}; exit $?`], { input });
  const names = async (): Promise<string[]> => {
    const { environments } = await house.json<{ environments: { name: string }[] }>(['environment', 'list']);
    return environments.map(({ name }) => name);
  };

  test('a new environment is asked for, and made when the human says yes', async () => {
    const creating = underAgent('environment create made-by-agent --format json');
    const { requests } = await eventually(async () => {
      const listed = await house.json<{ requests: Record<string, unknown>[] }>(['requests']);
      return listed.requests.length > 0 ? listed : undefined;
    }, 'a request');
    assert.equal(requests[0]?.['action'], 'CreateEnvironment');
    assert.match(String(requests[0]?.['agent']), /codex/);
    assert.ok(!(await names()).includes('made-by-agent'), 'nothing is made before');
    await house.approve();
    const { code, stdout, stderr } = await creating;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /environmentId|asked/);
    assert.ok((await names()).includes('made-by-agent'));
  });

  test('a no is a no', async () => {
    const creating = underAgent('environment create refused');
    await house.ok(['deny', await house.pending()]);
    assert.equal((await creating).code, 4);
    assert.ok(!(await names()).includes('refused'));
  });

  test('A19, I3: a command that was broken off changes nothing later', async () => {
    const file = join(house.project, 'pid');
    const creating = underAgent(`environment create abandoned & echo $! > ${file}; wait`);
    const requestId = await house.pending();
    await attack(house, 'kill', ['-KILL', String(tryFile(file)).trim()]);
    await eventually(async () => {
      const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
      return requests.length === 0 ? true : undefined;
    }, 'the request to end');
    await creating;
    assert.notEqual((await house.human(['approve', requestId])).code, 0);
    assert.ok(!(await names()).includes('abandoned'));
  });

  test('I4: a value is refused, and kept nowhere', async () => {
    const value = canary();
    const { code, stderr, stdout } = await underAgent('environment set shop API_TOKEN --value-stdin', value);
    assert.equal(code, 4, stdout);
    assert.match(stderr, /coding agent/);
    assertNoCanary(stderr + stdout, value);
    const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
    assert.deepEqual(requests, []);
  });

  test('rules and whole environments are out of its reach', async () => {
    for (const command of ['environment delete shop', 'environment set-output shop redacted']) {
      const { code, stderr } = await underAgent(command);
      assert.equal(code, 4, command);
      assert.match(stderr, /coding agent/);
    }
    assert.ok((await names()).includes('shop'));
  });

  test('with the passphrase it is the human, whoever started the shell, and the log says so', async () => {
    const creating = house.run(codex, ['-c', `${house.launcher} environment create approved-under-agent; exit $?`]);
    const requestId = await house.pending();
    const wrong = await underAgent(`approve ${requestId} --passphrase-stdin`, 'a guess of the agent\n');
    assert.equal(wrong.code, 4);
    const { code, stderr } = await underAgent(`approve ${requestId} --passphrase-stdin`, `${PASSPHRASE}\n`);
    assert.equal(code, 0, stderr);
    assert.equal((await creating).code, 0);
    const { events } = await house.json<{ events: { event: string; facts: { requestId?: string } }[] }>([
      'audit',
      'list',
    ]);
    assert.ok(events.some(({ event, facts }) => event === 'granted' && facts.requestId === requestId));
    assert.ok(events.some(({ event }) => event === 'approval_refused'));
  });

  test('an agent that is a script of Node is known by the name of its script', async () => {
    const code = `import { spawnSync } from 'node:child_process';
      process.exitCode = spawnSync(${JSON.stringify(house.launcher)}, ['environment', 'delete', 'shop'], { stdio: 'inherit' }).status;`;
    await attack(house, 'sh', ['-c', `cat > ${join(house.project, 'claude.mjs')}`], { input: code });
    const done = await attack(house, nodeOf(house), [join(house.project, 'claude.mjs')]);
    assert.equal(done.code, 4, done.stderr);
    assert.ok((await names()).includes('shop'));
  });
});
