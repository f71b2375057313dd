// The gate, told from outside: what is asked, what a yes covers, and what ends it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COOL_DOWN_MS, WAITING_MAX, WAITING_PER_AGENT_MAX, type Ticket } from '../../src/authority/tickets.ts';
import { Failure } from '../../src/core/failure.ts';
import { agent, ask, EXPIRES_AFTER_MS, run, settle, World, yes } from './world.ts';

test('a run waits for the human, and a yes runs it once', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  assert.equal(ticket.state.at, 'waiting');
  assert.equal(world.runs.length, 0);
  await world.authority.approve(yes(ticket));
  await settle();
  assert.equal(world.runs.length, 1);
  world.runs[0]?.end();
  await settle();
  assert.equal(endOf(ticket), 'completed');
  assert.equal((await world.authority.request(ask())).state.at, 'waiting', 'once is spent');
});

test('I5: an answer with another digest than what was shown is refused', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  await assert.rejects(world.authority.approve(yes(ticket, { digest: '0'.repeat(64) })), { code: 'request/changed' });
  assert.equal(ticket.state.at, 'waiting');
  assert.equal(world.runs.length, 0);
});

test('I5: every fact of the run is part of the digest', async () => {
  const world = new World();
  const digests = new Set<string>();
  const different = [
    run(),
    run({ argv: ['deploy', '--prod'] }),
    run({ variables: [{ name: 'TOKEN', source: 'prod/TOKEN' }] }),
    run({ cwd: { path: '/srv/shop', dev: '1', ino: '3' } }),
    run({ program: { path: '/usr/bin/deploy', digest: 'ee', bytes: 9, isChangeable: false } }),
    run({ environmentDelta: { A: 'b' } }),
    run({ output: 'summary' }),
    run({ stdin: { bytes: 1, digest: 'ff' } }),
    run({ timeoutSeconds: 61 }),
    run({ operands: [{ path: '/srv/shop/a', digest: 'ab', bytes: 1, isChangeable: true }] }),
  ];
  for (const [i, work] of different.entries()) {
    digests.add((await world.authority.request(ask({ work, agent: agent(200 + i) }))).request.digest);
    digests.add((await world.authority.request(ask({ work, agent: agent(100) }))).request.digest);
  }
  assert.equal(digests.size, different.length * 2);
});

test('I3: a request nobody answers expires on the monotonic clock, and cannot be approved afterwards', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  world.pass(EXPIRES_AFTER_MS);
  assert.equal(endOf(ticket), 'expired');
  await assert.rejects(world.authority.approve(yes(ticket)), { code: 'request/over' });
  assert.equal(world.runs.length, 0);
});

test('I3: no answer counts twice, after a cancel, or after the agent has ended', async () => {
  const world = new World();
  const twice = await world.authority.request(ask());
  await world.authority.approve(yes(twice));
  await assert.rejects(world.authority.approve(yes(twice)), { code: 'request/over' });

  const cancelled = await world.authority.request(ask({ work: run({ argv: ['b'] }) }));
  await world.authority.cancel(cancelled.requestId, agent());
  await assert.rejects(world.authority.approve(yes(cancelled)), { code: 'request/over' });

  const orphan = await world.authority.request(ask({ agent: agent(300) }));
  world.ended.add(300);
  await assert.rejects(world.authority.approve(yes(orphan)), { code: 'request/over' });
  await settle();
  assert.equal(world.runs.length, 1);
});

test('I2: nothing is delivered when the log cannot be written, at the grant or at the lease', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  world.isDiskFull = true;
  await world.authority.approve(yes(ticket, { life: { kind: 'until_lock' } }));
  await settle();
  assert.equal(world.runs.length, 0);
  assert.equal(endOf(ticket), 'failed');
  assert.equal(world.authority.grants.all(world.nowMs).length, 0);

  world.isDiskFull = false;
  await allow(world);
  world.isDiskFull = true;
  await world.authority.request(ask());
  await settle();
  assert.equal(world.runs.length, 1, 'the one that granted, and no other');
});

test('I2: the lease is on the record before the vault is read', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  await world.authority.approve(yes(ticket));
  await settle();
  assert.deepEqual(world.events.map(({ event }) => event).slice(0, 3), ['requested', 'granted', 'leased']);
});

test('I7: another process of the same program is another agent, and asks again', async () => {
  const world = new World();
  await allow(world);
  assert.notEqual((await world.authority.request(ask())).state.at, 'waiting');
  assert.equal((await world.authority.request(ask({ agent: agent(101) }))).state.at, 'waiting');
  const reused = { ...agent(), process: { ...agent().process, startedAt: '8' } };
  assert.equal((await world.authority.request(ask({ agent: reused }))).state.at, 'waiting', 'the pid was used again');
});

