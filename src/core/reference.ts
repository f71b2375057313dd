// A secret reference names one field of one item: op://vault/item/[section/]field, with what is to be made of it.
// The language is that of 1Password's SDK, whose own parser is the oracle of the test; docs/references.md has the manual
// and the few differences.

import { Failure } from './failure.ts';

/** What is handed over of a field: its value, the one-time password of now, or a private key as OpenSSH writes one. */
export type ValueForm = 'value' | 'otp' | 'openssh';

/** Names or ids, as they were written. */
export interface SecretReference {
  readonly vault: string;
  readonly item: string;
  readonly section: string | null;
  readonly field: string;
  readonly form: ValueForm;
}

/** In lower case only. `keystile://` says the same of what is certainly kept here. */
export const REFERENCE_SCHEMES = ['op://', 'keystile://'] as const;

/** A longer reference is none (I8); the wire table has the same limit. */
export const REFERENCE_LENGTH_MAX = 1024;

/** One part of a reference. */
const SEGMENT = /^[A-Za-z0-9_.\- ]+$/;

/** Whether a vault, item, section or field of that name can be found by it; others only by their id. */
export function canStandInReference(name: string): boolean {
  return SEGMENT.test(name);
}

/** What may stand behind the question mark: one of these, once. */
const QUERIES: ReadonlyMap<string, ValueForm> = new Map([
  ['attribute=otp', 'otp'],
  ['attribute=totp', 'otp'],
  ['ssh-format=openssh', 'openssh'],
]);

/** Attributes that `op read` has besides: all of them are shown elsewhere, or are what is read without any. */
const ATTRIBUTE_OF_OP = /^attribute=(?:type|value|title|id|purpose|content|size|name)$/;

const USE_ID = 'a vault, item, section or field with other characters in its name is written by its id';

/** Throws `input/reference_invalid` with the argument it came in as `field`; what is wrong is said, never repeated. */
export function parseReference(text: string, field = 'reference'): SecretReference {
  const scheme = REFERENCE_SCHEMES.find((scheme) => text.startsWith(scheme));
  if (scheme === undefined) throw invalid('a reference begins with op:// in lower case', { field });
  if (text.length > REFERENCE_LENGTH_MAX) {
    throw invalid(`a reference has at most ${REFERENCE_LENGTH_MAX} characters`, { field, hint: USE_ID });
  }
  const [, path = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(text.slice(scheme.length)) ?? [];
  const [vault = '', item = '', third = '', fourth] = segmentsOf(path, field);
  const place = fourth === undefined ? { section: null, field: third } : { section: third, field: fourth };
  return { vault, item, ...place, form: formOf(query, field) };
}

/**
 * The text that `parseReference` reads back as the same reference, with op:// and in one spelling: two references are
 * the same when their texts are. Throws `input/reference_invalid` for a name that no reference can be written with.
 */
export function formatReference({ vault, item, section, field, form }: SecretReference): string {
  const segments = section === null ? [vault, item, field] : [vault, item, section, field];
  const text = `op://${segments.join('/')}${queryOf(form)}`;
  if (text.length <= REFERENCE_LENGTH_MAX && segments.every((segment) => SEGMENT.test(segment))) return text;
  throw invalid('that name cannot stand in a reference', { field: 'reference', hint: USE_ID });
}

/** Three or four. */
function segmentsOf(path: string, field: string): string[] {
  const segments = path.split('/');
  if (segments.length < 3 || segments.length > 4) {
    throw invalid('a reference has a vault, an item, perhaps a section, and a field', { field });
  }
  if (segments.includes('')) throw invalid('a part of the reference is empty', { field });
  if (segments.every((segment) => SEGMENT.test(segment))) return segments;
  throw invalid('a reference has letters, digits, spaces, and - _ . only', { field, hint: USE_ID });
}

function formOf(query: string | undefined, field: string): ValueForm {
  if (query === undefined) return 'value';
  const form = QUERIES.get(query);
  if (form !== undefined) return form;
  const hint = ATTRIBUTE_OF_OP.test(query)
    ? 'leave the attribute out: the value comes without one'
    : 'end it with its field, or with ?attribute=otp or ?ssh-format=openssh';
  throw invalid('what follows the question mark of the reference is not known', { field, hint });
}

function queryOf(form: ValueForm): string {
  switch (form) {
    case 'value':
      return '';
    case 'otp':
      return '?attribute=otp';
    case 'openssh':
      return '?ssh-format=openssh';
  }
}

function invalid(message: string, options: { readonly field: string; readonly hint?: string }): Failure {
  return new Failure('input/reference_invalid', message, options);
}
