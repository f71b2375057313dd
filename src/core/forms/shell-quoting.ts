// How shells quote what they print: bash, dash and zsh, cmd and PowerShell. Without the quotes at both ends, so that the
// value is also found inside a longer word.

import { hexDigits, spellBy, spellBytes, tableFrom, tableOf, type ByteTable, type Spelling } from './spelling.ts';

/** Inside single quotes: `'` closed, written and opened again, in one of the two ways of shells and of shlex. */
function singleQuoteTable(quote: `'\\''` | `'"'"'`): ByteTable {
  return tableFrom({ "'": quote });
}

/** A backslash before each byte of `special`. */
export function backslashTable(special: string): ByteTable {
  return tableFrom(behind('\\', special));
}

const ANSI_C_SHORT: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  "'": "\\'",
  '\\': '\\\\',
};

export function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, '0')}`;
}

/** Inside `$'…'` of bash, or of zsh: octal for control bytes and for bytes from 0x80 on. */
function ansiCTable(shell: 'bash' | 'zsh'): ByteTable {
  return tableOf((byte) => {
    if (byte === 0x1b) return shell === 'bash' ? '\\E' : '\\033';
    if (byte === 0x21 && shell === 'zsh') return '\\!';
    const isOctal = byte < 0x20 || byte >= 0x7f;
    return ANSI_C_SHORT[String.fromCharCode(byte)] ?? (isOctal ? octal(byte) : undefined);
  });
}

/** Inside `$'…'` as `zsh -x` writes it (Src/utils.c, nicechar): `\C-A`, `\M-i`, `\M-\n`. */
const ZSH_TABLE: ByteTable = tableOf((byte) => {
  if (byte === 0x27 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
  return byte < 0x80 ? zshControl(byte) : `\\M-${zshControl(byte & 0x7f) ?? String.fromCharCode(byte & 0x7f)}`;
});

function zshControl(byte: number): string | undefined {
  if (byte === 0x09 || byte === 0x0a) return byte === 0x09 ? '\\t' : '\\n';
  return byte < 0x20 || byte === 0x7f ? `\\C-${String.fromCharCode(byte ^ 0x40)}` : undefined;
}

/** What zsh puts a backslash before; `=` and `~` at the start of a word too. */
const ZSH_SPECIAL = ' "#$&\'()*;<>?[\\]^`{|}';

/** Zsh's `${(q)v}` and `printf %q`: control bytes each in quotes of its own, the rest behind a backslash. */
const ZSH_WORD_TABLE: ByteTable = tableOf((byte) => {
  const letter = String.fromCharCode(byte);
  if (byte < 0x20 || byte >= 0x7f) return `$'${ANSI_C_SHORT[letter] ?? octal(byte)}'`;
  return ZSH_SPECIAL.includes(letter) ? `\\${letter}` : undefined;
});

/** By bytes when the locale is C. When it is one of UTF-8 characters stay, and only a byte that is part of none changes. */
function inBothLocales(bytes: ByteTable): Spelling[] {
  return [{ bytes }, { bytes, beyond: () => undefined }];
}

const SHELL_SPELLINGS: readonly Spelling[] = [
  { bytes: singleQuoteTable(`'\\''`) },
  { bytes: singleQuoteTable(`'"'"'`) },
  { bytes: backslashTable('\\$`"') }, // inside double quotes (POSIX shell, 2.2.3), as bash's `declare -p` writes it
  ...[ansiCTable('bash'), ansiCTable('zsh'), ZSH_TABLE, ZSH_WORD_TABLE].flatMap(inBothLocales),
];

export function spellShell(value: Buffer): Buffer[] {
  const words = [dashRuns(value), zshRuns(value), zshDouble(value), bashWord(value)];
  return [...spellBy(value, SHELL_SPELLINGS), ...words.flatMap((word) => word ?? [])];
}

