// What is masked, and what it is masked for.

import { randomBytes } from 'node:crypto';

export const TEXTS = {
  'log text': logText,
  JSON: jsonText,
  'random base64': (bytes: number): Buffer => Buffer.from(randomBytes(bytes).toString('base64').slice(0, bytes)),
  'near misses': nearMisses,
} as const satisfies Record<string, (bytes: number, values: readonly string[]) => Buffer>;

export type TextKind = keyof typeof TEXTS;

/** A part of a value from eight bytes on is hidden by itself. */
const NEAR_BYTES = 7;

/** Lines of a server's log, cut at so many bytes. */
export function logText(bytes: number): Buffer {
  return repeated(bytes, (i) => `2026-11-22T12:00:00Z info request ${i} took ${i % 97} ms\n`);
}

function jsonText(bytes: number): Buffer {
  return repeated(bytes, (i) => {
    const user = { id: `user_${i * 7919}`, email: `person.${i}@example.org`, roles: ['reader', 'writer'] };
    return `${JSON.stringify({ at: 1_763_000_000_000 + i, level: 'info', path: `/v1/items/${i}`, isCached: i % 3 === 0, user })}\n`;
  });
}

/** The worst that innocent text can be: pieces of the values, each one byte too short to be hidden. */
function nearMisses(bytes: number, values: readonly string[]): Buffer {
  return repeated(bytes, (i) => {
    const value = values[i % values.length] ?? '';
    const at = (i * 5) % (value.length - NEAR_BYTES);
    return `${value.slice(at, at + NEAR_BYTES)} `;
  });
}

function repeated(bytes: number, part: (i: number) => string): Buffer {
  let text = '';
  for (let i = 0; text.length < bytes; i += 1) text += part(i);
  return Buffer.from(text.slice(0, bytes));
}

/** Values as a generator of passwords makes them, by name. */
export function secretsOf(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_none, i) => [`SECRET_${i}`, randomBytes(24).toString('base64url')]),
  );
}
