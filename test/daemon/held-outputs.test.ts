// How much output is held, and for how long.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from '../../src/core/request.ts';
import { HeldOutputs } from '../../src/daemon/held-outputs.ts';
import { Notices } from '../../src/daemon/notices.ts';
import { agent, run } from '../authority/world.ts';
import { failsWith, temporaryVault } from '../vault/temporary-vault.ts';

const HOUR_MS = 3_600_000;
const request: Request = {
  requestId: 'req_1',
  agent: agent(),
  admits: false,
  work: run(),
  reason: '',
  createdAt: 0,
  expiresAt: 0,
  digest: '',
};
const masked = (text: string) => ({
  stdout: Buffer.from(text),
  stderr: Buffer.from(`${text} err`),
  redactions: [{ name: 'K', count: 1, forms: ['raw'] }],
  unmaskable: ['PIN'],
});

test('held output comes back as it was, with what was hidden in it, until it is dropped', async (t) => {
  const { vault } = await temporaryVault(t);
  const held = new HeldOutputs();
  assert.equal(held.hold(vault, 'run_a', request, masked('a'), 0).bytes, 6);
  held.hold(vault, 'run_b', request, masked(''), 0);
  assert.deepEqual(held.read(vault, 'run_a'), masked('a'));
  assert.deepEqual(held.read(vault, 'run_b'), masked(''));
  held.drop(vault, 'run_a');
  assert.throws(() => held.read(vault, 'run_a'), failsWith('run/nothing_held'));
  assert.deepEqual(
    held.all.map(({ runId }) => runId),
    ['run_b'],
  );
});

test('I8: of fifty-one the oldest is gone, from the list and from the vault; after eight hours each is', async (t) => {
  const { vault } = await temporaryVault(t);
  const held = new HeldOutputs();
  for (let i = 0; i < 51; i += 1) held.hold(vault, `run_${i}`, request, masked('x'), i);
  assert.equal(held.all.length, 50);
  assert.throws(() => held.read(vault, 'run_0'), failsWith('run/nothing_held'));
  assert.throws(() => vault.heldOutput('run_0'), failsWith('run/nothing_held'));
  held.dropOld(vault, 8 * HOUR_MS);
  assert.equal(held.all.length, 50);
  held.dropOld(vault, 8 * HOUR_MS + 1);
  assert.throws(() => vault.heldOutput('run_1'), failsWith('run/nothing_held'));
  held.dropOld(vault, 9 * HOUR_MS);
  assert.deepEqual(held.all, []);
});

test('what was left in the vault by a daemon that was killed is dropped at the unlock', async (t) => {
  const { vault } = await temporaryVault(t);
  new HeldOutputs().hold(vault, 'run_old', request, masked('x'), 0);
  new HeldOutputs().begin(vault);
  assert.throws(() => vault.heldOutput('run_old'), failsWith('run/nothing_held'));
});

test('I8: twenty notices are kept, the latest', () => {
  const notices = new Notices();
  const common = { requestId: '', agentId: '', agent: '', environment: null, argv: [], at: '' };
  for (let i = 0; i < 30; i += 1) {
    notices.add({ ...common, runId: String(i), kind: 'tainted', hits: [], limits: [] });
  }
  assert.deepEqual([notices.all.length, notices.all[0]?.runId], [20, '10']);
  notices.clear();
  assert.deepEqual(notices.all, []);
});
