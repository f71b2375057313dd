// What output betrays of a secret: nothing, a piece, or all of it. By what stands there and by what it decodes to; what a
// tool says it has masked counts for nothing.

import type { Shape } from './shapes.ts';
import { textsOf, type Printed, type Reading } from './reading.ts';

/** A piece of this many bytes counts as betrayed. */
export const WINDOW_BYTES = 8;

export const VERDICTS = ['masked', 'window', 'whole'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** `whole` when the secret is there, `window` when eight bytes of it are that not everybody knows. */
export function judge(printed: Printed, shape: Shape, reading: Reading): Verdict {
  const raw = shape.value.toString('latin1');
  const wanted = [...new Set([raw, reading.of(raw)])];
  const texts = textsOf(printed, reading);
  if (wanted.some((secret) => texts.some((text) => text.includes(secret)))) return 'whole';
  const known = [...shape.known, ...shape.known.map((part) => reading.of(part))];
  const windows = wanted.flatMap((secret) => windowsOf(secret, known));
  return windows.some((window) => texts.some((text) => text.includes(window))) ? 'window' : 'masked';
}

function windowsOf(secret: string, known: readonly string[]): string[] {
  const count = Math.max(secret.length - WINDOW_BYTES + 1, 0);
  return Array.from({ length: count }, (_none, at) => secret.slice(at, at + WINDOW_BYTES)).filter(
    (window) => !known.some((part) => part.includes(window)),
  );
}
