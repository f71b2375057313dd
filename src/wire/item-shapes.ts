// What is said of items on the control socket. Values travel as one part of the frame, all of them one after another:
// `bytes` of each field and file says how long each is, in order of the fields, then the files, item by item.

import * as z from 'zod';
import {
  CATEGORIES,
  FIELD_BYTES_MAX,
  FIELD_TYPES,
  FIELDS_MAX,
  FILE_BYTES_MAX,
  FILES_MAX,
  IMPORT_ITEMS_MAX,
  TAGS_MAX,
  type Candidates,
  type Collection,
  type FieldCandidate,
  type Item,
  type ItemSummary,
  type ItemVersion,
} from '../core/item.ts';
import { NAME_LENGTH_MAX } from '../core/names.ts';

const title = z.string().max(NAME_LENGTH_MAX);
const section = title.nullable();
const type = z.enum(FIELD_TYPES);
const tags = z.array(title).max(TAGS_MAX);
const fieldBytes = z.int().min(0).max(FIELD_BYTES_MAX);
const fileBytes = z.int().min(0).max(FILE_BYTES_MAX);

const field = z.strictObject({ label: title, section, type, bytes: fieldBytes });
const file = z.strictObject({ name: title, section, bytes: fileBytes });
const files = z.array(file).max(FILES_MAX);

/** An item as it is imported and exported. */
const wholeItem = z.strictObject({
  title,
  category: z.enum(CATEGORIES),
  tags,
  isArchived: z.boolean().optional(),
  fields: z.array(field).max(FIELDS_MAX),
  files,
});

export const SSH_KEY_KINDS = ['ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

const place = z.strictObject({ section, field: title });
/** `collection` may be left out where one item is meant by its id, or its title is there once. */
const anItem = { collection: title.optional(), item: title };

/** The shapes of the params; `recipe` is the one of the method table. */
export function itemParams<R extends z.ZodType>(recipe: R) {
  // A field of the command line: its type may be left to the category, and its value to the daemon, with a recipe.
  const fields = z
    .array(
      z.strictObject({ label: title, section, type: type.nullable(), bytes: fieldBytes, recipe: recipe.optional() }),
    )
    .max(FIELDS_MAX);
  return {
    list: z.strictObject({ collection: title, isArchived: z.boolean().optional(), after: title.optional() }),
    one: z.strictObject(anItem),
    create: z.strictObject({
      collection: title,
      title,
      category: z.enum(CATEGORIES),
      tags,
      fields,
      files,
      sshKey: z.enum(SSH_KEY_KINDS).optional(),
    }),
    edit: z.strictObject({
      ...anItem,
      title: title.optional(),
      tags: tags.optional(),
      fields,
      files,
      removed: z.array(place).max(FIELDS_MAX),
    }),
    archive: z.strictObject({ ...anItem, isArchived: z.boolean() }),
    restore: z.strictObject({ ...anItem, version: z.int().min(1) }),
    candidates: z.strictObject({ ...anItem, place: place.optional() }),
    /** No places: all fields that have a value, or for `otp` all that make one-time passwords. */
    reveal: z.strictObject({
      ...anItem,
      places: z.array(place).max(FIELDS_MAX),
      form: z.enum(['value', 'otp']),
    }),
    putFile: z.strictObject({ ...anItem, name: title, section }),
    getFile: z.strictObject({ ...anItem, place }),
    import: z.strictObject({ collection: title, items: z.array(wholeItem).min(1).max(IMPORT_ITEMS_MAX) }),
    export: z.strictObject({ collection: title, fromItem: z.int().min(0), includeArchived: z.boolean() }),
  };
}

export type WholeItem = z.infer<typeof wholeItem>;

/** What the rows for items and collections answer. */
export interface ItemResults {
  'collection.list': { collections: Collection[] };
  'collection.create': { collectionId: string };
  'collection.rename': object;
  'collection.delete': object;
  /** One page, in the order of ids; `next` is `after` of the page that follows. */
  'item.list': { items: ItemSummary[]; next: string | null };
  'item.get': { item: Item; collection: string };
  'item.create': { itemId: string };
  'item.edit': { version: number };
  'item.archive': object;
  'item.restore': { version: number };
  'item.delete': object;
  'item.history': { versions: ItemVersion[] };
  'item.candidates': Candidates;
  /** Part: for n fields n lengths (u32be), then the n values. */
  'item.reveal': { fields: FieldCandidate[] };
  'item.file_put': { version: number };
  /** Part: the bytes of the file. */
  'item.file_get': { file: FieldCandidate };
  /** `duplicates`: how many were there already, to the byte, and were left out. */
  'item.import': { itemIds: string[]; duplicates: number };
  /** Part: the values. `next` is `fromItem` of the page that follows, to be asked for on the same connection. */
  'item.export': { items: WholeItem[]; next: number | null };
}
