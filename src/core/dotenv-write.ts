// A dotenv file as a mount hands it out: each variable in the one spelling that every reader below takes for exactly the
// stored bytes, or not at all. Values stay bytes; what is written is one buffer, which the caller wipes.
//
// The readers: npm dotenv 16 to 18, also `fast`; Node's --env-file, loadEnvFile and parseEnv; python-dotenv 0.21 and 1.2
// with interpolation on, which docker-compose 1.29 uses too; compose-go's dotenv (docker compose); godotenv; direnv; bash
// and dash with `set -a; . ./.env`, and zsh, as it costs nothing. docs/dotenv.md has the table of what was measured.

import { isUtf8 } from 'node:buffer';

export interface DotenvVariable {
  /** A name as core/names.ts lets it in. */
  readonly name: string;
  readonly value: Buffer;
}

export interface DotenvFile {
  /** The file. It holds the values: the caller overwrites it. */
  readonly bytes: Buffer;
  /** The names that are not in it, in order: some reader would see another value, or another variable. */
  readonly refused: readonly string[];
}

export interface DotenvOptions {
  /**
   * Write values of several lines too. Every reader but direnv gets them: its 2.32 stops at such a file and prints the
   * line, its 2.37 drops blank lines inside (pkg/dotenv/parse.go splits at `[\r\n]+`). Without this they are refused.
   */
  readonly isMultiline?: boolean;
}

interface Line {
  readonly name: string;
  readonly value: Buffer;
  /** What stands on both sides of the value; undefined for a refused one. */
  readonly quote: string | undefined;
}

const HEADER = '# Written by keystile\n';

const BARE = 1;
const SINGLE = 2;
const DOUBLE = 4;
/** In this order: the plainest spelling also suits readers that know no quotes, such as `docker run --env-file`. */
const SPELLINGS: ReadonlyArray<readonly [spelling: number, quote: string]> = [
  [BARE, ''],
  [SINGLE, "'"],
  [DOUBLE, '"'],
];

/** No special meaning anywhere, in any place but those `isMisread` looks for. */
const BARE_BYTES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+,=';

const LINE_FEED = 0x0a;

/** For each byte, the spellings it may stand in. */
const ALLOWED = allowedSpellings();

function allowedSpellings(): Uint8Array {
  const allowed = new Uint8Array(256).fill(SINGLE | DOUBLE);
  // NUL ends a string of the environment. CR becomes LF in npm dotenv and Python, is dropped by Node and ends a line for
  // direnv. The other controls mean nothing in a credential; old shells use some of them inside (bash: CTLESC 0x01).
  allowed.fill(0, 0x00, 0x20).fill(0, 0x7f, 0x80);
  for (const byte of [0x09, LINE_FEED]) allowed[byte] = SINGLE | DOUBLE;
  // Ends the value, and there is no escape for it that all share: npm dotenv keeps the backslash, Node ends anyway.
  for (const byte of Buffer.from(`'`)) allowed[byte] = DOUBLE;
  for (const byte of Buffer.from(`"`)) allowed[byte] = SINGLE;
  // Inside double quotes the shells run `…` and $(…); they, godotenv, compose-go and direnv expand $NAME; and a backslash
  // means something to everyone, but to no two the same. Inside single quotes they are bytes like others (see isMisread).
  for (const byte of Buffer.from('`$\\')) allowed[byte] = SINGLE;
  for (const byte of Buffer.from(BARE_BYTES)) allowed[byte] = BARE | SINGLE | DOUBLE;
  return allowed;
}

/**
 * Names that do not keep what they are given: bash has them read-only or counts them itself (bash(1), "Shell
 * Variables"; it also prints the value it refuses for BASH_COMPAT), dash refuses text for OPTIND, and npm dotenv loses
 * `__proto__`. Best effort: a shell may grow more.
 */
const KEPT_NAMES =
  /^(?:BASH_.*|BASHOPTS|BASHPID|COMP_WORDBREAKS|DIRSTACK|EPOCHREALTIME|EPOCHSECONDS|EUID|FUNCNAME|GROUPS|HISTCMD|LINENO|OPTIND|PIPESTATUS|PPID|RANDOM|SECONDS|SHELLOPTS|SHLVL|SRANDOM|UID|_|__proto__)$/;

/**
 * The file with these variables, in this order; a refused one is a comment with its name. The names are distinct.
 * Nothing but `bytes` holds a value afterwards. Throws nothing.
 */
export function writeDotenv(variables: readonly DotenvVariable[], options: DotenvOptions = {}): DotenvFile {
  const isMultiline = options.isMultiline === true;
  const lines = variables.map(({ name, value }) => ({ name, value, quote: quoteFor(name, value, isMultiline) }));
  const length = lines.reduce((sum, line) => sum + lengthOf(line), HEADER.length);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = bytes.write(HEADER, 'latin1');
  for (const line of lines) at = writeLine(bytes, at, line);
  return { bytes, refused: lines.filter(({ quote }) => quote === undefined).map(({ name }) => name) };
}

/** Whether a value of that name can be in a file at all, if readers of one line at a time are left aside. */
export function isWritable({ name, value }: DotenvVariable): boolean {
  return quoteFor(name, value, true) !== undefined;
}

/** The first spelling that every reader understands alike, as the quote it uses. */
function quoteFor(name: string, value: Buffer, isMultiline: boolean): string | undefined {
  // Text is what most readers are about: npm dotenv writes U+FFFD over other bytes, python-dotenv gives up on the file.
  if (KEPT_NAMES.test(name) || !isUtf8(value)) return undefined;
  if (!isMultiline && value.includes(LINE_FEED)) return undefined;
  let spellings = BARE | SINGLE | DOUBLE;
  for (const byte of value) spellings &= ALLOWED[byte]!;
  return SPELLINGS.find(([spelling]) => (spellings & spelling) !== 0 && !isMisread(value, spelling))?.[1];
}

/** Whether allowed bytes stand where a reader sees more in them. */
function isMisread(value: Buffer, spelling: number): boolean {
  switch (spelling) {
    case BARE:
      // zsh puts the path of a program for =name at the start of a value, and behind a colon.
      return value[0] === 0x3d || value.includes(':=');
    case SINGLE:
      // python-dotenv makes one backslash of two; npm dotenv, godotenv and compose-go take the closing quote behind one
      // for a part of the value; python-dotenv expands ${NAME} in single quotes as well (variables.py).
      return value.includes('\\\\') || value.at(-1) === 0x5c || value.includes('${');
    default:
      return false;
  }
}

function lengthOf({ name, value, quote }: Line): number {
  return quote === undefined ? refusal(name).length : name.length + 1 + 2 * quote.length + value.length + 1;
}

function writeLine(bytes: Buffer, start: number, { name, value, quote }: Line): number {
  if (quote === undefined) return start + bytes.write(refusal(name), start, 'latin1');
  let at = start + bytes.write(`${name}=${quote}`, start, 'latin1');
  at += value.copy(bytes, at);
  return at + bytes.write(`${quote}\n`, at, 'latin1');
}

/** Without a quote or a sign that some reader could begin a value at. */
function refusal(name: string): string {
  return `# keystile: ${name} cannot be written here\n`;
}