test('an exact grant covers nothing that differs by a byte', async () => {
  const world = new World();
  await allow(world);
  for (const work of [run({ argv: ['deploy', 'x'] }), run({ environmentDelta: { A: 'b' } }), run({ variables: [] })]) {
    const ticket = await world.authority.request(ask({ work }));
    assert.equal(ticket.state.at, 'waiting');
    await world.authority.cancel(ticket.requestId, agent());
  }
});

test('a program grant covers more arguments of the same program and no other variable, folder or file', async () => {
  const world = new World();
  const operands = [{ path: '/srv/shop/a', digest: 'ab', bytes: 1, isChangeable: true }];
  const approved = run({ argv: ['psql', '-f', 'a'], operands });
  await allow(world, approved, 'program');
  const more = run({ ...approved, argv: ['psql', '-f', 'a', '-q'] });
  assert.notEqual((await world.authority.request(ask({ work: more }))).state.at, 'waiting');
  const others = [
    run({ ...approved, argv: ['psql', '-q'] }),
    run({ ...approved, program: { ...approved.program, digest: 'other' } }),
    run({ ...approved, cwd: { path: '/srv', dev: '1', ino: '9' } }),
    run({ ...approved, operands: [{ path: '/srv/shop/a', digest: 'changed', bytes: 1, isChangeable: true }] }),
    run({ ...approved, variables: [{ name: 'OTHER', source: 'shop/OTHER' }] }),
    run({ ...approved, environmentDelta: { PGHOST: 'evil' } }),
  ];
  for (const work of others) {
    const ticket = await world.authority.request(ask({ work }));
    assert.equal(ticket.state.at, 'waiting');
    await world.authority.cancel(ticket.requestId, agent());
  }
});

test('an environment grant covers any command with those variables', async () => {
  const world = new World();
  await allow(world, run(), 'environment');
  assert.notEqual((await world.authority.request(ask({ work: run({ argv: ['env'] }) }))).state.at, 'waiting');
  const other = run({ environmentId: 'env_other' });
  assert.equal((await world.authority.request(ask({ work: other }))).state.at, 'waiting');
});

test('a grant for minutes ends with them', async () => {
  const world = new World();
  await allow(world);
  world.pass(15 * 60_000);
  assert.equal((await world.authority.request(ask())).state.at, 'waiting');
});

test('the same request twice is one prompt', async () => {
  const world = new World();
  const first = await world.authority.request(ask());
  const second = await world.authority.request(ask());
  assert.equal(first, second);
  assert.equal(world.authority.tickets.waiting().length, 1);
});

test('after a no the same is refused for a while without asking', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  await world.authority.deny(ticket.requestId);
  assert.equal(endOf(await world.authority.request(ask())), 'denied');
  world.pass(COOL_DOWN_MS);
  assert.equal((await world.authority.request(ask())).state.at, 'waiting');
});

test('I8: an agent holds a few requests, all agents together not many', async () => {
  const world = new World();
  const states: string[] = [];
  for (let i = 0; i < WAITING_PER_AGENT_MAX + 1; i += 1) {
    states.push((await world.authority.request(ask({ work: run({ argv: [`a${i}`] }) }))).state.at);
  }
  assert.deepEqual(states, [...Array<string>(WAITING_PER_AGENT_MAX).fill('waiting'), 'over']);
  for (let i = 0; i < WAITING_MAX * 2; i += 1) await world.authority.request(ask({ agent: agent(500 + i) }));
  assert.equal(world.authority.tickets.waiting().length, WAITING_MAX);
});

test('I8: answers are kept for a while, and not for ever', async () => {
  const world = new World();
  const first = await world.authority.request(ask());
  await world.authority.deny(first.requestId);
  assert.ok(world.authority.tickets.find(first.requestId));
  for (let i = 0; i < 60; i += 1) {
    const ticket = await world.authority.request(ask({ work: run({ argv: [`a${i}`] }) }));
    await world.authority.deny(ticket.requestId);
  }
  assert.equal(world.authority.tickets.find(first.requestId), undefined);
});

test('an agent sees and cancels its own requests only', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  await assert.rejects(world.authority.cancel(ticket.requestId, agent(101)), { code: 'request/not_found' });
  assert.throws(() => world.authority.find(ticket.requestId, agent(101)), Failure);
  assert.equal(ticket.state.at, 'waiting');
});

test('one yes admits the agent and runs; names then need no further question', async () => {
  const world = new World();
  await allow(world);
  const connect = await world.authority.request(ask({ work: { action: 'Connect' } }));
  assert.equal(endOf(connect), 'completed');
  world.ended.add(agent().process.pid);
  await world.authority.sweep();
  world.ended.clear();
  assert.equal((await world.authority.request(ask({ work: { action: 'Connect' } }))).state.at, 'waiting');
});

