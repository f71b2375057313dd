// One table of config.toml, read key by key. A key that was taken is struck off; what is left at the end is unknown, and an
// error that says where it stands.

import { parse, TomlError } from 'smol-toml';
import { isAbsolute } from 'node:path';
import { Failure } from '../core/failure.ts';

const TEXT_LENGTH_MAX = 4_096;
const WORDS_MAX = 32;

/** The whole file as a table. Throws `home/settings` with the place when it is not TOML. */
export function readTable(text: string): SettingsTable {
  try {
    return new SettingsTable([], parse(text), text);
  } catch (cause) {
    // The parser quotes the line it stumbled over; only the place is said.
    const where = cause instanceof TomlError ? `, line ${cause.line}, column ${cause.column}` : '';
    throw new Failure('home/settings', `config.toml${where}: that is not TOML`, { cause });
  }
}

export class SettingsTable {
  readonly #path: readonly string[];
  readonly #values: Map<string, unknown>;
  readonly #text: string;

  constructor(path: readonly string[], table: object, text: string) {
    this.#path = path;
    this.#values = new Map(Object.entries(table));
    this.#text = text;
  }

  /** The keys that were not taken yet. */
  get keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** An empty one where there is none. */
  table(key: string): SettingsTable {
    const value = this.#take(key) ?? {};
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
    if (!isTable) throw this.wrong(key, 'has to be a table');
    return new SettingsTable([...this.#path, key], value, this.#text);
  }

  whole(key: string, min: number, max: number, otherwise: number): number {
    const value = this.#take(key) ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw this.wrong(key, `has to be a whole number from ${min} to ${max}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#take(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.wrong(key, 'has to be true or false');
  }

  absolutePath(key: string): string | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (typeof value === 'string' && isAbsolute(value) && !value.includes('\0')) return value;
    throw this.wrong(key, 'has to be an absolute path');
  }

  /** A text of one line that `accepts` takes; null where there is none. `what` says what it has to be. */
  text(key: string, accepts: (text: string) => boolean, what: string): string | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (isLine(value) && accepts(value)) return value;
    throw this.wrong(key, what);
  }

  word<W extends string>(key: string, words: readonly W[]): W {
    const value = this.#take(key);
    const word = words.find((word) => word === value);
    if (word !== undefined) return word;
    throw this.wrong(key, `has to be one of ${words.join(', ')}`);
  }

  /** A program by its absolute path, and its arguments; null where there is none. */
  command(key: string): readonly string[] | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    const isList = Array.isArray(value) && value.length > 0 && value.length <= WORDS_MAX && value.every(isLine);
    if (isList && isAbsolute(String(value[0]))) return value.map(String);
    throw this.wrong(key, 'has to be a list of texts that begins with the absolute path of a program');
  }

  refuseRest(): void {
    const [key] = this.#values.keys();
    if (key !== undefined) throw this.wrong(key, 'is not a setting');
  }

  /** For the caller to throw: a key and what is wrong with it. */
  wrong(key: string, what: string): Failure {
    const name = [...this.#path, key].join('.').slice(0, 80);
    const line = lineOf(this.#text, this.#path, key);
    const where = line > 0 ? `config.toml, line ${line}` : 'config.toml';
    return new Failure('home/settings', `${where}: ${JSON.stringify(name)} ${what}`, { field: name });
  }

  #take(key: string): unknown {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }
}

function isLine(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_LENGTH_MAX && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value);
}

/** Where a key stands, from 1; 0 when that cannot be told, as in a table written inline. */
function lineOf(text: string, path: readonly string[], key: string): number {
  const lines = text.split('\n').map((line) => line.trim());
  const own = lines.findIndex((line) => headOf(line) === [...path, key].join('.'));
  if (own >= 0) return own + 1;
  const head = path.length === 0 ? -1 : lines.findIndex((line) => headOf(line) === path.join('.'));
  if (path.length > 0 && head < 0) return lines.findIndex((line) => unquoted(line).startsWith(path[0] ?? '')) + 1;
  const inside = lines.slice(head + 1);
  const end = inside.findIndex((line) => line.startsWith('['));
  const found = inside.findIndex((line, i) => (end < 0 || i < end || path.length === 0) && isKey(line, key));
  return found < 0 ? head + 1 : head + found + 2;
}

/** What a line such as `[sources."my vault"]` names, without quotes and blanks; null for any other line. */
function headOf(line: string): string | null {
  const inside = /^\[+\s*(.*?)\s*\]+\s*(?:#.*)?$/.exec(line)?.[1];
  if (inside === undefined) return null;
  return inside
    .split('.')
    .map((part) => unquoted(part.trim()).replace(/["']$/, ''))
    .join('.');
}

/** The line of `key = …`, `key.more = …` or `[key.more]`. */
function isKey(line: string, key: string): boolean {
  const rest = unquoted(line.replace(/^\[+\s*/, ''));
  return rest.startsWith(key) && /^["']?\s*[=.\]]/.test(rest.slice(key.length));
}

function unquoted(text: string): string {
  return text.replace(/^["']/, '');
}
