// The second look, at a whole text that goes to an agent: for secrets that the stream could not see, since they are written
// with something between their letters, or encoded once more, or were made by the run itself. Best effort, and it says so.

import { Failure } from '../failure.ts';
import type { Redaction } from '../request.ts';
import { Cut, type Find, type Kind } from './cut.ts';
import { ALPHABETS, decodedBy } from './letters.ts';
import { unescaped } from './escapes.ts';
import type { NeedleSet, NeedleSource } from '../redactor/needles.ts';
import { NormalNeedles } from './normal-needles.ts';
import { endOf, hasLineNumbers, normalise, type Style } from './normalised.ts';
import { fromNumbers } from './numbers.ts';
import { rearranged } from './rearranged.ts';
import type { Signs } from './signs.ts';
import { tokensIn } from './token-shapes.ts';
import { unpacked, type Budget } from './unpacked.ts';
import { textIn, type View } from './view.ts';

/** One encoding in another in a third. */
const DEPTH_MAX = 3;
/** Bytes that are made of one text by decoding, for each of its bytes, and for one that is short (I8). */
const DECODED_TIMES_MAX = 24;
const DECODED_BYTES_MIN = 8 * 1024 * 1024;
const UNPACK_TRIES_MAX = 1_000;
/** What is left when a span is cut may be a secret again. A text for which that does not end is not shown. */
const PASSES_MAX = 16;
/** In so many passes it is decoded as well. */
const DEEP_PASSES_MAX = 4;

export interface Swept {
  readonly text: Buffer;
  readonly redactions: readonly Redaction[];
  readonly signs: Signs;
}

/** Where in the text at hand a stretch of something that was made of it comes from. */
type SpanOf = View['spanOf'];

const itself: SpanOf = (start, end) => [start, end];

export class Sweeper {
  readonly #needles: NeedleSet;
  readonly #normal: NormalNeedles;
  readonly #style: Style;

  /** Reads the values and keeps none of them; the caller wipes its own. `needles` are those of the same values. */
  constructor(sources: readonly NeedleSource[], needles: NeedleSet) {
    this.#needles = needles;
    this.#normal = new NormalNeedles(sources);
    const names = new Set(sources.map(({ name }) => name));
    const markerLength = (text: Buffer, at: number): number => lengthOfMarker(text, at, names);
    this.#style = { isTerminal: true, isNumbered: false, markerLength };
  }

  /**
   * Takes out of a whole text, masked before, what a reader could still make a secret of, and what is `known` to be part of
   * one. `text` stays as it is. Throws when it cannot tell: then the text is not to be shown (I3).
   */
  sweep(text: Buffer, known: readonly Find[] = []): Swept {
    if (this.#needles.isWiped) throw new Failure('internal/error', 'output came after the secrets were wiped');
    const cut = new Cut(this.#needles);
    for (const find of known) cut.add(find);
    let swept = text;
    let isComplete = this.#normal.isComplete;
    for (let pass = 0; pass === 0 || cut.hasChanged; pass += 1) {
      if (pass === PASSES_MAX) throw new Failure('internal/error', 'output holds secrets in secrets');
      const bytes = Math.max(DECODED_BYTES_MIN, text.length * DECODED_TIMES_MAX);
      const budget: Budget = { bytes, tries: UNPACK_TRIES_MAX, isComplete };
      this.#look(swept, cut, 'plain', itself, pass < DEEP_PASSES_MAX ? 0 : DEPTH_MAX, budget);
      isComplete = budget.isComplete;
      swept = cut.applyTo(swept);
    }
    for (const { name, span } of tokensIn(swept)) cut.add({ span, kind: 'shape', name, form: 'pattern' });
    swept = cut.applyTo(swept);
    return { text: swept, redactions: cut.redactions, signs: { ...cut.signs, isComplete } };
  }

  /** What is found in a text as it is and normalised. It is not cut. */
  findsIn(text: Buffer): readonly Find[] {
    const cut = new Cut(this.#needles);
    this.#lookPlainly(text, cut, 'plain', itself);
    return cut.finds;
  }

  wipe(): void {
    this.#normal.wipe();
  }

  /** Everything that can be made of `bytes`, to the depth that is left. */
  #look(bytes: Buffer, cut: Cut, kind: Kind, spanOf: SpanOf, depth: number, budget: Budget): void {
    this.#lookPlainly(bytes, cut, kind, spanOf);
    if (depth === 0) this.#lookRearranged(bytes, cut, spanOf);
    if (depth < DEPTH_MAX) {
      for (const view of viewsOf(bytes, depth === 0)) this.#lookInto(view, cut, spanOf, depth, budget);
    }
    if (depth === 0) this.#unpack({ bytes, spanOf }, cut, spanOf, depth, budget);
  }

  /** In a view that was decoded: as it is, then the text and what is packed in it. Wipes it. */
  #lookInto(view: View, cut: Cut, outer: SpanOf, depth: number, budget: Budget): void {
    const { bytes } = view;
    const spanOf = within(view, outer);
    try {
      budget.bytes -= bytes.length;
      if (budget.bytes < 0) {
        budget.isComplete = false;
        return;
      }
      this.#find(bytes, cut, 'decoded', spanOf);
      this.#unpack(view, cut, spanOf, depth, budget);
      const text = textIn(bytes);
      if (text === undefined) return;
      this.#look(text.bytes, cut, 'decoded', within(text, spanOf), depth + 1, budget);
      text.bytes.fill(0);
    } finally {
      bytes.fill(0);
    }
  }

  #unpack(view: View, cut: Cut, outer: SpanOf, depth: number, budget: Budget): void {
    if (depth >= DEPTH_MAX) return;
    for (const { bytes: inner, span } of unpacked(view, budget)) {
      const whole = outer(...span);
      this.#lookInto({ bytes: inner, spanOf: () => whole }, cut, itself, depth + 1, budget);
    }
  }

