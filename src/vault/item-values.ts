// The values of items: one record for every value that a field or a file got and that some version still refers to.
// A value is written once and never changed; an edit that leaves it alone writes nothing.

import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import { valueRefs, type StoredItem, type ValueRef } from './item-content.ts';
import type { DraftValue } from './item-draft.ts';
import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

export class ItemValues {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  put(itemId: string, { value, ...ref }: DraftValue): void {
    const place = { type: ref.type, id: this.#records.hiddenId(), parent: itemId, name: nameOf(ref) };
    // I1: the value goes from its coat into the seal, and nowhere else.
    this.#records.put(place, value.reveal());
  }

  /** The caller wipes it. */
  open(itemId: string, ref: ValueRef): Secret {
    return new Secret(this.#records.open(this.record(itemId, ref)));
  }

  /** Throws `vault/damaged`: the item says that it is there. */
  record(itemId: string, ref: ValueRef): StoredRecord {
    const record = this.#records.find(ref.type, itemId, nameOf(ref));
    if (record !== undefined) return record;
    throw new Failure('vault/damaged', 'a value of the vault is not where it belongs', { field: itemId });
  }

  /** Removes the values of `gone` that none of `kept` refers to. */
  prune(gone: StoredItem, kept: readonly StoredItem[]): void {
    const wanted = new Set(kept.flatMap((item) => valueRefs(item).map((ref) => `${ref.type} ${nameOf(ref)}`)));
    for (const ref of valueRefs(gone)) {
      if (!wanted.has(`${ref.type} ${nameOf(ref)}`)) this.#records.remove(this.record(gone.itemId, ref));
    }
  }

  removeAll(itemId: string): void {
    for (const type of ['field', 'file'] as const) {
      for (const id of this.#records.ids(type, itemId)) this.#records.remove({ type, id });
    }
  }
}

/** Ids have no period in them. */
function nameOf({ id, version }: ValueRef): string {
  return `${id}.${version}`;
}
