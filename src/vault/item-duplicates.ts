// Whether an item that is imported is there already: an export that is read twice must not double everything.

import type { NewItem } from '../core/item.ts';
import type { Secret } from '../core/secret.ts';
import type { Items } from './items.ts';

/** The same title, category, fields and files with the same values, in the same order. What is archived does not count. */
export function isThere(items: Pick<Items, 'candidates' | 'openings'>, collectionId: string, item: NewItem): boolean {
  const found = items.candidates(collectionId, item.title, null);
  if (found.kind !== 'items') return false;
  return found.items.some(({ itemId, category, fieldCount, fileCount }) => {
    const isAlike = category === item.category && fieldCount === item.fields.length && fileCount === item.files.length;
    return isAlike && isSame(items, itemId, item);
  });
}

function isSame({ openings }: Pick<Items, 'openings'>, itemId: string, other: NewItem): boolean {
  const whole = openings.openWhole(itemId);
  if (whole === null) return false;
  const { item, values } = whole;
  try {
    const sectionOf = (id: string | null): string | null =>
      item.sections.find(({ sectionId }) => sectionId === id)?.label ?? null;
    const own = [
      ...item.fields.map(({ label, sectionId, type }) => [label, sectionOf(sectionId), type]),
      ...item.files.map(({ name, sectionId }) => [name, sectionOf(sectionId), 'file']),
    ];
    const theirs = [
      ...other.fields.map(({ label, section, type }) => [label, section, type]),
      ...other.files.map(({ name, section }) => [name, section, 'file']),
    ];
    if (JSON.stringify(own) !== JSON.stringify(theirs)) return false;
    const wanted: readonly Secret[] = [
      ...other.fields.map(({ value }) => value),
      ...other.files.map(({ content }) => content),
    ];
    return wanted.every((value, i) => values[i]?.equals(value) === true);
  } finally {
    for (const value of values) value.wipe();
  }
}
