// Takes secrets out of a stream of bytes. Output does not depend on how the stream was cut into chunks, and only
// what could still become a secret is held back.

import { Failure } from '../failure.ts';
import type { NeedleSet } from './needles.ts';
import type { Walk } from './prefixes.ts';
import type { Redaction } from '../request.ts';

export { NeedleSet } from './needles.ts';

/** One for what was given last, one for the text at hand, one for what comes next. */
const ROOMS = 3;
/** By so much a room grows. */
const ROOM_STEP = 4096;

/** Bytes start … end of the text at hand are a needle, or a part of one. */
interface Hit {
  readonly start: number;
  readonly end: number;
  readonly needle: number;
  readonly isWhole: boolean;
}

/** Bytes start … end of the text at hand are secret: hits that overlap, found one after the other. */
interface Span {
  start: number;
  end: number;
  /** Those that reach into what is not decided. The others are settled, which keeps this short however long the span. */
  hits: Hit[];
  readonly wholes: Set<number>;
  /** Needles of which a part was found that is no part of what else is hidden: secrets may begin alike. */
  readonly parts: Set<number>;
}

/** What was hidden of one secret so far. */
interface Tally {
  readonly count: number;
  readonly forms: Set<string>;
}

export class Redactor {
  readonly #needles: NeedleSet;
  readonly #tallies = new Map<string, Tally>();
  #parts = 0;

  /**
   * Where texts are put together: the end of the stream so far that could still become a needle, and the next bytes behind
   * it. To make a buffer for each takes as long as to look at it. They are used in turn, so that what was given last is still
   * there, and what comes next is put somewhere, while a text is looked at.
   */
  readonly #rooms = Array.from({ length: ROOMS }, () => Buffer.alloc(0));
  #roomsGiven = 0;
  /** Where in a room the next bytes are put: what is held is never longer than the longest needle less one. */
  readonly #bytesAt: number;
  readonly #held: Buffer;
  #heldLength = 0;
  /** How many of the held bytes, from the first on, `early` gave already. */
  #shown = 0;
  readonly #walk: Walk = { low: 0, high: 0, depth: 0 };

  /** Spans that reach into the held bytes: they may still grow. One that began before them starts at 0. */
  #spans: Span[] = [];

  constructor(needles: NeedleSet) {
    this.#needles = needles;
    this.#bytesAt = needles.matcher.longest;
    this.#held = Buffer.alloc(needles.matcher.longest);
  }

  /**
   * Where the next bytes may be put, up to so many: what is pushed from there is not copied. Also for the bytes behind those
   * that are to be pushed next. Good until the third room after it is asked for.
   */
  room(bytes: number): Buffer {
    const place = this.#roomsGiven % ROOMS;
    this.#roomsGiven += 1;
    const end = this.#bytesAt + bytes;
    if (end > this.#rooms[place]!.length) {
      this.#rooms[place]!.fill(0);
      this.#rooms[place] = Buffer.alloc(Math.ceil(end / ROOM_STEP) * ROOM_STEP);
    }
    return this.#rooms[place]!.subarray(this.#bytesAt, end);
  }

  /**
   * Takes the next bytes and gives those that are decided, as a view that is good until the call after the next.
   * Throws `internal/error` when the needles were wiped: better no output than one that is not looked at (I3).
   */
  push(chunk: Buffer): Buffer {
    this.#refuseWhenWiped();
    const known = this.#heldLength;
    const text = this.#withHeld(chunk);
    this.#find(text, known);
    const decided = this.#needles.matcher.openFrom(text, this.#walk);
    const output = this.#write(text, decided);
    this.#heldLength = text.copy(this.#held, 0, decided);
    return output;
  }

  /** What is held, and behind it `chunk`. */
  #withHeld(chunk: Buffer): Buffer {
    const { buffer, byteOffset } = chunk;
    const room = this.#rooms.find((room) => room.buffer === buffer && room.byteOffset + this.#bytesAt === byteOffset);
    if (room === undefined) {
      const own = this.room(chunk.length);
      chunk.copy(own);
      return this.#withHeld(own);
    }
    const start = this.#bytesAt - this.#heldLength;
    this.#held.copy(room, start, 0, this.#heldLength);
    return room.subarray(start, this.#bytesAt + chunk.length);
  }