  #lookRearranged(bytes: Buffer, cut: Cut, spanOf: SpanOf): void {
    for (const view of rearranged(bytes)) {
      this.#find(view.bytes, cut, 'scattered', within(view, spanOf));
      view.bytes.fill(0);
    }
  }

  /** As it is, and normalised in each style that makes a difference. */
  #lookPlainly(bytes: Buffer, cut: Cut, kind: Kind, spanOf: SpanOf): void {
    this.#find(bytes, cut, kind, spanOf);
    const normalKind = kind === 'plain' ? 'scattered' : kind;
    const style = this.#style;
    this.#findNormal(bytes, style, cut, normalKind, spanOf);
    if (bytes.includes(0x1b)) this.#findNormal(bytes, { ...style, isTerminal: false }, cut, normalKind, spanOf);
    if (hasLineNumbers(bytes)) this.#findNormal(bytes, { ...style, isNumbered: true }, cut, normalKind, spanOf);
  }

  #find(bytes: Buffer, cut: Cut, kind: Kind, spanOf: SpanOf): void {
    this.#needles.matcher.find(bytes, 0, (start, end, needle) => {
      const span = spanOf(start, end);
      for (const { name, form } of this.#needles.ownersOf(needle)) {
        cut.add({ span, kind, name, form: kind === 'plain' ? form : kind });
      }
    });
  }

  #findNormal(bytes: Buffer, style: Style, cut: Cut, kind: Kind, spanOf: SpanOf): void {
    const normal = normalise(bytes, style);
    this.#normal.matcher.find(normal.bytes, 0, (start, end, needle, isWhole) => {
      const [first, last] = [normal.places[start]!, normal.places[end - 1]!];
      if (isWhole && !this.#normal.counts(needle, gapsIn(normal.places, start, end))) return;
      const span = spanOf(first, endOf(bytes, last));
      for (const name of this.#normal.namesOf(needle)) cut.add({ span, kind, name, form: kind });
    });
    normal.bytes.fill(0);
  }
}

function* viewsOf(text: Buffer, isOutermost: boolean): Generator<View> {
  yield* unescaped(text);
  yield* fromNumbers(text);
  for (const alphabet of ALPHABETS) yield* decodedBy(alphabet, text, isOutermost);
}

function within(view: View, outer: SpanOf): SpanOf {
  return (start, end) => outer(...view.spanOf(start, end));
}

/** Between how many letters something stands. */
function gapsIn(places: Uint32Array, start: number, end: number): number {
  let gaps = 0;
  for (let k = start + 1; k < end; k += 1) if (places[k]! - places[k - 1]! > 1) gaps += 1;
  return gaps;
}

const LABEL = Buffer.from('REDACTED:', 'latin1');
/** Four names, and the count of the others. */
const MARKER_BYTES_MAX = 1_200;
const CLOSING = Buffer.from('])}>', 'latin1');

/** A marker with names that are ours: what a program puts between brackets itself is text. */
function lengthOfMarker(text: Buffer, at: number, names: ReadonlySet<string>): number {
  const first = at + 1 + LABEL.length;
  for (let k = 0; k < LABEL.length; k += 1) if (text[at + 1 + k] !== LABEL[k]) return 0;
  let last = first;
  while (last < text.length && last - first < MARKER_BYTES_MAX && !CLOSING.includes(text[last]!)) last += 1;
  const label = text.toString('latin1', first, last);
  const isOurs = label.split(',').every((name) => names.has(name) || /^\+\d+$|^pattern\/[a-z-]+$/.test(name));
  return isOurs ? last + 1 - at : 0;
}
