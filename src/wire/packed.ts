// Several values in one part of a frame, and out of it again.

import { Failure } from '../core/failure.ts';

const LENGTH_BYTES = 4;

/** The lengths of all (u32be), then all of them. The caller wipes what it gave and what it got. */
export function packValues(values: readonly Buffer[]): Buffer {
  const heads = Buffer.alloc(values.length * LENGTH_BYTES);
  for (const [i, value] of values.entries()) heads.writeUInt32BE(value.length, i * LENGTH_BYTES);
  return Buffer.concat([heads, ...values]);
}

/** `count` values as views of `packed`. Throws `daemon/protocol` when that is not what it holds. */
export function unpackValues(packed: Buffer, count: number): Buffer[] {
  const heads = count * LENGTH_BYTES;
  if (packed.length < heads) throw new Failure('daemon/protocol', 'the daemon gave fewer values than it said');
  const lengths = Array.from({ length: count }, (_none, i) => packed.readUInt32BE(i * LENGTH_BYTES));
  const values = cutValues(packed.subarray(heads), lengths);
  if (values === null) throw new Failure('daemon/protocol', 'the values of the daemon do not fill their part');
  return values;
}

/** `bytes` cut at these lengths, as views of it; null unless they fill it exactly. */
export function cutValues(bytes: Buffer, lengths: readonly number[]): Buffer[] | null {
  if (lengths.reduce((sum, length) => sum + length, 0) !== bytes.length) return null;
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}
