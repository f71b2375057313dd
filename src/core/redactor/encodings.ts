// The table of forms a value is looked for in: one row per encoding, with the generator of its spellings.
// A new encoding is a new row. SECURITY.md says which of them are promised.

import { isUtf8 } from 'node:buffer';

import {
  BASE64,
  BASE64URL,
  ansiCTable,
  backslashTable,
  backslashedWord,
  base64,
  hexTable,
  jsonBody,
  percentTable,
  reversedCharacters,
  separatedHex,
  singleQuoteTable,
  singleQuotedRuns,
  spellBy,
  utf16le,
  wrapped,
  type JsonStyle,
} from './spelling.ts';

/** A line of a multi-line value is looked for alone from this many bytes on, or from the second when it looks random. */
const LINE_BYTES_MIN = 16;
const LINE_RANDOM_BYTES_MIN = 8;
const LINE_RANDOM_DISTINCT_MIN = 6;

/** How the lines around a key begin and end (RFC 7468). They are the same in every key. */
const PEM_FRAME = Buffer.from('-----', 'latin1');

/** Line widths of GNU base64, of PEM and openssl, and of `xxd -p`. */
const BASE64_WIDTHS = [76, 64];
const HEX_WIDTH = 60;

export interface Encoding {
  /** What the agent is told: a member of `forms`. */
  readonly form: string;
  /** Whether it is made of values of every size, or only of those where it is likely: they cost memory. */
  readonly isForLongValues: boolean;
  /** Parts of a spelling from this many bytes on are looked for too: they tell eight bytes of the value. 0 for none. */
  readonly part: number;
  /** Every way this encoding may spell the value inside longer text, but the value itself. May repeat itself. */
  readonly spell: (value: Buffer) => Buffer[];
}

export const ENCODINGS: readonly Encoding[] = [
  { form: 'raw', isForLongValues: true, part: 8, spell: spellRaw },
  {
    form: 'base64',
    isForLongValues: true,
    part: 15,
    spell: (value) => [...aligned(value, BASE64), ...wrappedBase64(value)],
  },
  { form: 'base64url', isForLongValues: true, part: 15, spell: (value) => aligned(value, BASE64URL) },
  { form: 'hex', isForLongValues: true, part: 16, spell: spellHex },
  { form: 'percent', isForLongValues: true, part: 0, spell: spellPercent },
  { form: 'json', isForLongValues: true, part: 0, spell: spellJson },
  { form: 'shell', isForLongValues: false, part: 0, spell: spellShell },
  { form: 'hex-separated', isForLongValues: false, part: 0, spell: spellHexSeparated },
  { form: 'reversed', isForLongValues: false, part: 0, spell: spellReversed },
  { form: 'utf16le', isForLongValues: false, part: 0, spell: (value) => (isUtf8(value) ? [utf16le(value)] : []) },
  { form: 'base64-utf16le', isForLongValues: false, part: 0, spell: spellBase64Utf16 },
];

/** The value without the white space around it; a view, not a copy. */
export function trimmed(value: Buffer): Buffer {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value[start]!)) start += 1;
  while (end > start && isSpace(value[end - 1]!)) end -= 1;
  return value.subarray(start, end);
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function spellRaw(value: Buffer): Buffer[] {
  const copy = Buffer.allocUnsafe(value.length);
  value.copy(copy);
  if (!value.includes(0x0a)) return [copy];
  const lines = linesOf(value);
  return [copy, joined(lines, '\n'), joined(lines, '\r\n'), ...lines.map((line) => trimmed(line)).filter(isTelling)];
}

/** Lines without their line ends, as copies. */
function linesOf(value: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start <= value.length;) {
    const feed = value.indexOf(0x0a, start);
    const end = feed < 0 ? value.length : feed;
    const line = Buffer.allocUnsafe(end - start);
    value.copy(line, 0, start, end);
    lines.push(line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
    start = end + 1;
  }
  return lines;
}

function joined(lines: readonly Buffer[], lineEnd: string): Buffer {
  const end = Buffer.from(lineEnd, 'latin1');
  const length = lines.reduce((sum, line) => sum + line.length, 0) + end.length * (lines.length - 1);
  const text = Buffer.allocUnsafe(length);
  let at = 0;
  for (const line of lines) {
    if (at > 0 || line !== lines[0]) at += end.copy(text, at);
    at += line.copy(text, at);
  }
  return text;
}

/** Whether a line says enough to be looked for alone. */
function isTelling(line: Buffer): boolean {
  if (line.length >= LINE_BYTES_MIN)
    return !(line.subarray(0, 5).equals(PEM_FRAME) && line.subarray(-5).equals(PEM_FRAME));
  return line.length >= LINE_RANDOM_BYTES_MIN && looksRandom(line);
}

