// Plaintexts grow to a few fixed lengths before they are sealed, so that a length does not tell what a secret is.

import { Failure } from './failure.ts';

/** The length in front of the content: 4 bytes, most significant first. */
const PREFIX_BYTES = 4;
const BUCKETS = [64, 256] as const;
/** Beyond the buckets, a whole number of these. */
const STEP_BYTES = 1024;

/** Length prefix, content, zeros up to 64, 256 or a multiple of 1024 bytes. The caller wipes both buffers. */
export function pad(content: Buffer): Buffer {
  const padded = Buffer.alloc(paddedLength(content.length));
  padded.writeUInt32BE(content.length);
  content.copy(padded, PREFIX_BYTES);
  return padded;
}

/** The content, as a view into `padded`. Throws `vault/damaged` when `pad` cannot have made it. */
export function unpad(padded: Buffer): Buffer {
  const length = padded.length < PREFIX_BYTES ? Infinity : padded.readUInt32BE();
  const end = PREFIX_BYTES + length;
  if (paddedLength(length) !== padded.length || padded.subarray(end).some((byte) => byte !== 0)) {
    throw new Failure('vault/damaged', 'a sealed record has content of a wrong shape');
  }
  return padded.subarray(PREFIX_BYTES, end);
}

function paddedLength(contentLength: number): number {
  const needed = contentLength + PREFIX_BYTES;
  return BUCKETS.find((bucket) => needed <= bucket) ?? Math.ceil(needed / STEP_BYTES) * STEP_BYTES;
}
