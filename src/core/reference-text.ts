// One secret reference as it stands in a text: where it ends there, and the variables inside it. The rules are those of
// 1Password's manual, "Template syntax" (developer.1password.com/docs/cli/secrets-template-syntax).

import { BYTE, endOfName } from './dotenv.ts';
import { REFERENCE_LENGTH_MAX, REFERENCE_SCHEMES } from './reference.ts';

/** What `$NAME` stands for. null where variables are not replaced: there each is a fault. */
export type Variables = ReadonlyMap<string, string> | null;

/** Where a reference stands. Between braces it may have spaces; in open text the first one ends it. */
export type Enclosure = 'braces' | 'none';

/** A reference with its variables replaced, not yet parsed, and where in the text it ends. */
export interface ReferenceText {
  readonly text: string;
  readonly end: number;
}

/** What is wrong, at a byte of the text. Whoever knows what the text is makes a Failure of it. */
export class TextFault extends Error {
  readonly at: number;
  readonly hint: string;

  constructor(at: number, what: string, hint: string) {
    super(what);
    this.at = at;
    this.hint = hint;
  }
}

export const SCHEMES = REFERENCE_SCHEMES.map((scheme) => Buffer.from(scheme, 'latin1'));

/** Beside letters and digits: what stands before op:// when it is the end of something else, as in `git+op://`. */
const BEFORE = new Set(Buffer.from('-+\\.', 'latin1'));

/** Beside letters and digits. The manual forgets the slash, and the = that `?attribute=otp` has. */
const PATH = new Set(Buffer.from('-_./', 'latin1'));
const QUERY = new Set(Buffer.from('-_./?=', 'latin1'));

const USE_BRACES = 'write $NAME, ${NAME} or ${NAME:-text} inside a reference';

/** The scheme that begins at `at`, if one does. */
export function schemeAt(bytes: Buffer, at: number): Buffer | undefined {
  const first = bytes[at];
  for (const scheme of SCHEMES) if (first === scheme[0] && isAt(bytes, scheme, at)) return scheme;
  return undefined;
}

/** Without a view for each byte that is looked at: a template may have millions that begin nothing. */
function isAt(bytes: Buffer, word: Buffer, at: number): boolean {
  return bytes.compare(word, 0, word.length, at, Math.min(at + word.length, bytes.length)) === 0;
}

/** Whether the scheme at `at` begins a word of its own. */
export function isReferenceStart(bytes: Buffer, at: number): boolean {
  const before = at === 0 ? undefined : bytes[at - 1]!;
  return before === undefined || !(isLetterOrDigit(before) || BEFORE.has(before));
}

/** Reads on from a scheme at `at` to where the reference ends. Throws `TextFault` for a variable without a value. */
export function referenceTextAt(
  bytes: Buffer,
  at: number,
  enclosure: Enclosure,
  variables: Variables,
): ReferenceText | undefined {
  const scheme = schemeAt(bytes, at);
  if (scheme === undefined) return undefined;
  let text = scheme.toString('latin1');
  let allowed = PATH;
  let end = at + scheme.length;
  for (let plain = end; ; plain = end) {
    for (; isAllowed(bytes[end], allowed, enclosure); end += 1) if (bytes[end] === BYTE.question) allowed = QUERY;
    text += bytes.toString('latin1', plain, end);
    const variable = variableAt(bytes, end, variables);
    text += variable?.text ?? '';
    if (text.length > REFERENCE_LENGTH_MAX) throw tooLong(at);
    if (variable === undefined) return { text: enclosure === 'braces' ? text.replace(/ +$/, '') : text, end };
    end = variable.end;
  }
}

function tooLong(at: number): TextFault {
  return new TextFault(at, `a reference has at most ${REFERENCE_LENGTH_MAX} characters`, 'write it with ids');
}

function isAllowed(byte: number | undefined, allowed: ReadonlySet<number>, enclosure: Enclosure): boolean {
  if (byte === undefined) return false;
  if (isLetterOrDigit(byte) || allowed.has(byte) || byte === BYTE.question) return true;
  return byte === BYTE.space && enclosure === 'braces';
}

function isLetterOrDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a);
}

/** What the variable at `at` stands for; nothing if none begins there. */
function variableAt(bytes: Buffer, at: number, variables: Variables): ReferenceText | undefined {
  if (bytes[at] !== BYTE.dollar) return undefined;
  const isBraced = bytes[at + 1] === BYTE.openingBrace;
  const start = isBraced ? skipSpaces(bytes, at + 2) : at + 1;
  const nameEnd = endOfName(bytes, start);
  if (nameEnd === start && !isBraced) return undefined;
  if (nameEnd === start) throw new TextFault(at, 'this variable has a form that is not read', USE_BRACES);
  if (variables === null) {
    throw new TextFault(at, 'variables are not replaced here', 'use double quotes or none, or write the name itself');
  }
  const value = variables.get(bytes.toString('latin1', start, nameEnd));
  if (!isBraced) return { text: given(value, at), end: nameEnd };
  const { otherwise, end } = bracesFrom(bytes, at, nameEnd);
  // As in a shell, `:-` stands in for an empty value, too.
  return { text: given(value === '' ? (otherwise ?? value) : (value ?? otherwise), at), end };
}

function given(value: string | undefined, at: number): string {
  if (value !== undefined) return value;
  throw new TextFault(at, 'this variable is not set', 'set it, or write ${NAME:-text} with what stands for it');
}

/** Behind the name in `${NAME}` or `${NAME:-text}`: the text, and where the braces end. */
function bracesFrom(bytes: Buffer, at: number, nameEnd: number): { otherwise: string | undefined; end: number } {
  const behind = skipSpaces(bytes, nameEnd);
  if (bytes[behind] === BYTE.closingBrace) return { otherwise: undefined, end: behind + 1 };
  const start = behind + 2;
  let close = start;
  while (isAllowed(bytes[close], PATH, 'braces')) close += 1;
  const isDefault = bytes[behind] === BYTE.colon && bytes[behind + 1] === BYTE.minus;
  if (isDefault && bytes[close] === BYTE.closingBrace) {
    return { otherwise: bytes.toString('latin1', start, close), end: close + 1 };
  }
  throw new TextFault(at, 'this variable has a form that is not read', USE_BRACES);
}

/** Spaces and tabs. */
export function skipSpaces(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes[end] === BYTE.space || bytes[end] === BYTE.tab) end += 1;
  return end;
}
