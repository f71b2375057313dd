// A KeePass database as one vault. Its groups become tags (`Work/AWS`): they nest and anybody may move them about, while a
// vault of ours is a border. The recycle bin, earlier versions, icons and autotype are left out.

import type { Kdbx, KdbxEntry, KdbxEntryField, KdbxGroup } from 'kdbxweb';
import type { FieldType } from '../core/item.ts';
import type { ImportedVault, ReadOptions } from './imported.ts';
import { ItemDraft, VaultDraft } from './item-draft.ts';
import { openKeePass } from './keepass-file.ts';
import { OTP_FIELDS, otpAddress } from './keepass-otp.ts';

/** The fields every entry has, under our names. */
const STANDARD: Readonly<Record<string, readonly [label: string, type: FieldType]>> = {
  UserName: ['username', 'text'],
  Password: ['password', 'password'],
  URL: ['website', 'url'],
  Notes: ['notesPlain', 'notes'],
};
/** `{REF:P@I:…}`: the password of the entry with that id, instead of a value. keepass.info/help/base/fieldrefs.html */
const REFERENCE = /^\{REF:([TUPAN])@I:([0-9a-f]{32})\}$/i;
const REFERENCE_LENGTH = 42;
const REFERRED: Readonly<Record<string, string>> = { T: 'Title', U: 'UserName', P: 'Password', A: 'URL', N: 'Notes' };
/** Further addresses, as KeePassXC and KeePass2Android keep them. */
const FURTHER_URL = /^KP2A_URL/;

/** Throws as `openKeePass`. */
export async function readKeePass(bytes: Buffer, options: ReadOptions): Promise<ImportedVault[]> {
  const database = await openKeePass(bytes, options);
  const vault = new VaultDraft(database.meta.name ?? null);
  const bin = binOf(database);
  const resolve = resolverOf(database);
  for (const root of database.groups) {
    for (const group of root.allGroups()) {
      const path = pathOf(group);
      const isBinned = bin !== null && path.includes(bin);
      for (const entry of group.entries) vault.take(readEntry(entry, isBinned, path, resolve));
    }
  }
  return [vault.finish()];
}

function binOf(database: Kdbx): KdbxGroup | null {
  const id = database.meta.recycleBinUuid;
  return (database.meta.recycleBinEnabled !== false && id !== undefined && database.getGroup(id)) || null;
}

/** The group and those above it, without the root. */
function pathOf(group: KdbxGroup): readonly KdbxGroup[] {
  const path: KdbxGroup[] = [];
  for (let at: KdbxGroup | undefined = group; at?.parentGroup !== undefined; at = at.parentGroup) path.unshift(at);
  return path;
}

type Resolve = (value: KdbxEntryField) => KdbxEntryField;

/** One step only, to another entry by its id; what leads nowhere stays as it is written. */
function resolverOf(database: Kdbx): Resolve {
  const entries = new Map<string, KdbxEntry>();
  for (const root of database.groups) {
    for (const entry of root.allEntries()) entries.set(Buffer.from(entry.uuid.toBytes()).toString('hex'), entry);
  }
  return (value) => {
    const length = typeof value === 'string' ? value.length : value.byteLength;
    const [, letter = '', id = ''] = (length === REFERENCE_LENGTH && REFERENCE.exec(textOf(value))) || [];
    return entries.get(id.toLowerCase())?.fields.get(REFERRED[letter.toUpperCase()] ?? '') ?? value;
  };
}

function readEntry(entry: KdbxEntry, isBinned: boolean, path: readonly KdbxGroup[], resolve: Resolve): ItemDraft {
  const text = (name: string): string => textOf(entry.fields.get(name));
  const draft = new ItemDraft(text('Title'), 'login');
  if (isBinned) draft.refuse('trashed');
  draft.tag(path.map((group) => group.name ?? '').join('/'));
  for (const tag of entry.tags) draft.tag(tag);
  const { Title: _title, ...others } = Object.fromEntries(entry.fields);
  for (const [name, value] of Object.entries(others)) if (!OTP_FIELDS.has(name)) addField(draft, name, resolve(value));
  draft.add('one-time password', 'otp', otpAddress(text));
  if (text('UserName') === '' && text('Password') === '') {
    draft.category = entry.binaries.size > 0 ? 'document' : 'secure-note';
  }
  for (const [name, binary] of entry.binaries)
    draft.attach(name, contentOf('value' in binary && 'hash' in binary ? binary.value : binary));
  return draft;
}

function addField(draft: ItemDraft, name: string, value: KdbxEntryField): void {
  const [label, type] = STANDARD[name] ?? [name, typeof value === 'string' ? 'text' : 'password'];
  const bytes = typeof value === 'string' ? value : Buffer.from(value.getBinary());
  if (FURTHER_URL.test(name)) draft.addNext('website', 'url', bytes);
  else draft.add(label, type, bytes);
}

function textOf(value: KdbxEntryField | undefined): string {
  return typeof value === 'string' ? value : (value?.getText() ?? '');
}

/** A buffer of its own. */
function contentOf(binary: ArrayBuffer | { getBinary(): Uint8Array }): Buffer {
  return Buffer.from(binary instanceof ArrayBuffer ? new Uint8Array(binary) : binary.getBinary());
}
