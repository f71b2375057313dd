// Plaintexts grow to a few fixed lengths before they are sealed, so that a length does not tell what a secret is, or which
// file.

import { Failure } from './failure.ts';

/** The length in front of the content: 4 bytes, most significant first. */
const PREFIX_BYTES = 4;
const BUCKETS = [64, 256] as const;
/** Beyond the buckets, a whole number of these, or of more for what is longer than 32 KiB. */
const STEP_BYTES = 1024;

/**
 * Length prefix, content, zeros up to 64, 256 or a multiple of 1024 bytes; past 32 KiB the steps grow with the length, and
 * at most a 16th is added. The caller wipes both buffers.
 */
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
  const isLengthOurs = padded.length === paddedLength(length) || padded.length === paddedLength(length, STEP_BYTES);
  if (!isLengthOurs || padded.subarray(end).some((byte) => byte !== 0)) {
    throw new Failure('vault/damaged', 'a sealed record has content of a wrong shape');
  }
  return padded.subarray(PREFIX_BYTES, end);
}

/** What was sealed in the first versions has steps of 1024 bytes whatever its length. */
function paddedLength(contentLength: number, step = stepOf(contentLength + PREFIX_BYTES)): number {
  const needed = contentLength + PREFIX_BYTES;
  return BUCKETS.find((bucket) => needed <= bucket) ?? Math.ceil(needed / step) * step;
}

/**
 * Padmé: of the length only the first few binary digits are kept, as many as it takes to write how many digits it has
 * (Nikitin et al., PURBs, PETS 2019, algorithm 1).
 */
function stepOf(needed: number): number {
  const exponent = Math.floor(Math.log2(needed));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  return Math.max(STEP_BYTES, 2 ** (exponent - kept));
}
