// One spelling for one thing: the bytes that digests and signatures are made over.

import { createHash } from 'node:crypto';

/**
 * JSON with sorted keys and no spaces; members that are `undefined` are left out. Equal data gives equal text and
 * different data different text (RFC 8785, for numbers that are safe integers).
 * Throws TypeError for anything else: fractions, functions, bigints, symbols.
 */
export function canonicalJson(data: unknown): string {
  if (data === null || typeof data === 'boolean' || typeof data === 'string') return JSON.stringify(data);
  if (typeof data === 'number' && Number.isSafeInteger(data)) return String(data === 0 ? 0 : data);
  if (Array.isArray(data)) return `[${data.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof data !== 'object') throw new TypeError(`canonical JSON does not take this ${typeof data}`);
  const members = Object.entries(data)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of the canonical JSON, 64 hex digits in lower case. */
export function digestOf(data: unknown): string {
  return createHash('sha256').update(canonicalJson(data), 'utf8').digest('hex');
}
