// Earlier versions of items: what each held, without the values, which lie beside them (item-values.ts).

import { Failure } from '../core/failure.ts';
import { VERSIONS_MAX } from '../core/item.ts';
import type { StoredItem } from './item-content.ts';
import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

export class ItemVersions {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** The item as it was with that number. Throws `name/not_found`. */
  get(itemId: string, version: number): StoredItem {
    const record = this.#record(itemId, version);
    if (record === undefined) {
      throw new Failure('name/not_found', 'that version is not kept', { hint: 'keystile item history lists them' });
    }
    return this.#records.openJson<StoredItem>(record);
  }

  /** Those before `current`, newest first. Every one of the last VERSIONS_MAX numbers is there. */
  before(current: StoredItem): StoredItem[] {
    const count = Math.min(current.version - 1, VERSIONS_MAX);
    return Array.from({ length: count }, (_none, i) => this.get(current.itemId, current.version - 1 - i));
  }

  keep(item: StoredItem): void {
    const { itemId, version } = item;
    const place = { type: 'version', id: this.#records.hiddenId(), parent: itemId, name: String(version) } as const;
    this.#records.putJson(place, item);
  }

  /** Takes away the version that `current` leaves no room for, and gives it back. */
  dropOldest(current: StoredItem): StoredItem | null {
    const record = this.#record(current.itemId, current.version - 1 - VERSIONS_MAX);
    if (record === undefined) return null;
    const item = this.#records.openJson<StoredItem>(record);
    this.#records.remove(record);
    return item;
  }

  removeAll(itemId: string): void {
    for (const id of this.#records.ids('version', itemId)) this.#records.remove({ type: 'version', id });
  }

  #record(itemId: string, version: number): StoredRecord | undefined {
    return this.#records.find('version', itemId, String(version));
  }
}
