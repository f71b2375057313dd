// `[sources.NAME]` of config.toml: a vault name whose references are answered from elsewhere (docs/sources.md has the table).
// What a program of a source finds in its environment is written here or nowhere: the daemon's own is not handed on.

import { parseReference } from '../core/reference.ts';
import type { SettingsTable } from './settings-table.ts';

const SOURCES_MAX = 100;

/** Names and values for the environment of a program; see ENVIRONMENT below. */
export type SourceEnvironment = Readonly<Record<string, string>>;

export interface OpSettings {
  readonly kind: 'op';
  /** For `op --account`: address, e-mail address or id. */
  readonly account: string | null;
  /** The vault's name there, where it is another one than here. */
  readonly vault: string | null;
  readonly program: string | null;
  /** A private file with the token of a service account. */
  readonly serviceAccountFile: string | null;
  readonly environment: SourceEnvironment;
}

export interface PassSettings {
  readonly kind: 'pass';
  /** What stands before every item, without a slash at its ends; empty for none. */
  readonly prefix: string;
  /** The folder of the store; null for ~/.password-store. */
  readonly store: string | null;
  readonly program: string | null;
  readonly environment: SourceEnvironment;
}

export interface KvSettings {
  readonly kind: 'vault-kv2';
  /** Without a slash at its end. */
  readonly address: string;
  readonly mount: string;
  readonly prefix: string;
  readonly namespace: string | null;
  readonly token:
    | { readonly from: 'file'; readonly path: string }
    | { readonly from: 'command'; readonly command: readonly string[] };
  /** PEM; then no other certificate authority counts. */
  readonly caFile: string | null;
  readonly environment: SourceEnvironment;
}

export type SourceSettings = OpSettings | PassSettings | KvSettings;

/**
 * What may be set for the programs of a source: where their own files and sockets are, and where they can ask. Nothing that
 * changes how a program is loaded, and no secret: this file is read by whoever can read the home.
 */
const DESKTOP =
  /^(?:GNUPGHOME|GPG_TTY|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|XDG_(?:RUNTIME_DIR|CONFIG_HOME|DATA_HOME|CACHE_HOME|STATE_HOME))$/;
const ENVIRONMENT: Readonly<Record<SourceSettings['kind'], RegExp>> = {
  op: new RegExp(`${DESKTOP.source}|^OP_(?:CONFIG_DIR|CACHE|BIOMETRIC_UNLOCK_ENABLED)$`),
  pass: DESKTOP,
  'vault-kv2': new RegExp(`${DESKTOP.source}|^(?:VAULT|BAO)_(?:ADDR|NAMESPACE|CACERT|CONFIG_PATH)$`),
};
const KINDS = ['op', 'pass', 'vault-kv2'] as const;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const MOUNT_DEFAULT = 'secret';

/** By vault name. Throws `home/settings` with the key and its line. */
export function parseSources(table: SettingsTable): ReadonlyMap<string, SourceSettings> {
  const { keys } = table;
  const beyond = keys[SOURCES_MAX];
  if (beyond !== undefined) throw table.wrong(beyond, `is one too many: ${SOURCES_MAX} is the most`);
  return new Map(
    keys.map((name) => {
      if (!isSegment(name)) throw table.wrong(name, 'is not a name that a reference could use for a vault');
      return [name, parseSource(table.table(name))];
    }),
  );
}

function parseSource(table: SettingsTable): SourceSettings {
  const settings = ofKind(table);
  table.refuseRest();
  return settings;
}

function ofKind(table: SettingsTable): SourceSettings {
  const kind = table.word('kind', KINDS);
  const environment = parseEnvironment(table.table('environment'), kind);
  switch (kind) {
    case 'op':
      return {
        kind,
        account: table.text('account', (text) => /^[\w.@:/+-]+$/.test(text) && !text.startsWith('-'), 'is no account'),
        vault: table.text('vault', isSegment, 'is not a name that a reference could use for a vault'),
        program: table.absolutePath('program'),
        serviceAccountFile: table.absolutePath('service_account_file'),
        environment,
      };
    case 'pass':
      return {
        kind,
        prefix: parsePath(table, 'prefix') ?? '',
        store: table.absolutePath('store'),
        program: table.absolutePath('program'),
        environment,
      };
    case 'vault-kv2':
      return {
        kind,
        address: parseAddress(table),
        mount: parsePath(table, 'mount') ?? MOUNT_DEFAULT,
        prefix: parsePath(table, 'prefix') ?? '',
        namespace: parsePath(table, 'namespace'),
        token: parseToken(table),
        caFile: table.absolutePath('ca_file'),
        environment,
      };
  }
}

function parseEnvironment(table: SettingsTable, kind: SourceSettings['kind']): SourceEnvironment {
  return Object.fromEntries(
    table.keys.map((name) => {
      if (!ENVIRONMENT[kind].test(name)) throw table.wrong(name, `cannot be set for a source of kind ${kind}`);
      return [name, table.text(name, (text) => text !== '', 'has to be a text of one line') ?? ''];
    }),
  );
}

/** The reference language has the say about what a vault may be called. */
function isSegment(text: string): boolean {
  try {
    return text.trim() === text && parseReference(`op://${text}/item/field`).vault === text;
  } catch {
    return false;
  }
}

function parsePath(table: SettingsTable, key: string): string | null {
  return table.text(key, isPath, 'has to be names with slashes between, with none at either end');
}

/** Names with slashes between, none of them `.` or `..`. */
function isPath(text: string): boolean {
  const isPlain = /^[\x21-\x7e]+$/.test(text);
  return isPlain && text.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function parseAddress(table: SettingsTable): string {
  const what = 'has to be an https:// address without user, query or fragment; http:// only for this machine itself';
  const address = table.text('address', isAddress, what);
  if (address === null) throw table.wrong('address', what);
  return address.replace(/\/+$/, '');
}

/** https, or http to this machine itself: what is sent there is a token, and what comes back is a secret. */
function isAddress(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || /[?#\\]/.test(text)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

function parseToken(table: SettingsTable): KvSettings['token'] {
  const path = table.absolutePath('token_file');
  const command = table.command('token_command');
  if (path !== null && command === null) return { from: 'file', path };
  if (path === null && command !== null) return { from: 'command', command };
  throw table.wrong(path === null ? 'token_file' : 'token_command', 'or the other of the two is needed, and only one');
}
