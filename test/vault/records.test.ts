// Records against a Map, and what lies in the file against the same computed from nothing but its rows.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VaultKeys } from '../../src/vault/keys.ts';
import type { Records } from '../../src/vault/records.ts';
import { tuple } from '../../src/vault/seal.ts';
import { assertDigests } from './digests.ts';
import { temporaryRecords } from './temporary-records.ts';

const RUNS = 60;
const NAMES = 12;
/** So many names are tried to find some that share a bucket. */
const NAMES_TRIED = 20_000;

type Model = Map<string, { readonly name: string; readonly content: string }>;
type Step =
  | { readonly do: 'put'; readonly id: number; readonly name: number; readonly content: string }
  | { readonly do: 'remove'; readonly id: number }
  | { readonly do: 'all'; readonly steps: readonly Step[]; readonly fails: boolean };

const boom = new Error('boom');

const { step } = fc.letrec<{ step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      do: fc.constant('put' as const),
      id: fc.nat(NAMES - 1),
      name: fc.nat(NAMES - 1),
      content: fc.string({ maxLength: 80 }),
    }),
    fc.record({ do: fc.constant('remove' as const), id: fc.nat(NAMES - 1) }),
    fc.record({ do: fc.constant('all' as const), steps: fc.array(tie('step'), { maxLength: 6 }), fails: fc.boolean() }),
  ),
}));

/** Names that fall into few buckets, so that buckets have several records. */
function crowdedNames(keys: VaultKeys): string[] {
  const names = Array.from({ length: NAMES_TRIED }, (_, i) => `name ${i}`);
  const byBucket = Map.groupBy(names, (name) => {
    return createHmac('sha256', keys.index)
      .update(tuple('agent', '', name))
      .digest()
      .readUInt16BE();
  });
  return [...byBucket.values()]
    .sort((a, b) => b.length - a.length)
    .flat()
    .slice(0, NAMES);
}

/** Does a step to both. A name that another record has is left out: the vault takes it for damage. */
function take(records: Records, model: Model, names: readonly string[], taken: Step): void {
  switch (taken.do) {
    case 'put': {
      const [id, name] = [`id ${taken.id}`, names[taken.name] ?? ''];
      if (model.entries().some(([other, record]) => other !== id && record.name === name)) return;
      records.put({ type: 'agent', id, parent: '', name }, Buffer.from(taken.content));
      model.set(id, { name, content: taken.content });
      return;
    }
    case 'remove':
      records.remove({ type: 'agent', id: `id ${taken.id}` });
      model.delete(`id ${taken.id}`);
      return;
    case 'all':
      takeAll(records, model, names, taken);
  }
}

function takeAll(
  records: Records,
  model: Model,
  names: readonly string[],
  { steps, fails }: Step & { do: 'all' },
): void {
  const before = new Map(model);
  try {
    records.transaction(() => {
      for (const inner of steps) take(records, model, names, inner);
      if (fails) throw boom;
    });
  } catch (error) {
    assert.equal(error, boom);
    model.clear();
    for (const [id, record] of before) model.set(id, record);
  }
}

function assertSame(records: Records, model: Model, names: readonly string[]): void {
  assert.equal(records.count('agent', ''), model.size);
  const listed = records.list('agent', '').map((record) => [record.id, records.open(record).toString()]);
  assert.deepEqual(
    new Map(listed as [string, string][]),
    new Map(Array.from(model, ([id, { content }]) => [id, content])),
  );
  for (const name of names) {
    const id = model.entries().find(([, record]) => record.name === name)?.[0];
    assert.equal(records.find('agent', '', name)?.id, id);
  }
}

test('X01: whatever is put, removed and undone, however nested, the digests are those of the rows that are there', async (t) => {
  const made = await temporaryRecords(t);
  let names: string[] = [];
  {
    using opened = made.open();
    names = crowdedNames(opened.keys);
  }
  let shared = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      let state = Buffer.alloc(0);
      {
        using opened = made.open();
        const { records, keys } = opened;
        state = Buffer.from(keys.state);
        for (const record of records.list('agent', '')) records.remove(record);
        const model: Model = new Map();
        for (const taken of steps) {
          take(records, model, names, taken);
          assertSame(records, model, names);
        }
      }
      shared += assertDigests(made.path, state);
    }),
    { numRuns: RUNS },
  );
  assert.ok(shared > 0, 'no two records ever shared a bucket');
});
