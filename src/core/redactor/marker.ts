// What is written in place of a secret. It names the variable and says nothing else: no length, no hash. It never
// brings a needle into the output, neither inside itself nor together with the text at its sides.

import type { Matcher } from './matcher.ts';

/** More names than these are counted, so that a marker cannot grow (I8). */
const NAMES_MAX = 4;

const FRAMES = ['[]', '<>', '{}', '()'] as const;
const NAMELESS = ['[***]', '***', '###', '...', '___', '\u2588\u2588\u2588'];

/**
 * The first of these that no needle is in, holds, ends into or starts from: `[REDACTED:A,B]`, the same in other
 * brackets, a few markers without a name, a byte three times. Where all 256 bytes begin or end some needle, `[***]`.
 */
export function chooseMarker(names: readonly string[], matcher: Matcher): Buffer {
  const more = names.length > NAMES_MAX ? `,+${names.length - NAMES_MAX}` : '';
  const label = `REDACTED:${names.slice(0, NAMES_MAX).join(',')}${more}`;
  const texts = [...FRAMES.map(([open, close]) => `${open}${label}${close}`), ...NAMELESS];
  for (const text of texts) {
    const marker = Buffer.from(text, 'utf8');
    if (matcher.isInert(marker)) return marker;
  }
  // From `!` on, so that control characters come last.
  for (let k = 0; k < 256; k += 1) {
    const marker = Buffer.alloc(3, (0x21 + k) & 0xff);
    if (matcher.isInert(marker)) return marker;
  }
  return Buffer.from('[***]');
}
