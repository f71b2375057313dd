// From format 1, in which the header's MAC was over the XOR of the digests of all records, to format 2. What is sealed
// stays as it is. docs/vault-format.md, "Format 1".

import { timingSafeEqual } from 'node:crypto';
import { counted, countsBytes } from './counts.ts';
import type { Counts } from './counts.ts';
import { bucketDigest, bucketOf, DigestTree } from './digest-tree.ts';
import { entryOf, sorted } from './entries.ts';
import { damagedContents, headerOf, hmac, MAC_BYTES, verifyHeader } from './header.ts';
import type { Header } from './header.ts';
import { recordAad, SUITE, tuple } from './seal.ts';
import type { StoredRecord } from './seal.ts';
import type { VaultStore } from './store.ts';

const OLD_FORMAT = 1;

/**
 * Checks all of a vault of format 1 by the rules of format 1, then makes it one of format 2, in one transaction: a crash
 * leaves the one or the other. Throws `vault/damaged` and changes nothing when it is not as the vault left it.
 */
export function migrate(store: VaultStore, stateKey: Buffer): void {
  store.atomically(() => {
    const header = store.readHeader();
    verifyHeader(header, stateKey, OLD_FORMAT);
    store.check();
    const xor = Buffer.alloc(MAC_BYTES);
    const entries = new Map<number, Buffer[]>();
    let counts: Counts = new Map();
    for (const record of store.recordsBeforeUpgrade()) {
      for (const [i, byte] of oldDigest(header, record, stateKey).entries()) xor[i] = (xor[i] ?? 0) ^ byte;
      const bucket = bucketOf(record.nameKey);
      entries.set(bucket, [...(entries.get(bucket) ?? []), entryOf(header, record)]);
      counts = counted(counts, record, 1);
    }
    verifyOldContents(header, xor, stateKey);
    store.upgrade();
    const buckets = Array.from(entries, ([bucket, found]) => ({ bucket, entries: sorted(found) }));
    const { tree, rows } = DigestTree.of([]).with(
      buckets.map(({ bucket, entries }) => [bucket, bucketDigest(header, bucket, entries, stateKey)]),
    );
    for (const row of buckets) store.writeBucket(row);
    for (const row of rows) store.writeDigests(row);
    for (const [type, count] of counts) store.writeCount(type, count);
    store.writeHeader(headerOf(header, { digests: tree.root, counts: countsBytes(counts) }, stateKey));
  });
}

function oldDigest(header: Header, record: StoredRecord, stateKey: Buffer): Buffer {
  const { wrappedKey, nonce, tag } = record;
  return hmac(stateKey, tuple('keystile/digest', recordAad(header, record, 'body'), wrappedKey, nonce, tag));
}

function verifyOldContents(header: Header, xor: Buffer, stateKey: Buffer): void {
  const where = ['keystile/contents', OLD_FORMAT, SUITE, header.vaultId, header.epoch, header.revision] as const;
  const expected = hmac(stateKey, tuple(...where, xor));
  if (header.contentsMac.length !== MAC_BYTES || !timingSafeEqual(header.contentsMac, expected))
    throw damagedContents();
}
