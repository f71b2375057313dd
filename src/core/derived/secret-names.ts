// What of a structured value is a secret and what a word: by its name, by how it looks, by a list of words.

import { isDigit, isLetter } from './lines.ts';

/** A shorter part of a value is not looked for alone. */
const PIECE_BYTES_MIN = 8;

/** Names of what is a secret whatever it looks like, and of what is one when it does not look like a word. */
const SECRET_NAMES = ['pass', 'pwd', 'secret', 'token', 'credential', 'apikey', 'api_key', 'api-key', 'accountkey'];
const DOUBTFUL_NAMES = ['key', 'auth', 'sess', 'sid', 'sig', 'cookie', 'code', 'salt', 'seed', 'pin', 'jwt', 'csrf'];
/** How a name ends that says something about a secret and is none: `token_uri`, `password_file`. */
const ABOUT_NAMES = [
  'uri',
  'url',
  'file',
  'path',
  'name',
  'type',
  'id',
  'endpoint',
  'ttl',
  'expiry',
  'expires',
  'length',
  'mode',
];

/** Passwords that are words of everyday output. They hide nothing, and masked they would hide half of a log. */
const EVERYDAY_WORDS =
  'password passw0rd password1 postgres postgresql mysqladmin administrator changeme changeit localhost anonymous username development production staging testing default example database rabbitmq guestguest rootroot minioadmin elastic mongoadmin required disabled enabled internal verify-full verify-ca x-oauth-basic x-access-token undefined'.split(
    ' ',
  );

export type Certainty = 'secret' | 'doubtful' | 'unknown';

/** What a name says about its value. */
export function certaintyOf(name: Buffer): Certainty {
  const isAbout = ABOUT_NAMES.some((word) => endsWith(name, word));
  if (!isAbout && SECRET_NAMES.some((word) => holds(name, word))) return 'secret';
  return [...SECRET_NAMES, ...DOUBTFUL_NAMES].some((word) => holds(name, word)) ? 'doubtful' : 'unknown';
}

/** Whether a part that `certainty` is known of is looked for alone. `words` are other parts of the value, such as its user. */
export function isSecret(part: Buffer, certainty: Certainty, words: readonly Buffer[] = []): boolean {
  if (part.length < PIECE_BYTES_MIN || isEveryday(part) || words.some((word) => isAlike(part, word))) return false;
  if (certainty === 'secret') return true;
  return certainty === 'doubtful' ? isNoWord(part) : looksRandom(part);
}

/** Whether it holds digits among letters, or both kinds of letters not only at starts of words; and no space. */
function isNoWord(part: Buffer): boolean {
  if (looksRandom(part)) return true;
  if (part.includes(' ')) return false;
  return part.some(isDigit) && part.some(isLetter) && part.length >= 12 && new Set(part).size >= 8;
}

/** From this length on a stretch of letters and digits is looked at. */
const RANDOM_BYTES_MIN = 10;
/** So often digits and letters take turns in it. `us-east-1`, `utf8mb4` and `2024-01-31T12` have fewer. */
const RANDOM_TURNS_MIN = 4;
/** Or so many turns a byte of it, kinds of letters counted too; in CamelCase there is one of three. */
const LONG_BYTES_MIN = 16;
const LONG_TURNS = 0.42;

/** Whether some stretch of letters and digits looks like made by a generator. */
export function looksRandom(part: Buffer): boolean {
  for (let start = 0, at = 0; at <= part.length; at += 1) {
    const byte = part[at] ?? 0;
    if (isDigit(byte) || isLetter(byte)) continue;
    if (at - start >= RANDOM_BYTES_MIN && isRandom(part.subarray(start, at))) return true;
    start = at + 1;
  }
  return false;
}

function isRandom(word: Buffer): boolean {
  let turns = 0;
  let digitTurns = 0;
  for (let at = 1; at < word.length; at += 1) {
    const [before, after] = [kindOf(word[at - 1]!), kindOf(word[at]!)];
    if (before !== after) turns += 1;
    if ((before === 0) !== (after === 0)) digitTurns += 1;
  }
  return digitTurns >= RANDOM_TURNS_MIN || (word.length >= LONG_BYTES_MIN && turns >= LONG_TURNS * word.length);
}

/** 0 for a digit, 1 for a capital, 2 for a small letter. */
function kindOf(byte: number): number {
  if (isDigit(byte)) return 0;
  return byte < 0x60 ? 1 : 2;
}

function isEveryday(part: Buffer): boolean {
  return EVERYDAY_WORDS.some((word) => isAlike(part, word));
}

/** ASCII letters of either kind count as one. Compared byte by byte: a part of a value becomes no string. */
function isAlike(part: Buffer, word: Buffer | string): boolean {
  if (part.length !== word.length) return false;
  return part.every((byte, at) => small(byte) === small(byteAt(word, at)));
}

function byteAt(word: Buffer | string, at: number): number {
  return typeof word === 'string' ? word.charCodeAt(at) : word[at]!;
}

function small(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

function holds(name: Buffer, word: string): boolean {
  for (let at = 0; at + word.length <= name.length; at += 1) {
    if (isAlike(name.subarray(at, at + word.length), word)) return true;
  }
  return false;
}

function endsWith(name: Buffer, word: string): boolean {
  return isAlike(name.subarray(-word.length), word);
}
