// Collections of items: what people call vaults. Each keeps count of what is in it, so that nothing is counted anew.

import { Failure } from '../core/failure.ts';
import { COLLECTIONS_MAX, ITEMS_MAX, type Collection } from '../core/item.ts';
import { isId, makeId, parseTitle } from '../core/names.ts';
import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

interface CollectionContent {
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The archive included. */
  readonly items: number;
  readonly archived: number;
}

/** How many more, or fewer. */
export type Counted = Pick<CollectionContent, 'items' | 'archived'>;

export class Collections {
  readonly #records: Records;
  readonly #now: () => number;

  /** `now`: wall clock, ms. */
  constructor(records: Records, now: () => number) {
    this.#records = records;
    this.#now = now;
  }

  /** Ordered by name. */
  list(): Collection[] {
    const all = this.#records.list('collection', '').map((record) => this.#read(record));
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** By id, else by name. Throws `name/not_found`. */
  get(nameOrId: string): Collection {
    return this.#read(this.#record(nameOrId));
  }

  /** Throws `name/invalid`, `name/taken`, `vault/limit`. */
  create(name: string): Collection {
    parseTitle(name);
    return this.#records.transaction(() => {
      this.#refuseTaken(name);
      if (this.#records.count('collection', '') >= COLLECTIONS_MAX) {
        throw new Failure('vault/limit', `there can be at most ${COLLECTIONS_MAX} vaults`);
      }
      const id = makeId('coll', this.#records.random(13));
      this.#write(id, { name, createdAt: new Date(this.#now()).toISOString(), items: 0, archived: 0 });
      return this.get(id);
    });
  }

  rename(collectionId: string, name: string): void {
    parseTitle(name);
    this.#records.transaction(() => {
      const content = this.#content(this.#record(collectionId));
      this.#refuseTaken(name, collectionId);
      this.#write(collectionId, { ...content, name });
    });
  }

  /** The archive included. */
  itemsIn(collectionId: string): number {
    return this.#content(this.#record(collectionId)).items;
  }

  /** Counts items that come, go or are archived. Throws `vault/limit`. */
  count(collectionId: string, more: Counted): void {
    const content = this.#content(this.#record(collectionId));
    const items = content.items + more.items;
    this.#write(collectionId, { ...content, items, archived: content.archived + more.archived });
    if (more.items <= 0) return;
    const all = this.#records.list('collection', '').reduce((sum, record) => sum + this.#content(record).items, 0);
    if (all > ITEMS_MAX) throw new Failure('vault/limit', `a vault holds at most ${ITEMS_MAX} items`);
  }

  /** Throws `vault/limit` while there is an item in it. */
  delete(collectionId: string): void {
    this.#records.transaction(() => {
      const record = this.#record(collectionId);
      if (this.#content(record).items > 0) throw new Failure('vault/limit', 'there are items in that vault');
      this.#records.remove(record);
    });
  }

  #read(record: StoredRecord): Collection {
    const { name, createdAt, items, archived } = this.#content(record);
    return { collectionId: record.id, name, itemCount: items - archived, createdAt };
  }

  #content(record: StoredRecord): CollectionContent {
    return this.#records.openJson<CollectionContent>(record);
  }

  #write(id: string, content: CollectionContent): void {
    this.#records.putJson({ type: 'collection', id, parent: '', name: content.name }, content);
  }

  #record(nameOrId: string): StoredRecord {
    const byId = isId('coll', nameOrId) ? this.#records.get('collection', nameOrId) : undefined;
    const record = byId ?? this.#records.find('collection', '', nameOrId);
    if (record !== undefined) return record;
    throw new Failure('name/not_found', 'there is no vault of that name', { field: 'vault' });
  }

  #refuseTaken(name: string, exceptId?: string): void {
    const other = this.#records.find('collection', '', name);
    if (other === undefined || other.id === exceptId) return;
    throw new Failure('name/taken', 'there is a vault of that name already', { field: 'name' });
  }
}
