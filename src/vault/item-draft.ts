// An item that is being made or changed: what it will hold, and the values that are new. Nothing is in the vault before
// `finish`, which holds every limit of core/item.ts.

import { VALUE_BYTES_MAX } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { builtInField, typeOfNew } from '../core/item-category.ts';
import {
  FIELD_BYTES_MAX,
  FIELDS_MAX,
  FILE_BYTES_MAX,
  FILES_MAX,
  ITEM_BYTES_MAX,
  SECTIONS_MAX,
  TAGS_MAX,
  type ChangedField,
  type FieldPlace,
  type FieldType,
  type NewFile,
  type Section,
} from '../core/item.ts';
import { maskabilityOf } from '../core/maskability.ts';
import { parseTitle, type IdKind } from '../core/names.ts';
import type { Secret } from '../core/secret.ts';
import type { StoredField, StoredFile, StoredItem, ValueRef } from './item-content.ts';
import { isSame, matches, theMatch } from './item-places.ts';

/** A value on its way to its record. */
export interface DraftValue extends ValueRef {
  readonly value: Secret;
}

type KeptFacts = Pick<StoredField, 'bytes' | 'valueVersion' | 'maskable' | 'maskability'>;

export type MakeId = (kind: IdKind) => string;

export class ItemDraft {
  readonly #base: StoredItem;
  readonly #makeId: MakeId;
  readonly #values = new Map<string, DraftValue>();
  #sections: Section[];
  #fields: StoredField[];
  #files: StoredFile[];
  #title: string;
  #tags: readonly string[];

  /** `base` with the number of the version that is to come; `at` stands before the fields that failures name. */
  constructor(base: StoredItem, makeId: MakeId, at = '') {
    this.#base = base;
    this.#makeId = makeId;
    this.#sections = [...base.sections];
    this.#fields = [...base.fields];
    this.#files = [...base.files];
    this.#title = parseTitle(base.title, `${at}title`);
    this.#tags = parseTags(base.tags, at);
  }

  retitle(title: string): void {
    this.#title = parseTitle(title, 'title');
  }

  retag(tags: readonly string[]): void {
    this.#tags = parseTags(tags, '');
  }

