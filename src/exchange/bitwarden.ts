// Bitwarden's unencrypted JSON, of a person or of an organisation. Folders become tags and collections become vaults:
// a folder is where one person keeps an item, a collection is who else may have it.
// Source: https://bitwarden.com/help/condition-bitwarden-import/#condition-a-json, and what its clients export.

import type { Category, FieldType } from '../core/item.ts';
import { Failure } from '../core/failure.ts';
import type { ImportedVault } from './imported.ts';
import { ItemDraft, VaultDraft } from './item-draft.ts';
import { isObject, listAt, objectAt, objectsAt, own, parseJsonObject, textAt, textsAt } from './json-tree.ts';
import type { JsonObject } from './json-tree.ts';
import { tableOf } from './table.ts';

/** CipherType of its clients: the member with the values, our category, and a tag where that says too little. */
const TYPES = tableOf<readonly [member: string, category: Category, tag?: string]>({
  '1': ['login', 'login'],
  '2': ['secureNote', 'secure-note'],
  '3': ['card', 'secure-note', 'Credit Card'],
  '4': ['identity', 'secure-note', 'Identity'],
  '5': ['sshKey', 'ssh-key'],
});
const OTHER = ['', 'secure-note', 'Other'] as const;

/** Members that become fields: ours by label and type. What is not named here is kept under its own name. */
const MEMBERS = tableOf<readonly [label: string, type: FieldType]>({
  username: ['username', 'text'],
  password: ['password', 'password'],
  totp: ['one-time password', 'otp'],
  number: ['number', 'password'],
  code: ['code', 'password'],
  ssn: ['ssn', 'password'],
  passportNumber: ['passport number', 'password'],
  licenseNumber: ['license number', 'password'],
  email: ['email', 'email'],
  phone: ['phone', 'phone'],
  privateKey: ['private key', 'sshkey'],
  publicKey: ['public key', 'text'],
  keyFingerprint: ['fingerprint', 'text'],
});
/** Not values of the human: addresses are read apart, dates and kinds of notes say nothing. */
const LEFT_OUT = new Set(['uris', 'uri', 'passwordRevisionDate', 'fido2Credentials', 'autofillOnPageLoad', 'type']);
/** FieldType of its clients. */
const FIELD_TYPES = tableOf<FieldType>({ '0': 'text', '1': 'password', '2': 'text' });
/** Such a field only points at another one. */
const LINKED = '3';

/**
 * One vault for each collection, and one without a name for what is in none. Throws `import/format` for an encrypted
 * export and for other JSON, `import/damaged` for what is not JSON. Earlier passwords and passkeys are left out.
 */
export function readBitwarden(bytes: Buffer): ImportedVault[] {
  const data = parseJsonObject(bytes, 'this export');
  refuseOthers(data);
  const folders = namesById(data, 'folders');
  const collections = namesById(data, 'collections');
  const vaults = new Map<string, VaultDraft>();
  const vaultOf = (name = ''): VaultDraft => {
    const vault = vaults.get(name) ?? new VaultDraft(name);
    vaults.set(name, vault);
    return vault;
  };
  for (const [place, item] of listAt(data, 'items').entries()) {
    if (!isObject(item)) {
      vaultOf().skip(`item ${place + 1}`, 'unreadable');
      continue;
    }
    const [home, ...others] = textsAt(item, 'collectionIds').flatMap((id) => collections.get(id) ?? []);
    vaultOf(home).take(readItem(item, place, [folders.get(textAt(item, 'folderId')) ?? '', ...others]));
  }
  return [...vaults.values()].map((vault) => vault.finish());
}

function refuseOthers(data: JsonObject): void {
  if (own(data, 'encrypted') === true) {
    throw new Failure('import/format', 'this export of Bitwarden is encrypted, and only Bitwarden can read it', {
      hint: 'export again with the file format .json, not .json (Encrypted), then delete that file',
    });
  }
  if (!Array.isArray(own(data, 'items'))) {
    throw new Failure('import/format', 'this JSON is not an export of Bitwarden: it has no list of items');
  }
}

function namesById(data: JsonObject, list: string): ReadonlyMap<string, string> {
  return new Map(objectsAt(data, list).map((entry) => [textAt(entry, 'id'), textAt(entry, 'name')]));
}

function readItem(item: JsonObject, place: number, tags: readonly string[]): ItemDraft {
  const [member, category, tag = ''] = TYPES.get(textAt(item, 'type')) ?? OTHER;
  const draft = new ItemDraft(textAt(item, 'name') || `item ${place + 1}`, category);
  for (const name of [tag, ...tags]) draft.tag(name);
  if (textAt(item, 'deletedDate') !== '') draft.refuse('trashed');
  draft.isArchived = textAt(item, 'archivedDate') !== '';
  if (member === '') addUnknown(draft, item);
  else addMembers(draft, objectAt(item, member), 'text');
  for (const uri of objectsAt(objectAt(item, 'login'), 'uris')) draft.addNext('website', 'url', textAt(uri, 'uri'));
  for (const field of objectsAt(item, 'fields')) addCustomField(draft, field);
  draft.add('notesPlain', 'notes', textAt(item, 'notes'));
  return draft;
}

/** A type that came after this was written: every object in the item may hold its values, and they are concealed. */
function addUnknown(draft: ItemDraft, item: JsonObject): void {
  for (const value of Object.values(item)) if (isObject(value)) addMembers(draft, value, 'password');
}

function addCustomField(draft: ItemDraft, field: JsonObject): void {
  const type = textAt(field, 'type');
  if (type === LINKED) return;
  draft.add(textAt(field, 'name'), FIELD_TYPES.get(type) ?? 'password', textAt(field, 'value'));
}

function addMembers(draft: ItemDraft, values: JsonObject, unknown: FieldType): void {
  for (const name of Object.keys(values)) {
    if (LEFT_OUT.has(name)) continue;
    const [label, type] = MEMBERS.get(name) ?? [wordsOf(name), unknown];
    draft.add(label, type, textAt(values, name));
  }
}

/** `postalCode` is `postal code`. */
function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
}
