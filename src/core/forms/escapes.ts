// How programming languages write text between their quotes: JSON, Python, Go, JavaScript, Perl, C.

import { backslashTable, octal } from './shell-quoting.ts';
import {
  hexDigits,
  shortHex,
  spell,
  spellBy,
  spellBytes,
  tableOf,
  type ByteTable,
  type Case,
  type Spelling,
} from './spelling.ts';

const SHORT: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
};

interface Quoting {
  /** Control characters that have a letter, such as `tnr`. */
  readonly short: string;
  /** What else stands behind a backslash, quotes and backslash among it. */
  readonly special: string;
  /** How the other control characters are written; undefined for one that stays. */
  readonly control: (code: number) => string | undefined;
  /** As Spelling.beyond; and bytes that are no UTF-8 as `control` writes them when `isBytes`. */
  readonly beyond?: (code: number) => string | undefined;
  readonly isBytes?: boolean;
}

function quoting({ short, special, control, beyond, isBytes }: Quoting): Spelling {
  const letters = Object.fromEntries(Array.from(short, (letter) => [SHORT[letter]!, `\\${letter}`]));
  const bytes = tableOf((byte) => {
    const letter = String.fromCharCode(byte);
    if (special.includes(letter)) return `\\${letter}`;
    const isControl = byte < 0x20 || byte === 0x7f || (byte >= 0x80 && isBytes === true);
    return letters[letter] ?? (isControl ? control(byte) : undefined);
  });
  return { bytes, ...(beyond === undefined ? {} : { beyond }) };
}

/** What Unicode gives no picture: controls, formats, private and unknown characters, and spaces but one. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

function isUnprintable(code: number): boolean {
  return UNPRINTABLE.test(String.fromCodePoint(code));
}

function byteEscape(letters: Case): (code: number) => string {
  return (code) => `\\x${hexDigits(code, 2, letters)}`;
}

/** UTF-16 as `\uXXXX`, in two when it takes two. */
function utf16Escape(letters: Case): (code: number) => string {
  return (code) => {
    if (code < 0x1_0000) return `\\u${hexDigits(code, 4, letters)}`;
    const high = 0xd800 + ((code - 0x1_0000) >> 10);
    return `\\u${hexDigits(high, 4, letters)}\\u${hexDigits(0xdc00 + (code & 0x3ff), 4, letters)}`;
  };
}

/** `\u00e9` and `\U0001f600`, and below 0x100 `\xe9` when `isShort`. */
function wideEscape(isShort: boolean): (code: number) => string {
  return (code) => {
    if (code >= 0x1_0000) return `\\U${hexDigits(code, 8, 'lower')}`;
    return isShort && code < 0x100 ? `\\x${hexDigits(code, 2, 'lower')}` : `\\u${hexDigits(code, 4, 'lower')}`;
  };
}

function whenUnprintable(escape: (code: number) => string): (code: number) => string | undefined {
  return (code) => (isUnprintable(code) ? escape(code) : undefined);
}

const JSON_CONTROL = 'btnfr';
const JSON_SPECIAL = '"\\';

/** `<`, `>`, `&` and the two line ends JavaScript knows and JSON does not (Go, encoding/json). */
const HTML_IN_JSON: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

/** Between the quotes of a JSON string (RFC 8259, section 7). 0x7f stays as it is. */
function jsonSpelling(more: { special?: string; ascii?: Case; isHtml?: boolean; short?: string }): Spelling {
  const escape = utf16Escape(more.ascii ?? 'lower');
  const { bytes } = quoting({
    short: more.short ?? JSON_CONTROL,
    special: JSON_SPECIAL + (more.special ?? ''),
    control: escape,
  });
  const table = tableOf((byte) => {
    const spelled = bytes.of(byte);
    if (byte === 0x7f) return more.ascii === undefined ? undefined : escape(byte);
    return more.isHtml === true ? (HTML_IN_JSON[String.fromCharCode(byte)] ?? spelled) : spelled;
  });
  if (more.ascii !== undefined) return { bytes: table, beyond: escape };
  return more.isHtml === true
    ? { bytes: table, beyond: (code) => (code === 0x2028 || code === 0x2029 ? escape(code) : undefined) }
    : { bytes: table };
}

export const JSON_PLAIN = jsonSpelling({}); // JSON.stringify, jq, Rust
const JSON_ASCII = jsonSpelling({ ascii: 'lower' }); // Python
const JSON_SPELLINGS: readonly Spelling[] = [
  JSON_PLAIN,
  JSON_ASCII,
  jsonSpelling({ special: '/' }),
  jsonSpelling({ isHtml: true }), // Go
  jsonSpelling({ isHtml: true, short: 'tnr' }), // Go before 1.22
  jsonSpelling({ ascii: 'upper' }), // .NET, Java
  jsonSpelling({ ascii: 'lower', special: '/' }), // PHP
];

