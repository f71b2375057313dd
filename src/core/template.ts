// A template: text with secret references in it, as `op inject` takes. It is cut into pieces that are views of its
// bytes, whatever encoding they have, and filled with values; all other bytes stay as they are. docs/references.md is
// the manual. No error repeats a byte of the template: any may be a part of a secret.

import { BYTE } from './dotenv.ts';
import { Failure } from './failure.ts';
import { firstPlace, placeOf, type Place } from './place.ts';
import { formatReference, parseReference, type SecretReference } from './reference.ts';
import {
  SCHEMES,
  TextFault,
  isReferenceStart,
  referenceTextAt,
  schemeAt,
  skipSpaces,
  type Enclosure,
  type Variables,
} from './reference-text.ts';

/** Larger templates, more pieces and different references in one, and larger results are refused (I8). */
export const TEMPLATE_BYTES_MAX = 16 * 1024 * 1024;
export const TEMPLATE_REFERENCES_MAX = 1_000;
export const FILLED_BYTES_MAX = 64 * 1024 * 1024;
export const PIECES_MAX = 200_000;

/** What is put in, by `formatReference`. The caller keeps the buffers, and wipes them. */
export type ReferenceValues = ReadonlyMap<string, Buffer>;

export type TemplatePiece =
  | { readonly kind: 'text'; readonly bytes: Buffer }
  | { readonly kind: 'reference'; readonly reference: SecretReference; readonly place: Place };

export interface Template {
  readonly pieces: readonly TemplatePiece[];
  /** Each once, in the order of the first time. */
  readonly references: readonly SecretReference[];
}

const BRACES = Buffer.from('{{', 'latin1');
const OPENINGS = [BRACES, ...SCHEMES];

const CLOSE_BRACES = 'write {{ op://vault/item/field }} with letters, digits, spaces, and - _ . in the names';
const CLOSE_LITERAL = 'end it with "}} and write \\" for a quote inside';

/**
 * Cuts a template into its pieces. `variables` are what `$NAME` stands for inside references; null makes each an error.
 * Throws `template/invalid` with line and column, and `input/too_large`.
 */
export function parseTemplate(bytes: Buffer, variables: Variables = new Map()): Template {
  if (bytes.length > TEMPLATE_BYTES_MAX) throw tooLarge(`a template has at most ${TEMPLATE_BYTES_MAX} bytes`);
  try {
    return new TemplateReader(bytes, variables).read();
  } catch (thrown) {
    if (!(thrown instanceof TextFault)) throw thrown;
    const { line, column } = placeOf(bytes, thrown.at);
    const message = `line ${line}, column ${column}: ${thrown.message}`;
    throw new Failure('template/invalid', message, { hint: thrown.hint });
  }
}

/** Every reference in a text, each once. Throws as `parseTemplate`, for one that is written badly, too. */
export function referencesIn(bytes: Buffer, variables: Variables = new Map()): readonly SecretReference[] {
  return parseTemplate(bytes, variables).references;
}

/**
 * The template with a value in the place of each reference, as a buffer of its own, which the caller wipes. Throws
 * `input/too_large`, and `internal/error` when a value is missing: nothing is filled by half.
 */
export function fillTemplate({ pieces }: Template, values: ReferenceValues): Buffer {
  const parts = pieces.map((piece) => (piece.kind === 'text' ? piece.bytes : valueFor(piece.reference, values)));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > FILLED_BYTES_MAX) throw tooLarge(`a filled template has at most ${FILLED_BYTES_MAX} bytes`);
  const filled = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const part of parts) at += part.copy(filled, at);
  return filled;
}

function valueFor(reference: SecretReference, values: ReferenceValues): Buffer {
  const value = values.get(formatReference(reference));
  if (value === undefined) throw new Failure('internal/error', 'a reference was left without a value');
  return value;
}

function tooLarge(message: string): Failure {
  return new Failure('input/too_large', message, { hint: 'split the template' });
}

class TemplateReader {
  readonly #bytes: Buffer;
  readonly #variables: Variables;
  readonly #pieces: TemplatePiece[] = [];
  readonly #references = new Map<string, SecretReference>();
  /** Where each opening stands next, so that a template is searched once for each and not again and again. */
  readonly #next = OPENINGS.map(() => -1);
  /** Up to here the bytes are in pieces. */
  #done = 0;
  #place: Place;

