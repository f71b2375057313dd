// What the log keeps, what it hides, and how it goes on after what can happen to its files.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { NAME_LENGTH_KEPT, NAMES_KEPT, NAMES_LENGTH_KEPT } from '../../src/audit/entry.ts';
import { EVENT_KINDS, FACT_NUMBERS, FACT_TEXTS } from '../../src/core/event.ts';
import type { AuditEvent, EventFacts } from '../../src/core/event.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { keysOf, numbered, Place } from './house.ts';

const KIND: AuditEvent['event'] = 'requested';

test('events are read back as they were written, in either direction and from any place', async () => {
  using place = new Place();
  const log = place.openUnlocked({ now: () => Date.UTC(2026, 10, 22) });
  const names = { agent: 'codex', argv: ['curl', '-H', 'x: "é\u2028'], reason: 'to "deploy"\n' };
  await log.append({ event: 'granted', facts: { tier: 1, scope: 'exact', why: 'granted' }, names }, numbered(2));
  await log.append(numbered(3));
  const at = '2026-11-22T00:00:00.000Z';
  const [first, ...rest] = await log.events();
  assert.deepEqual(first, { seq: 1, at, event: 'granted', facts: { scope: 'exact', tier: 1, why: 'granted' }, names });
  assert.deepEqual(
    rest.map(({ seq, facts }) => [seq, facts.count]),
    [
      [2, 2],
      [3, 3],
    ],
  );
  const numbers = async (query: object): Promise<number[]> => (await log.events(query)).map(({ seq }) => seq);
  assert.deepEqual(await numbers({ newestFirst: true, limit: 2 }), [3, 2]);
  assert.deepEqual(await numbers({ fromSeq: 2 }), [2, 3]);
  assert.deepEqual(await numbers({ limit: 1 }), [1]);
  await log.close();
  assert.equal((await place.verify()).ok, true);
});

test('no name is in clear in any file, and names are shown only while unlocked', async () => {
  using place = new Place();
  const canaries = Array.from({ length: 8 }, () => makeCanary());
  const [agent, environment, variable, argument, program, cwd, reason, method] = canaries as [string, ...string[]];
  const log = place.openUnlocked();
  const names = { agent, environment, variables: [variable], argv: [argument], program, cwd, reason, method };
  await log.append({ event: KIND, facts: {}, names } as AuditEvent);
  assert.deepEqual((await log.events())[0]?.names, names);
  log.lock();
  assert.equal((await log.events())[0]?.names, undefined);
  await log.close();
  for (const name of readdirSync(place.folder)) assertNoCanary(readFileSync(place.path(name)), canaries, name);
  assert.ok(readdirSync(place.folder).length >= 4);
});

test('while locked an event is kept and its names are not', async () => {
  using place = new Place();
  const log = place.open();
  const canary = makeCanary();
  await log.append({ event: 'unlock_refused', facts: { why: 'wrong' }, names: { reason: canary } });
  log.unlock(keysOf());
  const [event] = await log.events();
  assert.deepEqual([event?.event, event?.facts.why, event?.names], ['unlock_refused', 'wrong', undefined]);
  await log.close();
  assertNoCanary(readFileSync(place.events), canary);
});

test('I8: a name of a megabyte, with line breaks and escape sequences, becomes one short line', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  const nasty = `\n{"seq":1}\u2028\u2029\r\u001b[2J\u0000${'\ud83d\ude00'.repeat(500_000)}`;
  const argv = Array.from({ length: 10_000 }, () => nasty);
  await log.append({ event: KIND, facts: {}, names: { reason: nasty, argv } });
  const bytes = readFileSync(place.events);
  assert.equal(bytes.indexOf(0x0a), bytes.length - 1);
  assert.match(bytes.toString('latin1'), /^[\x20-\x7e]+\n$/);
  assert.ok(bytes.length < 256 * 1024, `${bytes.length} bytes`);
  const [event] = await log.events();
  assert.equal(event?.names?.reason?.slice(0, NAME_LENGTH_KEPT - 1), nasty.slice(0, NAME_LENGTH_KEPT - 1));
  assert.equal(event?.names?.argv?.length, NAMES_KEPT + 1);
  assert.ok((event?.names?.argv?.join('').length ?? 0) <= NAMES_LENGTH_KEPT + NAMES_KEPT + 1);
  await log.close();
  assert.equal((await place.verify()).ok, true);
});

