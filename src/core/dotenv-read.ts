// A dotenv file read: statements one after the other, each value put together from its pieces and from what the same
// file set before. No value becomes a string, and no error repeats a byte of the file. docs/dotenv.md is the manual.
//
// The grammar is what `op run --env-file` (1Password's manual, "Environment file syntax rules") and npm dotenv take
// alike. Where they or a shell differ, it is a fault with a hint: nobody gets half a credential without being told.

import { isUtf8 } from 'node:buffer';

import { BYTE, DOTENV_BYTES_MAX, USE_SINGLE_QUOTES, endOfName, fault, piecesOf, textOf } from './dotenv.ts';
import type { DotenvEntry, Piece, Reference } from './dotenv.ts';
import { VALUE_BYTES_MAX, VARIABLES_MAX } from './environment.ts';
import { Failure } from './failure.ts';
import { NAME_LENGTH_MAX } from './names.ts';
import { markLength } from './place.ts';

/** Name and value, as in process.env. */
export type Surroundings = ReadonlyMap<string, string>;

/** Where values are put together. */
interface Scope {
  readonly file: Buffer;
  /** What the file set until now. */
  readonly entries: ReadonlyMap<string, DotenvEntry>;
  readonly surroundings: Surroundings;
}

interface Statement {
  readonly name: string;
  readonly pieces: readonly Piece[];
  readonly line: number;
}

const USE_ASSIGNMENT = 'write NAME=value; a NAME has letters, digits and _, and does not start with a digit';
const UNSET = {
  above: 'a reference to a name that the file does not set above',
  anywhere: 'a reference to a name that neither the file above nor the environment sets',
} as const;
const USE_ONE_PAIR = 'put the whole value into one pair of quotes';

/** With the flag `m`, which npm dotenv uses: what follows is a new line to it, and could be a variable. */
const LINE_ENDS_OF_JAVASCRIPT = [Buffer.from('\u2028'), Buffer.from('\u2029')];

/**
 * What a file sets, in its order. Of statements with one name the last counts, and stands where it does. `surroundings`
 * are the variables that count where the file does not set one itself. The caller wipes the values (`wipeDotenv`) and
 * the file. Throws `dotenv/invalid` with line and column, and `input/too_large` past a limit (I8); whatever was read
 * until then is wiped.
 */
export function readDotenv(file: Buffer, surroundings: Surroundings = new Map()): DotenvEntry[] {
  if (file.length > DOTENV_BYTES_MAX) throw tooLarge(`a dotenv file has at most ${DOTENV_BYTES_MAX} bytes`);
  const entries = new Map<string, DotenvEntry>();
  try {
    for (const { name, pieces, line } of statementsOf(file)) {
      const value = valueOf({ file, entries, surroundings }, pieces, line);
      entries.get(name)?.value.fill(0);
      entries.delete(name);
      entries.set(name, { name, value, line });
      if (entries.size > VARIABLES_MAX) throw tooLarge(`line ${line}: more than ${VARIABLES_MAX} variables`);
    }
    return [...entries.values()];
  } catch (thrown) {
    wipeDotenv(entries.values());
    throw thrown;
  }
}

/** Overwrites the values. */
export function wipeDotenv(entries: Iterable<DotenvEntry>): void {
  for (const { value } of entries) value.fill(0);
}

// --- values --------------------------------------------------------------------------------------------------------

/** The one copy of a value that is made: its parts are views, and are measured before it. */
function valueOf(scope: Scope, pieces: readonly Piece[], line: number): Buffer {
  const parts = pieces.flatMap((piece) => partsOf(scope, piece));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > VALUE_BYTES_MAX) throw tooLarge(`line ${line}: a value has at most ${VALUE_BYTES_MAX} bytes`);
  const value = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const part of parts) at += part.copy(value, at);
  return value;
}

