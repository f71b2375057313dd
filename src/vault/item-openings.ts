// The one way from items to their values: sealed for a delivery, or opened for what the human is shown or exports.

import { VALUE_BYTES_MAX } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { CONCEALED_TYPES, type FieldCandidate, type FieldPlace, type FieldType, type Item } from '../core/item.ts';
import { MASKABLE_BYTES_MIN } from '../core/maskability.ts';
import type { SecretReference } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';
import type { SealedVariable } from './environments.ts';
import { itemOf, type StoredFile, type StoredItem, type ValueRef } from './item-content.ts';
import type { ItemLookup } from './item-lookup.ts';
import { candidateOf, theMatch, type Found } from './item-places.ts';
import type { ItemValues } from './item-values.ts';
import type { Records } from './records.ts';

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

export class ItemOpenings {
  readonly #records: Records;
  readonly #lookup: ItemLookup;
  readonly #values: ItemValues;

  constructor(records: Records, lookup: ItemLookup, values: ItemValues) {
    this.#records = records;
    this.#lookup = lookup;
    this.#values = values;
  }

  /**
   * The value that the reference means, sealed. Only jobs.ts asks for it (I9). Throws as `resolve`, and
   * `vault/value_missing`.
   */
  sealedField(reference: SecretReference): SealedField {
    const item = this.#lookup.one(reference.vault, reference.item);
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

  /** The fields and files at these places. Throws as `resolve`. */
  choose(itemId: string, places: readonly FieldPlace[]): Chosen[] {
    const item = this.#lookup.known(itemId);
    return places.map((place) => chosen(item, theMatch(item, place)));
  }

  /** All fields that have a value; with a type, only those of it. */
  chooseSet(itemId: string, type: FieldType | null): Chosen[] {
    const item = this.#lookup.known(itemId);
    const fields = item.fields.filter((field) => field.valueVersion !== null && (type === null || field.type === type));
    return fields.map((field) => chosen(item, { kind: 'field', field }));
  }

  /**
   * The values of what was chosen and then recorded as revealed (I2), with an empty one for a field that has none. The
   * caller wipes them. Throws `daemon/busy` when the item was changed since.
   */
  openChosen(itemId: string, all: readonly Chosen[]): Secret[] {
    const { version } = this.#lookup.known(itemId);
    if (all.some((one) => one.version !== version)) throw new Failure('daemon/busy', 'the item was changed meanwhile');
    return all.map(({ ref }) => this.#open(itemId, ref));
  }

  /** The item with all its values, in order of its fields, then its files: for an export. Null when it is gone. */
  openWhole(itemId: string): { readonly item: Item; readonly values: readonly Secret[] } | null {
    const item = this.#lookup.read(itemId);
    if (item === undefined) return null;
    const found: Found[] = [
      ...item.fields.map((field): Found => ({ kind: 'field', field })),
      ...item.files.map((file): Found => ({ kind: 'file', file })),
    ];
    return { item: itemOf(item), values: found.map((one) => this.#open(itemId, factsOf(one).ref)) };
  }

  /** Bytes of all values of the present version; 0 when it is gone. */
  byteLength(itemId: string): number {
    const item = this.#lookup.read(itemId);
    return item === undefined ? 0 : [...item.fields, ...item.files].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #open(itemId: string, ref: ValueRef | null): Secret {
    return ref === null ? new Secret(Buffer.alloc(0)) : this.#values.open(itemId, ref);
  }
}

function chosen(item: StoredItem, found: Found): Chosen {
  return { said: candidateOf(item, found), version: item.version, ref: factsOf(found).ref };
}

/** A key or a token is looked for in output as any value is; what no variable could hold is not. */
export function isFileMaskable({ bytes }: Pick<StoredFile, 'bytes'>): boolean {
  return bytes >= MASKABLE_BYTES_MIN && bytes <= VALUE_BYTES_MAX;
}

/** Where the value lies, and what a delivery has to know of it. */
function factsOf(found: Found): Pick<SealedField, 'name' | 'type' | 'concealed' | 'maskable'> & {
  readonly ref: ValueRef | null;
} {
  if (found.kind === 'file') {
    const { fileId: id, name, valueVersion: version } = found.file;
    return {
      name,
      type: 'file',
      concealed: true,
      maskable: isFileMaskable(found.file),
      ref: { type: 'file', id, version },
    };
  }
  const { fieldId: id, label, type, maskable, valueVersion: version } = found.field;
  const ref = version === null ? null : ({ type: 'field', id, version } as const);
  return { name: label, type, concealed: CONCEALED_TYPES.has(type), maskable, ref };
}
