// What a dotenv file is made of: the limits, the pieces a value is put together from, and how a place in a file is told.
// Nothing is looked up here (core/dotenv-read.ts does), and values stay views of the file's bytes.

import { Failure } from './failure.ts';
import { placeOf } from './place.ts';

/** A file of more bytes is not read (I8). */
export const DOTENV_BYTES_MAX = 1024 * 1024;

export interface DotenvEntry {
  readonly name: string;
  /** A buffer of its own; whoever has it overwrites it. */
  readonly value: Buffer;
  /** Where the name stands, from 1. */
  readonly line: number;
}

/** A part of a value. Secret references are none: they are looked for in what a value came to (core/env-file.ts). */
export type Piece = Text | Reference;

/** Bytes as they are: a view of the file, or what an escape means. */
export interface Text {
  readonly kind: 'text';
  readonly bytes: Buffer;
}

/** `$NAME`, `${NAME}`, `${NAME:-otherwise}` or `${NAME-otherwise}`. */
export interface Reference {
  readonly kind: 'reference';
  /** A view and not a string: in a password with a dollar in it, this is a part of the password. */
  readonly name: Buffer;
  readonly otherwise: readonly Text[] | undefined;
  /** Whether an empty value counts as none, as `:-` says. */
  readonly isEmptyUnset: boolean;
  /** Where the dollar stands, in bytes. */
  readonly at: number;
}

/** A stretch of the file; `isQuoted` when it stands between double quotes, where a backslash escapes. */
interface Stretch {
  readonly file: Buffer;
  readonly end: number;
  readonly isQuoted: boolean;
}

/** Something that is not just text: what it stands for, if anything, and where it ends. */
interface Special {
  readonly piece: Piece | undefined;
  readonly end: number;
}

export const BYTE = {
  tab: 0x09,
  lineFeed: 0x0a,
  return: 0x0d,
  space: 0x20,
  doubleQuote: 0x22,
  hash: 0x23,
  dollar: 0x24,
  singleQuote: 0x27,
  openingParenthesis: 0x28,
  minus: 0x2d,
  colon: 0x3a,
  equals: 0x3d,
  question: 0x3f,
  backslash: 0x5c,
  backquote: 0x60,
  openingBrace: 0x7b,
  closingBrace: 0x7d,
  delete: 0x7f,
} as const;

export const USE_SINGLE_QUOTES = 'put the value into single quotes if it is meant as it is';

/** What may follow a backslash between double quotes, and what both mean. */
const ESCAPES: ReadonlyMap<number, Buffer> = new Map(
  ['n\n', 'r\r', 't\t', '""', '\\\\', '$$', '``'].map((pair) => [pair.charCodeAt(0), Buffer.from(pair.slice(1))]),
);

/** White space to JavaScript, Go or Python: one or the other trims it, or ends a line at it. */
const FOREIGN_SPACES = [0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff]
  .concat(Array.from({ length: 11 }, (_, index) => 0x2000 + index))
  .map((point) => Buffer.from(String.fromCodePoint(point)));
const FOREIGN_LEADS = new Set(FOREIGN_SPACES.map((space) => space[0]));

/** The pieces of the bytes from `start` to `end` of a bare value or of one between double quotes. */
export function piecesOf(file: Buffer, start: number, end: number, isQuoted: boolean): Piece[] {
  const stretch = { file, end, isQuoted };
  const pieces: Piece[] = [];
  let plain = start;
  for (let at = start; at < end;) {
    const special = specialAt(stretch, at);
    if (special === undefined) {
      at += 1;
      continue;
    }
    addText(pieces, file, plain, at);
    if (special.piece !== undefined) pieces.push(special.piece);
    at = special.end;
    plain = at;
  }
  addText(pieces, file, plain, end);
  return pieces;
}

/** Bytes that mean nothing but themselves; a line in them ends with a line feed, however it does in the file. */
export function textOf(file: Buffer, start: number, end: number): Text[] {
  const pieces: Text[] = [];
  let from = start;
  for (;;) {
    const at = file.indexOf(BYTE.return, from);
    if (at < 0 || at >= end) break;
    addText(pieces, file, from, at);
    from = at + 1;
  }
  addText(pieces, file, from, end);
  return pieces;
}

function addText(pieces: Piece[], file: Buffer, start: number, end: number): void {
  if (start < end) pieces.push({ kind: 'text', bytes: file.subarray(start, end) });
}

