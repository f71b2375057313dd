// What formats of the web and of tables put in place of a character: entities, doubled quotes, percent.

import { numbered } from './escapes.ts';
import {
  hexDigits,
  shortHex,
  spell,
  spellBy,
  tableFrom,
  tableOf,
  type ByteTable,
  type Case,
  type Spelling,
} from './spelling.ts';

/** Names of Latin-1 in HTML, from 0xa0 on. */
const LATIN_NAMES =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  );

/** What programs write for `"` and `'`; the second `undefined` leaves them as they are. */
const ENTITY_QUOTES: ReadonlyArray<readonly [double: string | undefined, single: string | undefined]> = [
  ['&quot;', '&#x27;'], // Python, lodash
  ['&quot;', '&#39;'], // PHP, Ruby, mustache
  ['&#34;', '&#39;'], // Go, Jinja
  ['&quot;', '&#039;'],
  ['&quot;', '&apos;'], // XML
  ['&quot;', undefined],
  [undefined, undefined],
];

function latinName(code: number): string | undefined {
  const name = LATIN_NAMES[code - 0xa0];
  return name === undefined ? undefined : `&${name};`;
}

const decimalEntity = (code: number): string => `&#${code};`;

const XML_ATTRIBUTE = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\t': '&#9;', '\n': '&#10;', '\r': '&#13;' };

const ENTITY_SPELLINGS: readonly Spelling[] = [
  ...ENTITY_QUOTES.flatMap(([double, single]) => {
    const bytes = tableOf((byte) => {
      if (byte === 0x22) return double;
      return byte === 0x27 ? single : { '&': '&amp;', '<': '&lt;', '>': '&gt;' }[String.fromCharCode(byte)];
    });
    // Who writes names or numbers for letters beyond ASCII writes the quotes in one of these ways.
    const isLatin = single === '&#039;' || single === undefined;
    return isLatin ? [{ bytes }, { bytes, beyond: latinName }, { bytes, beyond: decimalEntity }] : [{ bytes }];
  }),
  // Attributes of XML.
  ...[{}, { '"': '&quot;' }].map((quote) => ({ bytes: tableFrom({ ...XML_ATTRIBUTE, ...quote }) })),
  { bytes: tableFrom({}), beyond: decimalEntity }, // Python's xmlcharrefreplace
  numbered(decimalEntity),
  ...(['lower', 'upper'] as const).map((letters) => numbered((code) => `&#x${shortHex(code, letters)};`)),
];

export function spellEntities(value: Buffer): Buffer[] {
  return spellBy(value, ENTITY_SPELLINGS);
}

/** `''` of SQL, YAML and PowerShell, `""` of CSV and of SQL's names, and both. */
const DOUBLED_SPELLINGS: readonly Spelling[] = [{ "'": "''" }, { '"': '""' }, { "'": "''", '"': '""' }].map(
  (spelled) => ({
    bytes: tableFrom(spelled as Record<string, string>),
  }),
);

export function spellDoubled(value: Buffer): Buffer[] {
  return spellBy(value, DOUBLED_SPELLINGS);
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** What the encoders in use leave alone, besides letters and digits, and how they write a space. */
const PERCENT_STYLES: ReadonlyArray<readonly [kept: string, space: '+' | '%20', isCommon: boolean]> = [
  ['-_.~', '%20', true], // RFC 3986 "unreserved"; curl, Go, Python quote(safe='')
  ['-_.~/', '%20', true], // Python quote
  ["-_.!~*'()", '%20', true], // encodeURIComponent
  ["-_.!~*'();/?:@&=+$,#", '%20', false], // encodeURI
  ['-_.~$&+=:@', '%20', false], // Go PathEscape
  ['-_.', '%20', false], // PHP urlencode of a value without spaces
  ['', '%20', false], // all but letters and digits
  ['-_.~', '+', true], // Python quote_plus, Go QueryEscape
  ['-_.*', '+', true], // WHATWG form encoding, Java URLEncoder
  ['-_.', '+', false], // PHP urlencode
];

/** `%XX` for each byte but those of `kept`; a space as `+` when that is what forms do. */
function percentTable(kept: string, letters: Case, space: '+' | '%20'): ByteTable {
  return tableOf((byte) => {
    if (kept.includes(String.fromCharCode(byte))) return undefined;
    return byte === 0x20 ? space : `%${hexDigits(byte, 2, letters)}`;
  });
}

const PERCENT_STYLED = PERCENT_STYLES.flatMap(([kept, space, isCommon]) =>
  (['upper', 'lower'] as const).map((letters) => ({
    spelling: { bytes: percentTable(ALPHANUMERIC + kept, letters, space) },
    isCommon: isCommon && letters === 'upper',
  })),
);

const PERCENT_EVERY: readonly Spelling[] = [
  { bytes: percentTable('', 'upper', '%20') },
  { bytes: percentTable('', 'lower', '%20') },
];

const PERCENT_AGAIN: Spelling = { bytes: tableFrom({ '%': '%25', '+': '%2B' }) };

/** Once, and twice: what was percent-encoded is put into an address. */
export function spellPercent(value: Buffer): Buffer[] {
  const texts = PERCENT_STYLED.flatMap(({ spelling, isCommon }) => {
    const once = spell(value, spelling);
    if (once === undefined || !isCommon) return once ?? [];
    // There is `%` or `+` in it.
    return [once, spell(once, PERCENT_AGAIN)!];
  });
  return [...texts, ...spellBy(value, PERCENT_EVERY)];
}
