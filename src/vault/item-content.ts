// An item as it lies in its record: everything but the values, which have records of their own. So a lookup reads one.

import type { Field, Item, ItemFile, ItemSummary, ItemVersion } from '../core/item.ts';

export interface StoredField extends Omit<Field, 'isSet'> {
  /** Of the value. */
  readonly bytes: number;
  /** The version of the item that brought the value; null without one. Later versions refer to it (item-values.ts). */
  readonly valueVersion: number | null;
}

export interface StoredFile extends ItemFile {
  readonly valueVersion: number;
}

export interface StoredItem extends Omit<Item, 'fields' | 'files'> {
  readonly fields: readonly StoredField[];
  readonly files: readonly StoredFile[];
}

/** One value of an item: which record holds it. */
export interface ValueRef {
  readonly type: 'field' | 'file';
  readonly id: string;
  readonly version: number;
}

export function valueRefs({ fields, files }: Pick<StoredItem, 'fields' | 'files'>): ValueRef[] {
  return [
    ...fields.flatMap(({ fieldId: id, valueVersion: version }): ValueRef[] =>
      version === null ? [] : [{ type: 'field', id, version }],
    ),
    ...files.map(({ fileId: id, valueVersion: version }): ValueRef => ({ type: 'file', id, version })),
  ];
}

/** What may be said aloud of it. */
export function itemOf({ fields, files, ...rest }: StoredItem): Item {
  return {
    ...rest,
    fields: fields.map(({ bytes: _bytes, valueVersion, ...field }) => ({ ...field, isSet: valueVersion !== null })),
    files: files.map(({ valueVersion: _version, ...file }) => file),
  };
}

export function summaryOf(item: StoredItem): ItemSummary {
  const { itemId, collectionId, title, category, tags, version, isArchived, updatedAt, fields, files } = item;
  const counts = { fieldCount: fields.length, fileCount: files.length };
  return { itemId, collectionId, title, category, tags, version, isArchived, updatedAt, ...counts };
}

export function versionOf({ version, title, updatedAt, fields, files }: StoredItem): ItemVersion {
  const changed = [
    ...fields.filter(({ valueVersion }) => valueVersion === version).map(({ label }) => label),
    ...files.filter(({ valueVersion }) => valueVersion === version).map(({ name }) => name),
  ];
  return { version, title, updatedAt, changed };
}
