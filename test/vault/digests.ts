// What docs/vault-format.md says of buckets, digests, counts and the MAC over them, computed from nothing but the rows.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { tuple } from '../../src/vault/seal.ts';

type Row = Readonly<Record<string, unknown>>;

const bytes = (value: unknown): Buffer => Buffer.from(value instanceof Uint8Array ? value : []);
const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();

/** Of a vault that is closed, with agents and no other records without a parent. Gives how many records share a bucket. */
export function assertDigests(path: string, state: Buffer): number {
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
  assert.equal(counts[1] ?? 0, rows.filter((row) => row['parent'] === '').length);
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