test('I4: no fact can hold free text: anything but ids, words and numbers is refused and not written', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  const canary = makeCanary();
  const wrong: unknown[] = [
    ...FACT_TEXTS.flatMap((name) =>
      ['', 'a b', 'a\n', 'é', 'x'.repeat(81), canary, 7, null].map((x) => ({ [name]: x })),
    ),
    ...FACT_NUMBERS.flatMap((name) => ['7', 1.5, Infinity, null].map((fact) => ({ [name]: fact }))),
    { value: 'a' },
    { toString: 'a' },
    [],
    null,
  ];
  for (const facts of wrong) {
    await assert.rejects(log.append({ event: KIND, facts: facts as EventFacts }), { code: 'internal/error' });
  }
  await assert.rejects(log.append({ event: canary as 'granted', facts: {} }), { code: 'internal/error' });
  assert.deepEqual(await log.events(), []);
  await log.append(...EVENT_KINDS.map((event) => ({ event, facts: { agentId: 'agent_1', digest: 'f'.repeat(64) } })));
  assert.equal((await log.events()).length, EVENT_KINDS.length);
  await log.close();
  assertNoCanary(readFileSync(place.events), canary);
});

test('the facts and names of an event are the ones listed, so that a new one is looked at here', () => {
  const facts: Required<EventFacts> = {
    agentId: '',
    requestId: '',
    grantId: '',
    leaseId: '',
    runId: '',
    environmentId: '',
    mountId: '',
    collectionId: '',
    itemId: '',
    digest: '',
    tier: 0,
    scope: 'exact',
    action: '',
    why: '',
    exitCode: 0,
    pid: 0,
    count: 0,
    fragments: 3,
    scattered: 1,
    decoded: 1,
    durationMs: 0,
  };
  assert.deepEqual(Object.keys(facts).toSorted(), [...FACT_TEXTS, ...FACT_NUMBERS].toSorted());
});

test('events handed in at once are written in order, many to one sync', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => log.append(numbered(i))));
  assert.deepEqual(
    (await log.events()).map(({ facts }) => facts.count),
    Array.from({ length: 1_000 }, (_, i) => i),
  );
  await log.close();
  const { ok, events } = await place.verify();
  assert.deepEqual([ok, events], [true, 1_000]);
});

test('a log goes on over restarts, locked and unlocked, and its files are private', async () => {
  using place = new Place();
  await place.open().append({ event: 'daemon_started', facts: {} });
  for (let i = 0; i < 5; i += 1) {
    const log = place.open();
    await log.append(numbered(i));
    log.unlock(keysOf());
    await log.append(numbered(i));
    log.lock();
    await log.append(numbered(i));
    await log.close();
  }
  const { ok, events, checkpoints, notes } = await place.verify();
  assert.deepEqual([ok, events, checkpoints], [true, 16, 5]);
  assert.match(notes.join('\n'), /the first 2 events are from before the vault/);
  for (const name of readdirSync(place.folder)) assert.equal(statSync(place.path(name)).mode & 0o077, 0, name);
});

test('a last line that a crash cut short is removed, said, and nothing else is lost', async () => {
  using place = new Place();
  await place.write(10);
  appendFileSync(place.events, '{"at":"2026-');
  assert.equal((await place.verify()).firstBad?.why, 'extra_bytes');
  const log = place.open();
  await log.append(numbered(10));
  const events = await log.events();
  assert.deepEqual(
    events.slice(-2).map(({ event, facts }) => [event, facts.count]),
    [
      ['audit_recovered', 12],
      ['requested', 10],
    ],
  );
  await log.close();
  assert.equal((await place.verify()).ok, true);
});

test('a key that is behind the log, as after a power cut, catches up', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  await log.append(numbered(0));
  const old = readFileSync(place.path('ratchet.key'));
  for (let i = 1; i < 300; i += 1) await log.append(numbered(i));
  writeFileSync(place.path('ratchet.key'), old);
  const again = place.open();
  await again.append(numbered(300));
  assert.equal((await again.events()).length, 301);
  await again.close();
  assert.equal((await place.verify()).ok, true);
  assert.notDeepEqual(readFileSync(place.path('ratchet.key')), old);
});

test('a key that is lost locks nobody out: the events go on, the loss is recorded, an unlock makes it anew', async () => {
  using place = new Place();
  await place.write(10);
  rmSync(place.path('ratchet.key'));
  const log = place.open();
  await log.append(numbered(10));
  log.unlock(keysOf());
  await log.append(numbered(11));
  const kinds = (await log.events({ fromSeq: 11 })).map(({ event, facts }) => [event, facts.why]);
  assert.deepEqual(kinds, [
    ['audit_damaged', 'key_missing'],
    ['requested', undefined],
    ['requested', undefined],
  ]);
  await log.close();
  assert.deepEqual((await place.verify()).firstBad, { seq: 11, line: 11, why: 'mac_missing' });
  assert.equal(existsSync(place.path('ratchet.key')), true);
});

