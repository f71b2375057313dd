// How many records there are of each type, counting only those without a parent: agents, settings, mounts and the like.
// The contents MAC covers it, so that a list of them that is not complete is seen as soon as it is read.

import { tuple } from './seal.ts';
import type { RecordType, StoredRecord } from './seal.ts';

/** Types that are missing have no such record. */
export type Counts = ReadonlyMap<RecordType, number>;

/** What the MAC is over: types and numbers, ordered by type. */
export function countsBytes(counts: Counts): Buffer {
  return tuple(...[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).flat());
}

/** The counts with one record (`by` 1) more or (-1) less. */
export function counted(counts: Counts, { type, parent }: Pick<StoredRecord, 'type' | 'parent'>, by: 1 | -1): Counts {
  return parent === '' ? new Map([...counts, [type, (counts.get(type) ?? 0) + by]]) : counts;
}
