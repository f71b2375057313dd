// The table of forms a value is looked for in: one row per encoding, with the generator of its spellings.
// A new encoding is a new row. SECURITY.md says which of them are promised.

import { isUtf8 } from 'node:buffer';

import { isAddress } from '../derived/address.ts';
import { isStructured } from '../derived/derived.ts';
import { isKey } from '../derived/key-parts.ts';
import { copied } from '../derived/lines.ts';
import {
  BASE32,
  BASE32_LOWER,
  BASE64,
  BASE64URL,
  base64Lines,
  hexTable,
  paddedIn,
  surelyIn,
  unpaddedIn,
  wholeGroups,
  wrapped,
} from './alphabets.ts';
import { JSON_PLAIN, spellJson, spellLanguages, spellNumbered, spellPython } from './escapes.ts';
import { spellCase, spellLatin, spellNormal, spellReversed, spellRot13, utf32le, utf16be, utf16le } from './letters.ts';
import { CAT_SPELLINGS, QUOTED_PRINTABLE, spellShell, spellWindows } from './shell-quoting.ts';
import { spellJoined, spellLines, spellLinesReversed } from './spelled-lines.ts';
import { hexDigits, separated, separatedBy, spell, spellBy } from './spelling.ts';
import { spellDoubled, spellEntities, spellPercent } from './web-escapes.ts';

/** Longer values are not looked for in encodings that are rare: each of their needles is several times as long. */
const RARE_BYTES_MAX = 512;

/** Line widths of GNU base64, of PEM and openssl, and of `xxd -p`. */
const BASE64_WIDTHS = [76, 64];
const HEX_WIDTH = 60;
/** So many bytes of a Buffer Node shows. */
const INSPECTED_BYTES = 50;

export interface Encoding {
  /** What the agent is told: a member of `forms`. Rows that share one stand together. */
  readonly form: string;
  /** Whether it is made of values of every size, or only of those where it is likely: they cost memory. */
  readonly isForLongValues: boolean;
  /**
   * Parts of a spelling from this many bytes on are looked for too: they tell eight bytes of the value. 0 for none. Such a
   * spelling costs as many entries of the index as it has bytes, one without parts costs four.
   */
  readonly part: number;
  /** Every way this encoding may spell the value inside longer text, but the value itself. May repeat itself. */
  readonly spell: (value: Buffer) => Buffer[];
}

export const ENCODINGS: readonly Encoding[] = [
  { form: 'raw', isForLongValues: true, part: 8, spell: spellRaw },
  { form: 'raw', isForLongValues: false, part: 0, spell: spellJoined },
  { form: 'base64', isForLongValues: true, part: 15, spell: (value) => paddedIn(value, BASE64) },
  { form: 'base64', isForLongValues: true, part: 0, spell: spellBase64Whole },
  { form: 'base64url', isForLongValues: true, part: 15, spell: (value) => paddedIn(value, BASE64URL) },
  { form: 'base64url', isForLongValues: true, part: 0, spell: (value) => unpaddedIn(value, BASE64URL) },
  { form: 'hex', isForLongValues: true, part: 16, spell: (value) => spellBy(value, HEX) },
  { form: 'hex', isForLongValues: true, part: 0, spell: spellHexLines },
  { form: 'percent', isForLongValues: true, part: 0, spell: piecewise(spellPercent) },
  { form: 'json', isForLongValues: true, part: 0, spell: piecewise(spellJson) },
  { form: 'shell', isForLongValues: false, part: 0, spell: piecewise(spellShell) },
  { form: 'unicode', isForLongValues: false, part: 8, spell: ofText(spellNormal) },
  { form: 'unicode', isForLongValues: false, part: 0, spell: ofText(spellLatin) },
  { form: 'python', isForLongValues: false, part: 0, spell: piecewise(spellPython) },
  { form: 'quoted', isForLongValues: false, part: 0, spell: piecewise(spellLanguages) },
  { form: 'doubled', isForLongValues: false, part: 0, spell: piecewise(spellDoubled) },
  { form: 'html', isForLongValues: false, part: 0, spell: rarePiecewise(spellEntities) },
  { form: 'escaped', isForLongValues: false, part: 0, spell: rarePiecewise(spellNumbered) },
  { form: 'windows', isForLongValues: false, part: 0, spell: piecewise(spellWindows) },
  { form: 'caret', isForLongValues: false, part: 0, spell: piecewise((value) => spellBy(value, CAT_SPELLINGS)) },
  {
    form: 'quoted-printable',
    isForLongValues: false,
    part: 0,
    spell: piecewise((value) => spellBy(value, [QUOTED_PRINTABLE])),
  },
  { form: 'hex-separated', isForLongValues: false, part: 0, spell: rarePiecewise(spellHexSeparated) },
  { form: 'numbers', isForLongValues: false, part: 0, spell: rarePiecewise(spellNumbers) },
  { form: 'case', isForLongValues: false, part: 0, spell: piecewise(spellCase) },
  { form: 'rot13', isForLongValues: false, part: 0, spell: piecewise(spellRot13) },
  { form: 'reversed', isForLongValues: false, part: 0, spell: spellReversed },
  { form: 'reversed', isForLongValues: false, part: 0, spell: spellLinesReversed },
  { form: 'utf16le', isForLongValues: false, part: 0, spell: piecewise(ofText((value) => [utf16le(value)])) },
  { form: 'utf16be', isForLongValues: false, part: 0, spell: piecewise(ofText((value) => [utf16be(value)])) },
  { form: 'utf32le', isForLongValues: false, part: 0, spell: rarePiecewise(ofText((value) => [utf32le(value)])) },
  { form: 'base64-utf16le', isForLongValues: false, part: 0, spell: ofText(spellBase64Utf16) },
  { form: 'base64-base64', isForLongValues: false, part: 0, spell: rare(spellBase64Twice) },
  { form: 'base64-json', isForLongValues: false, part: 0, spell: rarePiecewise(spellBase64Json) },
  { form: 'base64-hex', isForLongValues: false, part: 0, spell: rarePiecewise(spellBase64Hex) },
  { form: 'hex-base64', isForLongValues: false, part: 0, spell: rare(spellHexBase64) },
  { form: 'base32', isForLongValues: false, part: 0, spell: rare(spellBase32) },
];

