// What the columns of other managers' CSV files mean, by the first row. One table for all of them: no two use one name for
// different things.

import type { FieldType } from '../core/item.ts';

export type ColumnRole =
  | { readonly kind: 'title' | 'tags' | 'folder' | 'vault' | 'archived' | 'pairs' | 'type' | 'ignored' }
  | { readonly kind: 'url' }
  | { readonly kind: 'field'; readonly label: string; readonly type: FieldType };

const field = (label: string, type: FieldType): ColumnRole => ({ kind: 'field', label, type });
const TITLE: ColumnRole = { kind: 'title' };
const URL: ColumnRole = { kind: 'url' };
const IGNORED: ColumnRole = { kind: 'ignored' };
const USERNAME = field('username', 'text');
const PASSWORD = field('password', 'password');
const NOTES = field('notesPlain', 'notes');
const OTP = field('one-time password', 'otp');

/** In lower case. Chrome, Edge, Firefox, Safari, 1Password 8, Bitwarden, LastPass, and the words people use. */
const ROLES: Readonly<Record<string, ColumnRole>> = {
  name: TITLE,
  title: TITLE,
  account: TITLE,
  url: URL,
  website: URL,
  'web site': URL,
  login_uri: URL,
  username: USERNAME,
  login: USERNAME,
  user: USERNAME,
  'user name': USERNAME,
  login_username: USERNAME,
  password: PASSWORD,
  login_password: PASSWORD,
  note: NOTES,
  notes: NOTES,
  notesplain: NOTES,
  extra: NOTES,
  comments: NOTES,
  otp: OTP,
  otpauth: OTP,
  totp: OTP,
  login_totp: OTP,
  'one-time password': OTP,
  email: field('email', 'email'),
  tags: { kind: 'tags' },
  folder: { kind: 'folder' },
  grouping: { kind: 'folder' },
  group: { kind: 'folder' },
  collections: { kind: 'vault' },
  vault: { kind: 'vault' },
  archived: { kind: 'archived' },
  fields: { kind: 'pairs' },
  type: { kind: 'type' },
  favorite: IGNORED,
  fav: IGNORED,
  reprompt: IGNORED,
  guid: IGNORED,
  formactionorigin: IGNORED,
  timecreated: IGNORED,
  timelastused: IGNORED,
  timepasswordchanged: IGNORED,
};

/** A column nobody knows is a field of that name, and concealed: it may hold anything. */
export function roleOf(head: string): ColumnRole {
  const name = head.trim().toLowerCase();
  return (Object.hasOwn(ROLES, name) ? ROLES[name] : undefined) ?? field(head, 'password');
}

/**
 * Whether a first row is one of heads: something that names an item, and something worth keeping. A file without heads
 * is refused, since its first row would be shown as the names of fields.
 */
export function areHeads(roles: readonly ColumnRole[], heads: readonly string[]): boolean {
  const names = heads.map((head) => head.trim().toLowerCase());
  const isNamed = roles.some(({ kind }) => kind === 'title' || kind === 'url');
  const hasValue = names.some((name) => [USERNAME, PASSWORD, NOTES, OTP].includes(ROLES[name] ?? IGNORED));
  return isNamed && hasValue && new Set(names).size === names.length;
}
