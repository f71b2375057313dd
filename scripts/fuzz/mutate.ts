// New inputs from old ones.

import { randomInt } from 'node:crypto';

const INPUT_BYTES_MAX = 1_024;
const CHANGES_MAX = 4;
const COPIED_BYTES_MAX = 32;

type Change = (input: Buffer, other: Buffer) => Buffer;

const CHANGES: readonly Change[] = [
  (input) => changed(input, (byte) => byte ^ (1 << randomInt(8))),
  (input) => changed(input, () => randomInt(256)),
  (input) => changed(input, (byte) => byte + randomInt(-4, 5)),
  (input) => replaced(input, 0, Buffer.from([randomInt(256)])),
  (input) => replaced(input, 1 + randomInt(COPIED_BYTES_MAX), Buffer.alloc(0)),
  (input) => replaced(input, 0, partOf(input)),
  (input, other) => replaced(input, 0, partOf(other)),
  (input, other) => replaced(input, randomInt(COPIED_BYTES_MAX), partOf(other)),
  (input, other) => Buffer.concat([input.subarray(0, randomInt(input.length + 1)), other.subarray(placeIn(other))]),
];

/** `input` with a few changes, some of which take bytes of `other`. Never longer than a named limit. */
export function mutate(input: Buffer, other: Buffer): Buffer {
  let mutant = input;
  for (let left = 1 + randomInt(CHANGES_MAX); left > 0; left -= 1) {
    mutant = CHANGES[randomInt(CHANGES.length)]!(mutant, other);
  }
  return mutant.subarray(0, INPUT_BYTES_MAX);
}

/** The shortest input that `fails`, as far as leaving out stretches leads there. */
export function shrink(input: Buffer, fails: (input: Buffer) => boolean): Buffer {
  let least = input;
  for (let length = least.length >> 1; length >= 1; length >>= 1) {
    for (let at = 0; at + length <= least.length;) {
      const shorter = Buffer.concat([least.subarray(0, at), least.subarray(at + length)]);
      if (fails(shorter)) least = shorter;
      else at += length;
    }
  }
  return least;
}

function changed(input: Buffer, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(input);
  const at = placeIn(input);
  if (copy.length > 0) copy[at] = change(copy[at] ?? 0) & 0xff;
  return copy;
}

function replaced(input: Buffer, length: number, by: Buffer): Buffer {
  const at = placeIn(input);
  return Buffer.concat([input.subarray(0, at), by, input.subarray(at + length)]);
}

function partOf(bytes: Buffer): Buffer {
  const at = placeIn(bytes);
  return bytes.subarray(at, at + 1 + randomInt(COPIED_BYTES_MAX));
}

function placeIn(bytes: Buffer): number {
  return randomInt(Math.max(1, bytes.length));
}
