// What is looked for in output: every spelling of every secret of a run, cut to pieces of bounded length, with the
// names it belongs to and the marker that takes its place. One set serves standard output and standard error.

import { Failure } from '../failure.ts';
import { derivedFrom, isStructured } from '../derived/derived.ts';
import { isSpace, trimmed } from '../derived/lines.ts';
import { ENCODINGS } from '../forms/encodings.ts';
import { PATTERN_BYTES_MIN, type Pattern } from './gram-index.ts';
import { chooseMarker } from './marker.ts';
import { Matcher } from './matcher.ts';

/** A shorter spelling is not looked for: it would be found in innocent text, and the index needs as many. */
const NEEDLE_BYTES_MIN = PATTERN_BYTES_MIN;

/**
 * A longer spelling is looked for piece by piece. Pieces overlap, so a value printed whole is still one span; a part
 * of it is found too; and no more than this is ever held back. (I8)
 */
const PIECE_BYTES = 512;
const PIECE_OVERLAP = 64;

/** Values up to this long are looked for in every encoding; longer ones in the likely ones. */
const EVERY_ENCODING_BYTES_MAX = 4 * 1024;

/** All pieces together (I8). About 2 MiB of values, which is as much as Linux lets an environment hold. */
const NEEDLES_BYTES_MAX = 64 * 1024 * 1024;

/** Different markers that are remembered. */
const MARKERS_MAX = 1_000;

/** Of no form a shorter part is looked for. */
const PART_BYTES_MIN = 8;

export interface NeedleSource {
  /** The variable's name. */
  readonly name: string;
  readonly value: Buffer;
}

export interface Needle extends Pattern {
  readonly form: string;
}

interface NamedNeedle {
  readonly name: string;
  readonly needle: Needle;
}

/** What a needle found says about a secret. */
export interface Owner {
  readonly name: string;
  readonly form: string;
}

/**
 * The needles of one value and of what it is made of, each once, with the first form of the table that spells it so. They
 * are views of `spent`, to which every buffer made here is added: the caller wipes those when it is done.
 */
export function needlesOf(value: Buffer, spent: Buffer[] = []): Needle[] {
  const needles = new Map<number, Needle[]>();
  addSpellings(needles, value, spent);
  for (const piece of derivedFrom(value)) {
    spent.push(piece);
    addSpellings(needles, piece, spent);
  }
  return [...needles.values()].flat();
}

function addSpellings(needles: Map<number, Needle[]>, value: Buffer, spent: Buffer[]): void {
  const core = trimmed(value);
  if (core.length === 0) return;
  const values = core.length === value.length ? [value] : [value, core];
  const isLong = value.length > EVERY_ENCODING_BYTES_MAX;
  // Parts of an address or of JSON are words that everybody knows; what is secret in it is derived from it.
  const hasParts = !isLong && !isStructured(core);
  for (const { form, part, isForLongValues, spell } of ENCODINGS) {
    if (!isForLongValues && isLong) continue;
    for (const spelled of values.flatMap(spell)) {
      spent.push(spelled);
      addNeedles(needles, spelled, form, hasParts ? part : 0, value);
    }
  }
}

function addNeedles(
  needles: Map<number, Needle[]>,
  spelled: Buffer,
  spelledForm: string,
  part: number,
  value: Buffer,
): void {
  for (const bytes of piecesOf(spelled)) {
    // A piece may hold nothing that this encoding changes.
    const form = bytes.length < spelled.length && value.includes(bytes) ? 'raw' : spelledForm;
    addNeedle(needles, { bytes, form, isWhole: true, part: 0 });
  }
  if (part === 0) return;
  for (const bytes of wordsOf(spelled).flatMap((word) => piecesOf(word))) {
    addNeedle(needles, { bytes, form: spelledForm, isWhole: false, part });
  }
}

/**
 * The stretches without white space: parts are looked for in these alone, or every line end could be the start of one and
 * had to be held back.
 */
function wordsOf(spelled: Buffer): Buffer[] {
  const words: Buffer[] = [];
  for (let start = 0, at = 0; at <= spelled.length; at += 1) {
    if (at < spelled.length && !isSpace(spelled[at]!)) continue;
    if (at - start >= PART_BYTES_MIN) words.push(spelled.subarray(start, at));
    start = at + 1;
  }
  return words;
}