  /**
   * What is held, given before it is decided, when it is no more than `most` bytes: for a terminal, where somebody waits
   * for the end of a prompt. If it was the start of a secret after all, the rest of that is hidden as ever.
   */
  early(most: number): Buffer {
    this.#refuseWhenWiped();
    if (this.#heldLength > most || this.#spans.length > 0) return Buffer.alloc(0);
    const given = Buffer.from(this.#held.subarray(this.#shown, this.#heldLength));
    this.#shown = this.#heldLength;
    return given;
  }

  /** The stream is over: gives what was held. */
  end(): Buffer {
    this.#refuseWhenWiped();
    const text = Buffer.from(this.#held.subarray(0, this.#heldLength));
    const output = this.#write(text, text.length);
    for (const room of [...this.#rooms, this.#held]) room.fill(0);
    this.#heldLength = 0;
    this.#walk.depth = 0;
    return output;
  }

  /** What was hidden so far, by name: the number of markers it is named in or counted by, and the forms it had. */
  get redactions(): Redaction[] {
    return [...this.#tallies]
      .map(([name, { count, forms }]) => ({ name, count, forms: [...forms].sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How many markers stand for no whole needle: somebody cut a secret, or looked for a way around masking. */
  get parts(): number {
    return this.#parts;
  }

  #refuseWhenWiped(): void {
    if (this.#needles.isWiped) throw new Failure('internal/error', 'output came after the secrets were wiped');
  }

  /** Adds what is found in `text` to the spans and joins those that overlap. */
  #find(text: Buffer, known: number): void {
    const found: Span[] = [];
    this.#needles.matcher.find(text, known, (start, end, needle, isWhole) => {
      found.push({ start, end, hits: [{ start, end, needle, isWhole }], wholes: new Set(), parts: new Set() });
    });
    if (found.length === 0) return;
    const spans: Span[] = [];
    for (const span of [...this.#spans, ...found].sort((a, b) => a.start - b.start)) join(spans, span);
    this.#spans = spans;
  }

  /** The first `decided` bytes with markers for spans. A span that reaches past them stays open and is not yet marked. */
  #write(text: Buffer, decided: number): Buffer {
    const parts: Buffer[] = [];
    const open: Span[] = [];
    let at = this.#shown;
    for (const span of this.#spans) {
      settle(span, decided);
      if (span.end > decided) open.push(span);
      if (span.start >= decided) continue;
      if (span.start > at) parts.push(text.subarray(at, span.start));
      if (span.end <= decided) parts.push(this.#mark(span));
      at = span.end;
    }
    if (at < decided) parts.push(text.subarray(at, decided));
    this.#shown = Math.max(this.#shown - decided, 0);
    this.#spans = open.map((span) => ({
      ...span,
      start: Math.max(span.start - decided, 0),
      end: span.end - decided,
      hits: span.hits.map((hit) => ({ ...hit, start: hit.start - decided, end: hit.end - decided })),
    }));
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** Counts a span that is complete and gives its marker. A part says no form where the secret is there as a whole. */
  #mark({ wholes, parts }: Span): Buffer {
    if (wholes.size === 0) this.#parts += 1;
    const forms = new Map([...this.#formsOf(parts), ...this.#formsOf(wholes)]);
    for (const [name, own] of forms) {
      const tally = this.#tallies.get(name) ?? { count: 0, forms: new Set() };
      this.#tallies.set(name, { count: tally.count + 1, forms: tally.forms.union(own) });
    }
    return this.#needles.markerFor([...forms.keys()].sort());
  }

  #formsOf(needles: ReadonlySet<number>): Map<string, Set<string>> {
    const forms = new Map<string, Set<string>>();
    for (const needle of needles) {
      for (const { name, form } of this.#needles.ownersOf(needle)) {
        forms.set(name, (forms.get(name) ?? new Set()).add(form));
      }
    }
    return forms;
  }
}

/**
 * Adds a span to others that start before it: to the last of them when they share a byte. What is settled is in the first,
 * which began before the text at hand.
 */
function join(spans: Span[], span: Span): void {
  const last = spans.at(-1);
  if (last === undefined || span.start >= last.end) {
    spans.push(span);
    return;
  }
  last.end = Math.max(last.end, span.end);
  last.hits.push(...span.hits);
}

/** Notes the hits that end within the first `decided` bytes: whatever they are a part of was found by now. */
function settle(span: Span, decided: number): void {
  let wholeEnd = -Infinity;
  for (const { end, needle, isWhole } of span.hits.sort(byStart)) {
    if (isWhole) wholeEnd = Math.max(wholeEnd, end);
    if (end > decided) continue;
    if (isWhole) span.wholes.add(needle);
    else if (end > wholeEnd) span.parts.add(needle);
  }
  span.hits = span.hits.filter(({ end }) => end > decided);
}

/** What begins first, and of what begins at the same place the whole. */
function byStart(a: Hit, b: Hit): number {
  return a.start - b.start || Number(b.isWhole) - Number(a.isWhole);
}
