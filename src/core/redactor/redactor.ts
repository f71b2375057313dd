// Takes secrets out of a stream of bytes. Output does not depend on how the stream was cut into chunks, and only
// what could still become a secret is held back.

import { Failure } from '../failure.ts';
import type { Walk } from './matcher.ts';
import type { NeedleSet } from './needles.ts';
import type { Redaction } from '../request.ts';

export { NeedleSet } from './needles.ts';

/** Bytes start … end of the text at hand are secret: overlapping needles, found one after the other. */
interface Span {
  start: number;
  end: number;
  readonly needles: Set<number>;
}

/** What was hidden of one secret so far. */
interface Tally {
  count: number;
  readonly forms: Set<string>;
}

export class Redactor {
  readonly #needles: NeedleSet;
  readonly #tallies = new Map<string, Tally>();

  /** The end of the stream so far that could still become a needle; never longer than the longest needle less one. */
  readonly #held: Buffer;
  #heldLength = 0;
  /** How many of the held bytes, from the first on, `early` gave already. */
  #shown = 0;
  readonly #walk: Walk = { low: 0, high: 0, depth: 0 };

  /** Spans that reach into the held bytes: they may still grow. One that began before them starts at 0. */
  #spans: Span[] = [];

  constructor(needles: NeedleSet) {
    this.#needles = needles;
    this.#held = Buffer.alloc(needles.matcher.longest);
  }

  /**
   * Takes the next bytes and gives those that are decided; the result may be a view of `chunk`.
   * Throws `internal/error` when the needles were wiped: better no output than one that is not looked at (I3).
   */
  push(chunk: Buffer): Buffer {
    this.#refuseWhenWiped();
    if (chunk.length === 0) return chunk;
    const known = this.#heldLength;
    const text = known === 0 ? chunk : Buffer.concat([this.#held.subarray(0, known), chunk]);
    this.#find(text, known);
    const decided = this.#needles.matcher.openFrom(text, this.#walk);
    const output = this.#write(text, decided);
    this.#heldLength = text.copy(this.#held, 0, decided);
    return output;
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
    this.#held.fill(0);
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

  #refuseWhenWiped(): void {
    if (this.#needles.isWiped) throw new Failure('internal/error', 'output came after the secrets were wiped');
  }

  /** Adds what is found in `text` to the spans and joins those that overlap. */
  #find(text: Buffer, known: number): void {
    const found: Span[] = [];
    this.#needles.matcher.find(text, known, (start, end, needle) => {
      join(found, { start, end, needles: new Set([needle]) });
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
      if (span.end > decided) open.push(span);
      if (span.start >= decided) continue;
      if (span.start > at) parts.push(text.subarray(at, span.start));
      if (span.end <= decided) parts.push(this.#mark(span));
      at = span.end;
    }
    if (at < decided) parts.push(text.subarray(at, decided));
    this.#shown = Math.max(this.#shown - decided, 0);
    this.#spans = open.map(({ start, end, needles }) => ({
      start: Math.max(start - decided, 0),
      end: end - decided,
      needles,
    }));
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** Counts a span that is complete and gives its marker. */
  #mark(span: Span): Buffer {
    const names = new Set<string>();
    for (const needle of span.needles) {
      for (const { name, form } of this.#needles.ownersOf(needle)) {
        const tally = this.#tallies.get(name) ?? { count: 0, forms: new Set() };
        this.#tallies.set(name, tally);
        if (!names.has(name)) tally.count += 1;
        names.add(name);
        tally.forms.add(form);
      }
    }
    return this.#needles.markerFor([...names].sort());
  }
}

/** Adds a span to others that start before it: to the last of them when they share a byte. */
function join(spans: Span[], span: Span): void {
  const last = spans.at(-1);
  if (last === undefined || span.start >= last.end) {
    spans.push(span);
    return;
  }
  last.end = Math.max(last.end, span.end);
  for (const needle of span.needles) last.needles.add(needle);
}
