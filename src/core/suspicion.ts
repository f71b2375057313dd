// When the output of a run looks as if somebody were after the secrets in it. A rule for telling a human, not for
// refusing: an honest program that shortens a token in each line of its log looks the same.

/** What masking met in the output of one run besides whole secrets; each a number of places. */
export interface MaskingSigns {
  /** Markers that stand for parts of a secret only. */
  readonly fragments: number;
  /** Secrets whose characters were found spread out in the text. */
  readonly scattered: number;
  /** Secrets that were found only after decoding what was printed. */
  readonly decoded: number;
}

export type Suspicion = keyof MaskingSigns;

export const NO_SIGNS: MaskingSigns = { fragments: 0, scattered: 0, decoded: 0 };

/** From so many on. A part or two is what a cut line or an abbreviation leaves; the others nobody does by chance. */
const LEAST: Readonly<Record<Suspicion, number>> = { fragments: 3, scattered: 1, decoded: 1 };

/** What is suspicious about a run, in a fixed order; nothing for most. */
export function suspicionsOf(signs: MaskingSigns): Suspicion[] {
  return (['fragments', 'scattered', 'decoded'] as const).filter((kind) => signs[kind] >= LEAST[kind]);
}

const WORDS: Readonly<Record<Suspicion, string>> = {
  fragments: 'parts of secrets',
  scattered: 'secrets spread out over the text',
  decoded: 'secrets encoded more than once',
};

/** The same in words: `3 parts of secrets, 1 secrets encoded more than once`. */
export function suspicionText(signs: MaskingSigns): string {
  return suspicionsOf(signs)
    .map((kind) => `${signs[kind]} ${WORDS[kind]}`)
    .join(', ');
}
