// What a reader hands on: vaults with items that may enter ours, and the items that may not, each with its reason.
// Whoever has them wipes them.

import type { NewItem } from '../core/item.ts';
import type { Secret } from '../core/secret.ts';

/** Why an item stays behind, in the words people are shown. */
export const SKIP_REASONS = {
  trashed: 'it is in the trash',
  empty: 'there is nothing in it',
  unreadable: 'it is not an item as this format has them',
  'uneven-row': 'its row has another number of columns than the first',
  'row-without-value': 'its row has no value at all',
  'field-too-large': 'a field is larger than 1 MiB',
  'file-too-large': 'a file is larger than 25 MiB',
  'file-missing': 'a file of it is not in the export, or is damaged',
  'too-many-fields': 'it has more than 500 fields',
  'too-many-files': 'it has more than 100 files',
  'too-many-sections': 'it has more than 100 sections',
  'too-many-items': 'there are more than 200000 items',
} as const;

export type SkipReason = keyof typeof SKIP_REASONS;

export interface SkippedItem {
  /** May be shown: cleaned as titles are, or a place such as `row 7`. */
  readonly title: string;
  readonly why: SkipReason;
}

export interface ImportedVault {
  /** null where the format does not say; the human or a default decides. */
  readonly name: string | null;
  readonly items: readonly NewItem[];
  readonly skipped: readonly SkippedItem[];
}

/** What a reader may ask for. A power that is called only when the file needs it. */
export interface ReadOptions {
  /** Without folders; items of formats without titles are named after it. */
  readonly fileName: string;
  /** The password of the file. The reader wipes what it gets. An empty one means that there is none. */
  readonly password?: () => Promise<Secret>;
  /** The content of a KeePass key file. The caller wipes it. */
  readonly keyFile?: Secret;
  /** The content of an age identity file. The caller wipes it. */
  readonly identities?: Secret;
}

/** Overwrites all values. */
export function wipeItems(items: Iterable<NewItem>): void {
  for (const { fields, files } of items) {
    for (const { value } of fields) value.wipe();
    for (const { content } of files) content.wipe();
  }
}

/** Overwrites all values. */
export function wipeVaults(vaults: Iterable<Pick<ImportedVault, 'items'>>): void {
  for (const { items } of vaults) wipeItems(items);
}
