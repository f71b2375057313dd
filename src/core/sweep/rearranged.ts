// The letters of a text in another order, or each exchanged for another: backwards, rot13, rot47, and every second, third
// or fourth byte, for filler between letters.

import { BLOCK_BYTES, type View } from './view.ts';

const STRIDES = [2, 3, 4];

const ROT13 = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  if (letter < 0x61 || letter > 0x7a) return byte;
  return letter < 0x6e ? byte + 13 : byte - 13;
});
const ROT47 = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 0x20 && byte < 0x7f ? 0x21 + ((byte - 0x21 + 47) % 94) : byte,
);

/** One after the other; the caller wipes each. */
export function* rearranged(text: Buffer): Generator<View> {
  const last = text.length;
  yield { bytes: Buffer.from(text.toReversed()), spanOf: (start, end) => [last - end, last - start] };
  for (const table of [ROT13, ROT47]) {
    const bytes = Buffer.allocUnsafe(last);
    for (let at = 0; at < last; at += BLOCK_BYTES) exchange(text, at, table, bytes);
    yield { bytes, spanOf: (start, end) => [start, end] };
  }
  for (const stride of STRIDES) {
    for (let first = 0; first < stride; first += 1) {
      const bytes = Buffer.allocUnsafe(Math.ceil((last - first) / stride));
      for (let at = 0; at < bytes.length; at += BLOCK_BYTES) pick(text, stride, first, at, bytes);
      const spanOf: View['spanOf'] = (start, end) => [first + start * stride, first + (end - 1) * stride + 1];
      yield { bytes, spanOf };
    }
  }
}

function exchange(text: Buffer, from: number, table: Uint8Array, bytes: Buffer): void {
  const end = Math.min(text.length, from + BLOCK_BYTES);
  for (let at = from; at < end; at += 1) bytes[at] = table[text[at]!]!;
}

function pick(text: Buffer, stride: number, first: number, from: number, bytes: Buffer): void {
  const end = Math.min(bytes.length, from + BLOCK_BYTES);
  for (let k = from, at = first + from * stride; k < end; k += 1, at += stride) bytes[k] = text[at]!;
}
