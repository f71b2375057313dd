// item get, list and history. Without --reveal there is no value in this process; with it the human said who they are.

import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import { CONCEALED_TYPES, type FieldCandidate, type FieldPlace, type Item, type ItemSummary } from '../../core/item.ts';
import { printable } from '../../core/printable.ts';
import type { Connection } from '../../wire/client.ts';
import { unpackValues } from '../../wire/packed.ts';
import { findCollection } from './collection-commands.ts';
import type { Call } from './command.ts';
import { callForItem, namedItem, placesOf } from './item-names.ts';
import { counted, table, shortTime, timeText, valueMember } from './output.ts';
import { maskedBadge } from './unmaskable.ts';

export async function listItems(call: Call): Promise<ExitCode> {
  const daemon = await call.daemon();
  const vault = call.flag('vault');
  const collections =
    vault === undefined
      ? (await daemon.call('collection.list', {})).result.collections
      : [await findCollection(daemon, vault)];
  const names = new Map(collections.map(({ collectionId, name }) => [collectionId, name]));
  const [category, tags] = [call.flag('category'), call.flag('tags')?.split(',')];
  const found: ItemSummary[] = [];
  for (const { collectionId } of collections) {
    for await (const item of itemsOf(daemon, collectionId, call.has('archived'))) {
      if (category !== undefined && item.category !== category) continue;
      if (tags !== undefined && !item.tags.some((tag) => tags.includes(tag))) continue;
      found.push(item);
    }
  }
  const items = found
    .sort((a, b) => compare(a.title, b.title) || compare(a.itemId, b.itemId))
    .map((item) => ({ ...item, vault: names.get(item.collectionId) ?? '' }));
  const none = call.has('archived')
    ? 'nothing in the archive'
    : 'no items; make one with: keystile item create --title TITLE';
  call.output.answer({ items }, () => itemTable(items, none));
  return EXIT.done;
}

/** Tags only where there are some: the rest fits on 80 columns. */
function itemTable(items: readonly (ItemSummary & { readonly vault: string })[], none: string): string[] {
  const hasTags = items.some(({ tags }) => tags.length > 0);
  const rows = items.map(({ title, itemId, vault, category, tags, updatedAt }) => [
    title,
    itemId,
    vault,
    category,
    ...(hasTags ? [tags.join(',')] : []),
    shortTime(updatedAt),
  ]);
  return table(['TITLE', 'ID', 'VAULT', 'CATEGORY', ...(hasTags ? ['TAGS'] : []), 'CHANGED'], rows, none);
}

/** Page by page, so that no frame is too large. */
async function* itemsOf(daemon: Connection, collection: string, isArchived: boolean): AsyncGenerator<ItemSummary> {
  for (let after: string | null = ''; after !== null;) {
    const { result }: { result: { items: ItemSummary[]; next: string | null } } = await daemon.call('item.list', {
      collection,
      isArchived,
      after,
    });
    yield* result.items;
    after = result.next;
  }
}

export async function getItem(call: Call): Promise<ExitCode> {
  const named = namedItem(call);
  const fields = call.flag('fields');
  const places = fields === undefined ? [] : placesOf(fields);
  const { item, collection } = (await callForItem(call, 'item.get', named)).result;
  if (call.has('reveal') || call.has('otp')) return await reveal(call, item, places);
  const shown = places.length === 0 ? item : await partOf(await call.daemon(), item, places);
  call.output.answer({ item: { ...shown, vault: collection } }, () => [
    ...itemLines(shown, collection),
    ...(places.length === 0 ? [] : ['values: the same with --reveal']),
  ]);
  return EXIT.done;
}

async function reveal(call: Call, { itemId, title }: Item, places: readonly FieldPlace[]): Promise<ExitCode> {
  const form = call.has('otp') ? 'otp' : 'value';
  const { result, parts } = await call.human.withPassphrase(
    'Passphrase to show values',
    async (passphrase) =>
      await callForItem(call, 'item.reveal', { item: itemId, places: [...places], form }, { parts: [passphrase] }),
  );
  const [packed = Buffer.alloc(0)] = parts;
  try {
    const values = unpackValues(packed, result.fields.length);
    if (values.length === 0) throw new Failure('vault/value_missing', 'there is no such value in that item');
    // From here on the values are strings: this process shows them to the human and ends.
    const shown = result.fields.map((field, i) => ({ field, value: values[i] ?? Buffer.alloc(0) }));
    if (call.output.isJson) call.output.answer({ itemId, title, fields: shown.map(revealedDocument) }, () => []);
    else showValues(call, shown);
  } finally {
    packed.fill(0);
  }
  return EXIT.done;
}

