// Where a text is known to be the same as a pattern already, so that the two are compared once.

/** Of so many stretches it is known that they were compared. */
const STRETCHES = 1 << 12;

/**
 * Where text and arena were found to agree: each gram in there would lead to the same comparison, and where a secret repeats
 * itself, each repetition to as many.
 */
export class Stretches {
  /** By hash: how far apart the places in the arena and in the text are, and where the stretch ends in the text. */
  readonly #shifts = new Int32Array(STRETCHES);
  readonly #ends = new Int32Array(STRETCHES);

  forget(): void {
    this.#ends.fill(0);
  }

  has(shift: number, at: number): boolean {
    const slot = shift & (STRETCHES - 1);
    return this.#shifts[slot] === shift && at < this.#ends[slot]!;
  }

  add(shift: number, end: number): void {
    const slot = shift & (STRETCHES - 1);
    this.#shifts[slot] = shift;
    this.#ends[slot] = end;
  }
}
