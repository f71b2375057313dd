// An agent asks for far more than anybody could answer. The human still gets through, and every call has its answer.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentWith, letRunAnything, ORDINARY, residentKiB, runProgram, type Answer, type Calls } from '../attackers.ts';
import { canary, House } from '../house.ts';

describe('floods', () => {
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: canary() }));
  });
  after(async () => await house[Symbol.asyncDispose]());

  const count = (results: readonly string[], pattern: RegExp): number =>
    results.filter((text) => pattern.test(text)).length;

  test('A15: of 200 runs asked for at once five wait, the rest are told so, and the human answers', async () => {
    const asked = Array.from({ length: 200 }, async (_, i) => JSON.stringify(await agent.rawRun(['echo', String(i)])));
    await house.pending();
    const { requests } = await house.json<{ requests: { requestId: string }[] }>(['requests']);
    assert.ok(requests.length >= 1 && requests.length <= 5, `${requests.length} wait`);
    const answer = async (): Promise<void> => {
      for (;;) {
        const { requests: left } = await house.json<{ requests: { requestId: string }[] }>(['requests']);
        for (const { requestId } of left) await house.keystile(['deny', requestId]);
        if (left.length === 0) return;
      }
    };
    const results = Promise.all(asked);
    const over = new AbortController();
    void results.finally(() => over.abort());
    while (!over.signal.aborted) await answer();
    const texts = await results;
    const refused = count(texts, /approver_unavailable|daemon\/busy/);
    const denied = count(texts, /"status":"denied"|human said no/);
    assert.equal(
      refused + denied,
      200,
      texts.find((text) => !/approver_unavailable|busy|denied/.test(text)),
    );
    assert.ok(refused >= 100, `${refused} were refused without asking`);
  });

  test('A15: what was denied a moment ago is refused without asking', async () => {
    const first = agent.run(['echo', 'please']);
    await house.ok(['deny', await house.pending()]);
    await first;
    for (let i = 0; i < 20; i += 1) assert.equal((await agent.run(['echo', 'please']))['status'], 'denied');
    const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
    assert.deepEqual(requests, []);
  });

  test('A15: the same question asked forty times at once is one prompt', async () => {
    const asked = Array.from({ length: 40 }, async () => await agent.run(['echo', 'once']));
    await house.pending();
    const { requests } = await house.json<{ requests: { requestId: string }[] }>(['requests']);
    assert.equal(requests.length, 1);
    await house.human(['approve', String(requests[0]?.requestId)]);
    for (const { stdout } of await Promise.all(asked)) assert.equal(stdout, 'once\n');
  });

  test('D04: 500 lists at once are answered or told to come later, and the daemon stays small', async () => {
    const pid = await house.daemonPid();
    const before = residentKiB(pid);
    const lists = Array.from({ length: 500 }, async () => JSON.stringify(await agent.raw('list_environments')));
    const human = Array.from({ length: 3 }, async () => await house.ok(['status']));
    const texts = await Promise.all(lists);
    await Promise.all(human);
    assert.equal(count(texts, /"status":"(?:completed|approver_unavailable)"/), 500);
    assert.ok(count(texts, /"status":"completed"/) > 0);
    assert.ok(residentKiB(pid) < before + 60 * 1024, 'its memory is where it was');
    assert.equal((await agent.call('list_environments'))['status'], 'completed');
  });

  test('D04: thirty agents that come at once are served or turned away, and the human has room of its own', async () => {
    const path = `${house.home}/run/agent.sock`;
    const others = Array.from(
      { length: 30 },
      async () => (await runProgram(house, 'attack-socket.ts', [path, 'connect'])).stdout,
    );
    await house.ok(['environment', 'list']);
    for (const text of await Promise.all(others)) assert.match(text, /"hello":1|daemon\/busy|"closed":true/);
    assert.equal((await agent.call('list_environments'))['status'], 'completed');
  });

  test('D04: thirty runs side by side all end, each with its own output', async () => {
    await letRunAnything(house, agent);
    const results = await Promise.all(
      Array.from({ length: 30 }, async (_, i): Promise<[number, Answer]> => [i, await agent.run(['echo', `run ${i}`])]),
    );
    for (const [i, result] of results) {
      if (result['status'] === 'completed') assert.equal(result['stdout'], `run ${i}\n`);
      else assert.match(JSON.stringify(result), /busy|approver_unavailable/);
    }
    const { leases } = await house.json<{ leases: unknown[] }>(['leases']);
    assert.deepEqual(leases, []);
  });
});
