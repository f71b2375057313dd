// How programs write bytes as text: base64, hex, percent, JSON and shell quoting. Bytes in, bytes out: the text of a
// secret never becomes a JavaScript string, which could not be wiped.

export type Case = 'lower' | 'upper';

/** One character as it is written, or undefined when it stays as it is. */
type Spelling = (code: number, at: number) => string | undefined;

/** No spelling of one character below is longer: a surrogate pair as `\ud83d\ude00`. */
const SPELLING_LENGTH_MAX = 12;

export const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1');
export const BASE64URL = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1');

/** Base64 (RFC 4648 §4 and §5) without padding. */
export function base64(value: Uint8Array, alphabet: Buffer): Buffer {
  const text = Buffer.allocUnsafe(Math.ceil((value.length * 4) / 3));
  let bits = 0;
  let width = 0;
  let at = 0;
  for (const byte of value) {
    bits = ((bits << 8) | byte) & 0xffff;
    for (width += 8; width >= 6; at += 1) {
      width -= 6;
      text[at] = alphabet[(bits >> width) & 63]!;
    }
  }
  if (width > 0) text[at] = alphabet[(bits << (6 - width)) & 63]!;
  return text;
}

/** How each byte is written: 256 entries, undefined for one that stays as it is. */
export type ByteTable = ReadonlyArray<string | undefined>;

/** Two digits a byte. */
export function hexTable(letters: Case): ByteTable {
  return tableOf((byte) => hexDigits(byte, 2, letters));
}

/** `%XX` for each byte but those of `kept`; a space as `+` when that is what forms do. */
export function percentTable(kept: string, letters: Case, space: '+' | '%' = '%'): ByteTable {
  const isKept = new Set(Buffer.from(kept, 'latin1'));
  return tableOf((byte) => {
    if (isKept.has(byte)) return undefined;
    return byte === 0x20 && space === '+' ? '+' : `%${hexDigits(byte, 2, letters)}`;
  });
}

/** Inside single quotes: `'` closed, written and opened again, in one of the two ways of shells and of shlex. */
export function singleQuoteTable(quote: `'\\''` | `'"'"'`): ByteTable {
  return tableOf((byte) => (byte === 0x27 ? quote : undefined));
}

/** A backslash before each byte of `special`. */
export function backslashTable(special: string): ByteTable {
  const isSpecial = new Set(Buffer.from(special, 'latin1'));
  return tableOf((byte) => (isSpecial.has(byte) ? `\\${String.fromCharCode(byte)}` : undefined));
}

const ANSI_C_SHORT: Readonly<Record<number, string>> = {
  0x07: '\\a',
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0b: '\\v',
  0x0c: '\\f',
  0x0d: '\\r',
  0x1b: '\\E',
  0x27: "\\'",
  0x5c: '\\\\',
};

/** Inside `$'…'` as bash writes it: octal for control bytes, and for bytes ≥ 0x80 when the locale is C. */
export function ansiCTable(isLocaleC: boolean): ByteTable {
  return tableOf((byte) => {
    const isOctal = byte < 0x20 || byte === 0x7f || (isLocaleC && byte >= 0x80);
    return ANSI_C_SHORT[byte] ?? (isOctal ? `\\${byte.toString(8).padStart(3, '0')}` : undefined);
  });
}

function tableOf(spelling: (byte: number) => string | undefined): ByteTable {
  return Array.from({ length: 256 }, (_, byte) => spelling(byte));
}

/** The value by each table that changes it. */
export function spellBy(value: Uint8Array, tables: readonly ByteTable[]): Buffer[] {
  return tables.flatMap((table) => spellBytes(value, (byte) => table[byte]) ?? []);
}

/** Two digits a byte, with `between` after each but the last. */
export function separatedHex(value: Uint8Array, letters: Case, between: string): Buffer | undefined {
  return spellBytes(value, (byte, at) => (at === 0 ? '' : between) + hexDigits(byte, 2, letters));
}

export interface JsonStyle {
  /** `/` as `\/`, as PHP does. */
  readonly slash?: boolean;
  /** What means something in HTML as `\u003c`…, as Go does. */
  readonly html?: boolean;
  /** Everything outside printable ASCII as `\uXXXX`, with letters of this case, as Python does. */
  readonly ascii?: Case;
}

const JSON_SHORT: Readonly<Record<number, string>> = {
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0c: '\\f',
  0x0d: '\\r',
  0x22: '\\"',
  0x5c: '\\\\',
};

/** `<`, `>`, `&` and the two line ends JavaScript knows and JSON does not (Go, encoding/json). */
const JSON_HTML = new Set([0x3c, 0x3e, 0x26, 0x2028, 0x2029]);

/** What stands between the quotes of a JSON string (RFC 8259 §7; with no style, as JSON.stringify writes it); undefined when nothing changes. */
export function jsonBody(value: Uint8Array, style: JsonStyle): Buffer | undefined {
  const letters = style.ascii ?? 'lower';
  return spellCharacters(value, (code) => {
    const short = JSON_SHORT[code];
    if (short !== undefined) return short;
    if (code === 0x2f) return style.slash === true ? '\\/' : undefined;
    const isHtml = style.html === true && JSON_HTML.has(code);
    const isEscaped = code < 0x20 || isHtml || (style.ascii !== undefined && code > 0x7e);
    return isEscaped ? utf16Escape(code, letters) : undefined;
  });
}

/** Inside single quotes as dash writes it: a run of `'` goes into one pair of double quotes. */
export function singleQuotedRuns(value: Uint8Array): Buffer | undefined {
  return spellBytes(value, (byte, at) => {
    if (byte !== 0x27) return undefined;
    const opens = value[at - 1] !== 0x27 ? `'"` : '';
    const closes = value[at + 1] !== 0x27 ? `"'` : '';
    return `${opens}'${closes}`;
  });
}

