// In which order both streams of a run came in, as far as the system shows it: what stands on each side of a change from one
// to the other. It is not masked yet, so it is kept no longer than the run, and wiped.

import type { Laid } from '../core/sweep/streams.ts';

/** So much on each side of a change: longer than a needle. */
const REACH_BYTES = 1024;
/** All of it (I8). A program that changes more often is not followed to its end. */
const ARRIVALS_BYTES_MAX = 512 * 1024;
const BYTES_START = 4 * REACH_BYTES;
const GAP = 2;

export class Arrivals {
  #bytes = Buffer.alloc(BYTES_START);
  #streams = new Uint8Array(BYTES_START);
  #places = new Uint32Array(BYTES_START);
  #length = 0;
  /** Where the bytes since the last change begin. */
  #turnAt = 0;
  #stream: 0 | 1 | null = null;
  readonly #totals: [number, number] = [0, 0];
  #isComplete = true;

  /** False when there were more changes than were followed. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Copies what it keeps of the chunk. */
  push(stream: 0 | 1, chunk: Buffer): void {
    const total = this.#totals[stream];
    this.#totals[stream] += chunk.length;
    if (!this.#isComplete || chunk.length === 0) return;
    if (stream !== this.#stream) this.#turnAt = this.#length;
    this.#stream = stream;
    const head = Math.min(chunk.length, Math.max(0, REACH_BYTES - (this.#length - this.#turnAt)));
    this.#reserve(2 * REACH_BYTES + 1);
    if (!this.#isComplete) return;
    this.#append(stream, chunk.subarray(0, head), total);
    if (head < chunk.length) this.#appendTail(stream, chunk.subarray(head), total + head);
  }

  /** What is kept. Good until it is wiped; null when only one stream had any. */
  laid(): Laid | null {
    if (this.#totals.includes(0)) return null;
    const [bytes, length] = [this.#bytes.subarray(0, this.#length), this.#length];
    return { bytes, streams: this.#streams.subarray(0, length), places: this.#places.subarray(0, length) };
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  /** Behind the start of a turn and a gap, its end so far. */
  #appendTail(stream: 0 | 1, chunk: Buffer, place: number): void {
    const tailAt = this.#turnAt + REACH_BYTES + 1;
    if (this.#length < tailAt) {
      this.#bytes[this.#length] = 0xff;
      this.#streams[this.#length] = GAP;
      this.#length += 1;
    }
    const last = chunk.subarray(-REACH_BYTES);
    const excess = this.#length - tailAt + last.length - REACH_BYTES;
    if (excess > 0) {
      for (const table of [this.#bytes, this.#streams, this.#places])
        table.copyWithin(tailAt, tailAt + excess, this.#length);
      this.#length -= excess;
    }
    this.#append(stream, last, place + chunk.length - last.length);
  }

  #append(stream: 0 | 1, bytes: Buffer, place: number): void {
    for (let k = 0; k < bytes.length; k += 1) {
      this.#bytes[this.#length] = bytes[k]!;
      this.#streams[this.#length] = stream;
      this.#places[this.#length] = place + k;
      this.#length += 1;
    }
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    if (needed > ARRIVALS_BYTES_MAX) {
      this.#isComplete = false;
      return;
    }
    const [bytes, streams, places] = [this.#bytes, this.#streams, this.#places];
    const size = Math.min(ARRIVALS_BYTES_MAX, 2 * needed);
    this.#bytes = Buffer.alloc(size);
    this.#streams = new Uint8Array(size);
    this.#places = new Uint32Array(size);
    bytes.copy(this.#bytes);
    this.#streams.set(streams);
    this.#places.set(places);
    bytes.fill(0);
  }
}
