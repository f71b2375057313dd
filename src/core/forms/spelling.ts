// How programs write bytes as text, by tables: what each byte and each character becomes. Bytes in, bytes out: the text of
// a secret never becomes a JavaScript string, which could not be wiped; at most one character of it does.

export type Case = 'lower' | 'upper';

/** How each byte is written. There are a hundred such tables, and a value has a few dozen different bytes: made as needed. */
export class ByteTable {
  readonly #spelling: (byte: number) => string | undefined;
  readonly #known: (string | undefined)[] = [];
  readonly #isKnown = new Uint8Array(256);

  constructor(spelling: (byte: number) => string | undefined) {
    this.#spelling = spelling;
  }

  /** undefined for a byte that stays as it is. */
  of(byte: number): string | undefined {
    if (this.#isKnown[byte] === 0) {
      this.#known[byte] = this.#spelling(byte);
      this.#isKnown[byte] = 1;
    }
    return this.#known[byte];
  }
}

/** How a program writes text. */
export interface Spelling {
  readonly bytes: ByteTable;
  /** How it writes a character beyond ASCII, by code point; undefined when it stays. Without it, by bytes. */
  readonly beyond?: (code: number) => string | undefined;
}

/** No spelling of one character is longer: a surrogate pair as `\ud83d\ude00`. */
const SPELLING_LENGTH_MAX = 12;

export function tableOf(spelling: (byte: number) => string | undefined): ByteTable {
  return new ByteTable(spelling);
}

/** A table that changes nothing but the characters that are keys of `spelled`. */
export function tableFrom(spelled: Readonly<Record<string, string>>): ByteTable {
  return tableOf((byte) => spelled[String.fromCharCode(byte)]);
}

/** The value by each spelling that changes it. */
export function spellBy(value: Uint8Array, spellings: readonly Spelling[]): Buffer[] {
  return spellings.flatMap((spelling) => spell(value, spelling) ?? []);
}

/** The value as it is written so; undefined when nothing changes. A byte that is not part of UTF-8 goes by its table. */
export function spell(value: Uint8Array, spelling: Spelling): Buffer | undefined {
  const first = firstSpelled(value, spelling);
  if (first === value.length) return undefined;
  const { bytes, beyond } = spelling;
  const text = new Text(value.length);
  text.copy(value, 0, first);
  for (let at = first; at < value.length;) {
    const byte = value[at]!;
    const character = byte < 0x80 || beyond === undefined ? BYTE : characterAt(value, at);
    const spelled = character.code < 0 ? bytes.of(byte) : beyond?.(character.code);
    if (spelled === undefined) text.copy(value, at, character.length);
    else text.add(spelled);
    at += character.length;
  }
  return text.take();
}

/** What is written by its table. */
const BYTE: Pick<Character, 'code' | 'length'> = { code: -1, length: 1 };

/** A loop of our own takes a third of the time of findIndex, and most spellings change nothing of most values. */
function firstSpelled(value: Uint8Array, { bytes, beyond }: Spelling): number {
  const plain = beyond === undefined ? 0x100 : 0x80;
  for (let at = 0; at < value.length; at += 1) {
    if (value[at]! >= plain || bytes.of(value[at]!) !== undefined) return at;
  }
  return value.length;
}

/** The same where it matters what stands beside a byte. */
export function spellBytes(
  value: Uint8Array,
  spelling: (byte: number, at: number) => string | undefined,
): Buffer | undefined {
  const text = new Text(value.length);
  for (let at = 0; at < value.length; at += 1) {
    const spelled = spelling(value[at]!, at);
    if (spelled === undefined) text.copy(value, at, 1);
    else text.add(spelled);
  }
  return text.take();
}

/** Every byte or character with `between` between them. */
export interface Separated {
  readonly spelling: Spelling;
  readonly between: number;
}

/** `isCharacter`: what is beyond ASCII by its code point, not by its bytes. */
export function separatedBy(spelled: (code: number) => string, between: string, isCharacter = false): Separated {
  const each = (code: number): string => between + spelled(code);
  return { spelling: { bytes: tableOf(each), ...(isCharacter ? { beyond: each } : {}) }, between: between.length };
}

export function separated(value: Uint8Array, { spelling, between }: Separated): Buffer {
  return spell(value, spelling)?.subarray(between) ?? Buffer.alloc(0);
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

  copy(value: Uint8Array, at: number, length: number): void {
    for (let k = 0; k < length; k += 1) this.#bytes[this.#length + k] = value[at + k]!;
    this.#length += length;
  }

  add(spelled: string): void {
    this.#isChanged = true;
    for (let k = 0; k < spelled.length; k += 1) this.#bytes[this.#length + k] = spelled.charCodeAt(k);
    this.#length += spelled.length;
  }

  /** The text, or undefined when it is the value. */
  take(): Buffer | undefined {
    const taken = this.#isChanged ? Buffer.allocUnsafe(this.#length) : undefined;
    if (taken !== undefined) this.#bytes.copy(taken, 0, 0, this.#length);
    this.#bytes.fill(0, 0, this.#length);
    return taken;
  }
}

export interface Character {
  /** Code point, or -1 for a byte that is not part of well-formed UTF-8. */
  readonly code: number;
  readonly at: number;
  readonly length: number;
}

/** Code points of UTF-8 (RFC 3629). Overlong forms and surrogates are left to the caller's isUtf8 where it matters. */
export function* charactersOf(value: Uint8Array): Generator<Character> {
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
  return code > 0x10_ffff ? { code: -1, at, length: 1 } : { code, at, length };
}

export function hexDigits(number: number, width: number, letters: Case): string {
  const digits = letters === 'lower' ? '0123456789abcdef' : '0123456789ABCDEF';
  let text = '';
  for (let shift = (width - 1) * 4; shift >= 0; shift -= 4) text += digits[(number >> shift) & 15]!;
  return text;
}

/** A code point of up to six digits, without zeros in front. */
export function shortHex(code: number, letters: Case): string {
  return hexDigits(code, Math.max(1, Math.ceil((32 - Math.clz32(code)) / 4)), letters);
}
