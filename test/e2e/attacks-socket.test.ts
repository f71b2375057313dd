// What can be said to the sockets of a running daemon: by another user, by an agent that speaks to them itself, and as
// bytes that are no message.

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { METHODS } from '../../src/wire/methods.ts';
import { agentWith, needsRoot, ORDINARY, OTHER_USER, runProgram } from '../attackers.ts';
import { eventually, House } from '../house.ts';

interface Heard {
  readonly answers: { error?: { code: string }; id?: number; result?: unknown; hello?: number }[];
  readonly closed: boolean;
  readonly error: string;
}

async function say(
  house: House,
  socket: 'agent' | 'control',
  what: string,
  more: string[] = [],
  uid?: number,
): Promise<Heard> {
  const path = join(house.home, 'run', `${socket}.sock`);
  const { stdout, stderr } = await runProgram(
    house,
    'attack-socket.ts',
    [path, what, ...more],
    uid === undefined ? {} : { uid },
  );
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Heard;
}

async function eventsOf(house: House, kind: string): Promise<{ names?: { method?: string } }[]> {
  const { events } = await house.json<{ events: { event: string; names?: { method?: string } }[] }>([
    'audit',
    'list',
    '--limit',
    '10000',
  ]);
  return events.filter(({ event }) => event === kind);
}

describe('what is said to the sockets', () => {
  let house: House;
  let pid: number;

  before(async () => {
    house = await House.open(ORDINARY);
    pid = await house.daemonPid();
  });
  after(async () => await house[Symbol.asyncDispose]());

  test('S05, M12: the agent socket answers no method of the human, and the audit log names each try', async () => {
    const control = Object.entries(METHODS).flatMap(([name, { socket }]) => (socket === 'control' ? [name] : []));
    assert.ok(control.length > 25);
    const { answers } = await say(house, 'agent', 'methods', [JSON.stringify(control)]);
    const codes = answers.slice(1).map(({ error }) => error?.code);
    assert.deepEqual(
      codes,
      control.map(() => 'daemon/method_not_found'),
    );
    // The refusal is not held back until it is on the disk.
    const named = await eventually(async () => {
      const events = await eventsOf(house, 'method_refused');
      return events.length < control.length ? undefined : events.map(({ names }) => String(names?.method));
    }, 'every try to be in the log');
    assert.deepEqual(new Set(named), new Set(control));
    assert.equal(named.length, control.length);
    assert.equal((await house.json<{ vault: string }>(['status'])).vault, 'unlocked', 'lock was one of them');
  });

  test('I8: a flood of unknown methods is one line in the audit log', async () => {
    const earlier = (await eventsOf(house, 'method_refused')).length;
    const { answers } = await say(house, 'agent', 'unknown');
    assert.ok(
      answers.slice(1).every(({ error }) => error?.code === 'daemon/method_not_found' || error?.code === 'daemon/busy'),
    );
    const later = await eventually(async () => {
      const events = await eventsOf(house, 'method_refused');
      return events.length > earlier ? events.length : undefined;
    }, 'the try to be in the log');
    assert.equal(later, earlier + 1);
  });

  test('S05: the control socket has no method of agents either', async () => {
    const agents = Object.entries(METHODS).flatMap(([name, { socket }]) => (socket === 'agent' ? [name] : []));
    const { answers } = await say(house, 'control', 'methods', [JSON.stringify(agents)]);
    for (const { error } of answers.slice(1)) assert.equal(error?.code, 'daemon/method_not_found');
  });

  test('S09: a message split into single bytes is understood', async () => {
    const { answers } = await say(house, 'control', 'split');
    assert.equal(answers.length, 2);
    assert.ok(answers[1]?.result !== undefined);
  });

  for (const what of ['oversized', 'deep', 'nul', 'proto', 'duplicate', 'not-utf8', 'parts', 'random']) {
    test(`S09: ${what}: no answer but an error, while a normal client is served`, async () => {
      const attacks = (['agent', 'control'] as const).map(async (socket) => await say(house, socket, what));
      const normal = Array.from({ length: 3 }, async () => await house.ok(['environment', 'list']));
      for (const { answers, closed } of await Promise.all(attacks)) {
        const said = answers.filter(({ hello }) => hello === undefined);
        assert.ok(
          said.every(({ error, result }) => error !== undefined && result === undefined),
          JSON.stringify(said),
        );
        assert.ok(said.length > 0 || closed, 'it is told, or hung up on');
      }
      await Promise.all(normal);
      assert.equal(await house.daemonPid(), pid, 'the same daemon still answers');
    });
  }

  test(
    'S01: another user cannot connect; widened by hand, the folders are named and nothing is said',
    needsRoot,
    async () => {
      for (const socket of ['agent', 'control'] as const) {
        const { error, answers } = await say(house, socket, 'connect', [], OTHER_USER);
        assert.equal(error, 'EACCES');
        assert.deepEqual(answers, []);
      }
      const agent = await agentWith(house, 'environment');
      const run = join(house.home, 'run');
      const paths = [house.home, run, join(run, 'agent.sock'), join(run, 'control.sock')];
      for (const path of paths) chmodSync(path, 0o777);
      for (const socket of ['agent', 'control'] as const) {
        const { answers, closed } = await say(house, socket, 'connect', [], OTHER_USER);
        assert.deepEqual(answers, [], 'the daemon does not even greet another user');
        assert.equal(closed, true);
      }
      const { code, stderr } = await house.keystile(['status']);
      assert.equal(code, 1);
      assert.match(stderr, /chmod 700/);
      const doctor = await house.keystile(['doctor']);
      assert.equal(doctor.code, 1);
      assert.match(doctor.stdout, /WRONG {2}home: .* mode 777/);
      const fresh = await agentWith(house, 'environment');
      const refused = await fresh.raw('list_environments');
      assert.match(JSON.stringify(refused), /approver_unavailable/);
      assert.match(JSON.stringify(refused), /doctor|chmod/);
      await agent.client.close();
      await house.run('chmod', ['700', house.home, run]);
      await house.run('chmod', ['600', ...paths.slice(2)]);
      assert.equal(await house.daemonPid(), pid, 'the same daemon still answers');
    },
  );
});
