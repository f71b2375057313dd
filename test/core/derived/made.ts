// What the tests of this room have in common: letters that look generated, parts of a value as text, and what is left in
// memory.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type { Part } from '../../../src/core/derived/taking-apart.ts';

/** Letters that look generated, the same each time; made here, so that no scanner takes them for a secret. */
export function made(word: string, count: number, from = /[^A-Za-z0-9]/g): string {
  return createHash('sha512').update(word).digest('base64').replaceAll(from, '').slice(0, count);
}

/** Each part that is not empty, behind what is known of it; undefined when the value is of another kind. */
export function shown(partsOf: (value: Buffer) => readonly Part[] | undefined, text: string): string[] | undefined {
  const value = alone(text);
  const parts = partsOf(value)?.filter(({ bytes }) => bytes.length > 0);
  for (const { bytes, isCopy } of parts ?? []) {
    assert.equal(isCopy, bytes.buffer !== value.buffer, 'exactly what is no view of the value is said to be a copy');
  }
  assert.equal(value.toString(), text, 'the value itself is left as it is');
  return parts?.map(({ bytes, certainty }) => `${certainty}: ${bytes.toString()}`);
}

/** Bytes in memory of their own. */
export function alone(text: string): Buffer {
  const bytes = Buffer.alloc(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Every buffer that is made while `work` goes on. */
export function buffersOf(work: () => unknown): Buffer[] {
  // oxlint-disable-next-line typescript/unbound-method -- they do not ask what they are called on
  const { alloc, allocUnsafe } = Buffer;
  const buffers: Buffer[] = [];
  const kept = (buffer: Buffer): Buffer => {
    if (buffer.length > 0) buffers.push(buffer);
    return buffer;
  };
  Object.assign(Buffer, {
    alloc: (...args: Parameters<typeof alloc>) => kept(alloc(...args)),
    allocUnsafe: (size: number) => kept(allocUnsafe(size)),
  });
  try {
    work();
    return buffers;
  } finally {
    Object.assign(Buffer, { alloc, allocUnsafe });
  }
}
