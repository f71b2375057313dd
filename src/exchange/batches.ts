// Items in portions that fit into one message to the daemon.

import type { NewItem } from '../core/item.ts';
import { valueBytes } from './packing.ts';

/** Small enough for a daemon that also answers others, large enough that a thousand logins are two calls. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;
export const BATCH_ITEMS_MAX = 500;

/** An item that is larger by itself travels alone; with one file of 25 MiB it still fits into a frame of 32 MiB. */
export function* batchesOf(items: Iterable<NewItem>): Generator<readonly NewItem[], void, void> {
  let batch: NewItem[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = valueBytes(item);
    if (batch.length > 0 && (bytes + more > BATCH_BYTES_MAX || batch.length >= BATCH_ITEMS_MAX)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(item);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}
