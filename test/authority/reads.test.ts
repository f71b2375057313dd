// Readers of a mounted file at the gate: what a yes to one covers, what it does not, and what ends it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HandOver } from '../../src/authority/powers.ts';
import type { Ticket } from '../../src/authority/tickets.ts';
import type { ReadFacts, ReaderFacts } from '../../src/core/mount-facts.ts';
import type { MountRefusal } from '../../src/core/mount.ts';
import { agent, ask, run, settle, World, yes } from './world.ts';

interface Opened {
  readonly pid: number;
  isKilled: boolean;
  settle(outcome: 'delivered' | MountRefusal): void;
}

function read(pid: number, reader: Partial<ReaderFacts> = {}, overrides: Partial<ReadFacts> = {}): ReadFacts {
  return {
    action: 'ReadMount',
    environmentId: 'env_shop',
    environmentName: 'shop',
    environmentCreatedBy: null,
    variables: [{ name: 'TOKEN', source: 'shop/TOKEN' }],
    mountId: 'mount_shop',
    path: '/srv/shop/.env',
    backend: 'fuse',
    reader: {
      process: { pid, startedAt: '9', program: '/usr/bin/node', argv: ['node', 'server.js'], uid: 1000 },
      programDigest: 'dd',
      isProgramChangeable: false,
      operands: [{ path: '/srv/shop/server.js', digest: 'aa', bytes: 3, isChangeable: true }],
      isInterpreter: true,
      isCodeOnCommandLine: false,
      cwd: { path: '/srv/shop', dev: '1', ino: '2' },
      loaders: {},
      seesOurFiles: true,
      isUnderAgent: false,
      ...reader,
    },
    ...overrides,
  };
}

/** A world with a door: what it was told to open is written down. */
class Doors {
  readonly world = new World();
  readonly opened: Opened[] = [];

  async request(work: ReadFacts, who = agent(work.reader.process.pid)): Promise<Ticket> {
    const handOver: HandOver = () => {
      const settled = Promise.withResolvers<'delivered' | MountRefusal>();
      const opened: Opened = {
        pid: work.reader.process.pid,
        isKilled: false,
        settle: settled.resolve,
      };
      this.opened.push(opened);
      return {
        settled: settled.promise,
        kill: async () => {
          opened.isKilled = true;
          settled.resolve('revoked');
        },
      };
    };
    const ticket = await this.world.authority.request(ask({ work, agent: who, needsAdmission: false, handOver }));
    await settle();
    return ticket;
  }

  eventsOf(kind: string): number {
    return this.world.events.filter(({ event }) => event === kind).length;
  }
}

async function approved(
  doors: Doors,
  work: ReadFacts,
  how: Parameters<typeof yes>[1] = {},
  who = agent(work.reader.process.pid),
) {
  const ticket = await doors.request(work, who);
  assert.equal(ticket.state.at, 'waiting');
  await doors.world.authority.approve(yes(ticket, how));
  await settle();
  return ticket;
}

const PROGRAM = { life: { kind: 'minutes', minutes: 15 }, scope: 'program' } as const;

test('a yes to one process covers its further readings, as one lease, and no other process', async () => {
  const doors = new Doors();
  await approved(doors, read(500));
  doors.opened[0]?.settle('delivered');
  for (let i = 0; i < 3; i += 1) {
    assert.notEqual((await doors.request(read(500))).state.at, 'waiting');
    doors.opened.at(-1)?.settle('delivered');
  }
  await settle();
  assert.equal(doors.opened.length, 4);
  assert.equal(doors.eventsOf('leased'), 1);
  assert.equal(doors.eventsOf('delivered'), 1);
  assert.equal(doors.world.authority.leases.all()[0]?.count, 4);
  assert.equal((await doors.request(read(501))).state.at, 'waiting');
});

test('a program that reads again and again does not push out what an agent waits for', async () => {
  const doors = new Doors();
  const { authority, runs } = doors.world;
  const ran = await authority.request(ask({ work: run(), needsAdmission: false }));
  await authority.approve(yes(ran));
  await settle();
  runs[0]?.end();
  await settle();
  assert.equal(ran.state.at, 'over');
  await approved(doors, read(500));
  doors.opened[0]?.settle('delivered');
  for (let i = 0; i < 100; i += 1) {
    await doors.request(read(500));
    doors.opened.at(-1)?.settle('delivered');
  }
  await settle();
  assert.equal(doors.opened.length, 101);
  assert.equal(authority.find(ran.requestId, agent()), ran);
});

