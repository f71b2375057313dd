// The whole vault, checked: every record is one the tree knows, the tree knows no other, and each is found in every way
// there is to find it. At once for a small vault, in slices for a large one. docs/vault-format.md, "Digests".

import { rangeOf } from './buckets.ts';
import type { Buckets } from './buckets.ts';
import { bucketOf, BUCKETS } from './digest-tree.ts';
import { damagedFile } from './sqlite.ts';
import type { StoredRecord } from './seal.ts';
import type { VaultStore } from './store.ts';

type Store = Pick<VaultStore, 'range' | 'reachable' | 'check'>;

/** Records in one slice: 1 ms of work or so. */
const SLICE_RECORDS = 32;
/** A bucket of more records was filled by somebody else: even a vault of 100 million has 1,500 in each. */
const BUCKET_RECORDS_MAX = 10_000;
/** In one go it is faster with more. */
const RECORDS_AT_ONCE = 512;

/** Throws `vault/damaged`. SQLite's own check sees to it that all indexes speak of the same rows. */
export function verifyAll(store: Store, buckets: Buckets): void {
  store.check();
  for (let from = 0; from < BUCKETS; from = checkSome(store, buckets, from, RECORDS_AT_ONCE).to);
}

/** One step checks some 32 records, or one bucket if that has more. Throws `vault/damaged`. */
export function* verification(store: Store, buckets: Buckets): Generator<void, void, undefined> {
  for (let from = 0; from < BUCKETS;) {
    const { to, records } = checkSome(store, buckets, from, SLICE_RECORDS);
    // SQLite's own check cannot be stopped in the middle: it would hold up a large vault for seconds.
    if (store.reachable(rangeOf(from, to)) !== records.length) throw damagedFile();
    from = to;
    yield;
  }
}

/** Whole buckets only, for those that are begun may change before the next slice. Gives the first one not checked. */
function checkSome(
  store: Store,
  buckets: Buckets,
  from: number,
  limit: number,
): { to: number; records: StoredRecord[] } {
  const page = store.range(rangeOf(from, BUCKETS), limit);
  const last = page.at(-1);
  const begun = page.length < limit || last === undefined ? BUCKETS : bucketOf(last.nameKey);
  const to = Math.max(begun, from + 1);
  const records =
    begun === from
      ? store.range(rangeOf(from, to), BUCKET_RECORDS_MAX)
      : page.filter(({ nameKey }) => bucketOf(nameKey) < to);
  buckets.check(from, to, records);
  return { to, records };
}
