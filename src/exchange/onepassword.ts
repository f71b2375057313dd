// 1Password's .1pux: a ZIP archive with export.data, JSON of accounts, vaults and items, and the files of the items.
// Sources: https://support.1password.com/1pux-format/, and the names of files that KeePassXC's OPUXReader looks for.

import { FILE_BYTES_MAX, type Category } from '../core/item.ts';
import { Failure } from '../core/failure.ts';
import type { ImportedVault } from './imported.ts';
import { ItemDraft, VaultDraft } from './item-draft.ts';
import {
  isObject,
  JSON_BYTES_MAX,
  listAt,
  objectAt,
  objectsAt,
  own,
  parseJsonObject,
  textAt,
  textsAt,
} from './json-tree.ts';
import type { JsonObject } from './json-tree.ts';
import { addLoginField, addSectionField } from './onepassword-fields.ts';
import { ZipArchive } from './zip.ts';
import { tableOf } from './table.ts';

const DATA = 'export.data';

/** By categoryUuid: ours, or the nearest of ours with a tag that says what it was. */
const CATEGORIES = tableOf<readonly [category: Category, tag?: string]>({
  '001': ['login'],
  '002': ['secure-note', 'Credit Card'],
  '003': ['secure-note'],
  '004': ['secure-note', 'Identity'],
  '005': ['password'],
  '006': ['document'],
  '100': ['secure-note', 'Software License'],
  '101': ['secure-note', 'Bank Account'],
  '102': ['database'],
  '103': ['secure-note', 'Driver License'],
  '104': ['secure-note', 'Outdoor License'],
  '105': ['secure-note', 'Membership'],
  '106': ['secure-note', 'Passport'],
  '107': ['secure-note', 'Reward Program'],
  '108': ['secure-note', 'Social Security Number'],
  '109': ['login', 'Wireless Router'],
  '110': ['login', 'Server'],
  '111': ['login', 'Email Account'],
  '112': ['api-credential'],
  '113': ['secure-note', 'Medical Record'],
  '114': ['ssh-key'],
  '115': ['secure-note', 'Crypto Wallet'],
});
const OTHER = ['secure-note', 'Other'] as const;

/**
 * The vaults of all accounts in the file. Throws `import/format` for another kind of archive, `import/damaged`, and
 * `input/too_large` past a limit. Earlier passwords are left out.
 */
export function readOnePassword(bytes: Buffer): ImportedVault[] {
  const archive = new ZipArchive(bytes);
  const accounts = objectsAt(readData(archive), 'accounts');
  const drafts: VaultDraft[] = [];
  try {
    for (const vault of accounts.flatMap((account) => objectsAt(account, 'vaults'))) {
      const draft = new VaultDraft(textAt(objectAt(vault, 'attrs'), 'name'));
      drafts.push(draft);
      for (const [place, item] of listAt(vault, 'items').entries()) {
        if (isObject(item)) readItem(draft, item, archive);
        else draft.skip(`item ${place + 1}`, 'unreadable');
      }
    }
  } catch (error) {
    for (const draft of drafts) draft.wipe();
    throw error;
  }
  return drafts.map((draft) => draft.finish());
}

function readData(archive: ZipArchive): JsonObject {
  const extracted = archive.extract(DATA, JSON_BYTES_MAX);
  switch (extracted.kind) {
    case 'content':
      try {
        return parseJsonObject(extracted.content, DATA);
      } finally {
        extracted.content.fill(0);
      }
    case 'absent':
      throw new Failure('import/format', 'this ZIP archive is not an export of 1Password: it has no export.data', {
        hint: 'a Bitwarden export with attachments is not read; export .json instead',
      });
    case 'too-large':
      throw new Failure('input/too_large', `${DATA} is larger than 500 MiB`, { hint: 'export fewer vaults at once' });
    case 'damaged':
      throw new Failure('import/damaged', `${DATA} is damaged`);
  }
}

function readItem(vault: VaultDraft, entry: JsonObject, archive: ZipArchive): void {
  // Version 2 put each item one level deeper.
  const item = isObject(own(entry, 'item')) ? objectAt(entry, 'item') : entry;
  const [category, tag] = CATEGORIES.get(textAt(item, 'categoryUuid')) ?? OTHER;
  const overview = objectAt(item, 'overview');
  const draft = new ItemDraft(textAt(overview, 'title'), category);
  if (tag !== undefined) draft.tag(tag);
  for (const name of textsAt(overview, 'tags')) draft.tag(name);
  draft.isArchived = textAt(item, 'state') === 'archived';
  if (own(item, 'trashed') === true) draft.refuse('trashed');
  readDetails(draft, objectAt(item, 'details'), archive);
  readUrls(draft, overview);
  vault.take(draft);
}

function readDetails(draft: ItemDraft, details: JsonObject, archive: ZipArchive): void {
  for (const field of objectsAt(details, 'loginFields')) addLoginField(draft, field);
  draft.add('password', 'password', textAt(details, 'password'));
  const attach = (file: JsonObject, section: string | null): void => attachFile(draft, archive, file, section);
  for (const section of objectsAt(details, 'sections')) {
    const title = textAt(section, 'title');
    for (const field of objectsAt(section, 'fields')) addSectionField(draft, title, field, attach);
  }
  if (isObject(own(details, 'documentAttributes'))) attach(objectAt(details, 'documentAttributes'), null);
  draft.add('notesPlain', 'notes', textAt(details, 'notesPlain'));
}

/** `url` is the first of `urls`, where there are both. */
function readUrls(draft: ItemDraft, overview: JsonObject): void {
  const urls = objectsAt(overview, 'urls').map((url) => textAt(url, 'url'));
  for (const url of new Set([textAt(overview, 'url'), ...urls])) draft.addNext('website', 'url', url);
}

function attachFile(draft: ItemDraft, archive: ZipArchive, file: JsonObject, section: string | null): void {
  const fileName = textAt(file, 'fileName');
  const extracted = archive.extract(`files/${textAt(file, 'documentId')}__${fileName}`, FILE_BYTES_MAX);
  switch (extracted.kind) {
    case 'content':
      draft.attach(fileName, extracted.content, section);
      return;
    case 'too-large':
      draft.refuse('file-too-large');
      return;
    case 'absent':
    case 'damaged':
      draft.refuse('file-missing');
      return;
  }
}