  /** A further field, even when there is one of that name. Throws `name/invalid`, `input/too_large`. */
  addField({ label: given, section, type: givenType, value }: ChangedField, at: string): void {
    const { category } = this.#base;
    const label = parseTitle(given, `${at}.label`);
    checkLength(value, FIELD_BYTES_MAX, 'a field', at);
    const builtIn = section === null ? builtInField(category, label) : undefined;
    const isFree = builtIn !== undefined && this.#fields.every(({ fieldId }) => fieldId !== builtIn.fieldId);
    const type = typeOfNew(category, section, label, givenType);
    const sectionId = this.#sectionId(section, at);
    const names = isFree ? builtIn : { fieldId: this.#makeId('field'), label };
    const { fieldId } = names;
    this.#fields.push({ fieldId, label: names.label, sectionId, type, ...this.#keep('field', fieldId, value) });
  }

  /** The field of that place gets the value, or is added. Throws `name/ambiguous`, `input/invalid` for a file, as above. */
  setField(field: ChangedField, at: string): void {
    const place = { section: field.section, field: field.label };
    if (matches(this.#places(), place).length === 0) {
      this.addField(field, at);
      return;
    }
    const found = theMatch(this.#places(), place);
    if (found.kind === 'file') throw new Failure('input/invalid', 'that name is one of a file', { field: at });
    checkLength(field.value, FIELD_BYTES_MAX, 'a field', at);
    const { fieldId, label, sectionId } = found.field;
    const type = this.#typeOfChanged(found.field, field.type);
    const changed = { fieldId, label, sectionId, type, ...this.#keep('field', fieldId, field.value) };
    this.#fields = this.#fields.map((one) => (one === found.field ? changed : one));
  }

  /** Takes the place of the file of that name in that section, unless `isNew`. */
  putFile({ name: given, section, content }: NewFile, isNew: boolean, at: string): void {
    const name = parseTitle(given, `${at}.name`);
    checkLength(content, FILE_BYTES_MAX, 'a file', at);
    const sectionId = this.#sectionId(section, at);
    const known = this.#files.find((file) => file.sectionId === sectionId && isSame(file.name, name));
    const fileId = isNew || known === undefined ? this.#makeId('file') : known.fileId;
    this.#note('file', fileId, content);
    const file = { fileId, name, sectionId, bytes: content.byteLength, valueVersion: this.#base.version };
    if (fileId === known?.fileId) this.#files = this.#files.map((one) => (one === known ? file : one));
    else this.#files.push(file);
  }

  /** Throws `name/not_found`, `name/ambiguous`. */
  remove(place: FieldPlace): void {
    const found = theMatch(this.#places(), place);
    if (found.kind === 'field') this.#fields = this.#fields.filter((field) => field !== found.field);
    else this.#files = this.#files.filter((file) => file !== found.file);
    this.#values.delete(found.kind === 'field' ? `field ${found.field.fieldId}` : `file ${found.file.fileId}`);
  }

  /** Throws `vault/limit`. */
  finish(): { readonly item: StoredItem; readonly values: readonly DraftValue[] } {
    const used = new Set([...this.#fields, ...this.#files].map(({ sectionId }) => sectionId));
    const sections = this.#sections.filter(({ sectionId }) => used.has(sectionId));
    refuseMore(this.#fields.length, FIELDS_MAX, 'fields');
    refuseMore(this.#files.length, FILES_MAX, 'files');
    refuseMore(sections.length, SECTIONS_MAX, 'sections');
    const bytes = [...this.#fields, ...this.#files].reduce((sum, one) => sum + one.bytes, 0);
    refuseMore(bytes, ITEM_BYTES_MAX, 'bytes');
    const item = { ...this.#base, title: this.#title, tags: this.#tags, sections };
    return { item: { ...item, fields: this.#fields, files: this.#files }, values: [...this.#values.values()] };
  }

  #places(): Pick<StoredItem, 'sections' | 'fields' | 'files'> {
    return { sections: this.#sections, fields: this.#fields, files: this.#files };
  }

  #typeOfChanged(field: StoredField, given: FieldType | null): FieldType {
    if (given === null) return field.type;
    const { sectionId, fieldId } = field;
    return sectionId === null ? typeOfNew(this.#base.category, null, fieldId, given) : given;
  }

  /** What the record of the item says of the value. One without a byte is no value. */
  #keep(type: 'field', id: string, value: Secret): KeptFacts {
    const bytes = value.byteLength;
    if (bytes === 0) {
      this.#values.delete(`${type} ${id}`);
      return { bytes, valueVersion: null, maskable: true };
    }
    this.#note(type, id, value);
    // What is longer than a variable can be is in no program's environment, and no needle for its output.
    const maskability = maskabilityOf(value.reveal());
    const maskable = maskability === 'maskable' && bytes <= VALUE_BYTES_MAX;
    return { bytes, valueVersion: this.#base.version, maskable, maskability };
  }

  #note(type: 'field' | 'file', id: string, value: Secret): void {
    this.#values.set(`${type} ${id}`, { type, id, version: this.#base.version, value });
  }

  /** By label or id; a section of that label is made when there is none. */
  #sectionId(section: string | null, at: string): string | null {
    if (section === null) return null;
    const known = this.#sections.find(({ sectionId, label }) => sectionId === section || isSame(label, section));
    if (known !== undefined) return known.sectionId;
    const made = { sectionId: this.#makeId('section'), label: parseTitle(section, `${at}.section`) };
    this.#sections.push(made);
    return made.sectionId;
  }
}

function parseTags(tags: readonly string[], at: string): readonly string[] {
  refuseMore(tags.length, TAGS_MAX, 'tags');
  return [...new Set(tags.map((tag, i) => parseTitle(tag, `${at}tags[${i}]`)))];
}

function checkLength(value: Secret, bytesMax: number, what: string, at: string): void {
  if (value.byteLength <= bytesMax) return;
  throw new Failure('input/too_large', `${what} has at most ${bytesMax} bytes`, { field: at });
}

function refuseMore(count: number, max: number, what: string): void {
  if (count > max) throw new Failure('vault/limit', `an item holds at most ${max} ${what}`);
}