interface Revealed {
  readonly field: FieldCandidate;
  readonly value: Buffer;
}

function revealedDocument({ field: { id, label, section, type }, value }: Revealed): object {
  return { fieldId: id, label, section, type, ...valueMember('value', value) };
}

/** One value alone is what it is, so that a program can take it; several have their labels. */
function showValues(call: Call, shown: readonly Revealed[]): void {
  const [only, second] = shown;
  if (only !== undefined && second === undefined && !process.stdout.isTTY) {
    // A copy: standard output may be slower than the wiping of what was received.
    call.output.raw(Buffer.concat([only.value, Buffer.from('\n')]));
    return;
  }
  for (const { field, value } of shown) {
    const { label, section } = field;
    const { lines, isEscaped } = valueLines(value);
    const name = printable(section === null ? label : `${section}.${label}`);
    if (second === undefined) call.output.raw(`${lines.join('\n')}\n`);
    else call.output.raw(`${name}: ${lines.join('\n  ')}\n`);
    if (isEscaped) call.output.note(`${label} has characters that a terminal would act on: they, and \\, are escaped`);
  }
}

/** Controls, and what turns text around or hides in it; anything else stands as it is, or it would be another value. */
const UNSHOWABLE = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/u;

function valueLines(value: Buffer): { lines: string[]; isEscaped: boolean } {
  const text = value.toString('utf8');
  const lines = text.replace(/\n$/, '').split('\n');
  const isEscaped = UNSHOWABLE.test(text) || !Buffer.from(text, 'utf8').equals(value);
  return { lines: isEscaped ? lines.map((line) => printable(line)) : lines, isEscaped };
}

export async function showHistory(call: Call): Promise<ExitCode> {
  const { versions } = (await callForItem(call, 'item.history', namedItem(call))).result;
  call.output.answer({ versions }, () =>
    table(
      ['VERSION', 'MADE', 'TITLE', 'NEW VALUES'],
      versions.map(({ version, updatedAt, title, changed }) => [
        String(version),
        shortTime(updatedAt),
        title,
        changed.join(', '),
      ]),
      'no versions',
    ),
  );
  return EXIT.done;
}

function itemLines(item: Item, collection: string): string[] {
  const { title, itemId, category, version, updatedAt, tags, isArchived, fields, files } = item;
  const section = (id: string | null): string => item.sections.find(({ sectionId }) => sectionId === id)?.label ?? '';
  const fieldRows = fields.map(({ label, sectionId, type, isSet, fieldId, ...judged }) => [
    section(sectionId),
    label,
    type,
    isSet ? 'yes' : 'no',
    // What is no secret is masked where that can be done, and keeps nothing back where it cannot.
    isSet && CONCEALED_TYPES.has(type) ? maskedBadge(judged) : '-',
    fieldId,
  ]);
  const fileRows = files.map(({ name, sectionId, bytes, fileId }) => [
    section(sectionId),
    name,
    'file',
    counted(bytes, 'byte'),
    'when read',
    fileId,
  ]);
  return [
    `${title} (${itemId}) in ${collection}, ${category}, version ${version}, changed ${timeText(updatedAt)}`,
    ...(isArchived ? ['in the archive: references find it by its id only'] : []),
    ...(tags.length === 0 ? [] : [`tags: ${tags.join(', ')}`]),
    ...table(['SECTION', 'FIELD', 'TYPE', 'SET', 'MASKED', 'ID'], [...fieldRows, ...fileRows], 'no fields'),
  ];
}

/** The item with those fields and files only that the places could mean. Throws `name/not_found`. */
async function partOf(daemon: Connection, item: Item, places: readonly FieldPlace[]): Promise<Item> {
  const ids = new Set<string>();
  for (const place of places) {
    const { result } = await daemon.call('item.candidates', { item: item.itemId, place });
    const found = result.kind === 'fields' ? result.fields : [];
    if (found.length === 0) {
      throw new Failure('name/not_found', 'the item has no field or file of that name', { field: '--fields' });
    }
    for (const { id } of found) ids.add(id);
  }
  const fields = item.fields.filter(({ fieldId }) => ids.has(fieldId));
  return { ...item, fields, files: item.files.filter(({ fileId }) => ids.has(fileId)) };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