/** Only of text, which bytes that are no UTF-8 are not. */
function ofText(spell: (value: Buffer) => Buffer[]): (value: Buffer) => Buffer[] {
  return (value) => (isUtf8(value) ? spell(value) : []);
}

function rare(spell: (value: Buffer) => Buffer[]): (value: Buffer) => Buffer[] {
  return (value) => (value.length <= RARE_BYTES_MAX ? spell(value) : []);
}

/** Not of keys: what is secret in one is derived from it, and in these forms that is a part of the whole, byte by byte. */
function piecewise(spell: (value: Buffer) => Buffer[]): (value: Buffer) => Buffer[] {
  return (value) => (isKey(value) ? [] : spell(value));
}

/** The same of addresses, though a password in one that is short or an everyday word is not derived. */
function rarePiecewise(spell: (value: Buffer) => Buffer[]): (value: Buffer) => Buffer[] {
  return rare(piecewise((value) => (isAddress(value) ? [] : spell(value))));
}

function spellRaw(value: Buffer): Buffer[] {
  return [copied(value), ...spellLines(value, value.includes(0x0a) && isStructured(value))];
}

function spellBase64Whole(value: Buffer): Buffer[] {
  return [...unpaddedIn(value, BASE64), ...base64Lines(value, BASE64_WIDTHS)];
}

const HEX = (['lower', 'upper'] as const).map((letters) => ({ bytes: hexTable(letters) }));

function spellHexLines(value: Buffer): Buffer[] {
  const texts = spellBy(value, HEX);
  const lines = texts.flatMap((text) => wrapped(text, HEX_WIDTH) ?? []);
  wipeAll(texts);
  return lines;
}

const CASES = ['lower', 'upper'] as const;
const HEX_SEPARATED = [' ', ':', '-', ', 0x'].flatMap((between) =>
  CASES.map((letters) => separatedBy((byte) => hexDigits(byte, 2, letters), between)),
);
/** Numbers of bytes and of characters; octal, and as Unicode has them. */
const NUMBERS = [
  ...[', ', ',', ' '].flatMap((between) => [separatedBy(String, between), separatedBy(String, between, true)]),
  separatedBy((byte) => byte.toString(8).padStart(3, '0'), ' '),
  separatedBy((code) => `U+${hexDigits(code, code > 0xffff ? 5 : 4, 'upper')}`, ' ', true),
];

/** Also what Node shows of a Buffer, which is something else when the value is long. */
function spellHexSeparated(value: Buffer): Buffer[] {
  const inspected = separated(value.subarray(0, INSPECTED_BYTES), HEX_SEPARATED[0]!);
  return [inspected, ...HEX_SEPARATED.map((table) => separated(value, table))];
}

function spellNumbers(value: Buffer): Buffer[] {
  return NUMBERS.map((table) => separated(value, table));
}

function spellBase64Utf16(value: Buffer): Buffer[] {
  const units = utf16le(value);
  const texts = unpaddedIn(units, BASE64);
  units.fill(0);
  return texts;
}

/**
 * Base64 of base64, in one line and in lines, but for the last letters of the inner one: what they are depends on what is
 * behind the value, and they tell less than three bytes of it.
 */
function spellBase64Twice(value: Buffer): Buffer[] {
  const groups = wholeGroups(value);
  const inner = [groups, wrapped(groups, BASE64_WIDTHS[0]!) ?? []].flat();
  const texts = inner.flatMap((text) => surelyIn(text, BASE64));
  const twice = wholeGroups(groups);
  texts.push(...surelyIn(twice, BASE64, 1));
  wipeAll([...inner, twice]);
  return texts;
}

/** In the payload of a JWT, or of a JSON file that is a secret of Kubernetes. */
function spellBase64Json(value: Buffer): Buffer[] {
  const inner = spell(value, JSON_PLAIN);
  if (inner === undefined) return [];
  const texts = [BASE64, BASE64URL].flatMap((alphabet) => surelyIn(inner, alphabet));
  inner.fill(0);
  return texts;
}

function spellBase64Hex(value: Buffer): Buffer[] {
  const inner = spellBy(value, [HEX[0]!]);
  const texts = inner.flatMap((text) => surelyIn(text, BASE64));
  wipeAll(inner);
  return texts;
}

function spellHexBase64(value: Buffer): Buffer[] {
  const inner = wholeGroups(value);
  const texts = spellBy(inner, [HEX[0]!]);
  inner.fill(0);
  return texts;
}

function spellBase32(value: Buffer): Buffer[] {
  return [...surelyIn(value, BASE32), ...surelyIn(value, BASE32_LOWER, 1)];
}

function wipeAll(texts: readonly Buffer[]): void {
  for (const text of texts) text.fill(0);
}
