// What the second look says of an output besides what it hides.

export interface Signs {
  /** Spans with something between the letters of a secret, or in other letters. */
  readonly scattered: number;
  /** Spans that were decoded before a secret was found in them. */
  readonly decoded: number;
  /** Tokens that no variable holds. */
  readonly shapes: number;
  /** False when there was too much to look at all of it. */
  readonly isComplete: boolean;
}

export const NOTHING_SEEN: Signs = { scattered: 0, decoded: 0, shapes: 0, isComplete: true };
