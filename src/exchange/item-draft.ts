// An item while a reader collects it: names are cleaned and limits are kept here, once for all formats (I8). It ends as an
// item, or as one that is left out with the first reason there was.

import {
  FIELD_BYTES_MAX,
  FIELDS_MAX,
  FILE_BYTES_MAX,
  FILES_MAX,
  ITEMS_MAX,
  SECTIONS_MAX,
  TAGS_MAX,
  type Category,
  type FieldType,
  type NewField,
  type NewFile,
  type NewItem,
} from '../core/item.ts';
import { Secret } from '../core/secret.ts';
import { cleanName } from './clean-name.ts';
import { wipeItems, type ImportedVault, type SkippedItem, type SkipReason } from './imported.ts';

const UNTITLED = 'untitled';

export class ItemDraft {
  readonly title: string;
  category: Category;
  isArchived = false;
  readonly #tags = new Set<string>();
  readonly #fields: NewField[] = [];
  readonly #files: NewFile[] = [];
  readonly #sections = new Set<string>();
  #why: SkipReason | null = null;

  constructor(title: string, category: Category) {
    this.title = cleanName(title, UNTITLED);
    this.category = category;
  }

  /** Fields and files so far. */
  get size(): number {
    return this.#fields.length + this.#files.length;
  }

  /** Takes ownership of a Buffer; a string stays with the garbage collector. An empty value is no field. */
  add(label: string, type: FieldType, value: string | Buffer, section: string | null = null): void {
    if (value.length === 0) return;
    this.addExactly(label, type, typeof value === 'string' ? Buffer.from(value, 'utf8') : value, section);
  }

  /** As `add`, but an empty value is one. */
  addExactly(label: string, type: FieldType, bytes: Buffer, section: string | null): void {
    if (bytes.length > FIELD_BYTES_MAX) this.refuse('field-too-large');
    if (this.#fields.length >= FIELDS_MAX) this.refuse('too-many-fields');
    if (this.#why !== null) {
      bytes.fill(0);
      return;
    }
    this.#fields.push({
      label: cleanName(label, 'field'),
      section: this.#section(section),
      type,
      value: new Secret(bytes),
    });
  }

  /** As `add`, under `label`, then `label 2` and so on: for what an item may have several of. */
  addNext(label: string, type: FieldType, value: string): void {
    if (this.#why !== null) return;
    const labels = new Set(this.#fields.map((field) => field.label));
    let next = label;
    for (let k = 2; labels.has(next); k += 1) next = `${label} ${k}`;
    this.add(next, type, value);
  }

  /** Takes ownership of `content`, which may be empty. */
  attach(name: string, content: Buffer, section: string | null = null): void {
    if (content.length > FILE_BYTES_MAX) this.refuse('file-too-large');
    if (this.#files.length >= FILES_MAX) this.refuse('too-many-files');
    if (this.#why !== null) {
      content.fill(0);
      return;
    }
    this.#files.push({ name: cleanName(name, 'file'), section: this.#section(section), content: new Secret(content) });
  }

  /** Further tags than an item may have are left out: they hold no value. */
  tag(name: string): void {
    const clean = cleanName(name, '');
    if (clean !== '' && this.#tags.size < TAGS_MAX) this.#tags.add(clean);
  }

  /** Leaves the item out. The first reason counts. */
  refuse(why: SkipReason): void {
    this.#why ??= why;
  }

  /** The item; or why there is none, and then its values are wiped. One with nothing in it is none, unless `mayBeEmpty`. */
  finish(mayBeEmpty = false): NewItem | SkippedItem {
    if (this.size === 0 && !mayBeEmpty) this.refuse('empty');
    const item = {
      title: this.title,
      category: this.category,
      tags: [...this.#tags],
      fields: this.#fields,
      files: this.#files,
      isArchived: this.isArchived,
    };
    if (this.#why === null) return item;
    wipeItems([item]);
    return { title: this.title, why: this.#why };
  }

  #section(label: string | null): string | null {
    const clean = label === null ? '' : cleanName(label, '');
    if (clean === '') return null;
    this.#sections.add(clean);
    if (this.#sections.size > SECTIONS_MAX) this.refuse('too-many-sections');
    return clean;
  }
}

/** A vault while a reader collects it. */
export class VaultDraft {
  readonly name: string | null;
  readonly #items: NewItem[] = [];
  readonly #skipped: SkippedItem[] = [];

  constructor(name: string | null) {
    this.name = name === null ? null : cleanName(name, '') || null;
  }

  take(draft: ItemDraft, mayBeEmpty = false): void {
    if (this.#items.length >= ITEMS_MAX) draft.refuse('too-many-items');
    const end = draft.finish(mayBeEmpty);
    if ('why' in end) this.#skipped.push(end);
    else this.#items.push(end);
  }

  skip(title: string, why: SkipReason): void {
    this.#skipped.push({ title: cleanName(title, UNTITLED), why });
  }

  finish(): ImportedVault {
    return { name: this.name, items: this.#items, skipped: this.#skipped };
  }

  /** For a reader that fails half way. */
  wipe(): void {
    wipeItems(this.#items);
  }
}