test('a yes to a program covers its other processes', async () => {
  const doors = new Doors();
  await approved(doors, read(500), PROGRAM);
  assert.notEqual((await doors.request(read(501))).state.at, 'waiting');
  assert.equal(doors.opened.length, 2);
  assert.equal(doors.eventsOf('leased'), 2);
});

test('F06: another script, argument, folder, loader, program, mount or agent is another program', async () => {
  const doors = new Doors();
  await approved(doors, read(500), PROGRAM);
  const others: ReadFacts[] = [
    read(501, { process: { ...read(501).reader.process, argv: ['node', '-e', 'steal()'] } }),
    read(502, { operands: [{ path: '/srv/shop/server.js', digest: 'bb', bytes: 3, isChangeable: true }] }),
    read(503, { operands: [{ path: '/srv/shop/other.js', digest: 'aa', bytes: 3, isChangeable: true }] }),
    read(504, { operands: [] }),
    read(505, { cwd: { path: '/srv/shop', dev: '1', ino: '3' } }),
    read(506, { loaders: { NODE_OPTIONS: '--require /tmp/e.js' } }),
    read(507, { programDigest: 'ee' }),
    read(508, { process: { ...read(508).reader.process, program: '/tmp/node' } }),
    read(509, {}, { mountId: 'mount_other' }),
    read(510, {}, { variables: [{ name: 'TOKEN', source: 'prod/TOKEN' }] }),
    read(511, { isUnderAgent: true }),
    read(512, { seesOurFiles: false }),
  ];
  for (const work of others) {
    assert.equal((await doors.request(work)).state.at, 'waiting', `process ${work.reader.process.pid}`);
  }
  assert.equal(doors.opened.length, 1);
});

test('F06: an interpreter that finds its code by itself is asked about in each process, and only once in each', async () => {
  const doors = new Doors();
  const work = (pid: number): ReadFacts => {
    const process = { ...read(pid).reader.process, argv: ['node', '.'] };
    return read(pid, { process, operands: [] });
  };
  await approved(doors, work(500), PROGRAM);
  doors.opened[0]?.settle('delivered');
  assert.notEqual((await doors.request(work(500))).state.at, 'waiting');
  assert.equal((await doors.request(work(501))).state.at, 'waiting');
});

test('F06: a program below one agent is not that program below another, or below none', async () => {
  const doors = new Doors();
  const work = (pid: number) => read(pid, { isUnderAgent: true });
  await approved(doors, work(500), PROGRAM, agent(100));
  assert.notEqual((await doors.request(work(501), agent(100))).state.at, 'waiting');
  assert.equal((await doors.request(work(502), agent(101))).state.at, 'waiting');
  assert.equal((await doors.request(read(503))).state.at, 'waiting');
});

test('I5: a mounted file cannot be given to whatever opens it, nor a program to one time', async () => {
  const doors = new Doors();
  const ticket = await doors.request(read(500));
  const { authority } = doors.world;
  await assert.rejects(authority.approve(yes(ticket, { scope: 'environment' })), { code: 'input/invalid' });
  await assert.rejects(authority.approve(yes(ticket, { scope: 'program' })), { code: 'input/invalid' });
  assert.equal(ticket.state.at, 'waiting');
  assert.equal(doors.opened.length, 0);
});

test('a no is remembered for the program, whatever process it comes in, until lock', async () => {
  const doors = new Doors();
  const first = await doors.request(read(500));
  await doors.world.authority.deny(first.requestId);
  for (const pid of [500, 501, 502]) assert.equal((await doors.request(read(pid))).state.at, 'over');
  // An update of the program or another folder does not ask again.
  assert.equal((await doors.request(read(503, { programDigest: 'new' }))).state.at, 'over');
  await doors.world.authority.lock('locked');
  assert.equal((await doors.request(read(504))).state.at, 'waiting');
});

