// Titles of items that are not in the archive, so that a reference finds its item without reading the others.
// A title may be there more than once: imports bring such.

import type { Records } from './records.ts';
import type { StoredRecord } from './seal.ts';

interface TitleContent {
  readonly ids: readonly string[];
}

export class ItemTitles {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Of the items with that title. */
  ids(collectionId: string, title: string): readonly string[] {
    const record = this.#record(collectionId, title);
    return record === undefined ? [] : this.#records.openJson<TitleContent>(record).ids;
  }

  add(collectionId: string, title: string, itemIds: readonly string[]): void {
    this.#write(collectionId, title, [...this.ids(collectionId, title), ...itemIds]);
  }

  remove(collectionId: string, title: string, itemId: string): void {
    this.#write(
      collectionId,
      title,
      this.ids(collectionId, title).filter((id) => id !== itemId),
    );
  }

  #write(collectionId: string, title: string, ids: readonly string[]): void {
    const known = this.#record(collectionId, title);
    if (ids.length === 0) {
      if (known !== undefined) this.#records.remove(known);
      return;
    }
    const id = known?.id ?? this.#records.hiddenId();
    this.#records.putJson({ type: 'title', id, parent: collectionId, name: title }, { ids });
  }

  #record(collectionId: string, title: string): StoredRecord | undefined {
    return this.#records.find('title', collectionId, title);
  }
}
