// Programs that will not end, write without end or multiply, and a daemon that is killed under them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  agentWith,
  attack,
  isRoot,
  isRunning,
  letRunAnything,
  ORDINARY,
  pidsWithMarker,
  residentKiB,
  statusOf,
  tryFile,
  until,
  type Calls,
} from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, House, PASSPHRASE } from '../house.ts';

describe('programs that will not end', () => {
  const secret = canary();
  let house: House;
  let agent: Calls;
  let count = 0;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: secret }));
    await letRunAnything(house, agent);
  });
  after(async () => {
    assertNoCanary(agent.transcript.join('\n'), secret, 'the transcript');
    await house[Symbol.asyncDispose]();
  });

  /** Pids that the shells of a case wrote into its file. */
  const pidsIn = (file: string): number[] =>
    String(tryFile(file) ?? '')
      .split('\n')
      .filter(Boolean)
      .map(Number);
  const newFile = (): string => join(house.project, `pids-${(count += 1)}`);

  for (const [what, argv] of [
    ['yes', ['yes', 'output']],
    ['/dev/zero', ['cat', '/dev/zero']],
    ['the value, again and again', ['sh', '-c', 'yes "$API_TOKEN"']],
    ['tiny writes to both streams', ['sh', '-c', 'while :; do echo x; echo y >&2; done']],
  ] as const) {
    test(`D01: ${what}: cut to a megabyte a stream, the program ended, the daemon as small as before`, async () => {
      const pid = await house.daemonPid();
      const before = residentKiB(pid);
      const running = agent.run(argv, { timeoutSeconds: 3 });
      const human = await house.keystile(['status']);
      assert.equal(human.code, 0);
      const { status, truncated, stdout, stderr, timedOut, signal } = await running;
      assert.equal(status, 'completed');
      assert.ok(truncated === true || timedOut === true, `${String(truncated)} ${String(timedOut)} ${String(signal)}`);
      for (const text of [stdout, stderr]) assert.ok(String(text).length <= 1024 * 1024 + 1024);
      assert.ok(residentKiB(pid) < before + 80 * 1024, `${residentKiB(pid) - before} KiB more`);
      assert.equal(await house.daemonPid(), pid);
    });
  }

  test('D08: a program that ignores SIGTERM, stops itself and lends its output ends with its time', async () => {
    const file = newFile();
    const stubborn = `trap "" TERM HUP INT; echo $$ >> ${file}; while :; do sleep 1; done`;
    const { timedOut, status, stdout } = await agent.run(
      ['sh', '-c', `echo begun; setsid sh -c '${stubborn}' & sh -c 'echo $$ >> ${file}; kill -STOP $$' & ${stubborn}`],
      { timeoutSeconds: 2 },
    );
    assert.deepEqual([status, timedOut, stdout], ['completed', true, 'begun\n']);
    const pids = pidsIn(file);
    assert.equal(pids.length, 3);
    assert.deepEqual(pids.filter(isRunning), []);
  });

  test('R04, I6: once revoke has answered a stubborn tree is dead, and nothing of it is delivered', async () => {
    const file = newFile();
    const stubborn = `trap "" TERM HUP INT; echo $$ >> ${file}; while :; do echo late; sleep 0.01; done`;
    const running = agent.run([
      'sh',
      '-c',
      `setsid sh -c '${stubborn}' & setsid setsid sh -c '${stubborn}' & ${stubborn}`,
    ]);
    await until('the tree to grow', () => pidsIn(file).length === 3);
    await house.ok(['revoke', '--environment', 'shop']);
    assert.deepEqual(pidsIn(file).filter(isRunning), []);
    const { status, stdout } = await running;
    assert.equal(status, 'denied');
    assert.equal(stdout, undefined);
    await letRunAnything(house, agent);
  });

  test('D03, R04: two hundred processes in sessions of their own are gone after revoke', async () => {
    const file = newFile();
    const many = `i=0; while [ $i -lt 200 ]; do i=$((i+1)); setsid sh -c 'trap "" TERM; echo $$ >> ${file}; sleep 600' & done; sleep 600`;
    const running = agent.run(['sh', '-c', many]);
    await until('two hundred processes', () => pidsIn(file).length === 200);
    await house.ok(['revoke', '--all']);
    assert.deepEqual(pidsIn(file).filter(isRunning), []);
    if (isRoot) assert.deepEqual(pidsWithMarker(`pids-${count}`), []);
    assert.equal((await running)['status'], 'denied');
    await letRunAnything(house, agent);
  });

  test('D03: a tree that keeps forking ends when its first process does', async () => {
    const file = newFile();
    const breed = `n=0; while [ $n -lt 100 ]; do n=$((n+1)); (setsid sh -c 'echo $$ >> ${file}; sleep 600' &); done`;
    assert.equal((await agent.run(['sh', '-c', `${breed}; exit 3`]))['exitCode'], 3);
    assert.deepEqual(pidsIn(file).filter(isRunning), []);
  });

  test('X01, I6: a daemon that is killed takes its runs with it, and the next one finds its log whole', async () => {
    const file = newFile();
    const stubborn = `trap "" TERM HUP INT; echo $$ >> ${file}; while :; do sleep 1; done`;
    const running = agent.rawRun(['sh', '-c', `setsid sh -c '${stubborn}' & ${stubborn}`]);
    await until('the run to start', () => pidsIn(file).length === 2);
    const pid = await house.daemonPid();
    await attack(house, 'kill', ['-KILL', String(pid)]);
    await until('the tree to end', () => pidsIn(file).every((child) => !isRunning(child)));
    assert.match(JSON.stringify(await running), /approver_unavailable|daemon|lost/);
    assert.equal(statusOf(pid) === undefined || !isRunning(pid), true);
    await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    const { ok } = await house.json<{ ok: boolean }>(['audit', 'verify']);
    assert.equal(ok, true);
    const { events } = await house.json<{ events: { event: string }[] }>(['audit', 'list', '--limit', '10000']);
    const kinds = events.map(({ event }) => event);
    assert.ok(kinds.lastIndexOf('leased') > kinds.lastIndexOf('ended'), 'the lease that never ended is on the record');
    assertNoCanary(readFileSync(join(house.home, 'keystile.log')), secret);
    const { leases } = await house.json<{ leases: unknown[] }>(['leases']);
    assert.deepEqual(leases, []);
    const again = agent.run(['true']);
    await house.approve();
    assert.equal((await again)['exitCode'], 0, 'the same MCP server finds the new daemon');
  });

  test('stopping the daemon ends its runs before it says so', async () => {
    const file = newFile();
    const first = agent.rawRun(['sh', '-c', `trap "" TERM; echo $$ >> ${file}; while :; do sleep 1; done`]);
    await house.approve();
    await until('the run to start', () => pidsIn(file).length === 1);
    await house.ok(['stop']);
    assert.deepEqual(pidsIn(file).filter(isRunning), []);
    await first;
  });
});
