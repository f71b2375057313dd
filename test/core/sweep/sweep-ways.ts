// Ways to write a secret so that its reader has it and a search for it has not, each as a function from bytes to bytes.
// Written from the definitions of the encodings; nothing of ours is imported.

import * as zlib from 'node:zlib';

export interface WayOut {
  readonly name: string;
  readonly write: (value: Buffer) => Buffer | string;
}

/** One character a byte. */
const text = (value: Buffer): string => value.toString('utf8');
const joined = (value: Buffer, between: string): string => Array.from(text(value)).join(between);
const wrapped = (line: string, width: number, between = '\n'): string =>
  Array.from({ length: Math.ceil(line.length / width) }, (_, k) => line.slice(k * width, (k + 1) * width)).join(
    between,
  );
const base64 = (value: Buffer): string => value.toString('base64');
const again = (value: Buffer | string, times: number): string =>
  times === 0 ? value.toString() : again(base64(Buffer.from(value)), times - 1);
const listed = (value: Buffer, radix: number, width: number, before: string, between: string): string =>
  [...value].map((byte) => before + byte.toString(radix).padStart(width, '0')).join(between);
const exchanged = (value: Buffer, by: (code: number) => number): Buffer => Buffer.from(value.map(by));

/** Groups of `size` bytes in lines of 16 behind an address, the letters beside them. */
function dump(
  value: Buffer,
  size: number,
  isSwapped: boolean,
  address: string,
  sides: readonly [string, string] | null,
): string {
  const lines: string[] = [];
  for (let at = 0; at < value.length; at += 16) {
    const line = value.subarray(at, at + 16);
    const groups: string[] = [];
    for (let k = 0; k < line.length; k += size) {
      const group = Buffer.from(line.subarray(k, k + size));
      groups.push((isSwapped ? Buffer.from(group.toReversed()) : group).toString('hex'));
    }
    const letters = line.toString('latin1').replaceAll(/[^ -~]/g, '.');
    lines.push(
      `${at.toString(16).padStart(8, '0')}${address} ${groups.join(' ')}${sides === null ? '' : sides.join(letters)}`,
    );
  }
  return lines.join('\n');
}

