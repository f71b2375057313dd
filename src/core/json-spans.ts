// Where things stand in a JSON text (RFC 8259), as byte offsets, so that a value can be taken out without making strings of
// its neighbours, and a file can be changed in one place only. `jsonc` is what VS Code reads: comments and trailing commas.

import { isUtf8 } from 'node:buffer';

/** Deeper than any file or answer that is read here; each level is one call deep. */
const DEPTH_MAX = 64;

export type Dialect = 'json' | 'jsonc';

export interface Member {
  readonly key: string;
  /** Offset of the quote before the key. */
  readonly start: number;
  readonly value: Span;
}

/** From `start` (its first byte) to `end` (the byte behind it). */
export type Span = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'object'; readonly members: readonly Member[] }
  | { readonly kind: 'array'; readonly items: readonly Span[] }
  | { readonly kind: 'string' | 'number' | 'true' | 'false' | 'null' }
);

/**
 * The one value of the text, or null when it is not JSON: also when it is not UTF-8, is nested deeper than 64, or holds a
 * key twice in one object, of which two readers may take different ones.
 */
export function parseSpans(bytes: Buffer, dialect: Dialect = 'json'): Span | null {
  if (!isUtf8(bytes)) return null;
  try {
    return new Scanner(bytes, dialect).document();
  } catch (error) {
    if (error === NOT_JSON) return null;
    throw error;
  }
}

/** The value behind a path of keys, or null when something on the way is missing or no object. */
export function spanAt(root: Span, path: readonly string[]): Span | null {
  let span: Span | null = root;
  for (const key of path) span = span === null ? null : memberOf(span, key);
  return span;
}

function memberOf(span: Span, key: string): Span | null {
  return span.kind === 'object' ? (span.members.find((member) => member.key === key)?.value ?? null) : null;
}

/** What a string span says, as UTF-8 in a new Buffer; null when half of a surrogate pair is missing. */
export function stringBytes(bytes: Buffer, span: Span): Buffer | null {
  const out = Buffer.alloc(span.end - span.start);
  let length = 0;
  for (let at = span.start + 1; at < span.end - 1;) {
    const byte = bytes[at]!;
    if (byte !== BACKSLASH) {
      out[length] = byte;
      length += 1;
      at += 1;
      continue;
    }
    const point = escapedPoint(bytes, at);
    if (point === null) return (out.fill(0), null);
    length += writePoint(out, length, point.code);
    at += point.length;
  }
  const exact = Buffer.from(out.subarray(0, length));
  out.fill(0);
  return exact;
}

const [TAB, LINE_FEED, RETURN, SPACE, QUOTE, COMMA, COLON, SLASH, BACKSLASH] = Buffer.from('\t\n\r ",:/\\');
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, STAR, MINUS, PLUS, POINT, ZERO, NINE] =
  Buffer.from('{}[]*-+.09');
const [SMALL_E, LARGE_E, SMALL_U] = Buffer.from('eEu');
const WORDS = ['true', 'false', 'null'] as const;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** The letters behind a backslash and what each means (RFC 8259, section 7). */
const ESCAPED = Buffer.from('"\\/\b\f\n\r\t');
const ESCAPES = new Map(Array.from(Buffer.from('"\\/bfnrt'), (letter, i) => [letter, ESCAPED[i]!]));
const NOT_JSON = new Error('not JSON');

/** `at` is the offset of a backslash; `length` the bytes that the escape takes. */
function escapedPoint(bytes: Buffer, at: number): { readonly code: number; readonly length: number } | null {
  const plain = ESCAPES.get(bytes[at + 1]!);
  if (plain !== undefined) return { code: plain, length: 2 };
  const unit = hexUnit(bytes, at + 2);
  if (unit < 0xd800 || unit > 0xdfff) return { code: unit, length: 6 };
  const isPair = unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === SMALL_U;
  const low = isPair ? hexUnit(bytes, at + 8) : 0;
  if (low < 0xdc00 || low > 0xdfff) return null;
  return { code: 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), length: 12 };
}

function hexUnit(bytes: Buffer, at: number): number {
  let unit = 0;
  for (let i = at; i < at + 4; i += 1) unit = unit * 16 + hexDigit(bytes[i] ?? 0);
  return unit;
}

/** -Infinity for what is no digit, so that no sum with it passes for a code. */
function hexDigit(byte: number): number {
  if (byte >= ZERO! && byte <= NINE!) return byte - ZERO!;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NEGATIVE_INFINITY;
}

/** Writes a code point as UTF-8 (RFC 3629) and returns how many bytes it took: never more than its escape has. */
function writePoint(out: Buffer, at: number, code: number): number {
  if (code < 0x80) return ((out[at] = code), 1);
  const length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let i = length - 1; i > 0; i -= 1) out[at + i] = 0x80 | ((code >> (6 * (length - 1 - i))) & 0x3f);
  out[at] = ((0xf00 >> length) & 0xff) | (code >> (6 * (length - 1)));
  return length;
}

