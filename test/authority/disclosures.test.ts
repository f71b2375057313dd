// Values for a command of the human's own, and for one that a coding agent started: what has to be there before the
// vault is read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Disclosure } from '../../src/authority/disclosures.ts';
import type { RevealFacts, Wanted } from '../../src/core/disclosure.ts';
import { ask, settle, World, yes } from './world.ts';

const REFERENCE = 'op://coll_1/item_1/field_1';
const REVEAL: RevealFacts = {
  action: 'Reveal',
  purpose: 'read',
  references: [{ reference: REFERENCE, source: 'Work / shop / password (item_1)' }],
  argv: ['keystile', 'read', 'op://Work/shop/password'],
  path: null,
};
const WANTED: Wanted = { name: REFERENCE, place: { kind: 'reference', reference: REFERENCE } };

test('I2: nothing is read from the vault before it is on the record, and nothing when it cannot be', async () => {
  const world = new World();
  await world.authority.disclose(byPassphrase());
  assert.deepEqual(world.disclosed, [['revealed']]);
  world.isDiskFull = true;
  await assert.rejects(world.authority.disclose(byPassphrase()), { code: 'audit/unavailable' });
  assert.equal(world.disclosed.length, 1);
});

test('a locked vault discloses nothing, also when it is locked while the record is written', async () => {
  const world = new World();
  world.isUnlocked = false;
  await assert.rejects(world.authority.disclose(byPassphrase()), { code: 'vault/locked' });
  world.isUnlocked = true;
  const disclosing = world.authority.disclose(byPassphrase());
  world.isUnlocked = false;
  await assert.rejects(disclosing, { code: 'vault/locked' });
  assert.deepEqual(world.disclosed, []);
});

test('I5: a yes to a revelation is good for exactly what was shown, and once', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask({ work: REVEAL }));
  const proof = { kind: 'request' as const, ticket };
  await assert.rejects(world.authority.disclose({ ...byPassphrase(), proof }), { code: 'request/over' });
  await world.authority.approve(yes(ticket));
  await settle();
  const other = REFERENCE.replace('field_1', 'field_2');
  const wanted: Wanted[] = [{ name: other, place: { kind: 'reference', reference: other } }];
  await assert.rejects(world.authority.disclose({ ...byPassphrase(), proof, wanted }), { code: 'request/changed' });
  await world.authority.disclose({ ...byPassphrase(), proof });
  await assert.rejects(world.authority.disclose({ ...byPassphrase(), proof }), { code: 'request/over' });
  assert.equal(world.disclosed.length, 1);
});

test('a value an agent can read is approved once and exactly, and never remembered', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask({ work: REVEAL }));
  const minutes = { kind: 'minutes', minutes: 5 } as const;
  await assert.rejects(world.authority.approve(yes(ticket, { life: minutes })), {
    code: 'input/invalid',
    field: 'scope',
  });
  await assert.rejects(world.authority.approve(yes(ticket, { scope: 'environment' })), { code: 'input/invalid' });
  assert.equal(await world.authority.approve(yes(ticket)), null);
  await settle();
  assert.equal((await world.authority.request(ask({ work: REVEAL }))).state.at, 'waiting');
});

test('a revelation that was revoked after the yes gives nothing', async () => {
  const world = new World();
  const ticket = await world.authority.request(ask({ work: REVEAL }));
  await world.authority.deny(ticket.requestId);
  await assert.rejects(world.authority.disclose({ ...byPassphrase(), proof: { kind: 'request', ticket } }), {
    code: 'request/over',
  });
  assert.deepEqual(world.disclosed, []);
});

function byPassphrase(): Disclosure {
  return {
    purpose: 'read',
    wanted: [WANTED],
    proof: { kind: 'passphrase' },
    pid: 7,
    names: {},
    signal: new AbortController().signal,
  };
}
