// Records against a Map, and what lies in the file against the same computed from nothing but its rows.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VaultKeys } from '../../src/vault/keys.ts';
import type { Records } from '../../src/vault/records.ts';
import { tuple } from '../../src/vault/seal.ts';
import { temporaryRecords } from './temporary-records.ts';

const RUNS = 60;
const NAMES = 12;
/** So many names are tried to find some that share a bucket. */
const NAMES_TRIED = 20_000;

type Row = Readonly<Record<string, unknown>>;
type Model = Map<string, { readonly name: string; readonly content: string }>;
type Step =
  | { readonly do: 'put'; readonly id: number; readonly name: number; readonly content: string }
  | { readonly do: 'remove'; readonly id: number }
  | { readonly do: 'all'; readonly steps: readonly Step[]; readonly fails: boolean };

const bytes = (value: unknown): Buffer => Buffer.from(value instanceof Uint8Array ? value : []);
const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
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

/** All tables and the MAC, from nothing but the rows. Gives how many records share a bucket with another. */
function assertDigests(path: string, state: Buffer): number {
  const database = new DatabaseSync(path);
  const all = (sql: string): Row[] => database.prepare(sql).all();
  const [header = {}] = all('SELECT * FROM header');
  const vault = [String(header['vault_id']), Number(header['epoch'])] as const;
  const mac = (data: Buffer): Buffer => createHmac('sha256', state).update(data).digest();
  const rows = all('SELECT * FROM records ORDER BY name_key');
  const byBucket = Map.groupBy(rows, (row) => bytes(row['name_key']).readUInt16BE());
  const buckets = Array.from(byBucket, ([bucket, members]) => {
    return {
      bucket,
      entries: Buffer.concat(members.map((row) => entryOf(vault, row)).toSorted((a, b) => Buffer.compare(a, b))),
    };
  });
  assert.deepEqual(
    all('SELECT * FROM buckets').map((row) => [row['bucket'], bytes(row['entries'])]),
    buckets.map(({ bucket, entries }) => [bucket, entries]),
  );
  const groups = Map.groupBy(buckets, ({ bucket }) => bucket >> 8);
  const digests = Array.from(groups, ([group, members]) => {
    const parts = members.flatMap(({ bucket, entries }) => {
      const digest = mac(tuple('keystile/bucket', 2, 1, ...vault, bucket, entries)).subarray(0, 16);
      return [Buffer.of(bucket & 0xff), digest];
    });
    return { group, digests: Buffer.concat(parts) };
  });
  assert.deepEqual(
    all('SELECT * FROM digests').map((row) => [row['first_byte'], bytes(row['buckets'])]),
    digests.map((row) => [row.group, row.digests]),
  );
  const root = Buffer.alloc(256 * 32);
  for (const row of digests) sha256(row.digests).copy(root, row.group * 32);
  const counts = all('SELECT * FROM counts').flatMap((row) => [String(row['type']), Number(row['records'])]);
  assert.equal(counts[1] ?? 0, rows.length);
  const parts = ['keystile/contents', 2, 1, ...vault, Number(header['revision']), root, tuple(...counts)] as const;
  assert.deepEqual(bytes(header['contents_mac']), mac(tuple(...parts)));
  database.close();
  return rows.length - buckets.length;
}

function entryOf([vaultId, epoch]: readonly [string, number], row: Row): Buffer {
  const place = [String(row['type']), String(row['id']), String(row['parent']), bytes(row['name_key'])] as const;
  const aad = tuple('keystile/record', 1, 1, vaultId, epoch, ...place, 'body', Number(row['revision']), 'items');
  const digest = sha256(
    tuple('keystile/digest', aad, bytes(row['wrapped_key']), bytes(row['nonce']), bytes(row['tag'])),
  );
  return Buffer.concat([place[3].subarray(2, 10), digest]);
}
