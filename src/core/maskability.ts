// Whether a value can be hidden in output. What is short, common or easily guessed is in innocent output too: hiding it there
// tells what it is, by the sentence around the gap, and hides what is no secret. Pure: bytes in, one word out. The value
// never becomes a string.

import { commonWords } from './common-words.ts';

/** The words are in records of the vault and in answers: they stay as they are. */
export const MASKABILITIES = ['maskable', 'blank', 'short', 'common', 'predictable'] as const;
export type Maskability = (typeof MASKABILITIES)[number];

/** Why a value cannot be masked, behind "it is". */
export const WHY_UNMASKABLE: Readonly<Record<Exclude<Maskability, 'maskable'>, string>> = {
  blank: 'blank',
  short: 'shorter than 8 bytes',
  common: 'a word that many have and programs print',
  predictable: 'made of repeats, sequences or well-known words, and easily guessed',
};

/** Less is in ordinary output by chance: GitLab asks for 8 characters too, Buildkite for 6. */
export const MASKABLE_BYTES_MIN = 8;
/** Of the whole value, by the estimate below. Eight random digits have 26, a word of the list with a number behind about 20. */
const BITS_MIN = 24;
/** What is still predictable after so many bytes is judged by them: the cost of a value is bounded (I8). */
const LOOKED_AT_BYTES = 256;

export function maskabilityOf(value: Buffer): Maskability {
  const core = trimmed(value);
  if (core.length === 0) return 'blank';
  if (core.length < MASKABLE_BYTES_MIN) return 'short';
  if (isCommon(core)) return 'common';
  return hasBits(core.subarray(0, LOOKED_AT_BYTES), BITS_MIN) ? 'maskable' : 'predictable';
}

/**
 * Names of numbers that are a secret however short they are: nobody is asked whether such a value is one. The word may
 * stand anywhere in the name, in either case.
 */
const NAME_OF_PIN = /(?:^|[^a-z])(?:pin|puk|cvv|cvc|tan|otp|passcode|pass|password|passwd|pwd|secret)(?:$|[^a-z])/i;

/** A number whose name says that it lets somebody in. */
export function isPin(name: string, value: Buffer): boolean {
  const core = trimmed(value);
  return core.length > 0 && core.every((byte) => isBetween(byte, '0', '9')) && NAME_OF_PIN.test(name);
}

function trimmed(value: Buffer): Buffer {
  let [start, end] = [0, value.length];
  while (start < end && isBlank(value[start]!)) start += 1;
  while (end > start && isBlank(value[end - 1]!)) end -= 1;
  return value.subarray(start, end);
}

/** The spaces of ASCII, and NUL. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0 || (byte >= 0x09 && byte <= 0x0d);
}

function isCommon(core: Buffer): boolean {
  const alike = vocabularies()[0]?.from(lower(core[0]!)) ?? [];
  return alike.some((word) => word.length === core.length && word.every((byte, i) => byte === lower(core[i]!)));
}

// --- how much there is to guess ------------------------------------------------------------------------------------------

/**
 * Whether the cheapest way to spell the text has that many bits. The way of zxcvbn (Wheeler, "zxcvbn: low-budget password
 * strength estimation", USENIX Security 2016): the text is cut into pieces, a known word, a walk over the keyboard, a
 * repeat of what stands before, or a character by itself, and the cheapest cutting counts. The start of a piece is never
 * dearer than the piece, so a text never gets cheaper by growing, and it is enough to read until the bits are there.
 */
function hasBits(text: Buffer, bits: number): boolean {
  const cheapest = new Float64Array(text.length + 1).fill(Infinity);
  cheapest[0] = 0;
  for (let at = 0; at < text.length; at += 1) {
    const paid = cheapest[at]!;
    if (paid >= bits) return true;
    cover(cheapest, at, 1, paid + bitsOfByte(text[at]!));
    coverRepeats(cheapest, text, at);
    for (const vocabulary of vocabularies()) coverWords(cheapest, text, at, vocabulary);
  }
  return cheapest[text.length]! >= bits;
}

/** Reaching each of the next `length` places costs at most that. */
function cover(cheapest: Float64Array, at: number, length: number, cost: number): void {
  for (let end = at + 1; end <= at + length; end += 1) cheapest[end] = Math.min(cheapest[end]!, cost);
}

/** A character by itself: one of those of its kind. */
function bitsOfByte(byte: number): number {
  if (isBetween(byte, '0', '9')) return Math.log2(10);
  if (isBetween(lower(byte), 'a', 'z')) return Math.log2(26);
  return byte < 0x80 ? Math.log2(33) : 6;
}

/** That it is a repeat, and from where on. */
const REPEAT_BITS = 2;

