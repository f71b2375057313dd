// What every category of items has built in: fields with ids that references, programs and other managers know.
// Ids, labels and kinds are those that `op item template get CATEGORY` shows for a field that we have as well.

import { CONCEALED_TYPES, type Category, type FieldType } from './item.ts';

export interface BuiltInField {
  readonly fieldId: string;
  readonly label: string;
  readonly type: FieldType;
}

const NOTES: BuiltInField = { fieldId: 'notesPlain', label: 'notesPlain', type: 'notes' };
const USERNAME: BuiltInField = { fieldId: 'username', label: 'username', type: 'text' };
const PASSWORD: BuiltInField = { fieldId: 'password', label: 'password', type: 'password' };
const ONE_TIME: BuiltInField = { fieldId: 'otp', label: 'one-time password', type: 'otp' };

/** The fields of a key that is made here (daemon/item-values.ts). */
export const PRIVATE_KEY: BuiltInField = { fieldId: 'private_key', label: 'private key', type: 'sshkey' };
export const PUBLIC_KEY: BuiltInField = { fieldId: 'public_key', label: 'public key', type: 'text' };
export const FINGERPRINT: BuiltInField = { fieldId: 'fingerprint', label: 'fingerprint', type: 'text' };
const KEY_TYPE: BuiltInField = { fieldId: 'key_type', label: 'key type', type: 'text' };

const text = (fieldId: string, label = fieldId): BuiltInField => ({ fieldId, label, type: 'text' });

export const BUILT_IN: Readonly<Record<Category, readonly BuiltInField[]>> = {
  login: [USERNAME, PASSWORD, ONE_TIME, NOTES],
  password: [PASSWORD, NOTES],
  'api-credential': [
    USERNAME,
    { fieldId: 'credential', label: 'credential', type: 'password' },
    text('type'),
    text('filename'),
    text('validFrom', 'valid from'),
    text('expires'),
    text('hostname'),
    NOTES,
  ],
  database: [
    text('database_type', 'type'),
    text('hostname', 'server'),
    text('port'),
    text('database'),
    USERNAME,
    PASSWORD,
    text('sid', 'SID'),
    text('alias'),
    text('options', 'connection options'),
    NOTES,
  ],
  'ssh-key': [PRIVATE_KEY, PUBLIC_KEY, FINGERPRINT, KEY_TYPE, NOTES],
  'secure-note': [NOTES],
  document: [NOTES],
};

/** The built-in field that `name` means by id or label, above all sections. */
export function builtInField(category: Category, name: string): BuiltInField | undefined {
  return BUILT_IN[category].find(({ fieldId, label }) => fieldId === name || label === name);
}

/**
 * The type of a new field. A field that nobody gave a type is concealed, for it may be a secret; and what is built in as
 * a secret stays one whatever type it is given.
 */
export function typeOfNew(
  category: Category,
  section: string | null,
  name: string,
  given: FieldType | null,
): FieldType {
  const builtIn = section === null ? builtInField(category, name) : undefined;
  if (builtIn === undefined) return given ?? 'password';
  if (given === null || (CONCEALED_TYPES.has(builtIn.type) && !CONCEALED_TYPES.has(given))) return builtIn.type;
  return given;
}
