// The same letters in other bytes, and other letters for them: UTF-16, composed and decomposed, capitals, rot13, backwards.

import { charactersOf, spellBy, tableOf, type Spelling } from './spelling.ts';

/** No character of a normal form takes more bytes for one of the value (UAX 15: three times for UTF-8). */
const NORMAL_GROWTH = 3;

/**
 * NFC and NFD (UAX 15), for a value that is not ASCII. They are made of one letter with its marks at a time, so that no
 * longer piece of the value becomes a string.
 */
export function spellNormal(value: Buffer): Buffer[] {
  if (!value.some((byte) => byte >= 0x80)) return [];
  return (['NFC', 'NFD'] as const).map((form) => normal(value, form));
}

function normal(value: Buffer, form: 'NFC' | 'NFD'): Buffer {
  const text = Buffer.alloc(value.length * NORMAL_GROWTH);
  let end = 0;
  let cluster: number[] = [];
  const flush = (): void => {
    end += text.write(String.fromCodePoint(...cluster).normalize(form), end);
    cluster = [];
  };
  for (const { code, at } of charactersOf(value)) {
    const isJoined = code >= MARKS_FROM && JOINED.test(String.fromCodePoint(code));
    if (!isJoined) flush();
    if (code >= 0) cluster.push(code);
    else text[end++] = value[at]!;
  }
  flush();
  return text.subarray(0, end);
}

/** Marks, and the Korean letters that a syllable goes on with. */
const MARKS_FROM = 0x300;
const JOINED = /[\p{M}\u1161-\u11ff]/u;

/** As Latin-1, and as UTF-8 that was taken for Latin-1 and written again. `value` has to be well-formed. */
export function spellLatin(value: Buffer): Buffer[] {
  if (!value.some((byte) => byte >= 0x80)) return [];
  const twice = Buffer.allocUnsafe(value.length * 2);
  let end = 0;
  for (const byte of value) {
    if (byte >= 0x80) twice[end++] = 0xc0 | (byte >> 6);
    twice[end++] = byte < 0x80 ? byte : 0x80 | (byte & 0x3f);
  }
  const narrow = Buffer.allocUnsafe(value.length);
  let length = 0;
  for (const { code } of charactersOf(value)) {
    if (code < 0 || code > 0xff) {
      narrow.fill(0, 0, length);
      return [twice.subarray(0, end)];
    }
    narrow[length++] = code;
  }
  return [narrow.subarray(0, length), twice.subarray(0, end)];
}

/** UTF-8 as UTF-16, low byte first. `value` has to be well-formed. */
export function utf16le(value: Uint8Array): Buffer {
  const units = Buffer.allocUnsafe(value.length * 2);
  let at = 0;
  for (const { code } of charactersOf(value)) {
    if (code < 0x1_0000) {
      at = units.writeUInt16LE(code, at);
    } else {
      at = units.writeUInt16LE(0xd800 + ((code - 0x1_0000) >> 10), at);
      at = units.writeUInt16LE(0xdc00 + (code & 0x3ff), at);
    }
  }
  return units.subarray(0, at);
}

export function utf16be(value: Uint8Array): Buffer {
  return utf16le(value).swap16();
}

/** UTF-8 as UTF-32, low byte first. `value` has to be well-formed. */
export function utf32le(value: Uint8Array): Buffer {
  const text = Buffer.allocUnsafe(value.length * 4);
  let end = 0;
  for (const { code } of charactersOf(value)) end = text.writeUInt32LE(code, end);
  return text.subarray(0, end);
}

/** Bytes from the last to the first, and characters where that is something else. */
export function spellReversed(value: Buffer): Buffer[] {
  const bytes = reversedBytes(value);
  return value.some((byte) => byte >= 0x80) ? [bytes, reversedCharacters(value)] : [bytes];
}

/** `toReversed` makes a copy, which is taken as it is: another one of it would be left behind. */
export function reversedBytes(value: Buffer): Buffer {
  return Buffer.from(value.toReversed().buffer);
}

function reversedCharacters(value: Uint8Array): Buffer {
  const text = Buffer.allocUnsafe(value.length);
  for (const { at, length } of charactersOf(value))
    text.set(value.subarray(at, at + length), value.length - at - length);
  return text;
}

const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const isLower = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;
const other = (byte: number): string => String.fromCharCode(byte ^ 0x20);

/** Capitals, small letters, each for the other: of ASCII, as `tr` does. */
const CASE_SPELLINGS: readonly Spelling[] = [
  { bytes: tableOf((byte) => (isLower(byte) ? other(byte) : undefined)) },
  { bytes: tableOf((byte) => (isUpper(byte) ? other(byte) : undefined)) },
  { bytes: tableOf((byte) => (isLower(byte) || isUpper(byte) ? other(byte) : undefined)) },
];

/** A value of letters alone that is shorter might be a word that everybody writes, with other capitals. */
const WORD_BYTES_MAX = 16;

export function spellCase(value: Buffer): Buffer[] {
  const isWord = value.length < WORD_BYTES_MAX && value.every((byte) => isUpper(byte) || isLower(byte));
  if (isWord) return [];
  const texts = spellBy(value, CASE_SPELLINGS);
  return value.some((byte) => byte >= 0x80) ? [...texts, ...casesBeyond(value)] : texts;
}

/** The same for all of Unicode, a character at a time. */
function casesBeyond(value: Buffer): Buffer[] {
  const changes = [
    (letter: string) => letter.toUpperCase(),
    (letter: string) => letter.toLowerCase(),
    (letter: string) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()),
  ];
  return changes.map((change) => {
    const text = Buffer.alloc(value.length * NORMAL_GROWTH);
    let end = 0;
    for (const { code, at } of charactersOf(value)) {
      if (code < 0) text[end++] = value[at]!;
      else end += text.write(change(String.fromCodePoint(code)), end);
    }
    return text.subarray(0, end);
  });
}

const ROT13: readonly Spelling[] = [
  {
    bytes: tableOf((byte) => {
      if (!isUpper(byte) && !isLower(byte)) return undefined;
      return String.fromCharCode(byte + ((byte & 0x1f) <= 13 ? 13 : -13));
    }),
  },
];

export function spellRot13(value: Buffer): Buffer[] {
  return spellBy(value, ROT13);
}