function partsOf(scope: Scope, piece: Piece): readonly Buffer[] {
  switch (piece.kind) {
    case 'text':
      return [piece.bytes];
    case 'reference': {
      const value = lookUp(piece, scope);
      if (value !== undefined && !(piece.isEmptyUnset && value.length === 0)) return [value];
      if (piece.otherwise !== undefined) return piece.otherwise.map(({ bytes }) => bytes);
      if (value !== undefined) return [value];
      // What an imported file says must not hang on who reads it; `run --env-file` hands its environment in.
      throw fault(scope.file, piece.at, UNSET[scope.surroundings.size > 0 ? 'anywhere' : 'above'], USE_SINGLE_QUOTES);
    }
  }
}

/** By bytes, one name after the other: a Map would need the name as a string, and it may be a part of a password. */
function lookUp({ name }: Reference, { entries, surroundings }: Scope): Buffer | undefined {
  for (const entry of entries.values()) if (isSpelled(name, entry.name)) return entry.value;
  for (const [known, value] of surroundings) if (isSpelled(name, known)) return Buffer.from(value);
  return undefined;
}

function isSpelled(bytes: Buffer, text: string): boolean {
  if (bytes.length !== text.length) return false;
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] !== text.charCodeAt(at)) return false;
  return true;
}

function tooLarge(message: string): Failure {
  return new Failure('input/too_large', message, { hint: 'split the file, or leave out what is not a variable' });
}

// --- statements ----------------------------------------------------------------------------------------------------

function* statementsOf(file: Buffer): Generator<Statement> {
  refuseForeignBytes(file);
  const reader = new StatementReader(file);
  for (let statement = reader.next(); statement !== undefined; statement = reader.next()) yield statement;
}

/** Checked first, so that nothing below has to think of it. */
function refuseForeignBytes(file: Buffer): void {
  if (!isUtf8(file)) throw fault(file, firstForeignByte(file), 'this is not UTF-8', 'save the file as UTF-8');
  const nul = file.indexOf(0);
  if (nul >= 0) throw fault(file, nul, 'a NUL byte', 'take it out; no variable can hold one');
  for (let at = file.indexOf(BYTE.return); at >= 0; at = file.indexOf(BYTE.return, at + 1)) {
    if (file[at + 1] === BYTE.lineFeed) continue;
    throw fault(file, at, 'a carriage return without a line feed', 'write \\r between double quotes, or take it out');
  }
}

/** Character by character, as long as they are whole. */
function firstForeignByte(file: Buffer): number {
  let at = 0;
  for (;;) {
    const lead = file[at]!;
    const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (at >= file.length || !isUtf8(file.subarray(at, at + length))) return at;
    at += length;
  }
}

class StatementReader {
  readonly #file: Buffer;
  #at: number;
  #line = 1;
  /** Up to where line feeds were counted into `#line`. */
  #counted = 0;

  constructor(file: Buffer) {
    this.#file = file;
    this.#at = markLength(file);
  }

