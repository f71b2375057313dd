// I6 under every order of events: requests, answers, deaths, clocks, locks and revocations interleave at random, and
// every promise inside resolves at a random moment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ticket } from '../../src/authority/tickets.ts';
import type { AuditEvent } from '../../src/core/event.ts';
import { agent, ask, run, settle, World, yes } from './world.ts';

type Step =
  | { readonly do: 'ask'; readonly who: number; readonly what: number }
  | { readonly do: 'approve'; readonly which: number; readonly life: 'once' | 'minutes' | 'until_lock' }
  | { readonly do: 'deny' | 'cancel' | 'end_run'; readonly which: number }
  | { readonly do: 'revoke_all' | 'lock' | 'unlock' | 'fill_disk' | 'free_disk' | 'sweep' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'die'; readonly who: number };

const small = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('ask' as const), who: fc.nat({ max: 2 }), what: fc.nat({ max: 2 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('approve' as const),
      which: small,
      life: fc.constantFrom('once' as const, 'minutes' as const, 'until_lock' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('deny' as const, 'cancel' as const, 'end_run' as const), which: small }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'revoke_all' as const,
        'lock' as const,
        'unlock' as const,
        'fill_disk' as const,
        'free_disk' as const,
        'sweep' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1_000, 60_000, 300_000, 1_000_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), who: fc.nat({ max: 2 }) }) },
);

test('I6: after a revocation is acknowledged nothing more of what it ended is delivered, in any order of events', async () => {
  let revocations = 0;
  let deliveries = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.nat({ max: 6 })), { minLength: 4, maxLength: 50 }),
      fc.scheduler(),
      async (steps, scheduler) => {
        const world = new World(async (value, what) => await scheduler.schedule(Promise.resolve(value), what));
        const story = new Story(world);
        for (const [one, count] of steps) {
          story.take(one);
          // Some of what is under way goes on before the next step, in an order of the scheduler's choosing.
          await settle();
          for (let i = 0; i < count && scheduler.count() > 0; i += 1) await scheduler.waitOne();
          await settle();
          story.check();
        }
        for (const one of world.runs) one.end();
        await scheduler.waitIdle();
        story.check();
        revocations += story.revoked.length;
        deliveries += world.runs.length;
      },
    ),
    { numRuns: 700 },
  );
  assert.ok(
    revocations > 100 && deliveries > 100,
    `only ${revocations} revocations and ${deliveries} deliveries were seen`,
  );
});

/** What happened, and what must therefore be true. */
class Story {
  readonly world: World;
  readonly tickets: Ticket[] = [];
  readonly approved = new Set<string>();
  /** For each acknowledged revocation: what was there then, and how it had ended. */
  readonly broken: unknown[] = [];
  readonly revoked: { readonly runs: number; readonly ended: Map<Ticket, string> }[] = [];

  constructor(world: World) {
    this.world = world;
  }

  take(one: Step): void {
    const { world } = this;
    const { authority } = world;
    const quietly = (work: Promise<unknown>) => void work.catch(() => undefined);
    switch (one.do) {
      case 'ask':
        quietly(
          authority
            .request(ask({ agent: agent(100 + one.who), work: run({ argv: [`job${one.what}`] }) }))
            .then((ticket) => this.tickets.push(ticket)),
        );
        return;
      case 'approve': {
        const ticket = this.tickets.at(-1 - one.which);
        if (ticket === undefined) return;
        const life = one.life === 'minutes' ? { kind: one.life, minutes: 15 } : { kind: one.life };
        if (ticket.state.at === 'waiting') this.approved.add(ticket.requestId);
        quietly(authority.approve(yes(ticket, { life })));
        return;
      }
      case 'deny':
        if (this.tickets.at(-1 - one.which) !== undefined)
          quietly(authority.deny(this.tickets.at(-1 - one.which)?.requestId ?? ''));
        return;
      case 'cancel': {
        const ticket = this.tickets.at(-1 - one.which);
        if (ticket !== undefined) quietly(authority.cancel(ticket.requestId, ticket.request.agent));
        return;
      }
      case 'end_run':
        world.runs.at(-1 - one.which)?.end();
        return;
      case 'revoke_all':
        this.#revoke();
        return;
      case 'lock':
        world.isUnlocked = false;
        quietly(authority.lock('locked'));
        return;
      case 'unlock':
        world.isUnlocked = true;
        return;
      case 'fill_disk':
        world.isDiskFull = true;
        return;
      case 'free_disk':
        world.isDiskFull = false;
        return;
      case 'sweep':
        quietly(authority.sweep());
        return;
      case 'pass':
        world.pass(one.ms);
        return;
      case 'die':
        world.ended.add(100 + one.who);
    }
  }

  #revoke(): void {
    const { world } = this;
    const asked = [...this.tickets];
    const alive = world.runs.filter(({ isEnded }) => !isEnded);
    const acknowledged = (): void => {
      const ended = new Map(asked.map((ticket) => [ticket, endOf(ticket)]));
      for (const [ticket, end] of ended) assert.notEqual(end, 'open', `${ticket.requestId} survived the revocation`);
      for (const { order, isKilled } of alive) assert.ok(isKilled, `${order.runId} was not killed`);
      this.revoked.push({ runs: world.runs.length, ended });
    };
    void world.authority
      .revoke({ what: 'all' })
      .then(acknowledged, acknowledged)
      .catch((error: unknown) => this.broken.push(error));
  }

  check(): void {
    const { world } = this;
    if (this.broken.length > 0) throw this.broken[0];
    for (const { runs, ended } of this.revoked) {
      const requestIds = new Set([...ended.keys()].map(({ requestId }) => requestId));
      for (const { order } of world.runs.slice(runs)) {
        const lease = world.events.find((event) => isAbout(event, 'leased', order.leaseId));
        assert.ok(!requestIds.has(lease?.facts.requestId ?? ''), `${order.runId} was delivered after its revocation`);
      }
      for (const [ticket, end] of ended) assert.equal(endOf(ticket), end, 'an ended ticket changed its end');
    }
    for (const { order } of world.runs) {
      const lease = world.events.findIndex((event) => isAbout(event, 'leased', order.leaseId));
      assert.notEqual(lease, -1, 'a run was delivered that is not on the record');
    }
    for (const ticket of this.tickets) {
      const isRun = world.runs.some(({ order }) => order.runId === runIdOf(ticket));
      if (isRun && !this.approved.has(ticket.requestId)) {
        const leased = world.events.find(
          ({ event, facts }) => event === 'leased' && facts.requestId === ticket.requestId,
        );
        assert.ok(leased?.facts.grantId !== undefined, 'a run had neither an answer nor a grant');
      }
    }
  }
}

function isAbout({ event, facts }: AuditEvent, kind: string, leaseId: string): boolean {
  return event === kind && facts.leaseId === leaseId;
}

function runIdOf({ state }: Ticket): string | null {
  if (state.at === 'working') return state.runId;
  return state.at === 'over' && state.end.status === 'completed' ? (state.end.result?.runId ?? null) : null;
}

function endOf({ state }: Ticket): string {
  return state.at === 'over' ? state.end.status : 'open';
}