/** JSON, JSON inside JSON, and once more: by the same program, or by one that leaves alone what it can. */
export function spellJson(value: Buffer): Buffer[] {
  return JSON_SPELLINGS.flatMap((spelling) => {
    const once = spell(value, spelling);
    if (once === undefined) return [];
    // There is a backslash in what was spelled, so each spells it again.
    const plain = spell(once, JSON_PLAIN)!;
    const isPlain = spelling === JSON_PLAIN || spelling === JSON_ASCII;
    return [once, plain, isPlain ? spell(plain, JSON_PLAIN)! : spell(once, spelling)!];
  });
}

/** `repr`, `ascii` and the repr of bytes: with the quote in the value behind a backslash, or the other quote around it. */
const PYTHON_SPELLINGS: readonly Spelling[] = ['\\', "\\'"].flatMap((special) =>
  [{ beyond: whenUnprintable(wideEscape(true)) }, { beyond: wideEscape(true) }, { isBytes: true }].map((more) =>
    quoting({ short: 'tnr', special, control: byteEscape('lower'), ...more }),
  ),
);

export function spellPython(value: Buffer): Buffer[] {
  return spellBy(value, PYTHON_SPELLINGS);
}

const GO = { short: 'abtnvfr', special: '"\\', control: byteEscape('lower') };

/** Go's `%q` and `%+q`, and Rust's `{:?}`. */
const GO_SPELLINGS: readonly Spelling[] = [
  quoting({ ...GO, beyond: whenUnprintable(wideEscape(false)), isBytes: true }),
  quoting({ ...GO, beyond: wideEscape(false), isBytes: true }),
  quoting({
    short: 'tnr',
    special: '"\\',
    control: braced('u', 'lower'),
    beyond: whenUnprintable(braced('u', 'lower')),
  }),
];

function braced(letter: 'u' | 'x', letters: Case): (code: number) => string {
  return (code) => `\\${letter}{${shortHex(code, letters)}}`;
}

/** Node's util.inspect in each of its quotes; sed's `l`, git and C; Perl's Data::Dumper; PHP and MySQL; Java. */
const LANGUAGE_SPELLINGS: readonly Spelling[] = [
  ...['\\', "\\'", '\\"', '\\`'].map((special) =>
    quoting({
      short: 'btnfr',
      special,
      control: byteEscape('upper'),
      beyond: (code) => (code < 0xa0 ? byteEscape('upper')(code) : undefined),
    }),
  ),
  quoting({ short: 'abtnvfr', special: '\\', control: octal, isBytes: true }),
  quoting({ short: 'abtnvfr', special: '"\\', control: octal, isBytes: true }), // git, C
  { bytes: backslashTable("'\\") },
  { bytes: backslashTable('\'"\\') },
  quoting({
    short: 'nr',
    special: '\'"\\',
    control: (code) => (code === 0 ? '\\0' : code === 0x1a ? '\\Z' : undefined),
  }),
  // Properties of Java, with and without a space behind a backslash, and as a writer has them.
  ...[':=#!\\', ':=#!\\ '].map((special) =>
    quoting({ short: 'tnfr', special, control: utf16Escape('upper'), beyond: utf16Escape('upper') }),
  ),
  quoting({ short: 'tnfr', special: ':=#!\\', control: () => undefined }),
];

export function spellLanguages(value: Buffer): Buffer[] {
  return [...spellBy(value, GO_SPELLINGS), ...spellBy(value, LANGUAGE_SPELLINGS), ...spellPerl(value)];
}

const PERL = quoting({ short: 'abtnfre', special: '"\\$@', control: () => '' });
const PERL_BYTES: ByteTable = tableOf((byte) => (byte < 0x80 ? undefined : octal(byte)));
const PERL_BEYOND: readonly Spelling[] = [{ bytes: PERL_BYTES }, { bytes: PERL_BYTES, beyond: braced('x', 'lower') }];

/**
 * Data::Dumper with Useqq, of bytes and of text: an octal number has as few digits as it can, unless a digit is behind it.
 */
function spellPerl(value: Buffer): Buffer[] {
  const inAscii = spellBytes(value, (byte, at) => {
    const spelled = PERL.bytes.of(byte);
    if (spelled !== '') return spelled;
    const next = value[at + 1] ?? 0;
    return next >= 0x30 && next <= 0x39 ? octal(byte) : `\\${byte.toString(8)}`;
  });
  if (value.every((byte) => byte < 0x80)) return [inAscii ?? []].flat();
  const texts = spellBy(inAscii ?? value, PERL_BEYOND);
  inAscii?.fill(0);
  return texts;
}

/** Every byte, or every character, by its number. */
const NUMBERED_SPELLINGS: readonly Spelling[] = [
  { bytes: tableOf(byteEscape('lower')) },
  { bytes: tableOf(byteEscape('upper')) },
  { bytes: tableOf(octal) },
  numbered(utf16Escape('lower')),
  numbered(utf16Escape('upper')),
  numbered(braced('u', 'lower')),
  numbered(braced('x', 'lower')), // Perl
  numbered((code) => `\\${shortHex(code, 'lower')} `), // CSS
];

/** Every character, and every byte that is part of none, by its number. */
export function numbered(escape: (code: number) => string): Spelling {
  return { bytes: tableOf(escape), beyond: escape };
}

export function spellNumbered(value: Buffer): Buffer[] {
  return spellBy(value, NUMBERED_SPELLINGS);
}