/** A cheap sign of a generated value: letters and digits mixed, no space, few bytes twice. */
function looksRandom(line: Buffer): boolean {
  const isMixed = line.some(isDigit) && line.some(isLetter) && !line.some(isSpace);
  return isMixed && new Set(line).size >= LINE_RANDOM_DISTINCT_MIN;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

/**
 * Base64 of the value behind 0, 1 or 2 other bytes, without the characters that other bytes have a part in: 0, 2 or 3
 * in front, and the last unless the value ends on a character (GitHub runner, ADR 0297). As the value may also end the
 * data, the last character with and without padding is spelled too, so that at most 3 characters are left at an edge.
 */
function aligned(value: Buffer, alphabet: Buffer): Buffer[] {
  return [0, 2, 3].flatMap((shared, before) => {
    const padded = Buffer.alloc(before + value.length);
    value.copy(padded, before);
    const text = base64(padded, alphabet).subarray(shared);
    padded.fill(0);
    const left = (before + value.length) % 3;
    return left === 0 ? [text] : [text.subarray(0, -1), text, withPadding(text, 3 - left)];
  });
}

function withPadding(text: Buffer, count: number): Buffer {
  const padded = Buffer.alloc(text.length + count, '=');
  text.copy(padded);
  return padded;
}

/** Base64 broken into lines from the first character on, as tools print a value alone. */
function wrappedBase64(value: Buffer): Buffer[] {
  const text = base64(value, BASE64);
  const texts = value.length % 3 === 0 ? [text] : [text.subarray(0, -1), withPadding(text, 3 - (value.length % 3))];
  const lines = BASE64_WIDTHS.flatMap((width) => texts.flatMap((text) => wrapped(text, width) ?? []));
  for (const text of texts) text.fill(0);
  return lines;
}

const HEX_TABLES = [hexTable('lower'), hexTable('upper')];

function spellHex(value: Buffer): Buffer[] {
  return spellBy(value, HEX_TABLES).flatMap((text) => [text, wrapped(text, HEX_WIDTH) ?? []].flat());
}

function spellHexSeparated(value: Buffer): Buffer[] {
  return [' ', ':'].flatMap((between) =>
    (['lower', 'upper'] as const).flatMap((letters) => separatedHex(value, letters, between) ?? []),
  );
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** What the encoders in use leave alone, besides letters and digits, and how they write a space. */
const PERCENT_STYLES: ReadonlyArray<readonly [kept: string, space: '+' | '%']> = [
  [`${ALPHANUMERIC}-_.~`, '%'], // RFC 3986 "unreserved"; curl, Go, Python quote(safe='')
  [`${ALPHANUMERIC}-_.~/`, '%'], // Python quote
  [`${ALPHANUMERIC}-_.!~*'()`, '%'], // encodeURIComponent
  [`${ALPHANUMERIC}-_.!~*'();/?:@&=+$,#`, '%'], // encodeURI
  [`${ALPHANUMERIC}-_.`, '%'], // PHP urlencode of a value without spaces
  [`${ALPHANUMERIC}-_.~`, '+'], // Python quote_plus, Go QueryEscape
  [`${ALPHANUMERIC}-_.*`, '+'], // WHATWG form encoding, Java URLEncoder
  [`${ALPHANUMERIC}-_.`, '+'], // PHP urlencode
  ['', '%'], // every byte
];

const PERCENT_TABLES = PERCENT_STYLES.flatMap(([kept, space]) => [
  percentTable(kept, 'upper', space),
  percentTable(kept, 'lower', space),
]);

function spellPercent(value: Buffer): Buffer[] {
  return spellBy(value, PERCENT_TABLES);
}

const JSON_STYLES: readonly JsonStyle[] = [
  {}, // JSON.stringify, jq, Rust
  { slash: true },
  { html: true }, // Go
  { ascii: 'lower' }, // Python
  { ascii: 'upper' }, // .NET, Java
  { ascii: 'lower', slash: true }, // PHP
];

/** JSON, and JSON inside JSON: by the same program, or by one that leaves alone what it can. */
function spellJson(value: Buffer): Buffer[] {
  return JSON_STYLES.flatMap((style) => {
    const once = jsonBody(value, style);
    if (once === undefined) return [];
    return [once, jsonBody(once, style) ?? [], jsonBody(once, {}) ?? []].flat();
  });
}

const SHELL_TABLES = [
  singleQuoteTable(`'\\''`),
  singleQuoteTable(`'"'"'`),
  backslashTable('\\$`"'), // inside double quotes (POSIX shell, 2.2.3), as bash's `declare -p` writes it
  ansiCTable(false),
  ansiCTable(true),
];

function spellShell(value: Buffer): Buffer[] {
  return [...spellBy(value, SHELL_TABLES), singleQuotedRuns(value) ?? [], backslashedWord(value) ?? []].flat();
}

function spellReversed(value: Buffer): Buffer[] {
  return [Buffer.from(value.toReversed().buffer), reversedCharacters(value)];
}

function spellBase64Utf16(value: Buffer): Buffer[] {
  if (!isUtf8(value)) return [];
  const units = utf16le(value);
  const texts = aligned(units, BASE64);
  units.fill(0);
  return texts;
}