class Scanner {
  readonly #bytes: Buffer;
  readonly #isLenient: boolean;
  #at = 0;

  constructor(bytes: Buffer, dialect: Dialect) {
    this.#bytes = bytes;
    this.#isLenient = dialect === 'jsonc';
    if (this.#isLenient && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) this.#at = 3;
  }

  document(): Span {
    const span = this.#value(0);
    this.#blank();
    if (this.#at !== this.#bytes.length) throw NOT_JSON;
    return span;
  }

  #value(depth: number): Span {
    if (depth > DEPTH_MAX) throw NOT_JSON;
    this.#blank();
    const first = this.#bytes[this.#at];
    if (first === OPEN_OBJECT) return this.#object(depth);
    if (first === OPEN_ARRAY) return this.#array(depth);
    return first === QUOTE ? this.#string() : (this.#word() ?? this.#number());
  }

  #object(depth: number): Span {
    const start = this.#at;
    const members: Member[] = [];
    const keys = new Set<string>();
    this.#list(CLOSE_OBJECT!, () => {
      const key = this.#string();
      const text = stringBytes(this.#bytes, key)?.toString('utf8');
      if (text === undefined || keys.has(text)) throw NOT_JSON;
      keys.add(text);
      this.#blank();
      this.#expect(COLON!);
      members.push({ key: text, start: key.start, value: this.#value(depth + 1) });
    });
    return { kind: 'object', start, end: this.#at, members };
  }

  #array(depth: number): Span {
    const start = this.#at;
    const items: Span[] = [];
    this.#list(CLOSE_ARRAY!, () => items.push(this.#value(depth + 1)));
    return { kind: 'array', start, end: this.#at, items };
  }

  /** What stands between two brackets, with commas between. */
  #list(close: number, one: () => void): void {
    this.#at += 1;
    for (let count = 0; ; count += 1) {
      this.#blank();
      if (this.#bytes[this.#at] === close && (count === 0 || this.#isLenient)) break;
      one();
      this.#blank();
      if (this.#bytes[this.#at] === close) break;
      this.#expect(COMMA!);
    }
    this.#at += 1;
  }

  #string(): Span {
    const start = this.#at;
    const bytes = this.#bytes;
    this.#expect(QUOTE!);
    for (;;) {
      // Most of a text is here, so it is kept short.
      let at = this.#at;
      while (bytes[at]! >= SPACE! && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at += 1;
      this.#at = at;
      if (bytes[at] === BACKSLASH) this.#escape();
      else break;
    }
    this.#expect(QUOTE!);
    return { kind: 'string', start, end: this.#at };
  }

  #escape(): void {
    const letter = this.#bytes[this.#at + 1] ?? 0;
    if (letter === SMALL_U && hexUnit(this.#bytes, this.#at + 2) >= 0) this.#at += 6;
    else if (ESCAPES.has(letter)) this.#at += 2;
    else throw NOT_JSON;
  }

  #word(): Span | null {
    const start = this.#at;
    const kind = WORDS.find((word) => word.charCodeAt(0) === this.#bytes[start]);
    if (kind === undefined) return null;
    if (this.#bytes.toString('latin1', start, start + kind.length) !== kind) throw NOT_JSON;
    this.#at += kind.length;
    return { kind, start, end: this.#at };
  }

  #number(): Span {
    const start = this.#at;
    if (this.#bytes[this.#at] === MINUS) this.#at += 1;
    if (this.#bytes[this.#at] === ZERO) this.#at += 1;
    else this.#digits();
    if (this.#bytes[this.#at] === POINT) {
      this.#at += 1;
      this.#digits();
    }
    if (this.#bytes[this.#at] === SMALL_E || this.#bytes[this.#at] === LARGE_E) {
      this.#at += 1;
      if (this.#bytes[this.#at] === PLUS || this.#bytes[this.#at] === MINUS) this.#at += 1;
      this.#digits();
    }
    return { kind: 'number', start, end: this.#at };
  }

  /** One digit or more. */
  #digits(): void {
    const start = this.#at;
    while (this.#bytes[this.#at]! >= ZERO! && this.#bytes[this.#at]! <= NINE!) this.#at += 1;
    if (this.#at === start) throw NOT_JSON;
  }

  #expect(byte: number): void {
    if (this.#bytes[this.#at] !== byte) throw NOT_JSON;
    this.#at += 1;
  }

  #blank(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === SPACE || byte === LINE_FEED || byte === RETURN || byte === TAB) this.#at += 1;
      else if (byte === SLASH && this.#isLenient) this.#comment();
      else return;
    }
  }

  #comment(): void {
    const second = this.#bytes[this.#at + 1];
    if (second !== SLASH && second !== STAR) throw NOT_JSON;
    const end = this.#bytes.indexOf(second === SLASH ? '\n' : '*/', this.#at + 2);
    if (end < 0 && second === STAR) throw NOT_JSON;
    this.#at = end < 0 ? this.#bytes.length : end + (second === SLASH ? 1 : 2);
  }
}
