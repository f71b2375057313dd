// What may follow `keystile`, place by place, made from the commands: what the scripts of all three shells say.

import { GLOBAL_FLAGS, type Command, type Flag, type NameKind } from './command.ts';

/** One thing that may follow what was typed so far. */
export interface Word {
  readonly word: string;
  readonly help: string;
}

/** What may stand at one place. `files` is what every shell does by itself. */
export type Offer =
  | { readonly kind: 'words'; readonly words: readonly Word[] }
  | { readonly kind: 'names'; readonly names: NameKind }
  | { readonly kind: 'files' };

export interface Tree {
  /** Every command and the words that begin one, such as ` environment`, each word with a space in front. */
  readonly prefixes: readonly string[];
  /** Flags whose value is the next word. */
  readonly valueFlags: readonly string[];
  /** By `PREFIX:COUNT`: what the next argument may be after so many; `PREFIX:*` after all of them. */
  readonly arguments: ReadonlyMap<string, Offer>;
  /** By `PREFIX`: flags. */
  readonly flags: ReadonlyMap<string, readonly Word[]>;
  /** By `PREFIX FLAG`: what its value may be. */
  readonly values: ReadonlyMap<string, Offer>;
}

export function treeOf(commands: readonly Command[]): Tree {
  const offers = new Map<string, Offer>();
  const flags = new Map<string, readonly Word[]>();
  const values = new Map<string, Offer>();
  const valueFlags: string[] = [];
  for (const command of commands) {
    for (const [depth, word] of command.path.entries()) {
      const isLast = depth === command.path.length - 1;
      addWord(offers, `${prefix(command.path.slice(0, depth))}:0`, {
        word,
        help: isLast ? command.help : `${word} commands`,
      });
    }
    const at = prefix(command.path);
    const own = Object.entries({ ...command.flags, ...GLOBAL_FLAGS });
    for (const [i, argument] of (command.args ?? []).entries()) offers.set(`${at}:${i}`, offerOf(argument));
    const words = own.map(([name, { help }]) => ({ word: `--${name}`, help }));
    offers.set(`${at}:*`, { kind: 'words', words });
    flags.set(at, words);
    for (const [name, flag] of own) {
      if (!takesWord(flag)) continue;
      values.set(`${at} --${name}`, offerOf(flag));
      valueFlags.push(`--${name}`);
    }
  }
  const paths = commands.flatMap(({ path }) => path.map((_word, i) => prefix(path.slice(0, i + 1))));
  return {
    prefixes: [...new Set(paths)],
    valueFlags: [...new Set(valueFlags)],
    arguments: offers,
    flags,
    values,
  };
}

function addWord(offers: Map<string, Offer>, at: string, word: Word): void {
  const known = offers.get(at);
  const words = known?.kind === 'words' ? known.words : [];
  if (!words.some((other) => other.word === word.word)) offers.set(at, { kind: 'words', words: [...words, word] });
}

function offerOf(one: { readonly choices?: readonly string[]; readonly names?: NameKind }): Offer {
  if (one.names !== undefined) return { kind: 'names', names: one.names };
  if (one.choices === undefined) return { kind: 'files' };
  return { kind: 'words', words: one.choices.map((word) => ({ word, help: '' })) };
}

function takesWord(flag: Flag): boolean {
  return flag.value !== undefined && flag.optional === undefined;
}

function prefix(path: readonly string[]): string {
  return path.map((word) => ` ${word}`).join('');
}
