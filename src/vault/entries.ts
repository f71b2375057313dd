// What a bucket says of its records: one entry for each, a part of its name key and its digest. The entry tells whether a
// record is the right one, and whether there is one of a name, without reading the other records of the bucket.

import { hash } from 'node:crypto';
import { recordAad, tuple } from './seal.ts';
import type { StoredRecord, VaultIdentity } from './seal.ts';

/**
 * Of the name key, behind the two bytes that are the bucket. With them 80 bits: among 100 million names the chance that
 * two agree is 1 in 10^8, and then one of them is refused as damaged.
 */
const NAME_BYTES = 8;
/** SHA-256. */
const DIGEST_BYTES = 32;
const ENTRY_BYTES = NAME_BYTES + DIGEST_BYTES;

export const NO_ENTRIES = Buffer.alloc(0);

/** 40 bytes. The tag stands for the ciphertext. */
export function entryOf(vault: VaultIdentity, record: StoredRecord): Buffer {
  const { nameKey, wrappedKey, nonce, tag } = record;
  const parts = ['keystile/digest', recordAad(vault, record, 'body'), wrappedKey, nonce, tag] as const;
  const digest = hash('sha256', tuple(...parts), 'buffer');
  return joined([namePart(nameKey), digest]);
}

/** A bucket with these entries, in the one order there is. */
export function sorted(entries: readonly Buffer[]): Buffer {
  return joined(entries.toSorted((a, b) => Buffer.compare(a, b)));
}

export function hasEntry(entries: Buffer, entry: Buffer): boolean {
  return placeOf(entries, entry) >= 0;
}

export function hasName(entries: Buffer, nameKey: Buffer): boolean {
  return placeOf(entries, namePart(nameKey)) >= 0;
}

export function withEntry(entries: Buffer, entry: Buffer): Buffer {
  const all = Array.from({ length: entries.length / ENTRY_BYTES }, (_, i) => {
    return entries.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES);
  });
  return sorted([...all, entry]);
}

/** Undefined when it is not there. */
export function withoutEntry(entries: Buffer, entry: Buffer): Buffer | undefined {
  const at = placeOf(entries, entry);
  return at < 0 ? undefined : joined([entries.subarray(0, at), entries.subarray(at + ENTRY_BYTES)]);
}

/** Where the first entry is that starts so, or -1. */
function placeOf(entries: Buffer, start: Buffer): number {
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    if (entries.compare(start, 0, start.length, at, at + start.length) === 0) return at;
  }
  return -1;
}

function namePart(nameKey: Buffer): Buffer {
  return nameKey.subarray(2, 2 + NAME_BYTES);
}

/** Not Buffer.concat: what it gives is a piece of a larger buffer, and a piece that is kept keeps all of it. */
function joined(parts: readonly Buffer[]): Buffer {
  const out = Buffer.alloc(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of parts) at += bytes.copy(out, at);
  return out;
}
