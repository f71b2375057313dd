// Which field or file of an item a name means: by label or id, compared exactly, and never a guess.

import { Failure } from '../core/failure.ts';
import type { FieldCandidate, FieldPlace } from '../core/item.ts';
import type { StoredField, StoredFile, StoredItem } from './item-content.ts';

export type Found =
  | { readonly kind: 'field'; readonly field: StoredField }
  | { readonly kind: 'file'; readonly file: StoredFile };

type Places = Pick<StoredItem, 'sections' | 'fields' | 'files'>;

/**
 * All that the place could mean. With a section only what is in a section of that label or id; without one, what is
 * above all sections, and only if that is nothing, what is in any of them.
 */
export function matches(item: Places, place: FieldPlace): Found[] {
  const named = withName(item, place.field);
  if (place.section !== null) {
    const wanted = place.section;
    const ids = item.sections.filter(({ sectionId, label }) => sectionId === wanted || isSame(label, wanted));
    return named.filter((found) => ids.some(({ sectionId }) => sectionId === sectionOf(found)));
  }
  const above = named.filter((found) => sectionOf(found) === null);
  return above.length > 0 ? above : named;
}

/** The one that is meant. Throws `name/not_found`, `name/ambiguous`. */
export function theMatch(item: Places, place: FieldPlace): Found {
  const found = matches(item, place);
  const [first, second] = found;
  if (first === undefined) {
    throw new Failure('name/not_found', 'the item has no field or file of that name', { field: 'reference' });
  }
  if (second !== undefined) {
    throw new Failure('name/ambiguous', `${found.length} fields or files of the item have that name`, {
      field: 'reference',
      hint: 'name the section, or use the id',
    });
  }
  return first;
}

export function candidateOf({ sections }: Places, found: Found): FieldCandidate {
  const sectionId = sectionOf(found);
  const section = sections.find((one) => one.sectionId === sectionId)?.label ?? null;
  if (found.kind === 'file') {
    const { fileId: id, name: label } = found.file;
    return { id, label, sectionId, section, type: 'file' };
  }
  const { fieldId: id, label, type } = found.field;
  return { id, label, sectionId, section, type };
}

/** Two names that look the same are one, as they are for records (Unicode NFC). */
export function isSame(one: string, other: string): boolean {
  return one === other || one.normalize('NFC') === other.normalize('NFC');
}

function withName({ fields, files }: Places, name: string): Found[] {
  return [
    ...fields
      .filter(({ fieldId, label }) => fieldId === name || isSame(label, name))
      .map((field): Found => ({ kind: 'field', field })),
    ...files
      .filter((file) => file.fileId === name || isSame(file.name, name))
      .map((file): Found => ({ kind: 'file', file })),
  ];
}

function sectionOf(found: Found): string | null {
  return found.kind === 'field' ? found.field.sectionId : found.file.sectionId;
}
