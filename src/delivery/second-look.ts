// The second look at what a run wrote, before any of it is given back: at both streams as they are kept, and at both together
// in the order they came in. Where it cannot be taken, nothing is given back (I3).

import type { Find } from '../core/sweep/cut.ts';
import type { NeedleSet, NeedleSource } from '../core/redactor/needles.ts';
import { crossingsIn, sweepStreams, type Crossing, type Crossings, type SweptStreams } from '../core/sweep/streams.ts';
import { NOTHING_SEEN } from '../core/sweep/signs.ts';
import { Sweeper } from '../core/sweep/sweep.ts';
import { Arrivals } from './arrivals.ts';
import type { Output } from './output.ts';

/** Fewer bytes stand in many places where they are no part of a secret. */
const SOUGHT_BYTES_MIN = 4;

const WITHHELD = '[output withheld: it could not be looked through for secrets]\n';
const SPLIT = '[output withheld: a secret was written in parts to both streams]\n';

/** One stream of the run that is over. */
export interface Stream {
  readonly output: Output;
  /** Whether something was masked in it: then a place in what was written is not one in what is kept. */
  readonly isMasked: boolean;
}

export class SecondLook {
  readonly arrivals = new Arrivals();
  #sweeper: Sweeper | null = null;

  /**
   * Reads the values and keeps none of them; the caller wipes its own. Never throws, for the program runs already: without
   * this, or when it fails, output is withheld.
   */
  learn(sources: readonly NeedleSource[], needles: NeedleSet): void {
    try {
      this.#sweeper = new Sweeper(sources, needles);
    } catch {
      this.#sweeper = null;
    }
  }

  /** What may be given back of both streams. */
  at(streams: readonly [Stream, Stream]): SweptStreams {
    const texts = [streams[0].output.bytes(), streams[1].output.bytes()] as const;
    try {
      if (this.#sweeper === null) return withheld(texts, WITHHELD);
      const laid = this.arrivals.laid();
      const crossings: Crossings = laid === null ? [[], []] : crossingsIn(this.#sweeper, laid);
      const known = [findsOf(crossings[0], streams[0], texts[0]), findsOf(crossings[1], streams[1], texts[1])] as const;
      for (const { bytes } of crossings.flat()) bytes.fill(0);
      if (known[0] === null || known[1] === null) return withheld(texts, SPLIT);
      const swept = sweepStreams(this.#sweeper, texts, [known[0], known[1]]);
      const isComplete = swept.signs.isComplete && this.arrivals.isComplete;
      return { ...swept, signs: { ...swept.signs, isComplete } };
    } catch {
      return withheld(texts, WITHHELD);
    }
  }

  /** Overwrites all that is kept of values and of output. */
  wipe(): void {
    this.arrivals.wipe();
    this.#sweeper?.wipe();
  }
}

/**
 * Where the parts of a secret stand in what is kept of a stream; null when that cannot be told. Where the stream is as it was
 * written, by their places; else wherever the same bytes stand.
 */
function findsOf(crossings: readonly Crossing[], { output, isMasked }: Stream, text: Buffer): Find[] | null {
  if (!isMasked && !output.isTruncated) return crossings.map(({ find }) => find);
  const finds: Find[] = [];
  for (const { find, bytes } of crossings) {
    if (bytes.length < SOUGHT_BYTES_MIN) return null;
    for (let at = text.indexOf(bytes); at >= 0; at = text.indexOf(bytes, at + bytes.length)) {
      finds.push({ ...find, span: [at, at + bytes.length] });
    }
  }
  return finds;
}

function withheld(texts: readonly [Buffer, Buffer], why: string): SweptStreams {
  const given = ({ length }: Buffer): Buffer => Buffer.from(length === 0 ? '' : why);
  return { texts: [given(texts[0]), given(texts[1])], redactions: [], signs: { ...NOTHING_SEEN, isComplete: false } };
}
