// What the columns of other managers' CSV files mean, by the first row. One table for all of them: no two use one name for
// different things.

import type { FieldType } from '../core/item.ts';
import { tableOf } from './table.ts';

/** What is said of the item as a whole. */
export type About = 'title' | 'vault' | 'archived' | 'type';

export type ColumnRole =
  | { readonly kind: 'about'; readonly what: About }
  | { readonly kind: 'url' | 'pairs' | 'ignored' }
  | { readonly kind: 'tags'; readonly isList: boolean }
  | { readonly kind: 'field'; readonly label: string; readonly type: FieldType };

const field = (label: string, type: FieldType): ColumnRole => ({ kind: 'field', label, type });
const about = (what: About): ColumnRole => ({ kind: 'about', what });
const TITLE = about('title');
const VAULT = about('vault');
const ADDRESS: ColumnRole = { kind: 'url' };
const IGNORED: ColumnRole = { kind: 'ignored' };
/** A path such as `Work/AWS` is one tag. */
const FOLDER: ColumnRole = { kind: 'tags', isList: false };
const USERNAME = field('username', 'text');
const PASSWORD = field('password', 'password');
const NOTES = field('notesPlain', 'notes');
const OTP = field('one-time password', 'otp');

/** In lower case. Chrome, Edge, Firefox, Safari, 1Password 8, Bitwarden, LastPass, and the words people use. */
const ROLES = tableOf<ColumnRole>({
  name: TITLE,
  title: TITLE,
  url: ADDRESS,
  website: ADDRESS,
  'web site': ADDRESS,
  login_uri: ADDRESS,
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
  tags: { kind: 'tags', isList: true },
  folder: FOLDER,
  grouping: FOLDER,
  group: FOLDER,
  collections: VAULT,
  vault: VAULT,
  archived: about('archived'),
  fields: { kind: 'pairs' },
  type: about('type'),
  favorite: IGNORED,
  fav: IGNORED,
  reprompt: IGNORED,
  guid: IGNORED,
  formactionorigin: IGNORED,
  timecreated: IGNORED,
  timelastused: IGNORED,
  timepasswordchanged: IGNORED,
});

/** What each column holds. One that nobody knows is a field of that name, and concealed: it may hold anything. */
export function rolesOf(heads: readonly string[]): readonly ColumnRole[] {
  const seen = new Set<ColumnRole>();
  return heads.map((head) => {
    const role = knownRole(head);
    // `name` and `title` in one file: the first names the item, the other is not lost.
    const isFurther = role?.kind === 'about' && seen.has(role);
    if (role !== undefined) seen.add(role);
    return role === undefined || isFurther ? field(head, 'password') : role;
  });
}

/**
 * Whether a first row is one of heads: something that names an item, and something worth keeping. A file without heads
 * is refused, since its first row would be shown as the names of fields.
 */
export function areHeads(heads: readonly string[]): boolean {
  const roles = heads.map((head) => knownRole(head));
  const isNamed = roles.some((role) => role === TITLE || role === ADDRESS);
  const hasValue = [USERNAME, PASSWORD, NOTES, OTP].some((role) => roles.includes(role));
  return isNamed && hasValue && new Set(heads.map((head) => head.trim().toLowerCase())).size === heads.length;
}

function knownRole(head: string): ColumnRole | undefined {
  return ROLES.get(head.trim().toLowerCase());
}
