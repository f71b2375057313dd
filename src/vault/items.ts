// Items in an unlocked vault: made, changed, found by what a reference says, and their values handed out sealed.

import { Failure } from '../core/failure.ts';
import {
  CANDIDATES_MAX,
  CONCEALED_TYPES,
  type Candidates,
  type ChangedField,
  type FieldCandidate,
  type FieldPlace,
  type FieldType,
  type Item,
  type ItemChange,
  type ItemSummary,
  type ItemVersion,
  type NewItem,
} from '../core/item.ts';
import { isId, makeId } from '../core/names.ts';
import type { SecretReference } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';
import type { Collections } from './collections.ts';
import type { SealedVariable } from './environments.ts';
import { itemOf, summaryOf, versionOf, type StoredItem, type ValueRef } from './item-content.ts';
import { ItemDraft, type DraftValue } from './item-draft.ts';
import { candidateOf, matches, theMatch, type Found } from './item-places.ts';
import { ItemTitles } from './item-titles.ts';
import { ItemValues } from './item-values.ts';
import { ItemVersions } from './item-versions.ts';
import type { Records } from './records.ts';

/** An item on its way into the vault whose fields may leave their type to the category. */
export type DraftItem = Omit<NewItem, 'fields'> & { readonly fields: readonly ChangedField[] };

/** What a reference means. */
export type Resolved = { readonly item: Item } & Found;

/** One value of an item still sealed, with the key to it alone. `name` is the label of the field or name of the file. */
export interface SealedField extends SealedVariable {
  readonly collectionId: string;
  readonly itemId: string;
  readonly type: FieldType | 'file';
}

/** A field or file of one version of an item, to be opened. */
export interface Chosen {
  readonly said: FieldCandidate;
  readonly version: number;
  readonly ref: ValueRef | null;
}

export class Items {
  readonly #records: Records;
  readonly #collections: Collections;
  readonly #titles: ItemTitles;
  readonly #values: ItemValues;
  readonly #versions: ItemVersions;
  readonly #now: () => number;

  /** `now`: wall clock, ms. */
  constructor(records: Records, collections: Collections, now: () => number) {
    this.#records = records;
    this.#collections = collections;
    this.#titles = new ItemTitles(records);
    this.#values = new ItemValues(records);
    this.#versions = new ItemVersions(records);
    this.#now = now;
  }

  /** By id, else by title, which must be there once; archived items by id only. Throws `name/not_found`, `name/ambiguous`. */
  get(collection: string | null, item: string): Item {
    return itemOf(this.#one(collection, item));
  }

  /** Ids of all items of a collection, the archive included, in an order that changes of an item do not alter. */
  ids(collectionId: string): string[] {
    return this.#records.ids('item', collectionId);
  }

  /** Null when it is gone meanwhile. */
  summary(itemId: string): ItemSummary | null {
    const item = this.#read(itemId);
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
      const before = this.#known(itemId);
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
      const before = this.#known(itemId);
      const { title, tags, sections, fields, files } = this.#versions.get(itemId, version);
      const item = { ...this.#next(before), title, tags, sections, fields, files };
      this.#replace(before, item, []);
      return itemOf(item);
    });
  }

