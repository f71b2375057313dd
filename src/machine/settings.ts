// config.toml: what the human may set. Read once at start; a word we do not know is an error, never ignored.

import { parse, TomlError } from 'smol-toml';
import { isAbsolute } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { HomePaths } from './paths.ts';
import { readPrivate } from './private-files.ts';

const SETTINGS_BYTES_MAX = 64 * 1024;
const MINUTES_MAX = 7 * 24 * 60;

export interface Settings {
  /** For `keystile init`; an existing vault keeps its own. The vault checks them against its floor and ceiling. */
  readonly kdf: { readonly memoryMib: number; readonly passes: number; readonly lanes: number };
  /** Where events are appended; null for the usual place in the home. */
  readonly auditFile: string | null;
  /** Seconds a request waits for the human before it is refused. */
  readonly requestSeconds: number;
  /** Minutes without an answer or a command of the human after which the vault locks; 0 for never. */
  readonly lockAfterIdleMinutes: number;
  /** Mount named pipes also where the kernel does not count who opens them (delivery/mount/fifo.ts says what that costs). */
  readonly allowUncountedPipes: boolean;
}

/** Argon2id as SECURITY.md, "Argon2id", recommends it; eight hours, a working day. */
export const DEFAULT_SETTINGS: Settings = {
  kdf: { memoryMib: 256, passes: 3, lanes: 4 },
  auditFile: null,
  requestSeconds: 300,
  lockAfterIdleMinutes: 480,
  allowUncountedPipes: false,
};

/** The settings of a home, or the defaults when it has no config.toml. Throws `home/settings`, `home/unsafe`. */
export function readSettings(paths: Pick<HomePaths, 'settings'>): Settings {
  const bytes = readPrivate(paths.settings, SETTINGS_BYTES_MAX);
  return bytes === null ? DEFAULT_SETTINGS : parseSettings(bytes.toString('utf8'));
}

/** Reads the text of config.toml. Throws `home/settings` with the key, and the line where it can be told. */
export function parseSettings(text: string): Settings {
  const root = new Section('', parseToml(text), text);
  const kdf = root.section('kdf');
  const audit = root.section('audit');
  const requests = root.section('requests');
  const mounts = root.section('mounts');
  const settings: Settings = {
    kdf: {
      memoryMib: kdf.whole('memory_mib', 1, 65_536, DEFAULT_SETTINGS.kdf.memoryMib),
      passes: kdf.whole('passes', 1, 1_000, DEFAULT_SETTINGS.kdf.passes),
      lanes: kdf.whole('lanes', 1, 64, DEFAULT_SETTINGS.kdf.lanes),
    },
    auditFile: audit.absolutePath('file'),
    requestSeconds: requests.whole('expire_after_seconds', 10, 3_600, DEFAULT_SETTINGS.requestSeconds),
    lockAfterIdleMinutes: root.whole('lock_after_idle_minutes', 0, MINUTES_MAX, DEFAULT_SETTINGS.lockAfterIdleMinutes),
    allowUncountedPipes: mounts.flag('allow_uncounted_pipes', DEFAULT_SETTINGS.allowUncountedPipes),
  };
  for (const section of [root, kdf, audit, requests, mounts]) section.refuseRest();
  return settings;
}

/** One table of the file; every key that is taken is struck off, and what is left at the end is unknown. */
class Section {
  readonly #name: string;
  readonly #values: Map<string, unknown>;
  readonly #text: string;

  constructor(name: string, table: object, text: string) {
    this.#name = name;
    this.#values = new Map(Object.entries(table));
    this.#text = text;
  }

  section(key: string): Section {
    const value = this.#take(key) ?? {};
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
    if (!isTable) throw this.#wrong(key, 'has to be a table');
    return new Section(`${key}.`, value, this.#text);
  }

  whole(key: string, min: number, max: number, otherwise: number): number {
    const value = this.#take(key) ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw this.#wrong(key, `has to be a whole number from ${min} to ${max}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#take(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(key, 'has to be true or false');
  }

  absolutePath(key: string): string | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (typeof value === 'string' && isAbsolute(value) && !value.includes('\0')) return value;
    throw this.#wrong(key, 'has to be an absolute path');
  }

  refuseRest(): void {
    const [key] = this.#values.keys();
    if (key !== undefined) throw this.#wrong(key, 'is not a setting');
  }

  #take(key: string): unknown {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  #wrong(key: string, what: string): Failure {
    const name = `${this.#name}${key}`.slice(0, 80);
    const line = this.#text.split('\n').findIndex((text) => text.trimStart().replace(/^\[+/, '').startsWith(key)) + 1;
    const where = line > 0 ? `config.toml, line ${line}` : 'config.toml';
    return new Failure('home/settings', `${where}: ${JSON.stringify(name)} ${what}`, { field: name });
  }
}

function parseToml(text: string): object {
  try {
    return parse(text);
  } catch (cause) {
    // The parser quotes the line it stumbled over; only the place is said.
    const where = cause instanceof TomlError ? `, line ${cause.line}, column ${cause.column}` : '';
    throw new Failure('home/settings', `config.toml${where}: that is not TOML`, { cause });
  }
}
