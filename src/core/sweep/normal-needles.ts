// What is looked for in normalised text: the needles of every value, normalised as well. There a shorter one, or one that
// is made of words, says less than in plain text: see `counts`.

import { isStructured } from '../derived/derived.ts';
import { isKey } from '../derived/key-parts.ts';
import { trimmed } from '../derived/lines.ts';
import { Matcher } from '../redactor/matcher.ts';
import { needlesOf, type NeedleSource } from '../redactor/needles.ts';
import { normalise, PLAIN } from './normalised.ts';
import type { Pattern } from '../redactor/gram-index.ts';

/** A shorter one would be found in innocent text. */
const NORMAL_BYTES_MIN = 8;
/** One that is only words, or only digits, is found from here on; a shorter one when its letters stand apart. */
const WORDS_BYTES_MIN = 24;
const TELLING_DISTINCT_MIN = 6;
/** Parts of it from so many bytes on are looked for: by form, longer than in plain text. */
const PARTS_MIN = new Map([
  ['raw', 12],
  ['base64', 20],
  ['base64url', 20],
  ['hex', 24],
]);
/** All of them together (I8). Values that are left out are no more than what a program hides in plain text. */
const NORMAL_BYTES_MAX = 8 * 1024 * 1024;

interface Named extends Pattern {
  readonly name: string;
}

export class NormalNeedles {
  readonly matcher: Matcher;
  /** False when there was too much to look for all of it. */
  readonly isComplete: boolean;
  readonly #owners: readonly (readonly string[])[];
  readonly #isTelling: readonly boolean[];
  readonly #lengths: readonly number[];

  /** Reads the values and keeps none of them; the caller wipes its own. */
  constructor(sources: readonly NeedleSource[]) {
    const spent: Buffer[] = [];
    try {
      const { all, isComplete } = spellingsOf(sources, spent);
      const { patterns, owners } = distinct(all);
      this.isComplete = isComplete;
      this.matcher = new Matcher(patterns);
      this.#owners = owners;
      this.#isTelling = patterns.map(({ bytes }) => isTelling(bytes));
      this.#lengths = patterns.map(({ bytes }) => bytes.length);
    } finally {
      for (const bytes of spent) bytes.fill(0);
    }
  }

  namesOf(needle: number): readonly string[] {
    return this.#owners[needle] ?? [];
  }

  /** Whether a whole needle that is found in the text with `gaps` bytes between its letters is no chance. */
  counts(needle: number, gaps: number): boolean {
    const length = this.#lengths[needle] ?? 0;
    if (this.#isTelling[needle] === true || length >= WORDS_BYTES_MIN) return true;
    return gaps >= length / 2;
  }

  wipe(): void {
    this.matcher.wipe();
  }
}

function spellingsOf(sources: readonly NeedleSource[], spent: Buffer[]): { all: Named[]; isComplete: boolean } {
  const all: Named[] = [];
  let total = 0;
  for (const { name, value } of sources) {
    const needles = needlesOf(value, spent);
    const hasParts = !isWords(trimmed(value)) && needles.some(({ form, part }) => form === 'raw' && part > 0);
    for (const { bytes, form, part, isWhole } of [
      ...needles,
      // Over the white space in it, too.
      { bytes: value, form: 'raw', isWhole: true, part: hasParts ? 1 : 0 },
    ]) {
      const normal = normalise(bytes, PLAIN).bytes;
      spent.push(normal);
      const least = part > 0 ? (PARTS_MIN.get(form) ?? 0) : 0;
      if (normal.length < NORMAL_BYTES_MIN) continue;
      total += normal.length;
      if (total > NORMAL_BYTES_MAX) return { all, isComplete: false };
      if (isWhole || least > 0) all.push({ name, bytes: normal, isWhole, part: normal.length < least ? 0 : least });
    }
  }
  return { all, isComplete: true };
}

/** Parts of an address or of JSON are words that everybody knows, as in plain text; those of a key are not. */
function isWords(value: Buffer): boolean {
  return isStructured(value) && !isKey(value);
}

/** In the order that a matcher wants, each spelling once. */
function distinct(all: Named[]): { patterns: Pattern[]; owners: string[][] } {
  const patterns: Pattern[] = [];
  const owners: string[][] = [];
  for (const { name, ...pattern } of all.sort((a, b) => a.bytes.compare(b.bytes))) {
    const last = patterns.at(-1);
    if (last === undefined || !last.bytes.equals(pattern.bytes)) {
      patterns.push(pattern);
      owners.push([name]);
      continue;
    }
    const part = last.part === 0 || pattern.part === 0 ? last.part + pattern.part : Math.min(last.part, pattern.part);
    patterns[patterns.length - 1] = { bytes: last.bytes, isWhole: last.isWhole || pattern.isWhole, part };
    const own = owners.at(-1)!;
    if (!own.includes(name)) own.push(name);
  }
  return { patterns, owners };
}

/** Letters and digits mixed, and few bytes twice. */
function isTelling(bytes: Buffer): boolean {
  const hasDigit = bytes.some((byte) => byte >= 0x30 && byte <= 0x39);
  const hasLetter = bytes.some((byte) => byte >= 0x61);
  return hasDigit && hasLetter && new Set(bytes).size >= TELLING_DISTINCT_MIN;
}