  constructor(bytes: Buffer, variables: Variables) {
    this.#bytes = bytes;
    this.#variables = variables;
    this.#place = firstPlace(bytes);
  }

  read(): Template {
    for (let at = this.#opening(0); at < this.#bytes.length;) at = this.#opening(this.#specialAt(at));
    this.#text(this.#done, this.#bytes.length);
    return { pieces: this.#pieces, references: [...this.#references.values()] };
  }

  /** The first byte from `from` on where something may begin; the length when nothing does. */
  #opening(from: number): number {
    let first = this.#bytes.length;
    for (let index = 0; index < OPENINGS.length; index += 1) {
      if (this.#next[index]! < from) {
        const at = this.#bytes.indexOf(OPENINGS[index]!, from);
        this.#next[index] = at < 0 ? this.#bytes.length : at;
      }
      first = Math.min(first, this.#next[index]!);
    }
    return first;
  }

  /** Puts what begins at `at` into pieces, if it is not text like any other, and says from where on to look further. */
  #specialAt(at: number): number {
    if (schemeAt(this.#bytes, at) !== undefined) {
      return isReferenceStart(this.#bytes, at) ? this.#reference(at, at, 'none') : at + 1;
    }
    // Of many braces the last two count; the others are not tried one by one.
    let braces = at;
    while (this.#bytes[braces + BRACES.length] === BYTE.openingBrace) braces += 1;
    const inside = skipSpaces(this.#bytes, braces + BRACES.length);
    if (schemeAt(this.#bytes, inside) !== undefined) return this.#reference(braces, inside, 'braces');
    return this.#bytes[inside] === BYTE.doubleQuote ? this.#literal(braces, inside) : inside;
  }

  /** `at` is where its place in the text begins, `start` where it does itself. */
  #reference(at: number, start: number, enclosure: Enclosure): number {
    const found = referenceTextAt(this.#bytes, start, enclosure, this.#variables);
    if (found === undefined) throw new TextFault(start, 'no reference begins here', CLOSE_BRACES);
    const end = enclosure === 'braces' ? this.#closingBraces(found.end, CLOSE_BRACES) : found.end;
    const reference = this.#distinct(start, found.text);
    this.#text(this.#done, at);
    this.#place = placeOf(this.#bytes, at, this.#place);
    this.#push({ kind: 'reference', reference, place: this.#place });
    this.#done = end;
    return end;
  }

  #distinct(at: number, text: string): SecretReference {
    const reference = parsed(at, text);
    const key = formatReference(reference);
    const known = this.#references.get(key);
    if (known !== undefined) return known;
    if (this.#references.size >= TEMPLATE_REFERENCES_MAX) {
      throw tooLarge(`a template has at most ${TEMPLATE_REFERENCES_MAX} different references`);
    }
    this.#references.set(key, reference);
    return reference;
  }

  /** `{{ "text" }}`: text that is not looked into, without the braces and the quotes. */
  #literal(at: number, quote: number): number {
    this.#text(this.#done, at);
    let from = quote + 1;
    let close = this.#bytes.indexOf(BYTE.doubleQuote, from);
    for (
      ;
      close >= 0 && this.#bytes[close - 1] === BYTE.backslash;
      close = this.#bytes.indexOf(BYTE.doubleQuote, close + 1)
    ) {
      this.#text(from, close - 1);
      from = close;
    }
    if (close < 0) throw new TextFault(at, 'this literal text is not closed', CLOSE_LITERAL);
    this.#text(from, close);
    this.#done = this.#closingBraces(close + 1, CLOSE_LITERAL);
    return this.#done;
  }

  #closingBraces(from: number, hint: string): number {
    const at = skipSpaces(this.#bytes, from);
    if (this.#bytes[at] === BYTE.closingBrace && this.#bytes[at + 1] === BYTE.closingBrace) return at + 2;
    throw new TextFault(at, 'here }} was expected', hint);
  }

  #text(start: number, end: number): void {
    if (start < end) this.#push({ kind: 'text', bytes: this.#bytes.subarray(start, end) });
  }

  #push(piece: TemplatePiece): void {
    if (this.#pieces.length >= PIECES_MAX) throw tooLarge(`a template has at most ${PIECES_MAX} pieces`);
    this.#pieces.push(piece);
  }
}

function parsed(at: number, text: string): SecretReference {
  try {
    return parseReference(text);
  } catch (thrown) {
    const { message, hint } = Failure.from(thrown);
    throw new TextFault(at, message, hint);
  }
}
