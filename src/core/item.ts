// An item is what people keep in a vault: a login, a key, a document. Here is what may be said aloud of one; values come
// sealed, or in a coat. What people call a vault is a Collection here: `Vault` is the file that all of them lie in.

import type { Maskability } from './maskability.ts';
import type { Secret } from './secret.ts';

/** By the names `op` and its users have for them. */
export const CATEGORIES = [
  'login',
  'password',
  'api-credential',
  'database',
  'ssh-key',
  'secure-note',
  'document',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** By the names that an assignment has: `[section.]field[type]=value`. */
export const FIELD_TYPES = [
  'text',
  'password',
  'email',
  'url',
  'date',
  'monthYear',
  'phone',
  'otp',
  'sshkey',
  'notes',
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** Types whose values are never shown unless somebody says so, and never taken from an argument. */
export const CONCEALED_TYPES: ReadonlySet<FieldType> = new Set(['password', 'otp', 'sshkey', 'notes']);

export interface Collection {
  readonly collectionId: string;
  readonly name: string;
  /** Items that are not in the archive. */
  readonly itemCount: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface Section {
  readonly sectionId: string;
  readonly label: string;
}

export interface Field {
  readonly fieldId: string;
  /** May be there more than once in one section; a reference to it is ambiguous then. */
  readonly label: string;
  /** null for the fields above all sections. */
  readonly sectionId: string | null;
  readonly type: FieldType;
  readonly isSet: boolean;
  /** As those of a Variable. */
  readonly maskable: boolean;
  readonly maskability?: Maskability;
}

export interface ItemFile {
  readonly fileId: string;
  readonly name: string;
  readonly sectionId: string | null;
  readonly bytes: number;
}

export interface Item {
  readonly itemId: string;
  readonly collectionId: string;
  /** May be there more than once in one collection; a reference to it is ambiguous then. */
  readonly title: string;
  readonly category: Category;
  readonly tags: readonly string[];
  readonly sections: readonly Section[];
  readonly fields: readonly Field[];
  readonly files: readonly ItemFile[];
  /** From 1, one more with every change of what it holds; the archive is no such change. */
  readonly version: number;
  readonly isArchived: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** An item as lists have it. */
export interface ItemSummary extends Pick<
  Item,
  'itemId' | 'collectionId' | 'title' | 'category' | 'tags' | 'version' | 'isArchived' | 'updatedAt'
> {
  readonly fieldCount: number;
  readonly fileCount: number;
}

/** One version that is still there: the present one, or an earlier one. */
export interface ItemVersion {
  readonly version: number;
  readonly title: string;
  /** ISO 8601: when it became what it is. */
  readonly updatedAt: string;
  /** Labels of fields and names of files that got another value with it. */
  readonly changed: readonly string[];
}

/** A place in an item, by labels or ids: what stands behind the item in a reference. */
export interface FieldPlace {
  readonly section: string | null;
  readonly field: string;
}

/** Everything that a name could mean, for the human to choose from. */
export type Candidates =
  | { readonly kind: 'items'; readonly items: readonly ItemSummary[] }
  | { readonly kind: 'fields'; readonly itemId: string; readonly fields: readonly FieldCandidate[] };

export interface FieldCandidate {
  /** Of the field or the file. */
  readonly id: string;
  readonly label: string;
  readonly sectionId: string | null;
  readonly section: string | null;
  readonly type: FieldType | 'file';
}

/** A field on its way into the vault. Whoever made it wipes `value`. */
export interface NewField {
  readonly label: string;
  /** The label of its section; null for none. */
  readonly section: string | null;
  readonly type: FieldType;
  readonly value: Secret;
}

export interface NewFile {
  readonly name: string;
  readonly section: string | null;
  readonly content: Secret;
}

/** An item on its way into the vault, from the command line or from another manager. */
export interface NewItem {
  readonly title: string;
  readonly category: Category;
  readonly tags: readonly string[];
  readonly fields: readonly NewField[];
  readonly files: readonly NewFile[];
  readonly isArchived?: boolean;
}

/** A change of an item: what is not named stays as it is. Whoever made it wipes the values. */
export interface ItemChange {
  readonly title?: string;
  readonly tags?: readonly string[];
  /** Each changes the one field that its place means, or adds it. Without a type a field keeps the one it has. */
  readonly fields?: readonly ChangedField[];
  /** Each takes the place of the file of that name in that section, or is added. */
  readonly files?: readonly NewFile[];
  readonly removed?: readonly FieldPlace[];
}

export type ChangedField = Omit<NewField, 'type'> & { readonly type: FieldType | null };

export const COLLECTIONS_MAX = 1_000;
/** In all collections together, the archive included. */
export const ITEMS_MAX = 200_000;
export const FIELDS_MAX = 500;
export const FILES_MAX = 100;
export const SECTIONS_MAX = 100;
export const TAGS_MAX = 100;
/** Items that are imported in one commit; while it goes on, everybody else waits. */
export const IMPORT_ITEMS_MAX = 500;
/** Earlier versions kept of one item; the oldest go first. */
export const VERSIONS_MAX = 20;
export const FIELD_BYTES_MAX = 1024 * 1024;
export const FILE_BYTES_MAX = 25 * 1024 * 1024;
/** All values of one version together: an item fits into one frame (wire/frames.ts), so that it can be exported whole. */
export const ITEM_BYTES_MAX = 28 * 1024 * 1024;
/** Of what a name could mean, so many are shown. */
export const CANDIDATES_MAX = 100;
