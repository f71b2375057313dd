// Settings: INI and dotenv files, cookies, connection strings of `name=value`, netrc.

import { isDigit, isLetter, isSpace, linesOf, trimmed } from './lines.ts';
import { splitBy, type Part } from './taking-apart.ts';
import { certaintyOf } from './secret-names.ts';

const [EQUAL, COLON, SEMICOLON] = [0x3d, 0x3a, 0x3b] as const;
/** A name is not longer. */
const NAME_BYTES_MAX = 64;

const NETRC_STARTS = ['machine', 'default'].map((word) => Buffer.from(word, 'latin1'));
const NETRC_PASSWORD = Buffer.from('password', 'latin1');

/** Values of settings; undefined when the value is something else, or might be. */
export function settingParts(value: Buffer): Part[] | undefined {
  return netrcParts(value) ?? (value.includes(0x0a) ? fileParts(value) : lineParts(value));
}

/** One a line, with comments and headings between them. */
function fileParts(value: Buffer): Part[] | undefined {
  const parts: Part[] = [];
  for (const line of linesOf(value).map((line) => trimmed(line))) {
    const first = line[0];
    const isQuiet = first === undefined || first === 0x23 || first === SEMICOLON;
    if (isQuiet || (first === 0x5b && line.at(-1) === 0x5d)) continue;
    const part = settingOf(line, [EQUAL, COLON]);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts.length > 0 ? parts : undefined;
}

/** Several on a line, behind semicolons (ADO, Azure, cookies) or spaces (libpq); a flag has no value. */
function lineParts(value: Buffer): Part[] | undefined {
  if (!value.includes(EQUAL)) return undefined;
  const isSemicolon = value.includes(SEMICOLON);
  const items = splitBy(value, isSemicolon ? (byte) => byte === SEMICOLON : isSpace)
    .map((item) => trimmed(item))
    .filter(({ length }) => length > 0);
  const parts: Part[] = [];
  for (const item of items) {
    const part = settingOf(item, [EQUAL]);
    if (part !== undefined) parts.push(part);
    else if (!isSemicolon || !item.every(isLetter)) return undefined;
  }
  // With an equals sign there is one at least.
  return parts.length > 1 || parts[0]!.certainty !== 'unknown' ? parts : undefined;
}

function settingOf(item: Buffer, between: readonly number[]): Part | undefined {
  const at = item.findIndex((byte) => between.includes(byte));
  if (at < 0 || at > NAME_BYTES_MAX) return undefined;
  const name = trimmed(item.subarray(item.indexOf('export ') === 0 ? 'export '.length : 0, at));
  const isNamed = name.length > 0 && !isDigit(name[0]!) && name.every(isOfName);
  const bytes = unquoted(trimmed(item.subarray(at + 1)));
  // `==` at the end is how base64 ends.
  if (!isNamed || bytes[0] === EQUAL || (bytes.length === 0 && between.length === 1)) return undefined;
  return { bytes, certainty: certaintyOf(name), isCopy: false };
}

function isOfName(byte: number): boolean {
  return isLetter(byte) || isDigit(byte) || byte === 0x5f || byte === 0x2d || byte === 0x2e || byte === 0x20;
}

function unquoted(bytes: Buffer): Buffer {
  const quote = bytes[0];
  const isQuoted = bytes.length >= 2 && (quote === 0x22 || quote === 0x27) && bytes.at(-1) === quote;
  return isQuoted ? bytes.subarray(1, -1) : bytes;
}

/** `machine host login user password word` (ftp's netrc, which curl and git read), with any white space between. */
function netrcParts(value: Buffer): Part[] | undefined {
  const words = splitBy(value, isSpace).filter(({ length }) => length > 0);
  if (words.length < 2 || !NETRC_STARTS.some((start) => words[0]!.equals(start))) return undefined;
  return words.flatMap((bytes, k) => {
    const isPassword = k > 0 && words[k - 1]!.equals(NETRC_PASSWORD);
    return isPassword ? [{ bytes, certainty: 'secret' as const, isCopy: false }] : [];
  });
}