function words(value: Buffer, radix: number, width: number): string {
  const padded = Buffer.concat([value, Buffer.alloc(value.length % 2)]);
  const numbers = Array.from({ length: padded.length / 2 }, (_, k) => padded.readUInt16LE(2 * k));
  const lines = Array.from({ length: Math.ceil(numbers.length / 8) }, (_, k) => {
    const line = numbers
      .slice(8 * k, 8 * k + 8)
      .map((number) => number.toString(radix).padStart(width, radix === 8 ? '0' : ' '));
    return `${(16 * k).toString(8).padStart(7, '0')} ${line.join(' ')}`;
  });
  return lines.join('\n');
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(value: Buffer): string {
  const bits = [...value].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = wrapped(bits, 5, ' ')
    .split(' ')
    .map((five) => BASE32[Number.parseInt(five.padEnd(5, '0'), 2)]);
  return letters.join('').padEnd(Math.ceil(letters.length / 8) * 8, '=');
}

const upTo = (code: number, first: number, count: number, by: number): number =>
  code >= first && code < first + count ? first + ((code - first + by) % count) : code;

const SCATTERED: readonly WayOut[] = [
  ...Object.entries({
    'a space': ' ',
    'a line feed': '\n',
    'a carriage return': '\r',
    CRLF: '\r\n',
    'a tab': '\t',
    'a dash': '-',
    'a dot': '.',
    'an underscore': '_',
    'a dash and an underscore': '-_-',
    'a comma and a space': ', ',
    'a colon': ':',
    'a pipe': ' | ',
    'a quote and a comma': '", "',
    'a plus between quotes': "' + '",
    'a backslash': '\\',
    'a slash': '/',
    'a star': '*',
    brackets: '][',
    'three dots': '...',
    'a space of no width': '\u200b',
    'a soft hyphen': '\u00ad',
    'a joiner': '\u2060',
    'a byte order mark': '\ufeff',
    'a no-break space': '\u00a0',
    'a line of a table': ' │ ',
    'a zero': '\0',
    'a colour': '\x1b[31m',
    'two colours': '\x1b[0m\x1b[1;38;5;12m',
    'a title of a window': '\x1b]0;x\x07',
    'a move of the cursor': '\x1b[1C',
    'an x': 'x',
    xyz: 'xyz',
  }).map(([what, between]) => ({ name: `${what} between letters`, write: (value: Buffer) => joined(value, between) })),
  ...[3, 7, 10, 20].map((width) => ({
    name: `lines of ${width}`,
    write: (value: Buffer) => wrapped(text(value), width),
  })),
  { name: 'a dot after each fourth', write: (value) => wrapped(text(value), 4, '.') },
  { name: 'bold by overstrike', write: (value) => Array.from(text(value), (c) => `${c}\b${c}`).join('') },
  { name: 'underlined by overstrike', write: (value) => Array.from(text(value), (c) => `_\b${c}`).join('') },
  {
    name: 'a letter a line with numbers',
    write: (value) => Array.from(text(value), (c, k) => `${String(k + 1).padStart(6)}\t${c}`).join('\n'),
  },
  {
    name: 'pieces of eight with numbers',
    write: (value) =>
      wrapped(text(value), 8)
        .split('\n')
        .map((line, k) => `${k}: ${line}`)
        .join('\n'),
  },
  {
    name: 'wide letters',
    write: (value) =>
      Array.from(text(value), (c) => (c >= '!' && c <= '~' ? String.fromCodePoint(c.charCodeAt(0) + 0xfee0) : c)).join(
        '',
      ),
  },
  { name: 'a ring above each letter', write: (value) => Array.from(text(value), (c) => `${c}\u030a`).join('') },
  { name: 'decomposed letters', write: (value) => text(value).normalize('NFD') },
  { name: 'capitals', write: (value) => text(value).toUpperCase() },
  { name: 'small letters', write: (value) => text(value).toLowerCase() },
  { name: 'quoted twice as in SQL', write: (value) => text(value).replaceAll(/['"]/g, '$&$&') },
  { name: 'UTF-16, high byte first', write: (value) => Buffer.from(text(value), 'utf16le').swap16() },
  {
    name: 'UTF-32',
    write: (value) =>
      Buffer.concat(
        Array.from(text(value), (c) => {
          const unit = Buffer.alloc(4);
          unit.writeUInt32LE(c.codePointAt(0) ?? 0);
          return unit;
        }),
      ),
  },
  { name: 'rot13', write: (value) => exchanged(value, (code) => upTo(upTo(code, 0x41, 26, 13), 0x61, 26, 13)) },
  { name: 'rot47', write: (value) => exchanged(value, (code) => upTo(code, 0x21, 94, 47)) },
  { name: 'backwards, as base64', write: (value) => base64(Buffer.from(value.toReversed())) },
  { name: 'base64, backwards', write: (value) => Array.from(base64(value)).toReversed().join('') },
];

const ENCODED: readonly WayOut[] = [
  ...[2, 3].map((times) => ({ name: `base64, ${times} times`, write: (value: Buffer) => again(value, times) })),
  ...[20, 40, 57].map((width) => ({
    name: `base64 in lines of ${width}`,
    write: (value: Buffer) => wrapped(base64(value), width),
  })),
  { name: 'base64 in groups of four', write: (value) => wrapped(base64(value), 4, ' ') },
  { name: 'base64 of a letter a line', write: (value) => base64(Buffer.from(joined(value, '\n'))) },
  { name: 'base64 of JSON', write: (value) => base64(Buffer.from(JSON.stringify({ user: 'x', key: text(value) }))) },
  { name: 'base64 of hex', write: (value) => base64(Buffer.from(value.toString('hex'))) },
  { name: 'hex of base64', write: (value) => Buffer.from(base64(value)).toString('hex') },
  { name: 'hex of hex', write: (value) => Buffer.from(value.toString('hex')).toString('hex') },
  { name: 'percent of base64', write: (value) => encodeURIComponent(base64(value)) },
  {
    name: 'percent, three times',
    write: (value) => encodeURIComponent(encodeURIComponent(listed(value, 16, 2, '%', ''))),
  },
  { name: 'gzip, base64', write: (value) => base64(zlib.gzipSync(value)) },
  { name: 'gzip, base64 in lines', write: (value) => wrapped(base64(zlib.gzipSync(value)), 76) },
  { name: 'gzip, hex', write: (value) => zlib.gzipSync(value).toString('hex') },
  { name: 'zlib, base64', write: (value) => base64(zlib.deflateSync(value)) },
  { name: 'raw deflate, base64', write: (value) => base64(zlib.deflateRawSync(value)) },
  { name: 'Brotli, base64', write: (value) => base64(zlib.brotliCompressSync(value)) },
  { name: 'zstd, base64', write: (value) => base64(zlib.zstdCompressSync(value)) },
  { name: 'base64, gzip, base64', write: (value) => base64(zlib.gzipSync(base64(value))) },
  { name: 'hex in groups of two bytes', write: (value) => wrapped(value.toString('hex'), 4, ' ') },
  { name: 'hex with dashes', write: (value) => listed(value, 16, 2, '', '-') },
  { name: 'hex with 0x', write: (value) => listed(value, 16, 2, '0x', ', ') },
  { name: 'hex in C', write: (value) => listed(value, 16, 2, '\\x', '') },
  { name: 'hex in lines of 20', write: (value) => wrapped(value.toString('hex'), 20) },
  { name: 'hex, backwards', write: (value) => Array.from(value.toString('hex')).toReversed().join('') },
  { name: 'xxd', write: (value) => dump(value, 2, false, ':', ['  ', '']) },
  { name: 'xxd -g1', write: (value) => dump(value, 1, false, ':', ['  ', '']) },
  { name: 'hexdump -C', write: (value) => dump(value, 1, false, ' ', ['  |', '|']) },
  { name: 'hexdump', write: (value) => dump(value, 2, true, '', null) },
  { name: 'od -t x1', write: (value) => listed(value, 16, 2, ' ', '') },
  { name: 'od, octal words', write: (value) => words(value, 8, 6) },
  { name: 'od, decimal words', write: (value) => words(value, 10, 5) },
  { name: 'bits', write: (value) => listed(value, 2, 8, '', ' ') },
  { name: 'bits in one', write: (value) => listed(value, 2, 8, '', '') },
  { name: 'a list of decimals', write: (value) => `[${listed(value, 10, 1, '', ', ')}]` },
  { name: 'decimals a line', write: (value) => listed(value, 10, 1, '', '\n') },
  { name: 'a sum of chr()', write: (value) => `chr(${listed(value, 10, 1, '', ') + chr(')})` },
  { name: 'octal escapes', write: (value) => listed(value, 8, 3, '\\', '') },
  { name: 'octal numbers', write: (value) => listed(value, 8, 3, '', ' ') },
  { name: 'HTML, decimal', write: (value) => Array.from(text(value), (c) => `&#${c.codePointAt(0)};`).join('') },
  {
    name: 'HTML, hex',
    write: (value) => Array.from(text(value), (c) => `&#x${c.codePointAt(0)?.toString(16)};`).join(''),
  },
  {
    name: 'HTML, names',
    write: (value) =>
      text(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
  },
  {
    name: 'u escapes',
    write: (value) => Array.from(text(value), (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  },
  {
    name: 'u escapes in braces',
    write: (value) => Array.from(text(value), (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`).join(''),
  },
  {
    name: 'code points',
    write: (value) =>
      Array.from(text(value), (c) => `U+${c.codePointAt(0)?.toString(16).padStart(4, '0').toUpperCase()}`).join(' '),
  },
  { name: 'JSON in JSON in JSON', write: (value) => JSON.stringify(JSON.stringify(JSON.stringify(text(value)))) },
  { name: 'quoted-printable', write: (value) => listed(value, 16, 2, '=', '').toUpperCase() },
  { name: 'base32', write: (value) => base32(value) },
  { name: 'base32, small, without padding', write: (value) => base32(value).toLowerCase().replaceAll('=', '') },
  { name: 'base32 behind a byte', write: (value) => base32(Buffer.concat([Buffer.from('x'), value])) },
];

export const WAYS: readonly WayOut[] = [...SCATTERED, ...ENCODED];
