// What a secret reference leads to: said in full to the human, and put into ids, so that what was approved is what is read.

import type { Variable } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import type { Nowhere, Place, ReferenceFacts, Wanted } from '../core/disclosure.ts';
import { CONCEALED_TYPES } from '../core/item.ts';
import { formatReference, parseReference } from '../core/reference.ts';
import type { VariableFacts } from '../core/request.ts';
import { isFileMaskable } from '../vault/item-openings.ts';
import type { Found } from '../vault/item-places.ts';
import type { Vault } from '../vault/vault.ts';
import type { Elsewhere } from './elsewhere.ts';

const SAID_OF: Readonly<Record<Nowhere, string>> = {
  'name/not_found': 'NOTHING: no such item or field',
  'name/ambiguous': 'AMBIGUOUS: more than one item or field',
};

/** `reference` is by ids where it leads into this vault; as it was written where it does not. `source` is for people only. */
export interface Lead extends ReferenceFacts {
  /** As in VariableFacts; undefined for what can be masked, and for what is no secret. */
  readonly unmaskable: VariableFacts['unmaskable'];
}

/**
 * Never throws for what is not there: an agent must not learn from the answer which names exist, and the human is told.
 * Throws `input/reference_invalid`.
 */
export function leadOf(vault: Vault, elsewhere: Elsewhere, text: string, field = 'reference'): Lead {
  const reference = parseReference(text, field);
  const source = elsewhere.kindOf(reference.vault);
  if (source !== null) return { reference: text, source: `${text}, from ${source}`, unmaskable: 'unknown' };
  try {
    const { item, ...found } = vault.items.resolve(reference);
    const { collectionId, itemId, title, sections } = item;
    const { form } = reference;
    const { id, label, sectionId, unmaskable } = targetOf(found);
    const section = sections.find((one) => one.sectionId === sectionId);
    const { name } = vault.collections.get(collectionId);
    const path = [name, title, ...(section === undefined ? [] : [section.label]), label].join(' / ');
    return {
      reference: formatReference({ vault: collectionId, item: itemId, section: sectionId, field: id, form }),
      source: `${path} (${itemId})${form === 'value' ? '' : `, as ${form}`}`,
      unmaskable: form === 'otp' ? 'never' : unmaskable,
    };
  } catch (error) {
    const { code } = Failure.from(error);
    if (code !== 'name/not_found' && code !== 'name/ambiguous') throw error;
    return { reference: text, source: SAID_OF[code], nowhere: code, unmaskable: undefined };
  }
}

function targetOf(found: Found): Pick<Lead, 'unmaskable'> & { id: string; label: string; sectionId: string | null } {
  if (found.kind === 'file') {
    const { fileId, name, sectionId } = found.file;
    return { id: fileId, label: name, sectionId, unmaskable: isFileMaskable(found.file) ? 'unknown' : 'never' };
  }
  const { fieldId, label, sectionId, type } = found.field;
  // A user name may be short: it is no secret, and its run is not kept back for it.
  const unmaskable = CONCEALED_TYPES.has(type) ? unmaskableOf(found.field) : undefined;
  return { id: fieldId, label, sectionId, unmaskable };
}

/** Of a concealed value. What a version before 0.4 stored was judged by its length alone. */
export function unmaskableOf({
  maskable,
  maskability,
}: Pick<Variable, 'maskable' | 'maskability'>): VariableFacts['unmaskable'] {
  if (!maskable) return 'never';
  return maskability === undefined ? 'unknown' : undefined;
}

/** The places of what was approved. Throws the code of what led nowhere when it was shown (I5). */
export function wantedOf(environmentId: string | null, variables: readonly VariableFacts[]): Wanted[] {
  return variables.map((variable) => ({ name: variable.name, place: placeOf(environmentId, variable) }));
}

function placeOf(environmentId: string | null, { name, reference, nowhere }: VariableFacts): Place {
  if (nowhere !== undefined) {
    throw new Failure(nowhere, `${name} led to no value when it was shown`, { field: 'reference', hint: 'ask again' });
  }
  if (reference !== undefined) return { kind: 'reference', reference };
  if (environmentId === null) throw new Failure('internal/error', 'a variable comes from nowhere');
  return { kind: 'variable', environmentId, name };
}