/** Adds a needle that is long enough, not blank and not yet there. By hash: most spellings of most values are alike. */
function addNeedle(needles: Map<number, Needle[]>, needle: Needle): void {
  const { bytes } = needle;
  if (bytes.length < NEEDLE_BYTES_MIN || trimmed(bytes).length === 0) return;
  const hash = hashOf(bytes);
  const alike = needles.get(hash);
  const same = alike?.findIndex((other) => other.bytes.equals(bytes)) ?? -1;
  if (alike === undefined) needles.set(hash, [needle]);
  else if (same < 0) alike.push(needle);
  else alike[same] = { ...alike[same]!, ...either(alike[same]!, needle) };
}

/** What finds all that either of two with the same bytes finds. */
function either(first: Pattern, second: Pattern): Pattern {
  const part = first.part === 0 || second.part === 0 ? first.part + second.part : Math.min(first.part, second.part);
  return { bytes: first.bytes, isWhole: first.isWhole || second.isWhole, part };
}

/** FNV-1a, 32 bits (draft-eastlake-fnv). */
function hashOf(bytes: Buffer): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < bytes.length; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x0100_0193);
  return hash;
}

function piecesOf(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at + PIECE_BYTES < bytes.length; at += PIECE_BYTES - PIECE_OVERLAP) {
    pieces.push(bytes.subarray(at, at + PIECE_BYTES));
  }
  return [...pieces, bytes.subarray(-PIECE_BYTES)];
}

export class NeedleSet {
  readonly matcher: Matcher;
  readonly #owners: ReadonlyArray<readonly Owner[]>;
  readonly #markers = new Map<string, Buffer>();
  #isWiped = false;

  private constructor(matcher: Matcher, owners: ReadonlyArray<readonly Owner[]>) {
    this.matcher = matcher;
    this.#owners = owners;
  }

  /**
   * Reads the values and keeps none of them; the caller wipes its own. Empty and blank values are never needles. Each name
   * is there once.
   * Throws `input/too_large` when the values together are too much to look for.
   */
  static compile(sources: readonly NeedleSource[]): NeedleSet {
    const spent: Buffer[] = [];
    try {
      const all: NamedNeedle[] = [];
      let total = 0;
      for (const { name, value } of sources) {
        for (const needle of needlesOf(value, spent)) {
          all.push({ name, needle });
          total += needle.bytes.length;
        }
        if (total > NEEDLES_BYTES_MAX) throw tooLong();
      }
      return NeedleSet.#fromSorted(all.sort((a, b) => compareBytes(a.needle.bytes, b.needle.bytes)));
    } finally {
      for (const bytes of spent) bytes.fill(0);
    }
  }

  static #fromSorted(all: readonly NamedNeedle[]): NeedleSet {
    const patterns: Pattern[] = [];
    const owners: Owner[][] = [];
    for (const { name, needle } of all) {
      const last = patterns.at(-1);
      if (last === undefined || compareBytes(last.bytes, needle.bytes) !== 0) {
        patterns.push(needle);
        owners.push([]);
      } else {
        patterns[patterns.length - 1] = either(last, needle);
      }
      owners.at(-1)!.push({ name, form: needle.form });
    }
    return new NeedleSet(new Matcher(patterns), owners);
  }

  /** Whose spelling needle `needle` is: at least one owner, each once. */
  ownersOf(needle: number): readonly Owner[] {
    return this.#owners[needle] ?? [];
  }

  /** What is written in place of a span of the secrets of these names, which are sorted and distinct. */
  markerFor(names: readonly string[]): Buffer {
    const key = names.join(',');
    const known = this.#markers.get(key);
    if (known !== undefined) return known;
    if (this.#markers.size >= MARKERS_MAX) this.#markers.clear();
    const marker = chooseMarker(names, this.matcher);
    this.#markers.set(key, marker);
    return marker;
  }

  get isWiped(): boolean {
    return this.#isWiped;
  }

  /** Overwrites every needle. A Redactor that still uses the set refuses from then on. */
  wipe(): void {
    this.#isWiped = true;
    this.matcher.wipe();
  }
}

function tooLong(): Failure {
  return new Failure('input/too_large', 'the values of these variables are together too long to be hidden in output');
}

/** As Buffer.compare, and faster for short buffers that differ soon, which these are. */
function compareBytes(a: Buffer, b: Buffer): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return a.length - b.length;
}
