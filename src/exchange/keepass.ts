// A KeePass database as one vault. Its groups become tags (`Work/AWS`): they nest and anybody may move them about, while a
// vault of ours is a border. The recycle bin, earlier versions, icons and autotype are left out.

import type { Kdbx, KdbxEntry, KdbxEntryField, KdbxGroup } from 'kdbxweb';
import type { FieldType } from '../core/item.ts';
import { NAME_LENGTH_MAX } from '../core/names.ts';
import type { ImportedVault, ReadOptions } from './imported.ts';
import { ItemDraft, VaultDraft } from './item-draft.ts';
import { openKeePass } from './keepass-file.ts';
import { OTP_FIELDS, otpAddress } from './keepass-otp.ts';
import { tableOf } from './table.ts';

/** The fields every entry has, under our names. */
const STANDARD = tableOf<readonly [label: string, type: FieldType]>({
  UserName: ['username', 'text'],
  Password: ['password', 'password'],
  URL: ['website', 'url'],
  Notes: ['notesPlain', 'notes'],
});
/** `{REF:P@I:…}`: the password of the entry with that id, instead of a value. keepass.info/help/base/fieldrefs.html */
const REFERENCE = /^\{REF:([TUPAN])@I:([0-9a-f]{32})\}$/i;
const REFERENCE_LENGTH = 42;
const REFERRED = tableOf<string>({
  T: 'Title',
  U: 'UserName',
  P: 'Password',
  A: 'URL',
  N: 'Notes',
});
/** More than a tag may have, which is then cut with a sign that it was. */
const PATH_LENGTH_MAX = 4 * NAME_LENGTH_MAX;
/** Further addresses, as KeePassXC and KeePass2Android keep them. */
const FURTHER_URL = /^KP2A_URL/;

/** Throws as `openKeePass`. */
export async function readKeePass(bytes: Buffer, options: ReadOptions): Promise<ImportedVault[]> {
  const database = await openKeePass(bytes, options);
  const vault = new VaultDraft(database.meta.name ?? null);
  const resolve = resolverOf(database);
  for (const place of placesOf(database)) {
    for (const entry of place.group.entries) vault.take(readEntry(entry, place, resolve));
  }
  return [vault.finish()];
}

interface Place {
  readonly group: KdbxGroup;
  /** The names of the group and those above it, without the root. */
  readonly path: string;
  readonly isBinned: boolean;
}

/** Without recursion and with short paths: somebody may have nested groups ten thousand deep. */
function* placesOf(database: Kdbx): Generator<Place, void, void> {
  const { recycleBinUuid, recycleBinEnabled } = database.meta;
  const bin = recycleBinEnabled === false ? undefined : recycleBinUuid?.id;
  const open: Place[] = database.groups.map((group) => ({ group, path: '', isBinned: false }));
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    yield place;
    for (const group of place.group.groups.toReversed()) {
      const path = [place.path, group.name ?? ''].filter((name) => name !== '').join('/');
      const isBinned = place.isBinned || (bin !== undefined && group.uuid.id === bin);
      open.push({ group, path: path.slice(0, PATH_LENGTH_MAX), isBinned });
    }
  }
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
    return entries.get(id.toLowerCase())?.fields.get(REFERRED.get(letter.toUpperCase()) ?? '') ?? value;
  };
}

function readEntry(entry: KdbxEntry, { path, isBinned }: Place, resolve: Resolve): ItemDraft {
  const text = (name: string): string => textOf(entry.fields.get(name));
  const draft = new ItemDraft(text('Title'), 'login');
  if (isBinned) draft.refuse('trashed');
  draft.tag(path);
  for (const tag of entry.tags) draft.tag(tag);
  for (const [name, value] of entry.fields) {
    if (name !== 'Title' && !OTP_FIELDS.has(name)) addField(draft, name, resolve(value));
  }
  draft.add('one-time password', 'otp', otpAddress(text));
  if (text('UserName') === '' && text('Password') === '') {
    draft.category = entry.binaries.size > 0 ? 'document' : 'secure-note';
  }
  for (const [name, binary] of entry.binaries)
    draft.attach(name, contentOf('value' in binary && 'hash' in binary ? binary.value : binary));
  return draft;
}

function addField(draft: ItemDraft, name: string, value: KdbxEntryField): void {
  const [label, type] = STANDARD.get(name) ?? [name, typeof value === 'string' ? 'text' : 'password'];
  if (FURTHER_URL.test(name)) draft.addNext('website', 'url', textOf(value));
  else draft.add(label, type, typeof value === 'string' ? value : Buffer.from(value.getBinary()));
}

function textOf(value: KdbxEntryField | undefined): string {
  return typeof value === 'string' ? value : (value?.getText() ?? '');
}

/** A buffer of its own. */
function contentOf(binary: ArrayBuffer | { getBinary(): Uint8Array }): Buffer {
  return Buffer.from(binary instanceof ArrayBuffer ? new Uint8Array(binary) : binary.getBinary());
}
