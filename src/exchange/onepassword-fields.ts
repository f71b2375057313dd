// The fields of 1Password's items: what each kind of value becomes here. What is not known is kept, and concealed.

import type { FieldType } from '../core/item.ts';
import type { ItemDraft } from './item-draft.ts';
import { isObject, scalarText, textAt, type JsonObject } from './json-tree.ts';
import { tableOf } from './table.ts';

/** Of the form a login was saved from: its buttons and pictures, which hold no value of anybody. */
const BUTTONS = new Set(['B', 'I', 'S', 'R']);

const LOGIN_TYPES = tableOf<FieldType>({
  P: 'password',
  E: 'email',
  U: 'url',
  TEL: 'phone',
});

/** By the one member that a value has. */
const VALUE_TYPES = tableOf<FieldType>({
  string: 'text',
  concealed: 'password',
  totp: 'otp',
  email: 'email',
  phone: 'phone',
  url: 'url',
  date: 'date',
  monthYear: 'monthYear',
  address: 'text',
  menu: 'text',
  gender: 'text',
  creditCardType: 'text',
  creditCardNumber: 'password',
  reference: 'text',
});

const ADDRESS_PARTS = ['street', 'city', 'state', 'zip', 'country'];
/** The last second that JavaScript can date. */
const SECONDS_MAX = 8.64e12;

export function addLoginField(draft: ItemDraft, field: JsonObject): void {
  const value = valueText(field.value);
  const designation = textAt(field, 'designation');
  if (designation === 'username' || designation === 'password') {
    draft.add(designation, designation === 'password' ? 'password' : 'text', value);
    return;
  }
  const fieldType = textAt(field, 'fieldType');
  if (BUTTONS.has(fieldType)) return;
  draft.add(textAt(field, 'name') || textAt(field, 'id'), LOGIN_TYPES.get(fieldType) ?? 'text', value, 'web form');
}

/** `attach` takes a file out of the archive. */
export function addSectionField(
  draft: ItemDraft,
  section: string,
  field: JsonObject,
  attach: (file: JsonObject, section: string) => void,
): void {
  const label = textAt(field, 'title') || textAt(field, 'id');
  if (!isObject(field.value)) return;
  for (const [kind, value] of Object.entries(field.value)) {
    if (kind === 'file' && isObject(value)) attach(value, section);
    else if (kind === 'sshKey' && isObject(value)) addSshKey(draft, section, value);
    else draft.add(label, VALUE_TYPES.get(kind) ?? 'password', asText(kind, value), section);
  }
}

/** `metadata` has the key in one form always (PKCS #8, PEM), the member beside it has what was pasted. */
function addSshKey(draft: ItemDraft, section: string, key: JsonObject): void {
  const metadata = isObject(key.metadata) ? key.metadata : {};
  draft.add('private key', 'sshkey', textAt(metadata, 'privateKey') || textAt(key, 'privateKey'), section);
  draft.add('public key', 'text', textAt(metadata, 'publicKey'), section);
  draft.add('fingerprint', 'text', textAt(metadata, 'fingerprint'), section);
  draft.add('key type', 'text', valueText(metadata.keyType), section);
}

function asText(kind: string, value: unknown): string {
  if (kind === 'date' && typeof value === 'number') return dateText(value);
  if (kind === 'address' && isObject(value)) {
    return ADDRESS_PARTS.map((part) => textAt(value, part))
      .filter((line) => line !== '')
      .join('\n');
  }
  return valueText(value);
}

/** Seconds since 1970, at noon UTC in what 1Password writes; as YYYY-MM-DD. */
function dateText(seconds: number): string {
  if (Math.abs(seconds) > SECONDS_MAX) return String(seconds);
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** Addresses of email and linked accounts come as objects; what is not known is kept as JSON. */
function valueText(value: unknown): string {
  if (!isObject(value)) return scalarText(value);
  return textAt(value, 'email_address') || textAt(value, 'string') || JSON.stringify(value);
}
