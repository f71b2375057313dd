// A secret reference names one field of one item: op://vault/item/[section/]field, with what is to be made of it.

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

const SCHEME = /^(?:op|keystile):\/\//;
const SEGMENT = /^[A-Za-z0-9_.\- ]+$/;

/** Throws `input/reference_invalid` with the argument it came in as `field`. */
export function parseReference(text: string, field = 'reference'): SecretReference {
  if (!SCHEME.test(text)) throw invalid('a reference begins with op://', field);
  const [path = '', query, ...more] = text.replace(SCHEME, '').split('?');
  const segments = path.split('/');
  if (more.length > 0 || segments.length < 3 || segments.length > 4 || !segments.every((one) => SEGMENT.test(one)))
    throw invalid('that is not a secret reference', field);
  const [vault = '', item = '', third = '', fourth] = segments;
  const place = fourth === undefined ? { section: null, field: third } : { section: third, field: fourth };
  return { vault, item, ...place, form: formOf(query, field) };
}

/** What `parseReference` reads back. */
export function formatReference({ vault, item, section, field, form }: SecretReference): string {
  const query = { value: '', otp: '?attribute=otp', openssh: '?ssh-format=openssh' }[form];
  return `op://${[vault, item, ...(section === null ? [] : [section]), field].join('/')}${query}`;
}

function formOf(query: string | undefined, field: string): ValueForm {
  switch (query) {
    case undefined:
      return 'value';
    case 'attribute=otp':
    case 'attribute=totp':
      return 'otp';
    case 'ssh-format=openssh':
      return 'openssh';
    default:
      throw invalid('a reference ends with ?attribute=otp or ?ssh-format=openssh, or with its field', field);
  }
}

function invalid(message: string, field: string): Failure {
  return new Failure('input/reference_invalid', message, { field });
}
