// Values of items on their way through the daemon: from the part of a frame into coats, or made here; and out of them
// into the part of an answer. I1: a value is in the clear here only as the bytes of such a part.

import { setImmediate } from 'node:timers/promises';
import { Failure } from '../core/failure.ts';
import { FINGERPRINT, PRIVATE_KEY, PUBLIC_KEY, type BuiltInField } from '../core/item-category.ts';
import type { ChangedField, NewFile, NewItem } from '../core/item.ts';
import { Secret } from '../core/secret.ts';
import { generateValue } from '../vault/generate.ts';
import { generateSshKey, type SshKeyKind } from '../vault/ssh-key.ts';
import type { Items } from '../vault/items.ts';
import type { Call } from '../wire/calls.ts';
import type { WholeItem } from '../wire/item-shapes.ts';
import { cutValues } from '../wire/packed.ts';

/** Values and descriptions of one page of an export; a single larger item makes a page of its own. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
const PAGE_ITEMS_MAX = 1_000;
/** Items looked at before somebody else has a turn. */
const TURN_ITEMS = 100;

type Written = Pick<Call<'item.create'>['params'], 'fields' | 'files'>;

/** Fields and files in coats that are wiped when the block that has them ends. */
export interface Coats extends Disposable {
  readonly fields: readonly ChangedField[];
  readonly files: readonly NewFile[];
}

/** The values of one item; those with a recipe are made here. Throws `input/invalid` when the part does not fit. */
export function coatsOf({ fields, files }: Written, part: Buffer | undefined): Coats {
  const values = cut(part, [...fields, ...files]);
  const coats = {
    fields: fields.map(({ label, section, type, recipe }, i) => {
      return { label, section, type, value: recipe === undefined ? take(values, i) : generateValue(recipe) };
    }),
    files: files.map(({ name, section }, i) => ({ name, section, content: take(values, fields.length + i) })),
  };
  return { ...coats, [Symbol.dispose]: () => wipe(coats) };
}

/** The same for an import. */
export function itemsOf(items: readonly WholeItem[], part: Buffer | undefined): Disposable & { items: NewItem[] } {
  const values = cut(
    part,
    items.flatMap(({ fields, files }) => [...fields, ...files]),
  );
  let at = 0;
  const next = (): Secret => take(values, at++);
  const made = items.map(({ title, category, tags, isArchived = false, fields, files }): NewItem => ({
    title,
    category,
    tags,
    isArchived,
    fields: fields.map(({ label, section, type }) => ({ label, section, type, value: next() })),
    files: files.map(({ name, section }) => ({ name, section, content: next() })),
  }));
  return { items: made, [Symbol.dispose]: () => made.forEach(wipe) };
}

/** The fields of a key that is made now. Whoever gets them wipes the values. */
export async function sshKeyFields(kind: SshKeyKind): Promise<ChangedField[]> {
  const { privatePem, publicLine, fingerprint } = await generateSshKey(kind);
  return [
    builtIn(PRIVATE_KEY, privatePem),
    builtIn(PUBLIC_KEY, Buffer.from(publicLine)),
    builtIn(FINGERPRINT, Buffer.from(fingerprint)),
  ];
}

function builtIn({ label, type }: BuiltInField, value: Buffer): ChangedField {
  return { label, section: null, type, value: new Secret(value) };
}

/** One page of an export, with the part that holds its values, which the receiver wipes. */
export interface Page {
  readonly items: WholeItem[];
  readonly part: Buffer;
  /** How many of `ids` it went through. */
  readonly taken: number;
}

/** The first of `ids` that fit into a page: at least one. Items that are gone meanwhile are left out. */
export async function exportPage(items: () => Items, ids: readonly string[], includeArchived: boolean): Promise<Page> {
  const whole: WholeItem[] = [];
  const values: Secret[] = [];
  let bytes = 0;
  let taken = 0;
  try {
    for (const itemId of ids) {
      if (taken % TURN_ITEMS === TURN_ITEMS - 1) await setImmediate();
      const isFull = whole.length > 0 && bytes + items().openings.byteLength(itemId) > PAGE_BYTES_MAX;
      if (isFull || whole.length >= PAGE_ITEMS_MAX) break;
      taken += 1;
      const summary = items().summary(itemId);
      const opened =
        summary === null || (summary.isArchived && !includeArchived) ? null : items().openings.openWhole(itemId);
      if (opened === null) continue;
      const said = wholeItem(opened);
      whole.push(said);
      values.push(...opened.values);
      bytes += JSON.stringify(said).length + opened.values.reduce((sum, { byteLength }) => sum + byteLength, 0);
    }
    return { items: whole, part: Buffer.concat(values.map((value) => value.reveal())), taken };
  } finally {
    for (const value of values) value.wipe();
  }
}

function wholeItem({ item, values }: NonNullable<ReturnType<Items['openings']['openWhole']>>): WholeItem {
  const { title, category, tags, isArchived, sections } = item;
  const sectionOf = (id: string | null): string | null =>
    sections.find(({ sectionId }) => sectionId === id)?.label ?? null;
  const length = (i: number): number => values[i]?.byteLength ?? 0;
  return {
    title,
    category,
    tags: [...tags],
    isArchived,
    fields: item.fields.map(({ label, sectionId, type }, i) => {
      return { label, section: sectionOf(sectionId), type, bytes: length(i) };
    }),
    files: item.files.map(({ name, sectionId }, i) => {
      return { name, section: sectionOf(sectionId), bytes: length(item.fields.length + i) };
    }),
  };
}

function cut(part: Buffer | undefined, lengths: readonly { readonly bytes: number }[]): Buffer[] {
  const values = cutValues(
    part ?? Buffer.alloc(0),
    lengths.map(({ bytes }) => bytes),
  );
  if (values === null) throw new Failure('input/invalid', 'the values do not fill their part', { field: 'parts' });
  return values;
}

/** A copy: the frame's own bytes are wiped when the handler is done. */
function take(values: readonly Buffer[], i: number): Secret {
  return new Secret(Buffer.from(values[i] ?? Buffer.alloc(0)));
}

function wipe({ fields, files }: Pick<Coats, 'fields' | 'files'>): void {
  for (const { value } of fields) value.wipe();
  for (const { content } of files) content.wipe();
}
