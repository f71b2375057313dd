// From words to a command: which one is meant, and what its arguments and flags are.

import { printable } from '../../core/printable.ts';
import { GLOBAL_FLAGS, usage, type Command, type Flag } from './command.ts';
import { tokensOf, type FlagForms } from './tokens.ts';

/** A word this many edits away from a name was hardly meant as that name. */
const EDITS_MAX = 3;

export interface Parsed {
  readonly args: ReadonlyMap<string, string>;
  /** The words of the argument that is repeated. */
  readonly repeated: readonly string[];
  /** Of a flag that is repeated, the last value. */
  readonly flags: ReadonlyMap<string, string | true>;
  readonly repeatedFlags: ReadonlyMap<string, readonly string[]>;
  /** The words after `--`. */
  readonly command: readonly string[];
}

/** What the first words name: one command, or the nouns and commands that start with them. */
export type Found =
  | { readonly kind: 'command'; readonly command: Command; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly path: readonly string[]; readonly rest: readonly string[] };

/** Throws `usage/invalid` with the nearest name when the words name nothing. Flags may stand before the command. */
export function findCommand(commands: readonly Command[], argv: readonly string[]): Found {
  const { words, flags } = leadingFlags(argv);
  const path: string[] = [];
  let under = commands;
  for (const word of words) {
    if (word.startsWith('-')) break;
    const next = under.filter((command) => command.path[path.length] === word);
    if (next.length === 0) throw unknown(word, path, under);
    path.push(word);
    under = next;
    const exact = under.find((command) => command.path.length === path.length);
    if (exact !== undefined) return { kind: 'command', command: exact, rest: [...flags, ...words.slice(path.length)] };
  }
  return { kind: 'group', path, rest: [...flags, ...words.slice(path.length)] };
}

/** The first word that is no flag, nor the value of one. */
export function firstWord(argv: readonly string[]): string | undefined {
  return leadingFlags(argv).words[0];
}

/** `keystile --format json status`: global flags before the command belong to it. */
function leadingFlags(argv: readonly string[]): { words: readonly string[]; flags: readonly string[] } {
  let at = 0;
  while (argv[at]?.startsWith('-') === true) {
    const takesNext = GLOBAL_FLAGS[argv[at]!.slice(2)]?.value !== undefined;
    at += takesNext ? 2 : 1;
  }
  return { words: argv.slice(at), flags: argv.slice(0, at) };
}

function unknown(word: string, path: readonly string[], under: readonly Command[]): Error {
  const names = [...new Set(under.map((command) => command.path[path.length] ?? ''))];
  const near = nearest(word, names);
  const known = path.length === 0 ? '' : ` of ${path.join(' ')}`;
  const hint = near === null ? undefined : `did you mean "${['keystile', ...path, near].join(' ')}"?`;
  return usage(`there is no command "${printable(word)}"${known}`, hint ?? helpHint(path));
}

function helpHint(path: readonly string[]): string {
  return `see ${['keystile', ...path, '--help'].join(' ')}`;
}

/** The name that needs the fewest edits to become `word`, the start or end of one first; null when even that is far. */
export function nearest(word: string, names: readonly string[]): string | null {
  const isPart = (name: string): boolean => name.startsWith(word) || name.endsWith(`-${word}`);
  const scored = names.map((name) => ({ name, edits: isPart(name) ? 0 : editDistance(word, name) }));
  const best = scored.toSorted((a, b) => a.edits - b.edits || a.name.length - b.name.length)[0];
  return best !== undefined && best.edits <= Math.min(EDITS_MAX, Math.ceil(best.name.length / 2)) ? best.name : null;
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_none, i) => i);
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (to[j] === letter ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Throws `usage/invalid` for flags the command does not have and arguments that are missing or too many. */
export function parseCommand(command: Command, rest: readonly string[]): Parsed {
  const flags = { ...GLOBAL_FLAGS, ...command.flags };
  const { own, command: words } = splitCommand(command, rest);
  const given = parseFlags(command, flags, joinOptional(flags, own));
  refuseExclusive(command, given.flags);
  const { flags: seen, repeatedFlags } = given;
  if (seen.has('help')) return { args: new Map(), repeated: [], flags: seen, repeatedFlags, command: words };
  if (command.takesCommand === true && words.length === 0) {
    throw usage(`${command.path.join(' ')} needs a command after --`, helpHint(command.path));
  }
  return { ...nameArguments(command, given.positionals), flags: seen, repeatedFlags, command: words };
}

/** What stands behind the first `--` belongs to the command that is to be run, whatever it looks like. */
function splitCommand(
  command: Command,
  rest: readonly string[],
): { own: readonly string[]; command: readonly string[] } {
  const at = command.takesCommand === true ? rest.indexOf('--') : -1;
  return at === -1 ? { own: rest, command: [] } : { own: rest.slice(0, at), command: rest.slice(at + 1) };
}

/** tokensOf knows no flag with an optional value, so each becomes `--flag=value` here. */
function joinOptional(flags: Readonly<Record<string, Flag>>, rest: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i]!;
    if (word === '--') return [...joined, ...rest.slice(i)];
    const optional = flags[word.slice(2)]?.optional;
    if (optional === undefined || !word.startsWith('--')) joined.push(word);
    else if (optional.accepts.test(rest[i + 1] ?? '')) joined.push(`${word}=${rest[(i += 1)]}`);
    else joined.push(`${word}=${optional.default}`);
  }
  return joined;
}

