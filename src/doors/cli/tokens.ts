// Words cut into flags, their values, and what is neither: what util.parseArgs of Node gives with `strict: false` and
// `tokens: true`, which takes 1 ms to load. A test holds the two together.

/** Which flags there are: whether one takes a value, and the letter that means the same. */
export type FlagForms = Readonly<Record<string, { readonly takesValue: boolean; readonly short?: string }>>;

export type Token =
  /** `rawName` is as it was typed, without its value. */
  | { readonly kind: 'flag'; readonly name: string; readonly rawName: string; readonly value: string | undefined }
  | { readonly kind: 'positional'; readonly value: string };

/**
 * In order. `--name=value`, `--name value`, `-n value`, `-nvalue`, and `-abc` for three switches. A flag that is not known
 * is a flag all the same. Behind `--` all words are positional.
 */
export function tokensOf(words: readonly string[], forms: FlagForms): Token[] {
  const tokens: Token[] = [];
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--') return [...tokens, ...left.map(positional)];
    if (word.startsWith('--') && word.indexOf('=', 3) !== -1) tokens.push(joined(word));
    else if (word.startsWith('--')) tokens.push(flag(word.slice(2), word, forms, left));
    else if (word.startsWith('-') && word.length > 1) tokens.push(...lettersOf(word, forms, left));
    else tokens.push(positional(word));
  }
  return tokens;
}

function joined(word: string): Token {
  const at = word.indexOf('=');
  return { kind: 'flag', name: word.slice(2, at), rawName: word.slice(0, at), value: word.slice(at + 1) };
}

/** `-abc`: each a switch, or from the first that takes a value on, that value. */
function lettersOf(word: string, forms: FlagForms, left: string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? '';
    const name = nameOf(letter, forms);
    const rawName = `-${letter}`;
    const isLast = at === word.length - 1;
    if (isLast) tokens.push(flag(name, rawName, forms, left));
    else if (forms[name]?.takesValue === true) {
      return [...tokens, { kind: 'flag', name, rawName, value: word.slice(at + 1) }];
    } else tokens.push({ kind: 'flag', name, rawName, value: undefined });
  }
  return tokens;
}

function flag(name: string, rawName: string, forms: FlagForms, left: string[]): Token {
  const takesValue = Object.hasOwn(forms, name) && forms[name]?.takesValue === true;
  return { kind: 'flag', name, rawName, value: takesValue ? left.shift() : undefined };
}

function nameOf(letter: string, forms: FlagForms): string {
  return Object.keys(forms).find((name) => forms[name]?.short === letter) ?? letter;
}

function positional(value: string): Token {
  return { kind: 'positional', value };
}
