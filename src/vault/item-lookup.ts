// Finding items: by id, or by title without reading any other, and what a name that means more than one could mean.

import { Failure } from '../core/failure.ts';
import { CANDIDATES_MAX, type Candidates, type FieldPlace, type ItemSummary } from '../core/item.ts';
import { isId } from '../core/names.ts';
import type { Collections } from './collections.ts';
import { summaryOf, type StoredItem } from './item-content.ts';
import { candidateOf, matches } from './item-places.ts';
import type { ItemTitles } from './item-titles.ts';
import type { Records } from './records.ts';

export class ItemLookup {
  readonly #records: Records;
  readonly #collections: Collections;
  readonly #titles: ItemTitles;

  constructor(records: Records, collections: Collections, titles: ItemTitles) {
    this.#records = records;
    this.#collections = collections;
    this.#titles = titles;
  }

  /** Undefined when it is gone. */
  read(itemId: string): StoredItem | undefined {
    const record = this.#records.get('item', itemId);
    return record && this.#records.openJson<StoredItem>(record);
  }

  /** Throws `name/not_found`. */
  known(itemId: string): StoredItem {
    const item = this.read(itemId);
    if (item === undefined) throw new Failure('name/not_found', 'there is no item with that id');
    return item;
  }

  /**
   * By id, else by title, which must be there once; `collection` is null for all of them. Throws `name/not_found`,
   * `name/ambiguous`.
   */
  one(collection: string | null, item: string): StoredItem {
    const ids = this.#idsOf(collection, item);
    const [only] = ids;
    if (only === undefined) {
      throw new Failure('name/not_found', 'there is no item of that title', {
        field: 'reference',
        hint: 'keystile item list shows them; an archived one is found by its id',
      });
    }
    if (ids.length === 1) return this.known(only);
    throw new Failure('name/ambiguous', `${ids.length} items have that title`, { field: 'reference' });
  }

  /** What the names could mean: items, or with a place, fields and files of the one item. At most 100. */
  candidates(collection: string | null, item: string, place: FieldPlace | null): Candidates {
    const ids = this.#idsOf(collection, item);
    const [only] = ids;
    if (place === null || only === undefined || ids.length > 1) {
      const items = ids.slice(0, CANDIDATES_MAX).flatMap((id) => this.#summary(id));
      return { kind: 'items', items };
    }
    const known = this.known(only);
    const fields = matches(known, place).slice(0, CANDIDATES_MAX);
    return { kind: 'fields', itemId: only, fields: fields.map((found) => candidateOf(known, found)) };
  }

  /** Of the items that are meant. */
  #idsOf(collection: string | null, item: string): readonly string[] {
    const where = collection === null ? null : this.#collections.get(collection).collectionId;
    const byId = isId('item', item) ? this.read(item) : undefined;
    if (byId !== undefined && (where === null || byId.collectionId === where)) return [byId.itemId];
    const places = where === null ? this.#collections.list().map(({ collectionId }) => collectionId) : [where];
    return places.flatMap((collectionId) => this.#titles.ids(collectionId, item));
  }

  #summary(itemId: string): ItemSummary[] {
    const item = this.read(itemId);
    return item === undefined ? [] : [summaryOf(item)];
  }
}