/** What bash puts a backslash before (lib/sh/shquote.c); `#` and `~` at the start of a word too. */
const BASH_SPECIAL = new Set(Buffer.from(' \t\n!"$&\'()*,;<>?[\\]^`{|}', 'latin1'));

/** As bash's `printf %q` writes it: `~` behind `:` or `=` is special, too. */
export function backslashedWord(value: Uint8Array): Buffer | undefined {
  return spellBytes(value, (byte, at) => {
    const isHome = byte === 0x7e && (value[at - 1] === 0x3a || value[at - 1] === 0x3d);
    return isHome || BASH_SPECIAL.has(byte) ? `\\${String.fromCharCode(byte)}` : undefined;
  });
}

/** UTF-8 as UTF-16, low byte first. `value` has to be well-formed. */
export function utf16le(value: Uint8Array): Buffer {
  const units = Buffer.allocUnsafe(value.length * 2);
  let at = 0;
  for (const { code } of charactersOf(value)) {
    for (const unit of utf16Units(code)) at = units.writeUInt16LE(unit, at);
  }
  return units.subarray(0, at);
}

/** Characters in the opposite order, or bytes when `value` is not UTF-8. */
export function reversedCharacters(value: Uint8Array): Buffer {
  const text = Buffer.allocUnsafe(value.length);
  for (const { at, length } of charactersOf(value))
    text.set(value.subarray(at, at + length), value.length - at - length);
  return text;
}

/** Lines of `width` characters with a line feed between them; undefined when one line is enough. */
export function wrapped(text: Uint8Array, width: number): Buffer | undefined {
  return spellBytes(text, (byte, at) => (at > 0 && at % width === 0 ? `\n${String.fromCharCode(byte)}` : undefined));
}

/** The value with every byte spelled; undefined when none is spelled in another way. */
function spellBytes(value: Uint8Array, spelling: Spelling): Buffer | undefined {
  const text = new Text(value.length);
  for (let at = 0; at < value.length; at += 1) text.add(value, at, 1, spelling(value[at]!, at));
  return text.take();
}

/** The same by characters. A byte that is not part of UTF-8 stays as it is. */
function spellCharacters(value: Uint8Array, spelling: Spelling): Buffer | undefined {
  const text = new Text(value.length);
  for (const { code, at, length } of charactersOf(value)) {
    text.add(value, at, length, code < 0 ? undefined : spelling(code, at));
  }
  return text.take();
}

/** Spelled bytes being collected, in room that is reused, grows and is wiped when they are taken. */
class Text {
  static #room = Buffer.allocUnsafeSlow(4096);
  readonly #bytes: Buffer;
  #length = 0;
  #isChanged = false;

  constructor(valueLength: number) {
    const needed = valueLength * SPELLING_LENGTH_MAX;
    if (Text.#room.length < needed) Text.#room = Buffer.allocUnsafeSlow(needed);
    this.#bytes = Text.#room;
  }

  add(value: Uint8Array, at: number, length: number, spelled: string | undefined): void {
    const bytes = this.#bytes;
    let end = this.#length;
    if (spelled === undefined) {
      for (let k = 0; k < length; k += 1, end += 1) bytes[end] = value[at + k]!;
    } else {
      this.#isChanged = true;
      for (let k = 0; k < spelled.length; k += 1, end += 1) bytes[end] = spelled.charCodeAt(k);
    }
    this.#length = end;
  }

  /** The text, or undefined when it is the value. */
  take(): Buffer | undefined {
    const taken = this.#isChanged ? Buffer.allocUnsafe(this.#length) : undefined;
    if (taken !== undefined) this.#bytes.copy(taken, 0, 0, this.#length);
    this.#bytes.fill(0, 0, this.#length);
    return taken;
  }
}

interface Character {
  /** Code point, or -1 for a byte that is not part of well-formed UTF-8. */
  readonly code: number;
  readonly at: number;
  readonly length: number;
}

/** Code points of UTF-8 (RFC 3629). Overlong forms and surrogates are left to the caller's isUtf8 where it matters. */
function* charactersOf(value: Uint8Array): Generator<Character> {
  for (let at = 0; at < value.length;) {
    const character = characterAt(value, at);
    yield character;
    at += character.length;
  }
}

function characterAt(value: Uint8Array, at: number): Character {
  const first = value[at]!;
  if (first < 0x80) return { code: first, at, length: 1 };
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > value.length) return { code: -1, at, length: 1 };
  let code = first & (0x7f >> length);
  for (let k = 1; k < length; k += 1) {
    const byte = value[at + k]!;
    if ((byte & 0xc0) !== 0x80) return { code: -1, at, length: 1 };
    code = (code << 6) | (byte & 0x3f);
  }
  return { code, at, length };
}

function utf16Units(code: number): number[] {
  if (code < 0x1_0000) return [code];
  return [0xd800 + ((code - 0x1_0000) >> 10), 0xdc00 + (code & 0x3ff)];
}

function utf16Escape(code: number, letters: Case): string {
  return utf16Units(code)
    .map((unit) => `\\u${hexDigits(unit, 4, letters)}`)
    .join('');
}

function hexDigits(number: number, width: number, letters: Case): string {
  const digits = letters === 'lower' ? '0123456789abcdef' : '0123456789ABCDEF';
  let text = '';
  for (let shift = (width - 1) * 4; shift >= 0; shift -= 4) text += digits[(number >> shift) & 15]!;
  return text;
}
