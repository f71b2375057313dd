// What is looked for in output: every spelling of every secret of a run, cut to pieces of bounded length, with the
// names it belongs to and the marker that takes its place. One set serves standard output and standard error.

import { ENCODINGS, trimmed } from './encodings.ts';
import { Failure } from '../failure.ts';
import { Matcher } from './matcher.ts';
import { chooseMarker } from './marker.ts';

/** A shorter spelling is not looked for: it would be found in innocent text. */
const NEEDLE_BYTES_MIN = 6;

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

export interface NeedleSource {
  /** The variable's name. */
  readonly name: string;
  readonly value: Buffer;
}

export interface Needle {
  readonly bytes: Buffer;
  readonly form: string;
}

interface NamedNeedle extends Needle {
  readonly name: string;
}

/** What a needle found says about a secret. */
export interface Owner {
  readonly name: string;
  readonly form: string;
}

/**
 * The needles of one value, each once, with the first form of the table that spells it so. They are views of `spent`,
 * to which every buffer made here is added: the caller wipes those when it is done.
 */
export function needlesOf(value: Buffer, spent: Buffer[] = []): Needle[] {
  const core = trimmed(value);
  if (core.length === 0) return [];
  const values = core.length === value.length ? [value] : [value, core];
  const needles = new Map<number, Needle[]>();
  for (const { form, isForLongValues, spell } of ENCODINGS) {
    if (!isForLongValues && value.length > EVERY_ENCODING_BYTES_MAX) continue;
    for (const spelled of values.flatMap(spell)) {
      spent.push(spelled);
      for (const bytes of piecesOf(spelled)) {
        // A piece may hold nothing that this encoding changes.
        const isRaw = bytes.length < spelled.length && value.includes(bytes);
        addNeedle(needles, { bytes, form: isRaw ? 'raw' : form });
      }
    }
  }
  return [...needles.values()].flat();
}

/** Adds a needle that is long enough, not blank and not yet there. By hash: most spellings of most values are alike. */
function addNeedle(needles: Map<number, Needle[]>, needle: Needle): void {
  const { bytes } = needle;
  if (bytes.length < NEEDLE_BYTES_MIN || trimmed(bytes).length === 0) return;
  const hash = hashOf(bytes);
  const alike = needles.get(hash);
  if (alike === undefined) needles.set(hash, [needle]);
  else if (alike.every((other) => !other.bytes.equals(bytes))) alike.push(needle);
}

/** FNV-1a, 32 bits (draft-eastlake-fnv). */
function hashOf(bytes: Buffer): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < bytes.length; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x0100_0193);
  return hash;
}

function piecesOf(bytes: Buffer): Buffer[] {
  if (bytes.length <= PIECE_BYTES) return [bytes];
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
   * Reads the values and keeps none of them; the caller wipes its own. Empty and blank values are never needles.
   * Throws `input/too_large` when the values together are too much to look for.
   */
  static compile(sources: readonly NeedleSource[]): NeedleSet {
    const spent: Buffer[] = [];
    try {
      const all: NamedNeedle[] = [];
      let total = 0;
      for (const { name, value } of sources) {
        for (const { bytes, form } of needlesOf(value, spent)) {
          all.push({ name, form, bytes });
          total += bytes.length;
        }
        if (total > NEEDLES_BYTES_MAX) throw tooLong();
      }
      // The sort is stable: of the same spelling under one name, the first form stays.
      return NeedleSet.#fromSorted(all.sort((a, b) => compareBytes(a.bytes, b.bytes)));
    } finally {
      for (const bytes of spent) bytes.fill(0);
    }
  }

  static #fromSorted(all: readonly NamedNeedle[]): NeedleSet {
    const patterns: Buffer[] = [];
    const owners: Owner[][] = [];
    for (const { name, form, bytes } of all) {
      const last = patterns.at(-1);
      if (last === undefined || compareBytes(last, bytes) !== 0) {
        patterns.push(bytes);
        owners.push([]);
      }
      const own = owners.at(-1)!;
      if (own.every((owner) => owner.name !== name)) own.push({ name, form });
    }
    return new NeedleSet(new Matcher(patterns), owners);
  }

  /** Whose spelling needle `needle` is: at least one owner, each name once. */
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