function parseFlags(
  command: Command,
  flags: Readonly<Record<string, Flag>>,
  args: string[],
): Pick<Parsed, 'flags' | 'repeatedFlags'> & { positionals: readonly string[] } {
  const tokens = tokensOf(args, formsOf(flags));
  const given = new Map<string, string | true>();
  const repeatedFlags = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'flag') continue;
    const flag = flags[token.name];
    if (flag === undefined) throw unknownFlag(token.rawName, command, Object.keys(flags));
    const value = flagValue(token.rawName, flag, token.value);
    given.set(token.name, value);
    if (flag.isRepeated !== true || value === true) continue;
    repeatedFlags.set(token.name, [...(repeatedFlags.get(token.name) ?? []), value]);
  }
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  return { flags: given, repeatedFlags, positionals };
}

function formsOf(flags: Readonly<Record<string, Flag>>): FlagForms {
  const forms: Record<string, FlagForms[string]> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const short = name === 'help' ? 'h' : flag.short;
    forms[name] = { takesValue: flag.value !== undefined, ...(short !== undefined && { short }) };
  }
  return forms;
}

function flagValue(name: string, flag: Flag, value: string | undefined): string | true {
  if (flag.value === undefined) {
    if (value !== undefined) throw usage(`${name} takes no value`);
    return true;
  }
  if (value === undefined) throw usage(`${name} needs a value`, `write ${name} ${flag.value}`);
  if (flag.takesEmpty !== true) refuseEmpty(name, value);
  refuseOther(name, value, flag.choices);
  return value;
}

/** Said here, because what an empty path or name would lead to says something else. */
function refuseEmpty(name: string, value: string): void {
  if (value === '') throw usage(`${name} is empty`, 'if it comes from a variable of the shell, that is not set');
}

function refuseOther(name: string, value: string, choices: readonly string[] | undefined): void {
  if (choices === undefined || choices.includes(value)) return;
  throw usage(`${name} cannot be "${printable(value)}"`, `choose ${choices.join(', ')}`);
}

function unknownFlag(rawName: string, command: Command, names: readonly string[]): Error {
  // A value may have been typed into the same word; it is not repeated.
  const name = printable(rawName.split('=')[0] ?? '');
  const near = nearest(name.replace(/^--/, ''), names);
  return usage(
    `${command.path.join(' ')} has no flag ${name}`,
    near === null ? helpHint(command.path) : `did you mean --${near}?`,
  );
}

function refuseExclusive(command: Command, flags: ReadonlyMap<string, unknown>): void {
  for (const group of command.exclusive ?? []) {
    const given = group.filter((name) => flags.has(name));
    if (given.length > 1) {
      throw usage(`${given.map((name) => `--${name}`).join(' and ')} do not go together`, 'give one of them');
    }
  }
}

function nameArguments(command: Command, positionals: readonly string[]): Pick<Parsed, 'args' | 'repeated'> {
  const all = command.args ?? [];
  const wanted = all.filter(({ isRepeated }) => isRepeated !== true);
  const repeated = positionals.slice(wanted.length);
  if (repeated.length > 0 && wanted.length === all.length) {
    throw command.refuseExtra?.() ?? usage(`too many arguments for ${command.path.join(' ')}`, helpHint(command.path));
  }
  const args = new Map<string, string>();
  for (const [i, argument] of wanted.entries()) {
    const value = positionals[i];
    if (value === undefined && argument.isOptional === true) continue;
    if (value === undefined) {
      throw usage(`${command.path.join(' ')} needs ${argument.name}`, helpHint(command.path));
    }
    refuseEmpty(argument.name, value);
    refuseOther(argument.name, value, argument.choices);
    args.set(argument.name, value);
  }
  return { args, repeated };
}
