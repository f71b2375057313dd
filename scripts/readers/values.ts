// The values of the readers table: one of each kind that some reader of dotenv files is known to stumble over. Each but the
// empty one carries a canary of its own.

import { canary } from '../../test/house.ts';

export interface TableValue {
  /** The variable, which says what is special about the value. */
  readonly name: string;
  /** The same for people. */
  readonly what: string;
  readonly value: Buffer;
  /** What must turn up nowhere; null where there is nothing to look for. */
  readonly canary: string | null;
}

/** For each kind, what is put around a canary. */
const KINDS: readonly (readonly [name: string, what: string, around: (canary: string) => string])[] = [
  ['PLAIN', 'letters, digits and `-`', (it) => it],
  ['SPACES', 'spaces inside and at both ends', (it) => `  two words ${it}  `],
  ['TAB', 'a tab', (it) => `a\t${it}`],
  ['HASH', '`#`, also behind a space', (it) => `a#b #${it} # no comment`],
  ['EQUALS', '`=`', (it) => `a=${it}==`],
  ['URL', 'a connection string', (it) => `postgres://u:p%40${it}@db.example:5432/shop?sslmode=require&x=1#f`],
  ['DOLLAR', '`$HOME`, `$(id)` and a lone `$`', (it) => `$HOME $(id) $ ${it}$`],
  ['BACKQUOTE', 'backquotes', (it) => `a\`id\`${it}`],
  ['SINGLE_QUOTE', "`'`", (it) => `it's ${it}`],
  ['DOUBLE_QUOTE', '`"`', (it) => `say "${it}"`],
  ['JSON', 'JSON', (it) => `{"key": "${it}", "list": [1, null]}`],
  ['BACKSLASH', '`\\` before letters', (it) => `C:\\new\\${it}`],
  ['UNICODE', 'other alphabets and an emoji', (it) => `pässwörd 漢字 😀 ${it}`],
  ['PEM', 'a key of several lines', (it) => `-----BEGIN KEY-----\n${it}\nAAAA+/==\n\n-----END KEY-----\n`],
  ['EMPTY', 'nothing at all', () => ''],
  ['BOTH_QUOTES', '`\'` and `"`', (it) => `'"${it}`],
  ['QUOTE_DOLLAR', "`'` and `$`", (it) => `it's $5 ${it}`],
  ['BRACE', '`${NAME}`', (it) => `a\${HOME}${it}`],
  ['BACKSLASH_END', '`\\` at the end', (it) => `${it}\\`],
  ['RETURN', 'a carriage return', (it) => `${it}\r\nb`],
];

/** Fresh ones. */
export function tableValues(): TableValue[] {
  return KINDS.map(([name, what, around]) => {
    const it = canary();
    const value = Buffer.from(around(it));
    return { name, what, value, canary: value.includes(it) ? it : null };
  });
}