test('a log that was shortened goes on, and the gap stays for all to see', async () => {
  using place = new Place();
  await place.write(10);
  place.writeLines(place.lines().slice(0, 7));
  assert.deepEqual((await place.verify()).firstBad, { seq: 8, line: 8, why: 'truncated' });
  const log = place.open();
  await log.append(numbered(10));
  const [found] = await log.events({ fromSeq: 8 });
  assert.deepEqual([found?.seq, found?.event, found?.facts], [11, 'audit_damaged', { count: 3, why: 'truncated' }]);
  await log.close();
  assert.deepEqual((await place.verify()).firstBad, { seq: 8, line: 8, why: 'missing' });
});

test('an edit of old events is found at the next unlock, by the last checkpoint', async () => {
  using place = new Place();
  await place.write(10);
  const lines = place.lines();
  place.writeLines(lines.with(4, (lines[4] ?? '').replace('"count":4', '"count":5')));
  const log = place.openUnlocked();
  await log.append(numbered(10));
  const [found] = await log.events({ fromSeq: 11 });
  assert.deepEqual([found?.event, found?.facts], ['audit_damaged', { count: 10, why: 'checkpoint' }]);
  await log.close();
});

test('what somebody else does to the file of a running log is noticed with the next event', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  for (let i = 0; i < 5; i += 1) await log.append(numbered(i));
  appendFileSync(place.events, `${place.lines().at(-1)?.replace('"seq":5', '"seq":6')}\n`);
  await log.append(numbered(5));
  truncateSync(place.events, place.lines()[0]?.length);
  await log.append(numbered(6));
  const damage = (await log.events()).filter(({ event }) => event.startsWith('audit_'));
  assert.deepEqual(
    damage.map(({ event, facts }) => [event, facts.why]),
    [
      ['audit_recovered', undefined],
      ['audit_damaged', 'truncated'],
    ],
  );
  await log.close();
  assert.equal((await place.verify()).ok, false);
});

test('I8: a full file begins the next one, and the log stays one log', async () => {
  using place = new Place();
  for (let round = 0; round < 3; round += 1) await place.write(40, { segmentBytes: 8_000 });
  const files = readdirSync(place.folder).filter((name) => name.startsWith('events'));
  assert.ok(files.length >= 3, files.join());
  const log = place.openUnlocked({ segmentBytes: 8_000 });
  const events = await log.events();
  assert.deepEqual(
    events.map(({ seq }) => seq),
    Array.from(events, (_, i) => i + 1),
  );
  assert.deepEqual(
    (await log.events({ newestFirst: true })).map(({ seq }) => seq),
    Array.from(events, (_, i) => events.length - i),
  );
  assert.equal(events.filter(({ event }) => event === 'audit_rotated').length, files.length - 1);
  await log.close();
  const report = await place.verify();
  assert.deepEqual([report.ok, report.events], [true, events.length]);
  assert.equal((await place.verify(false)).ok, true);
  rmSync(place.path('events-2.jsonl'));
  assert.equal((await place.verify()).firstBad?.why, 'missing');
});

test('checkpoints come every hundred events, after five minutes, at lock and at the end, and only for news', async (t) => {
  using place = new Place();
  const log = place.openUnlocked();
  for (let i = 0; i < 250; i += 1) await log.append(numbered(i));
  assert.equal(log.status.checkpointSize, 200);
  log.tick();
  assert.equal(log.status.checkpointSize, 200);
  const later = performance.now() + 5 * 60 * 1000;
  t.mock.method(performance, 'now', () => later);
  log.tick();
  assert.equal(log.status.checkpointSize, 250);
  log.lock();
  log.unlock(keysOf());
  log.lock();
  await log.close();
  const { ok, checkpoints } = await place.verify();
  assert.deepEqual([ok, checkpoints], [true, 3]);
});

test('a checkpoint that a crash cut short is removed before the next is written', async () => {
  using place = new Place();
  await place.write(3);
  const [checkpoint = ''] = readFileSync(place.path('checkpoints'), 'utf8').split(/(?<=\n\n)(?=k)/);
  for (const kept of [1, 30, 100, checkpoint.length - 1]) {
    appendFileSync(place.path('checkpoints'), checkpoint.slice(0, kept));
    assert.equal((await place.verify()).firstBad?.why, 'checkpoint_format');
    await place.write(3);
    assert.equal((await place.verify()).ok, true, String(kept));
  }
});