function coverRepeats(cheapest: Float64Array, text: Buffer, at: number): void {
  let longest = 0;
  for (let from = 0; from < at; from += 1) {
    let length = 0;
    while (at + length < text.length && text[from + length] === text[at + length]) length += 1;
    longest = Math.max(longest, length);
  }
  if (longest > 0) cover(cheapest, at, longest, cheapest[at]! + REPEAT_BITS + Math.log2(at));
}

function coverWords(cheapest: Float64Array, text: Buffer, at: number, vocabulary: Vocabulary): void {
  for (const first of spelledBy(text[at]!)) {
    for (const word of vocabulary.from(first)) coverWord(cheapest, text, at, word, vocabulary.bits);
  }
}

/** Few enough that a word of the list is predictable however it is written. */
const CAPITAL_BITS_MAX = 8;

/** As much of the word as stands there; capitals and disguises cost a bit each, all capitals one. */
function coverWord(cheapest: Float64Array, text: Buffer, at: number, word: Buffer, bits: number): void {
  let [capitals, small, disguised] = [0, 0, 0];
  for (let i = 0; i < word.length && at + i < text.length; i += 1) {
    const byte = text[at + i]!;
    if (byte === word[i]) small += isBetween(byte, 'a', 'z') ? 1 : 0;
    else if (lower(byte) === word[i]) capitals += 1;
    else if (spelledBy(byte).includes(word[i]!)) disguised += 1;
    else return;
    const capitalBits = Math.min(capitals, small === 0 ? 1 : CAPITAL_BITS_MAX);
    cover(cheapest, at + i, 1, cheapest[at]! + bits + capitalBits + disguised);
  }
}

/** What a byte may stand for in a word: itself, and the letters it looks like. */
function spelledBy(byte: number): readonly number[] {
  return DISGUISES.get(byte) ?? [lower(byte)];
}

const DISGUISES: ReadonlyMap<number, readonly number[]> = new Map(
  ['00o', '11il', '33e', '44a', '55s', '77t', '@@a', '$$s', '!!il'].map((all) => {
    const [byte = 0, ...letters] = Buffer.from(all);
    return [byte, letters];
  }),
);

function lower(byte: number): number {
  return isBetween(byte, 'A', 'Z') ? byte + 0x20 : byte;
}

function isBetween(byte: number, first: string, last: string): boolean {
  return byte >= first.charCodeAt(0) && byte <= last.charCodeAt(0);
}

// --- what is known -------------------------------------------------------------------------------------------------------

/** Words that are as likely as one another: which one it is takes `bits`. */
class Vocabulary {
  readonly bits: number;
  readonly #texts: ReadonlyMap<number, readonly string[]>;
  /** Made when a value has that byte: most are decided by their first six. */
  readonly #words = new Map<number, readonly Buffer[]>();

  constructor(texts: readonly string[]) {
    this.bits = Math.log2(texts.length);
    this.#texts = Map.groupBy(texts, (text) => text.charCodeAt(0));
  }

  /** Those that begin with that byte. */
  from(byte: number): readonly Buffer[] {
    let words = this.#words.get(byte);
    if (words === undefined) {
      words = (this.#texts.get(byte) ?? []).map((text) => Buffer.from(text));
      this.#words.set(byte, words);
    }
    return words;
  }
}

let known: readonly Vocabulary[] | undefined;

/** The common words first. Made when the first value is judged. */
function vocabularies(): readonly Vocabulary[] {
  known ??= [commonWords(), walks(), years(), daysAndMonths()].map((texts) => new Vocabulary([...texts]));
  return known;
}

/** The alphabet, the digits, and the rows and slanting columns of a keyboard, from every key on, in both directions. */
function walks(): string[] {
  const ways = [
    ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'qwertzuiop', 'azertyuiop', 'asdfghjkl;', 'zxcvbnm,./'],
    ['1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/', 'qazwsxedcrfvtgbyhnujmikolp', '1q2w3e4r5t6y7u8i9o0p', '!@#$%^&*()'],
  ].flat();
  return ways.flatMap((way) => [way, Array.from(way).toReversed().join('')]).flatMap(suffixes);
}

function suffixes(text: string): string[] {
  return Array.from(text, (_, i) => text.slice(i));
}

function years(): string[] {
  return Array.from({ length: 150 }, (_, i) => String(1900 + i));
}

/** What stands beside a year in a date, with the mark that people put before or behind it. */
function daysAndMonths(): string[] {
  const numbers = Array.from({ length: 31 }, (_, i) => String(i + 1).padStart(2, '0'));
  const marked = ['-', '/', '.'].flatMap((mark) => numbers.flatMap((number) => [mark + number, number + mark]));
  return [...numbers, ...marked];
}
