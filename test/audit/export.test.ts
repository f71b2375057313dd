// What other programs get of the log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportEvents, toOcsf } from '../../src/audit/export.ts';
import { EVENT_KINDS } from '../../src/core/event.ts';
import type { RecordedEvent } from '../../src/core/event.ts';

const EVENT: RecordedEvent = {
  seq: 7,
  at: '2026-11-22T00:00:00.000Z',
  event: 'delivered',
  facts: { agentId: 'agent_1', requestId: 'req_1', environmentId: 'env_1', runId: 'run_1', pid: 42, why: 'exact' },
  names: { agent: 'codex', reason: 'two\nlines \u2028 \u001b[2J \ud83d\ude00' },
};

test('JSON lines give back each event as it was, one line each, in ASCII', () => {
  const text = exportEvents([EVENT, { ...EVENT, seq: 8 }], 'jsonl');
  assert.match(text, /^(?:[\x20-\x7e]+\n){2}$/);
  const [first] = text.split('\n');
  assert.deepEqual(JSON.parse(first ?? ''), EVENT);
});

test('every event is an OCSF API Activity with all that its class requires', () => {
  for (const kind of EVENT_KINDS) {
    const text = exportEvents([{ ...EVENT, event: kind }], 'ocsf', '1.2.3');
    assert.match(text, /^[\x20-\x7e]+\n$/);
    const ocsf = JSON.parse(text) as Record<string, unknown>;
    for (const name of ['activity_id', 'actor', 'api', 'metadata', 'severity_id', 'src_endpoint', 'time', 'type_uid']) {
      assert.ok(ocsf[name] !== undefined, `${kind} has no ${name}`);
    }
    assert.equal(ocsf['category_uid'], 6);
    assert.equal(ocsf['class_uid'], 6003);
    assert.equal(ocsf['type_uid'], 600_300 + Number(ocsf['activity_id']));
    assert.ok([0, 1, 2, 3, 4, 99].includes(Number(ocsf['activity_id'])));
  }
});

test('an OCSF event says when, who, what and about which things', () => {
  const ocsf = toOcsf(EVENT, '1.2.3');
  assert.equal(ocsf['time'], Date.UTC(2026, 10, 22));
  assert.deepEqual(ocsf['actor'], { app_name: 'codex', app_uid: 'agent_1', process: { pid: 42 } });
  assert.deepEqual(ocsf['api'], { operation: 'delivered', request: { uid: 'req_1' } });
  assert.deepEqual(ocsf['resources'], [
    { uid: 'env_1', type: 'environment' },
    { uid: 'req_1', type: 'request' },
    { uid: 'run_1', type: 'run' },
  ]);
  const { product } = ocsf['metadata'] as { product: object };
  assert.deepEqual(product, { name: 'Keystile', vendor_name: 'Keystile', version: '1.2.3' });
});
