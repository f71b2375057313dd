// Items in an unlocked vault: made, changed, archived and deleted, each in one commit with all that depends on it.

import type {
  Candidates,
  ChangedField,
  FieldPlace,
  Item,
  ItemChange,
  ItemSummary,
  ItemVersion,
  NewItem,
} from '../core/item.ts';
import { makeId } from '../core/names.ts';
import type { SecretReference } from '../core/reference.ts';
import type { Collections } from './collections.ts';
import { itemOf, summaryOf, versionOf, type StoredItem } from './item-content.ts';
import { ItemDraft, type DraftValue } from './item-draft.ts';
import { ItemLookup } from './item-lookup.ts';
import { ItemOpenings } from './item-openings.ts';
import { theMatch, type Found } from './item-places.ts';
import { ItemTitles } from './item-titles.ts';
import { ItemValues } from './item-values.ts';
import { ItemVersions } from './item-versions.ts';
import type { Records } from './records.ts';

/** An item on its way into the vault whose fields may leave their type to the category. */
export type DraftItem = Omit<NewItem, 'fields'> & { readonly fields: readonly ChangedField[] };

/** What a reference means. */
export type Resolved = { readonly item: Item } & Found;

export class Items {
  /** The way to their values. */
  readonly openings: ItemOpenings;
  readonly #records: Records;
  readonly #collections: Collections;
  readonly #titles: ItemTitles;
  readonly #lookup: ItemLookup;
  readonly #values: ItemValues;
  readonly #versions: ItemVersions;
  readonly #now: () => number;

  /** `now`: wall clock, ms. */
  constructor(records: Records, collections: Collections, now: () => number) {
    this.#records = records;
    this.#collections = collections;
    this.#titles = new ItemTitles(records);
    this.#lookup = new ItemLookup(records, collections, this.#titles);
    this.#values = new ItemValues(records);
    this.#versions = new ItemVersions(records);
    this.#now = now;
    this.openings = new ItemOpenings(records, this.#lookup, this.#values);
  }

  /** By id, else by title; archived items by id only. Throws `name/not_found`, `name/ambiguous`. */
  get(collection: string | null, item: string): Item {
    return itemOf(this.#lookup.one(collection, item));
  }

  /** What the reference means. Throws `name/not_found`, `name/ambiguous`, with the field `reference` or `vault`. */
  resolve(reference: SecretReference): Resolved {
    const item = this.#lookup.one(reference.vault, reference.item);
    return { item: itemOf(item), ...theMatch(item, reference) };
  }

  /** What the names could mean: items, or with a place, fields and files of the one item. At most 100. */
  candidates(collection: string | null, item: string, place: FieldPlace | null): Candidates {
    return this.#lookup.candidates(collection, item, place);
  }

  /** Ids of all items of a collection, the archive included, in an order that changes of an item do not alter. */
  ids(collectionId: string): string[] {
    return this.#records.ids('item', collectionId);
  }

  /** Null when it is gone meanwhile. */
  summary(itemId: string): ItemSummary | null {
    const item = this.#lookup.read(itemId);
    return item === undefined ? null : summaryOf(item);
  }

  /** Throws `name/invalid`, `input/too_large`, `vault/limit`. */
  create(collectionId: string, draft: DraftItem): Item {
    return this.#records.transaction(() => {
      const made = this.#insert(collectionId, draft, 'set', '');
      if (!made.isArchived) this.#titles.add(collectionId, made.title, [made.itemId]);
      this.#collections.count(collectionId, { items: 1, archived: made.isArchived ? 1 : 0 });
      return itemOf(made);
    });
  }