function specialAt(stretch: Stretch, at: number): Special | undefined {
  const { file, isQuoted } = stretch;
  const byte = file[at]!;
  switch (byte) {
    case BYTE.backslash:
      return escapeAt(stretch, at);
    case BYTE.dollar:
      return dollarAt(stretch, at);
    case BYTE.backquote:
      throw fault(file, at, 'commands are not run here', USE_SINGLE_QUOTES);
    case BYTE.return:
      return { piece: undefined, end: at + 1 };
    default:
      if (isQuoted || !isUnusual(file, at)) return undefined;
      throw fault(file, at, 'a control character or unusual white space', 'put the value into single quotes');
  }
}

function escapeAt({ file, end, isQuoted }: Stretch, at: number): Special | undefined {
  const next = at + 1 < end ? file[at + 1]! : 0;
  // Outside quotes a backslash is one, as in npm dotenv; but \$ is a dollar everywhere.
  if (!isQuoted && next !== BYTE.dollar) return undefined;
  const bytes = ESCAPES.get(next);
  if (bytes !== undefined) return { piece: { kind: 'text', bytes }, end: at + 2 };
  const hint = `write \\\\ for a backslash, or ${USE_SINGLE_QUOTES}`;
  throw fault(file, at, 'this backslash means different things to different readers', hint);
}

function dollarAt(stretch: Stretch, at: number): Special | undefined {
  const { file, end } = stretch;
  switch (at + 1 < end ? file[at + 1]! : 0) {
    case BYTE.openingParenthesis:
      throw fault(file, at, 'commands are not run here', USE_SINGLE_QUOTES);
    case BYTE.openingBrace:
      return bracedAt(stretch, at);
    default: {
      const ends = Math.min(endOfName(file, at + 1), end);
      // A dollar that begins no name is one.
      if (ends <= at + 1) return undefined;
      const name = file.subarray(at + 1, ends);
      return { piece: { kind: 'reference', name, otherwise: undefined, isEmptyUnset: false, at }, end: ends };
    }
  }
}

/** `${NAME}`, or with what stands for it when it is not set, up to the first closing brace. */
function bracedAt(stretch: Stretch, at: number): Special {
  const { file, end } = stretch;
  const nameEnd = endOfName(file, at + 2);
  const close = file.indexOf(BYTE.closingBrace, nameEnd);
  const isEmptyUnset = file[nameEnd] === BYTE.colon;
  const operator = isEmptyUnset ? nameEnd + 1 : nameEnd;
  const hasOtherwise = file[operator] === BYTE.minus;
  if (nameEnd === at + 2 || close < 0 || close >= end || (!hasOtherwise && close !== nameEnd)) {
    const hint = `write \${NAME}, \${NAME:-text} or \${NAME-text}; ${USE_SINGLE_QUOTES}`;
    throw fault(file, at, 'this reference has a form that is not read', hint);
  }
  const otherwise = hasOtherwise ? otherwiseOf(stretch, operator + 1, close) : undefined;
  const name = file.subarray(at + 2, nameEnd);
  return { piece: { kind: 'reference', name, otherwise, isEmptyUnset, at }, end: close + 1 };
}

/** One level only: references in references would need a limit, and nobody would miss them. */
function otherwiseOf({ file, isQuoted }: Stretch, start: number, close: number): Text[] {
  return piecesOf(file, start, close, isQuoted).map((piece) => {
    if (piece.kind === 'text') return piece;
    throw fault(file, piece.at, 'a reference inside a reference', 'give it a variable of its own, one line above');
  });
}

/** Where a name that starts at `start` ends: at `start` itself if none does. */
export function endOfName(file: Buffer, start: number): number {
  let end = start;
  while (isNameByte(file[end], end === start)) end += 1;
  return end;
}

function isNameByte(byte: number | undefined, isFirst: boolean): boolean {
  if (byte === undefined) return false;
  if (byte >= 0x30 && byte <= 0x39) return !isFirst;
  const letter = byte | 0x20;
  return byte === 0x5f || (letter >= 0x61 && letter <= 0x7a);
}

/** Outside quotes nothing stands that an editor would not show, or that some reader trims. */
function isUnusual(file: Buffer, at: number): boolean {
  const byte = file[at]!;
  if (byte < 0x80) return byte === BYTE.delete || (byte < BYTE.space && byte !== BYTE.tab);
  return FOREIGN_LEADS.has(byte) && FOREIGN_SPACES.some((space) => file.subarray(at, at + space.length).equals(space));
}

/** What is wrong with the file, at a byte of it. No byte of the file is repeated: any may be a part of a value. */
export function fault(file: Buffer, at: number, what: string, hint: string): Failure {
  const { line, column } = placeOf(file, at);
  return new Failure('dotenv/invalid', `line ${line}, column ${column}: ${what}`, { hint });
}
