// PEM (RFC 7468): bytes between two lines of dashes, in base64. Bytes in, bytes out: the text of a private key never
// becomes a JavaScript string, which could not be wiped.

import { BASE64, inAlphabet, wrapped } from './forms/alphabets.ts';

/** What each byte of base64 stands for; 255 for the others. */
const SIXES = Buffer.alloc(256, 0xff);
for (const [six, letter] of BASE64.letters.entries()) SIXES[letter] = six;

const EQUALS = 0x3d;

/** `bytes` under this label, in lines of `width` characters, with a line feed at the end. The caller wipes it. */
export function pemOf(label: string, bytes: Buffer, width: number): Buffer {
  const plain = inAlphabet(bytes, BASE64);
  const padded = Buffer.concat([plain, Buffer.alloc((4 - (plain.length % 4)) % 4, EQUALS)]);
  const lines = wrapped(padded, width) ?? padded;
  const text = Buffer.concat([
    Buffer.from(`-----BEGIN ${label}-----\n`),
    lines,
    Buffer.from(`\n-----END ${label}-----\n`),
  ]);
  for (const part of [plain, padded, lines]) part.fill(0);
  return text;
}

/** The bytes under this label, as a buffer of their own; undefined when there is no such block, or not only that. */
export function bytesOfPem(label: string, text: Buffer): Buffer | undefined {
  const begin = `-----BEGIN ${label}-----`;
  const start = text.indexOf(begin, 0, 'latin1');
  const closing = `-----END ${label}-----`;
  const end = text.indexOf(closing, start + begin.length, 'latin1');
  if (start < 0 || end < 0) return undefined;
  if (!isBlank(text.subarray(0, start)) || !isBlank(text.subarray(end + closing.length))) return undefined;
  return decoded(text.subarray(start + begin.length, end));
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => isSpace(byte));
}

/** Spaces, tabs and the two ends of lines. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function decoded(text: Buffer): Buffer | undefined {
  const bytes = Buffer.alloc(Math.floor((text.length * 3) / 4));
  let [bits, width, length, padding] = [0, 0, 0, 0];
  for (const letter of text) {
    if (isSpace(letter)) continue;
    const six = SIXES[letter]!;
    if (letter === EQUALS) padding += 1;
    else if (six === 0xff || padding > 0) return undefined;
    else {
      bits = ((bits << 6) | six) & 0xffff;
      width += 6;
      if (width < 8) continue;
      width -= 8;
      bytes[length] = (bits >> width) & 0xff;
      length += 1;
    }
  }
  // A copy, so that nobody has to know of the room behind it.
  const exact = padding <= 2 && width < 6 ? Buffer.from(bytes.subarray(0, length)) : undefined;
  bytes.fill(0);
  return exact;
}