  /** Into the archive, or out of it. It makes no version: nothing of what the item holds is changed. */
  archive(itemId: string, isArchived: boolean): Item {
    return this.#records.transaction(() => {
      const before = this.#known(itemId);
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
      const { collectionId, title, isArchived } = this.#known(itemId);
      this.#values.removeAll(itemId);
      this.#versions.removeAll(itemId);
      if (!isArchived) this.#titles.remove(collectionId, title, itemId);
      this.#records.remove({ type: 'item', id: itemId });
      this.#collections.count(collectionId, { items: -1, archived: isArchived ? -1 : 0 });
    });
  }

  /** The present version, then earlier ones, newest first. */
  history(itemId: string): ItemVersion[] {
    const item = this.#known(itemId);
    return [item, ...this.#versions.before(item)].map((one) => versionOf(one));
  }

  /** What the reference means. Throws `name/not_found`, `name/ambiguous`, both with the field `reference`. */
  resolve(reference: SecretReference): Resolved {
    const item = this.#one(reference.vault, reference.item);
    return { item: itemOf(item), ...theMatch(item, reference) };
  }

  /**
   * The value that the reference means, sealed. Only jobs.ts asks for it (I9). Throws as `resolve`, and
   * `vault/value_missing`.
   */
  sealedField(reference: SecretReference): SealedField {
    const item = this.#one(reference.vault, reference.item);
    const { ref, ...said } = factsOf(theMatch(item, reference));
    if (ref === null) {
      throw new Failure('vault/value_missing', 'that field has no value', {
        field: 'reference',
        hint: 'set it with keystile item edit',
      });
    }
    const { key, nonce, sealed, aad } = this.#records.handOver(this.#values.record(item.itemId, ref));
    const { collectionId, itemId } = item;
    return { collectionId, itemId, ...said, key: new Secret(key), nonce, sealed, aad };
  }

  /** What the names could mean: items, or with a place, fields and files of the one item. At most 100. */
  candidates(collection: string | null, item: string, place: FieldPlace | null): Candidates {
    const ids = this.#idsOf(collection, item);
    const [only] = ids;
    if (place === null || only === undefined || ids.length > 1) {
      const items = ids.slice(0, CANDIDATES_MAX).flatMap((id) => this.summary(id) ?? []);
      return { kind: 'items', items };
    }
    const known = this.#known(only);
    const fields = matches(known, place).slice(0, CANDIDATES_MAX);
    return { kind: 'fields', itemId: only, fields: fields.map((found) => candidateOf(known, found)) };
  }

  /** The fields and files at these places. Throws as `resolve`. */
  choose(itemId: string, places: readonly FieldPlace[]): Chosen[] {
    const item = this.#known(itemId);
    return places.map((place) => chosen(item, theMatch(item, place)));
  }

  /** All fields that have a value; with a type, only those of it. */
  chooseSet(itemId: string, type: FieldType | null): Chosen[] {
    const item = this.#known(itemId);
    const fields = item.fields.filter((field) => field.valueVersion !== null && (type === null || field.type === type));
    return fields.map((field) => chosen(item, { kind: 'field', field }));
  }

  /**
   * The values of what was chosen and then recorded as revealed (I2), with an empty one for a field that has none. The
   * caller wipes them. Throws `daemon/busy` when the item was changed since.
   */
  openChosen(itemId: string, all: readonly Chosen[]): Secret[] {
    const { version } = this.#known(itemId);
    if (all.some((one) => one.version !== version)) throw new Failure('daemon/busy', 'the item was changed meanwhile');
    return all.map(({ ref }) => this.#open(itemId, ref));
  }

  /** The item with all its values, in order of its fields, then its files: for an export. Null when it is gone. */
  openWhole(itemId: string): { readonly item: Item; readonly values: readonly Secret[] } | null {
    const item = this.#read(itemId);
    if (item === undefined) return null;
    const found: Found[] = [
      ...item.fields.map((field): Found => ({ kind: 'field', field })),
      ...item.files.map((file): Found => ({ kind: 'file', file })),
    ];
    return { item: itemOf(item), values: found.map((one) => this.#open(itemId, factsOf(one).ref)) };
  }

  /** Bytes of all values of the present version; 0 when it is gone. */
  byteLength(itemId: string): number {
    const item = this.#read(itemId);
    return item === undefined ? 0 : [...item.fields, ...item.files].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #open(itemId: string, ref: ValueRef | null): Secret {
    return ref === null ? new Secret(Buffer.alloc(0)) : this.#values.open(itemId, ref);
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

  #read(itemId: string): StoredItem | undefined {
    const record = this.#records.get('item', itemId);
    return record && this.#records.openJson<StoredItem>(record);
  }

  #known(itemId: string): StoredItem {
    const item = this.#read(itemId);
    if (item === undefined) throw new Failure('name/not_found', 'there is no item with that id');
    return item;
  }

  #one(collection: string | null, item: string): StoredItem {
    const ids = this.#idsOf(collection, item);
    const [only] = ids;
    if (only === undefined) {
      throw new Failure('name/not_found', 'there is no item of that title', {
        field: 'reference',
        hint: 'keystile item list shows them; an archived one is found by its id',
      });
    }
    if (ids.length === 1) return this.#known(only);
    throw new Failure('name/ambiguous', `${ids.length} items have that title`, { field: 'reference' });
  }

  /** Of the items that are meant; `collection` is null for all collections. */
  #idsOf(collection: string | null, item: string): readonly string[] {
    const where = collection === null ? null : this.#collections.get(collection).collectionId;
    const byId = isId('item', item) ? this.#read(item) : undefined;
    if (byId !== undefined && (where === null || byId.collectionId === where)) return [byId.itemId];
    const places = where === null ? this.#collections.list().map(({ collectionId }) => collectionId) : [where];
    return places.flatMap((collectionId) => this.#titles.ids(collectionId, item));
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

function chosen(item: StoredItem, found: Found): Chosen {
  return { said: candidateOf(item, found), version: item.version, ref: factsOf(found).ref };
}

/** Where the value lies, and what a delivery has to know of it. */
function factsOf(found: Found): Pick<SealedField, 'name' | 'type' | 'concealed' | 'maskable'> & {
  readonly ref: ValueRef | null;
} {
  if (found.kind === 'file') {
    const { fileId: id, name, valueVersion: version } = found.file;
    // A file may be 25 MiB, and pieces of it are what a program prints: it is not looked for in output.
    return { name, type: 'file', concealed: true, maskable: false, ref: { type: 'file', id, version } };
  }
  const { fieldId: id, label, type, maskable, valueVersion: version } = found.field;
  const ref = version === null ? null : ({ type: 'field', id, version } as const);
  return { name: label, type, concealed: CONCEALED_TYPES.has(type), maskable, ref };
}
