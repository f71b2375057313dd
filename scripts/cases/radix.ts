// Text back into bytes where several characters share a byte: base64, hex, base32, base58, base85, one big number.
// Each looks at every stretch of its alphabet from each place where a group could begin, as a cut may leave it.

import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

type Decoder = (text: string) => string[];

const STRETCH_MIN = 8;

export const decode64: Decoder = stretches(/[\w+/-]{8,}/g, 4, (text) => Buffer.from(text, 'base64'));

/** Separated by nothing, by what stands between bytes in dumps, or by the signs of other languages. */
export const decodeHex: Decoder = (text) => {
  const joined = text.replaceAll(/\\x|0x|[\s:,-]/gi, '');
  return stretches(/[\da-f]{8,}/gi, 2, (digits) => Buffer.from(digits, 'hex'))(joined);
};

/** RFC 4648, section 6. */
export const decode32: Decoder = stretches(/[a-z2-7]{8,}/gi, 8, (text) => {
  let bits = '';
  for (const letter of text.toUpperCase())
    bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
});

const BASE85 = `0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_\`{|}~`;

/** As git and Python's b85encode write it. */
export const decode85: Decoder = stretches(/[\w!#$%&()*+;<=>?@^`{|}~-]{8,}/g, 5, (text) => groups85(text, BASE85));
/** Ascii85, without its `z`, which our secrets do not need. */
export const decodeAscii85: Decoder = stretches(/[!-u]{8,}/g, 5, (text) =>
  groups85(text, Array.from({ length: 85 }, (_none, i) => String.fromCharCode(33 + i)).join('')),
);

function groups85(text: string, alphabet: string): Buffer {
  const groups = (text.match(/.{1,5}/g) ?? []).map((group) => {
    let number = 0;
    for (const letter of group.padEnd(5, alphabet.at(-1))) number = number * 85 + alphabet.indexOf(letter);
    const bytes = Buffer.alloc(5);
    bytes.writeUIntBE(number % 2 ** 32, 1, 4);
    return bytes.subarray(1, group.length);
  });
  return Buffer.concat(groups);
}

/** One number in an alphabet of digits: 10, 36, 58. */
export function decodeNumber(alphabet: string): Decoder {
  return (text) => {
    const longest = text.split(/\s+/).toSorted((a, b) => b.length - a.length)[0] ?? '';
    let number = 0n;
    for (const digit of longest)
      number = number * BigInt(alphabet.length) + BigInt(Math.max(alphabet.indexOf(digit), 0));
    const digits = number.toString(16);
    return [Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('latin1')];
  };
}

/** gzip, zlib or Brotli; nothing when it is not whole. */
export const unpacked: Decoder = (bytes) => {
  const packed = Buffer.from(bytes, 'latin1');
  return [gunzipSync, inflateSync, brotliDecompressSync].flatMap((unpack) => {
    try {
      return [unpack(packed).toString('latin1')];
    } catch {
      return [];
    }
  });
};

function stretches(pattern: RegExp, group: number, decode: (text: string) => Buffer): Decoder {
  return (text) => {
    const joined = text.replaceAll(/\s+/g, '');
    const found = new Set([...(text.match(pattern) ?? []), ...(joined.match(pattern) ?? [])]);
    return [...found].flatMap((stretch) =>
      Array.from({ length: group }, (_none, skipped) => stretch.slice(skipped))
        .filter((rest) => rest.length >= STRETCH_MIN)
        .map((rest) => decode(rest).toString('latin1')),
    );
  };
}