  /** All of them or none, in one commit; fields of the same name stay apart. Their ids, in order. Throws as `create`. */
  import(collectionId: string, items: readonly NewItem[]): string[] {
    return this.#records.transaction(() => {
      const made = items.map((item, i) => this.#insert(collectionId, item, 'add', `items[${i}].`));
      const shown = Map.groupBy(
        made.filter(({ isArchived }) => !isArchived),
        ({ title }) => title.normalize('NFC'),
      );
      for (const [title, group] of shown) {
        this.#titles.add(
          collectionId,
          title,
          group.map(({ itemId }) => itemId),
        );
      }
      const archived = made.filter(({ isArchived }) => isArchived).length;
      this.#collections.count(collectionId, { items: made.length, archived });
      return made.map(({ itemId }) => itemId);
    });
  }

  /** Makes the next version. Throws `name/not_found`, `name/ambiguous`, and as `create`. */
  edit(itemId: string, change: ItemChange): Item {
    return this.#records.transaction(() => {
      const before = this.#lookup.known(itemId);
      const draft = this.#draft(this.#next(before));
      if (change.title !== undefined) draft.retitle(change.title);
      if (change.tags !== undefined) draft.retag(change.tags);
      for (const place of change.removed ?? []) draft.remove(place);
      for (const [i, field] of (change.fields ?? []).entries()) draft.setField(field, `fields[${i}]`);
      for (const [i, file] of (change.files ?? []).entries()) draft.putFile(file, false, `files[${i}]`);
      const { item, values } = draft.finish();
      this.#replace(before, item, values);
      return itemOf(item);
    });
  }

  /** The next version holds what that one held. Throws `name/not_found`. */
  restore(itemId: string, version: number): Item {
    return this.#records.transaction(() => {
      const before = this.#lookup.known(itemId);
      const { title, tags, sections, fields, files } = this.#versions.get(itemId, version);
      const item = { ...this.#next(before), title, tags, sections, fields, files };
      this.#replace(before, item, []);
      return itemOf(item);
    });
  }

  /** Into the archive, or out of it. It makes no version: nothing of what the item holds is changed. */
  archive(itemId: string, isArchived: boolean): Item {
    return this.#records.transaction(() => {
      const before = this.#lookup.known(itemId);
      const item = { ...before, isArchived, updatedAt: this.#time() };
      if (before.isArchived === isArchived) return itemOf(before);
      const { collectionId, title } = before;
      if (isArchived) this.#titles.remove(collectionId, title, itemId);
      else this.#titles.add(collectionId, title, [itemId]);
      this.#write(item);
      this.#collections.count(collectionId, { items: 0, archived: isArchived ? 1 : -1 });
      return itemOf(item);
    });
  }

  /** With its values and all its versions. */
  delete(itemId: string): void {
    this.#records.transaction(() => {
      const { collectionId, title, isArchived } = this.#lookup.known(itemId);
      this.#values.removeAll(itemId);
      this.#versions.removeAll(itemId);
      if (!isArchived) this.#titles.remove(collectionId, title, itemId);
      this.#records.remove({ type: 'item', id: itemId });
      this.#collections.count(collectionId, { items: -1, archived: isArchived ? -1 : 0 });
    });
  }

  /** The present version, then earlier ones, newest first. */
  history(itemId: string): ItemVersion[] {
    const item = this.#lookup.known(itemId);
    return [item, ...this.#versions.before(item)].map((one) => versionOf(one));
  }

  #insert(collectionId: string, draft: DraftItem, how: 'add' | 'set', at: string): StoredItem {
    const now = this.#time();
    const base = {
      itemId: makeId('item', this.#records.random(13)),
      collectionId: this.#collections.get(collectionId).collectionId,
      title: draft.title,
      category: draft.category,
      tags: draft.tags,
      sections: [],
      fields: [],
      files: [],
      version: 1,
      isArchived: draft.isArchived ?? false,
      createdAt: now,
      updatedAt: now,
    };
    const item = this.#draft(base, at);
    for (const [i, field] of draft.fields.entries()) {
      if (how === 'add') item.addField(field, `${at}fields[${i}]`);
      else item.setField(field, `${at}fields[${i}]`);
    }
    for (const [i, file] of draft.files.entries()) item.putFile(file, how === 'add', `${at}files[${i}]`);
    const made = item.finish();
    for (const value of made.values) this.#values.put(made.item.itemId, value);
    this.#write(made.item);
    return made.item;
  }

  #replace(before: StoredItem, item: StoredItem, values: readonly DraftValue[]): void {
    const { itemId, collectionId } = item;
    this.#versions.keep(before);
    for (const value of values) this.#values.put(itemId, value);
    this.#write(item);
    if (!item.isArchived && before.title !== item.title) {
      this.#titles.remove(collectionId, before.title, itemId);
      this.#titles.add(collectionId, item.title, [itemId]);
    }
    const gone = this.#versions.dropOldest(item);
    if (gone !== null) this.#values.prune(gone, [item, ...this.#versions.before(item)]);
  }

  #draft(base: StoredItem, at = ''): ItemDraft {
    return new ItemDraft(base, (kind) => makeId(kind, this.#records.random(13)), at);
  }

  #next(item: StoredItem): StoredItem {
    return { ...item, version: item.version + 1, updatedAt: this.#time() };
  }

  #write(item: StoredItem): void {
    const { itemId, collectionId } = item;
    this.#records.putJson({ type: 'item', id: itemId, parent: collectionId, name: itemId }, item);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