test('a no for good is told to the authority again after a lock', async () => {
  const doors = new Doors();
  const first = await doors.request(read(500));
  await doors.world.authority.deny(first.requestId, true);
  const { denials } = doors.world.authority;
  await doors.world.authority.lock('locked');
  const { denialOf } = await import('../../src/authority/readers.ts');
  denials.remember([denialOf({ agent: agent(500), work: read(500) })]);
  assert.equal((await doors.request(read(505))).state.at, 'over');
  denials.forget('mount_shop');
  assert.equal((await doors.request(read(506))).state.at, 'waiting');
});

test('I2: nobody is let in when the lease cannot be recorded', async () => {
  const doors = new Doors();
  await approved(doors, read(500), PROGRAM);
  doors.world.isDiskFull = true;
  const ticket = await doors.request(read(501));
  assert.equal(ticket.state.at, 'over');
  assert.equal(doors.opened.length, 1);
  assert.equal(doors.world.authority.leases.all().length, 1);
});

test('F14: a revocation ends what is open, the grant, and what waits', async () => {
  const doors = new Doors();
  await approved(doors, read(500), PROGRAM);
  const waiting = await doors.request(read(501, { cwd: { path: '/', dev: '1', ino: '9' } }));
  await doors.world.authority.revoke({ what: 'environment', environmentId: 'env_shop' });
  assert.equal(doors.opened[0]?.isKilled, true);
  assert.equal(waiting.state.at, 'over');
  assert.deepEqual(doors.world.authority.leases.all(), []);
  assert.equal((await doors.request(read(500))).state.at, 'waiting');
});

test('what was read to its end does not have to be ended, and the lease ends with its process', async () => {
  const doors = new Doors();
  await approved(doors, read(500));
  doors.opened[0]?.settle('delivered');
  await settle();
  doors.world.ended.add(500);
  await doors.world.authority.sweep();
  assert.deepEqual(doors.world.authority.leases.all(), []);
  assert.equal(doors.world.authority.grants.all(doors.world.nowMs).length, 0);
  const ended = doors.world.events.find(({ event }) => event === 'ended');
  assert.equal(ended?.facts.count, 1);
  assert.equal(doors.opened[0]?.isKilled, false);
});

test('I3: the request of a reader that has ended is over', async () => {
  const doors = new Doors();
  const ticket = await doors.request(read(500, { isUnderAgent: true }), agent(100));
  doors.world.ended.add(500);
  await assert.rejects(doors.world.authority.approve(yes(ticket)), { code: 'request/over' });
  assert.equal(doors.opened.length, 0);
});

test('I6: in any order of readings, answers, deaths and revocations, nothing is open after a revocation', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('read' as const), pid: fc.nat({ max: 3 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('approve' as const, 'deny' as const), pid: fc.nat({ max: 5 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('deliver' as const, 'die' as const),
        pid: fc.nat({ max: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('revoke' as const, 'lock' as const, 'sweep' as const),
        pid: fc.constant(0),
      }),
    },
  );
  let revocations = 0;
  let openings = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const doors = new Doors();
      const tickets: Ticket[] = [];
      const { authority } = doors.world;
      for (const one of steps) {
        const pid = 500 + one.pid;
        if (one.do === 'read') tickets.push(await doors.request(read(pid)));
        const ticket = tickets.at(-1 - one.pid);
        if (one.do === 'approve' && ticket !== undefined)
          await authority.approve(yes(ticket, one.pid % 2 === 0 ? PROGRAM : {})).catch(() => undefined);
        if (one.do === 'deny' && ticket !== undefined) await authority.deny(ticket.requestId).catch(() => undefined);
        if (one.do === 'deliver') doors.opened.at(-1 - one.pid)?.settle('delivered');
        if (one.do === 'die') doors.world.ended.add(pid);
        if (one.do === 'sweep') await authority.sweep();
        await settle();
        if (one.do !== 'revoke' && one.do !== 'lock') continue;
        const before = doors.opened.length;
        if (one.do === 'revoke') await authority.revoke({ what: 'all' });
        else await authority.lock('locked');
        revocations += 1;
        assert.deepEqual(authority.leases.all(), []);
        assert.deepEqual(authority.tickets.waiting(), []);
        await settle();
        assert.equal(doors.opened.length, before, 'a door was opened after the revocation');
      }
      openings += doors.opened.length;
    }),
    { numRuns: 300 },
  );
  assert.ok(revocations > 50 && openings > 50, `only ${revocations} revocations and ${openings} openings`);
});
