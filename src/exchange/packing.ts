// Items as they travel: what may be said aloud as a document, and all values in one buffer behind it, in the order of the
// document, fields before files. The wire (item.import, item.export) and the bundle have the same shape.

import {
  CATEGORIES,
  FIELD_BYTES_MAX,
  FIELD_TYPES,
  FILE_BYTES_MAX,
  type Category,
  type FieldType,
  type NewItem,
} from '../core/item.ts';
import { Failure } from '../core/failure.ts';
import { ItemDraft, type VaultDraft } from './item-draft.ts';
import { isObject, objectsAt, own, textAt, textsAt, type JsonObject } from './json-tree.ts';

export interface PackedField {
  readonly label: string;
  readonly section: string | null;
  readonly type: FieldType;
  readonly bytes: number;
}

export interface PackedFile {
  readonly name: string;
  readonly section: string | null;
  readonly bytes: number;
}

export interface PackedItem {
  readonly title: string;
  readonly category: Category;
  readonly tags: readonly string[];
  /** Absent for false. */
  readonly isArchived?: true;
  readonly fields: readonly PackedField[];
  readonly files: readonly PackedFile[];
}

/** Bytes of all values of an item. */
export function valueBytes(item: NewItem): number {
  const fields = item.fields.reduce((sum, { value }) => sum + value.byteLength, 0);
  return item.files.reduce((sum, { content }) => sum + content.byteLength, fields);
}

/** As `valueBytes`, of an item that is packed. */
export function packedBytes({ fields, files }: PackedItem): number {
  return [...fields, ...files].reduce((sum, { bytes }) => sum + bytes, 0);
}

export function packItem(item: NewItem): PackedItem {
  return {
    title: item.title,
    category: item.category,
    tags: item.tags,
    ...(item.isArchived === true && { isArchived: true }),
    fields: item.fields.map(({ label, section, type, value }) => ({ label, section, type, bytes: value.byteLength })),
    files: item.files.map(({ name, section, content }) => ({ name, section, bytes: content.byteLength })),
  };
}

/** The values of the items, one after the other. The caller wipes the result. */
export function packValues(items: readonly NewItem[]): Buffer {
  const values = Buffer.allocUnsafeSlow(items.reduce((sum, item) => sum + valueBytes(item), 0));
  let at = 0;
  for (const { fields, files } of items) {
    for (const { value } of fields) at += value.reveal().copy(values, at);
    for (const { content } of files) at += content.reveal().copy(values, at);
  }
  return values;
}

/** Takes values from the front of a buffer that it does not own. */
export class ValueReader {
  readonly #values: Buffer;
  #at = 0;

  constructor(values: Buffer) {
    this.#values = values;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#values.length;
  }

  /** A copy. Throws `import/damaged` when there are not so many. */
  take(bytes: number): Buffer {
    if (bytes > this.#values.length - this.#at) throw damaged('its values end too early');
    const value = Buffer.from(this.#values.subarray(this.#at, this.#at + bytes));
    this.#at += bytes;
    return value;
  }
}

/**
 * Reads the document of an item that somebody else may have written, and takes its values: names are cleaned, limits
 * kept. What breaks the shape is `import/damaged`: after it, no value is where it should be.
 */
export function unpackItem(document: unknown, values: ValueReader, vault: VaultDraft): void {
  if (!isObject(document)) throw damaged('an item is not an object');
  const category = CATEGORIES.find((name) => name === textAt(document, 'category'));
  if (category === undefined) throw damaged('an item has a category that is not known');
  const draft = new ItemDraft(textAt(document, 'title'), category);
  draft.isArchived = own(document, 'isArchived') === true;
  for (const tag of textsAt(document, 'tags')) draft.tag(tag);
  for (const field of objectsAt(document, 'fields')) {
    const type = FIELD_TYPES.find((name) => name === textAt(field, 'type'));
    if (type === undefined) throw damaged('a field has a type that is not known');
    const value = values.take(bytesOf(field, FIELD_BYTES_MAX));
    draft.addExactly(textAt(field, 'label'), type, value, sectionOf(field));
  }
  for (const file of objectsAt(document, 'files')) {
    draft.attach(textAt(file, 'name'), values.take(bytesOf(file, FILE_BYTES_MAX)), sectionOf(file));
  }
  // Ours may have a title and nothing else.
  vault.take(draft, true);
}

function bytesOf(value: JsonObject, bytesMax: number): number {
  const bytes = own(value, 'bytes');
  if (!Number.isSafeInteger(bytes) || Number(bytes) < 0) throw damaged('a length is not a number of bytes');
  if (Number(bytes) > bytesMax) throw damaged('a value is larger than any may be');
  return Number(bytes);
}

function sectionOf(value: JsonObject): string | null {
  return own(value, 'section') === null ? null : textAt(value, 'section');
}

function damaged(what: string): Failure {
  return new Failure('import/damaged', `this bundle is damaged: ${what}`);
}