/** Inside single quotes as dash writes it: a run of `'` goes into double quotes, with none of the others behind the last. */
function dashRuns(value: Uint8Array): Buffer | undefined {
  return spellBytes(value, (byte, at) => {
    if (byte !== 0x27) return undefined;
    const opens = value[at - 1] !== 0x27 ? `'"` : '';
    const closes = at + 1 === value.length ? '"' : value[at + 1] !== 0x27 ? `"'` : '';
    return `${opens}'${closes}`;
  });
}

/**
 * Inside single quotes as `zsh -x` writes it (Src/utils.c, quotedzputs): it closes them before a run of `'` and opens
 * them behind it, so that there are none at the ends of a value.
 */
function zshRuns(value: Uint8Array): Buffer | undefined {
  return spellBytes(value, (byte, at) => {
    if (byte !== 0x27) return undefined;
    const closes = at > 0 && value[at - 1] !== 0x27 ? "'" : '';
    const opens = at + 1 < value.length && value[at + 1] !== 0x27 ? "'" : '';
    return `${closes}\\'${opens}`;
  });
}

/** Inside double quotes as zsh's `${(qqq)v}` writes it: not the `$` of `$'`. */
function zshDouble(value: Uint8Array): Buffer | undefined {
  return spellBytes(value, (byte, at) => {
    const isSpecial = byte === 0x5c || byte === 0x60 || byte === 0x22 || (byte === 0x24 && value[at + 1] !== 0x27);
    return isSpecial ? `\\${String.fromCharCode(byte)}` : undefined;
  });
}

/** What bash puts a backslash before (lib/sh/shquote.c); `#` and `~` at the start of a word too. */
const BASH_SPECIAL = new Set(Buffer.from(' \t\n!"$&\'()*,;<>?[\\]^`{|}', 'latin1'));

/** As bash's `printf %q` writes it: `~` behind `:` or `=` is special, too. */
function bashWord(value: Uint8Array): Buffer | undefined {
  return spellBytes(value, (byte, at) => {
    const isHome = byte === 0x7e && (value[at - 1] === 0x3a || value[at - 1] === 0x3d);
    return isHome || BASH_SPECIAL.has(byte) ? `\\${String.fromCharCode(byte)}` : undefined;
  });
}

/** `^` before what cmd.exe takes for its own, with and without what is special inside parentheses; `%` of batch files. */
const WINDOWS_SPELLINGS: readonly Spelling[] = [
  ...['&|<>^', '&|<>^()', '&|<>^()%!"'].map((special) => tableFrom(behind('^', special))),
  tableFrom({ '%': '%%' }),
  tableFrom(behind('`', '`$"')), // inside double quotes of PowerShell
].map((bytes) => ({ bytes }));

function behind(mark: string, special: string): Record<string, string> {
  return Object.fromEntries(Array.from(special, (letter) => [letter, mark + letter]));
}

export function spellWindows(value: Buffer): Buffer[] {
  return spellBy(value, WINDOWS_SPELLINGS);
}

/** `M-C` and `^A`, as `cat -v` shows what is not ASCII, and `cat -A` with it tabs and line ends. */
export const CAT_SPELLINGS: readonly Spelling[] = [false, true].map((isAll) => ({
  bytes: tableOf((byte) => {
    if (byte >= 0x80) return `M-${caret(byte & 0x7f)}`;
    if (byte === 0x0a) return isAll ? '$\n' : undefined;
    if (byte === 0x09) return isAll ? '^I' : undefined;
    return byte < 0x20 || byte === 0x7f ? caret(byte) : undefined;
  }),
}));

function caret(byte: number): string {
  return byte < 0x20 || byte === 0x7f ? `^${String.fromCharCode(byte ^ 0x40)}` : String.fromCharCode(byte);
}

/** Quoted-printable (RFC 2045, 6.7), without its soft line ends. */
export const QUOTED_PRINTABLE: Spelling = {
  bytes: tableOf((byte) => {
    if (byte === 0x3d || byte >= 0x7f) return `=${hexDigits(byte, 2, 'upper')}`;
    return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d
      ? `=${hexDigits(byte, 2, 'upper')}`
      : undefined;
  }),
};