test('I6: revoking ends the run, and the agent does not get its output', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  await world.authority.approve(yes(ticket, { life: { kind: 'until_lock' } }));
  await settle();
  const counts = await world.authority.revoke({ what: 'all' });
  assert.deepEqual(counts, { grants: 1, leases: 1, requests: 1 });
  assert.equal(world.runs[0]?.isKilled, true);
  await settle();
  assert.equal(endOf(ticket), 'denied');
  assert.equal((await world.authority.request(ask())).state.at, 'waiting');
});

test('revocation works while the log cannot be written', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask());
  await world.authority.approve(yes(ticket));
  await settle();
  world.isDiskFull = true;
  await assert.rejects(world.authority.revoke({ what: 'all' }), { code: 'audit/unavailable' });
  assert.equal(world.runs[0]?.isKilled, true);
  assert.equal(endOf(ticket), 'denied');
});

test('the strictest of what was asked, set and picked decides about the output', async () => {
  for (const [asked, set, picked, shown] of [
    ['redacted', 'redacted', undefined, 'redacted'],
    ['summary', 'redacted', 'redacted', 'summary'],
    ['redacted', 'summary', 'redacted', 'summary'],
    ['redacted', 'redacted', 'summary', 'summary'],
  ] as const) {
    const world = new World();
    const ticket = await world.authority.request(ask({ work: run({ output: asked }), outputAtMost: set }));
    await world.authority.approve(yes(ticket, picked === undefined ? {} : { output: picked }));
    await settle();
    assert.equal(world.runs[0]?.order.output, shown);
    world.runs[0].end();
    await settle();
    assert.equal(world.held.length, shown === 'summary' ? 1 : 0);
  }
});

test('I2: a suspicious run is on the record before it is told to anybody; if it cannot be, the agent gets nothing of it', async () => {
  for (const isDiskFull of [false, true]) {
    const world = new World();
    world.signs = { fragments: 3, scattered: 0, decoded: 2 };
    const ticket = await world.authority.request(ask());
    await world.authority.approve(yes(ticket));
    await settle();
    world.isDiskFull = isDiskFull;
    world.runs[0]?.end();
    await settle();
    const events = world.events.filter(({ event }) => event === 'run_suspicious' || event === 'ended');
    const told = world.news.filter(({ kind }) => kind === 'suspicious');
    assert.equal(endOf(ticket), isDiskFull ? 'failed' : 'completed');
    assert.deepEqual(
      events.map(({ event }) => event),
      isDiskFull ? [] : ['run_suspicious', 'ended'],
    );
    assert.equal(told.length, isDiskFull ? 0 : 1);
    if (isDiskFull) continue;
    const { fragments, decoded, why } = events[0]?.facts ?? {};
    assert.deepEqual([fragments, decoded, why], [3, 2, 'fragments/decoded']);
  }
});

test('what a run left behind is told after the answer; that not all was looked at is on the record alone', async () => {
  const hits = [{ name: 'K', file: 'a b', line: 2 }];
  for (const [taint, event, told] of [
    [{ hits, limits: ['time' as const], files: 1 }, 'run_tainted', 1],
    [{ hits: [], limits: ['bytes' as const], files: 1 }, 'taint_scan_cut', 0],
    [{ hits: [], limits: [], files: 1 }, undefined, 0],
  ] as const) {
    const world = new World();
    world.taint = taint;
    const ticket = await world.authority.request(ask());
    await world.authority.approve(yes(ticket));
    await settle();
    world.runs[0]?.end();
    await settle();
    assert.equal(endOf(ticket), 'completed');
    const found = world.events.find((one) => /taint/.test(one.event));
    assert.equal(found?.event, event);
    if (event === 'run_tainted') assert.deepEqual([found?.names?.places, found?.facts.why], [['K in a b:2'], 'time']);
    assert.equal(world.news.filter(({ kind }) => kind === 'tainted').length, told);
  }
});

test('a blocked agent is refused without a question, by its path or its digest', async () => {
  const world = new World();
  const known = { agentId: 'agent_codex', program: '/usr/bin/codex', programDigest: 'aa', isBlocked: true };
  await world.authority.block(known);
  assert.equal(endOf(await world.authority.request(ask())), 'denied');
  const renamed = { ...agent(), agentId: 'agent_x', process: { ...agent().process, program: '/tmp/x' } };
  assert.equal(endOf(await world.authority.request(ask({ agent: renamed }))), 'denied');
});

test('while the vault is locked every answer is "locked"', async () => {
  const world = new World();
  world.isUnlocked = false;
  assert.equal(endOf(await world.authority.request(ask())), 'locked');
});

async function allow(world: World, work = run(), scope: 'exact' | 'program' | 'environment' = 'exact'): Promise<void> {
  const ticket = await world.authority.request(ask({ work }));
  await world.authority.approve(yes(ticket, { life: { kind: 'minutes', minutes: 15 }, scope }));
  await settle();
  world.runs.at(-1)?.end();
  await settle();
}

function endOf(ticket: Ticket): string {
  return ticket.state.at === 'over' ? ticket.state.end.status : ticket.state.at;
}