  next(): Statement | undefined {
    for (;;) {
      this.#skipSpaces();
      const byte = this.#file[this.#at];
      if (byte === undefined) return undefined;
      if (byte === BYTE.hash) this.#skipComment();
      else if (this.#isLineEnd()) this.#at += 1;
      else return this.#statement();
    }
  }

  #statement(): Statement {
    for (; this.#counted < this.#at; this.#counted += 1) {
      if (this.#file[this.#counted] === BYTE.lineFeed) this.#line += 1;
    }
    const line = this.#line;
    const word = this.#name();
    this.#skipSpaces();
    if (this.#file[this.#at] !== BYTE.equals) throw fault(this.#file, this.#at, 'no = after the name', USE_ASSIGNMENT);
    this.#at += 1;
    // A string only now: without the = it may be the second line of a key that somebody forgot to quote.
    return { name: word.toString('latin1'), pieces: this.#value(), line };
  }

  /** The name, without a word `export` before it. */
  #name(): Buffer {
    const word = this.#word();
    if (!isSpelled(word, 'export') || !isSpace(this.#file[this.#at])) return word;
    this.#skipSpaces();
    return this.#file[this.#at] === BYTE.equals ? word : this.#word();
  }

  #word(): Buffer {
    const start = this.#at;
    const end = endOfName(this.#file, start);
    if (end === start || end - start > NAME_LENGTH_MAX) {
      throw fault(this.#file, start, 'this is not a name of a variable', USE_ASSIGNMENT);
    }
    this.#at = end;
    return this.#file.subarray(start, end);
  }

  #value(): readonly Piece[] {
    this.#skipSpaces();
    switch (this.#file[this.#at] ?? BYTE.lineFeed) {
      case BYTE.singleQuote:
      case BYTE.backquote:
        return this.#literal();
      case BYTE.doubleQuote:
        return this.#quoted();
      default:
        return this.#bare();
    }
  }

  /** Between single quotes or backquotes, where nothing is special. */
  #literal(): readonly Piece[] {
    const start = this.#at + 1;
    const end = this.#file.indexOf(this.#file[this.#at]!, start);
    if (end < 0) throw this.#unclosed();
    if (end > start && this.#file[end - 1] === BYTE.backslash) {
      const hint = 'put the value into double quotes, with \\\\ for a backslash';
      throw fault(this.#file, end - 1, 'a backslash before a quote means different things to different readers', hint);
    }
    this.#at = end + 1;
    this.#endLine();
    return textOf(this.#file, start, end);
  }

  #quoted(): readonly Piece[] {
    const start = this.#at + 1;
    let end = start;
    while (end < this.#file.length && this.#file[end] !== BYTE.doubleQuote) {
      end += this.#file[end] === BYTE.backslash ? 2 : 1;
    }
    if (end >= this.#file.length) throw this.#unclosed();
    this.#at = end + 1;
    this.#endLine();
    return piecesOf(this.#file, start, end, true);
  }

  /** To the end of the line or to a comment, without the spaces around. */
  #bare(): readonly Piece[] {
    const start = this.#at;
    while (this.#at < this.#file.length && !this.#isLineEnd() && !this.#isComment()) this.#at += 1;
    let end = this.#at;
    while (end > start && isSpace(this.#file[end - 1])) end -= 1;
    this.#endLine();
    return piecesOf(this.#file, start, end, false);
  }

  /** After a value: spaces and a comment. */
  #endLine(): void {
    this.#skipSpaces();
    if (this.#at >= this.#file.length || this.#isLineEnd()) return;
    if (!this.#isComment()) throw fault(this.#file, this.#at, 'more text after the closing quote', USE_ONE_PAIR);
    this.#skipComment();
  }

  /** npm dotenv and Node begin a comment at every # outside quotes, others only after a space: hence the fault. */
  #isComment(): boolean {
    if (this.#file[this.#at] !== BYTE.hash) return false;
    if (isSpace(this.#file[this.#at - 1])) return true;
    const hint = `put a space before a comment, or ${USE_SINGLE_QUOTES}`;
    throw fault(this.#file, this.#at, 'a # without a space before it', hint);
  }

  #skipComment(): void {
    const start = this.#at;
    const feed = this.#file.indexOf(BYTE.lineFeed, start);
    this.#at = feed < 0 ? this.#file.length : feed;
    const comment = this.#file.subarray(start, this.#at);
    for (const lineEnd of LINE_ENDS_OF_JAVASCRIPT) {
      const at = comment.indexOf(lineEnd);
      if (at >= 0)
        throw fault(this.#file, start + at, 'npm dotenv sees the end of this comment here', 'take that character out');
    }
  }

  #skipSpaces(): void {
    while (isSpace(this.#file[this.#at])) this.#at += 1;
  }

  /** A carriage return is always followed by a line feed here. */
  #isLineEnd(): boolean {
    return this.#file[this.#at] === BYTE.lineFeed || this.#file[this.#at] === BYTE.return;
  }

  #unclosed(): Failure {
    return fault(this.#file, this.#at, 'this quote is not closed', 'close it, or put the value into other quotes');
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === BYTE.space || byte === BYTE.tab;
}
