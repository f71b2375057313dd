// Ways that write a secret in another alphabet, in which every tool can read it back: base64 and its relatives, dumps,
// numbers, other character sets, and what is packed first.

import { decode32, decode85, decodeAscii85, decodeNumber, unpacked } from './radix.ts';
import { base64, by, bytesOf, hex, hexDump, numbers, percent, points, chain, without } from './reading.ts';
import { node, perl, python, shell, type Way } from './way.ts';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const in64 = by(base64);
const inHex = by(hex);

const BASE64: readonly Way[] = [
  shell('base64 -w0', 'printf %s "$V" | base64 -w0', in64),
  shell('base64', 'printf %s "$V" | base64', in64),
  shell('base64 of echo', 'echo "$V" | base64', in64),
  shell('base64 -w 20', 'printf %s "$V" | base64 -w 20', in64),
  shell('openssl base64', 'printf %s "$V" | openssl base64', in64),
  shell('base64 behind one byte', 'printf %s "x$V" | base64 -w0', in64),
  shell('base64 behind two bytes', 'printf %s "xy$V" | base64 -w0', in64),
  shell('base64 between two words', 'printf %s "user:$V:more" | base64 -w0', in64),
  python('base64url', 'base64.urlsafe_b64encode(b)', in64),
  python(
    'base64 in a percent-encoded query',
    'urllib.parse.quote(base64.b64encode(b), safe="")',
    by(chain(percent, base64)),
  ),
  python('a data: URL', '"data:text/plain;base64," + base64.b64encode(b).decode()', in64),
  python(
    'in the payload of a JWT',
    'base64.urlsafe_b64encode(json.dumps({"sub": "app", "key": v}, ensure_ascii=False).replace("\\\\n", "\\n").encode()).decode().rstrip("=")',
    by(chain(base64, (text) => [text, text.replaceAll('\\"', '"')])),
  ),
  python('base64 of UTF-16LE', 'base64.b64encode(v.encode("utf-16-le"))', by(chain(base64, narrow))),
  python('base64, twice', 'base64.b64encode(base64.b64encode(b))', by(chain(base64, base64))),
  python(
    'base64, three times',
    'base64.b64encode(base64.b64encode(base64.b64encode(b)))',
    by(chain(base64, base64, base64)),
  ),
  python('base64 of hex', 'base64.b64encode(b.hex().encode())', by(chain(base64, hex))),
  python('hex of base64', 'base64.b64encode(b).hex()', by(chain(hex, base64))),
  python('base64, reversed', 'base64.b64encode(b)[::-1]', by(chain(reversed, base64))),
  python('base64 of it reversed', 'base64.b64encode(b[::-1])', by(chain(base64, reversed))),
  python(
    'base64, a space after each fourth',
    '" ".join(base64.b64encode(b).decode()[k:k+4] for k in range(0, 2 * len(b), 4))',
    in64,
  ),
  shell('gzip | base64', 'printf %s "$V" | gzip -n | base64 -w0', by(chain(base64, unpacked))),
  node(
    'Brotli, base64',
    'console.log(require("node:zlib").brotliCompressSync(process.env.V).toString("base64"))',
    by(chain(base64, unpacked)),
  ),
  python('zlib, hex', 'zlib.compress(b).hex()', by(chain(hex, unpacked))),
];

const DUMPS: readonly Way[] = [
  shell('xxd -p', 'printf %s "$V" | xxd -p', inHex),
  shell('xxd -u -p', 'printf %s "$V" | xxd -u -p -c 256', inHex),
  shell('xxd', 'printf %s "$V" | xxd', by(hexDump)),
  shell('xxd -i', 'printf %s "$V" | xxd -i', inHex),
  shell('xxd -b', 'printf %s "$V" | xxd -b', by(numbers(/\b[01]{8}\b/g, 2))),
  shell('hexdump -C', 'printf %s "$V" | hexdump -C', by(hexDump)),
  shell(
    'hexdump',
    'printf %s "$V" | hexdump -v',
    by(chain(without(/^[\da-f]{7} ?/gm), numbers(/\b[\da-f]{4}\b/g, 16, 2))),
  ),
  shell('od -An -tx1', 'printf %s "$V" | od -v -An -tx1', inHex),
  shell('od, octal words', 'printf %s "$V" | od -v -An', by(numbers(/\b[0-7]{6}\b/g, 8, 2))),
  shell('od, decimal', 'printf %s "$V" | od -v -An -tu1', by(numbers(/\b\d{1,3}\b/g, 10))),
  shell('od -c', 'printf %s "$V" | od -v -An -c', by(fromOdC)),
  python('hex with colons', 'b.hex(":")', inHex),
  python('hex with dashes', 'b.hex("-").upper()', inHex),
  python('hex with 0x', '", ".join("0x%02x" % x for x in b)', inHex),
  python('hex, reversed', 'b.hex()[::-1]', by(chain(reversed, hex))),
  shell('hex in awk and od', `printf %s "$V" | od -v -An -tx1 | awk '{ gsub(/ /, ""); printf "%s", $0 }'`, inHex),
];

const NUMBERS: readonly Way[] = [
  python('a list of bytes', 'repr(list(b))', by(numbers(/\b\d{1,3}\b/g, 10))),
  node(
    'char codes',
    'console.log(Array.from(process.env.V, (c) => c.codePointAt(0)).join(" "))',
    by(points(/\b\d+\b/g, 10)),
  ),
  perl('ord, with commas', 'print join ",", map { ord } split //, $ENV{V}', by(numbers(/\b\d{1,3}\b/g, 10))),
  python('U+0073 for each', '" ".join("U+%04X" % ord(c) for c in v)', by(points(/U\+([\dA-F]+)/g, 16))),
  python('bits', '"".join("{:08b}".format(x) for x in b)', by(numbers(/[01]{8}/g, 2))),
  python('octal, three digits a byte', '" ".join("%03o" % x for x in b)', by(numbers(/\b[0-7]{3}\b/g, 8))),
  python('one big number', 'str(int.from_bytes(b, "big"))', by(decodeNumber(DIGITS.slice(0, 10)))),
  python('base36', 'base(int.from_bytes(b, "big"), "0123456789abcdefghijklmnopqrstuvwxyz")', by(decodeNumber(DIGITS))),
  python(
    'base58',
    'base(int.from_bytes(b, "big"), "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")',
    by(decodeNumber(BASE58)),
  ),
];

const OTHERS: readonly Way[] = [
  shell('base32', 'printf %s "$V" | base32 -w0', by(decode32)),
  python('base32, small, no padding', 'base64.b32encode(b).decode().lower().rstrip("=")', by(decode32)),
  python('base85', 'base64.b85encode(b)', by(decode85)),
  python('Ascii85', 'base64.a85encode(b)', by(decodeAscii85)),
  perl('uuencode', 'print pack "u", $ENV{V}', by(uudecoded)),
  python('UTF-16LE', 'v.encode("utf-16-le")', by(narrow)),
  python('UTF-16BE', 'v.encode("utf-16-be")', by(chain((text) => [`${text}\0`, text.slice(1)], narrow))),
  python(
    'UTF-32LE',
    'v.encode("utf-32-le")',
    by(
      (text) => [text.replaceAll('\0', '')],
      (secret) => latin(secret),
    ),
  ),
  python(
    'UTF-7',
    'v.encode("utf-7")',
    by((text) => [
      text.replaceAll(/\+([\w+/]*)-?/g, (_m, it: string) =>
        it === '' ? '+' : bytesOf(Buffer.from(it, 'base64').swap16().toString('utf16le')),
      ),
    ]),
  ),
  python(
    'Latin-1',
    'v.encode("latin-1")',
    by(() => [], latin),
  ),
  python(
    'decomposed letters (NFD)',
    'unicodedata.normalize("NFD", v)',
    by((text) => [bytesOf(Buffer.from(text, 'latin1').toString('utf8').normalize('NFC'))]),
  ),
];

export const ENCODED: readonly Way[] = [...BASE64, ...DUMPS, ...NUMBERS, ...OTHERS];

function reversed(text: string): string[] {
  return [Array.from(text.trim()).toReversed().join('')];
}

/** UTF-16LE, from either byte of a pair on. */
function narrow(text: string): string[] {
  return [text, text.slice(1)].map((it) => bytesOf(Buffer.from(it, 'latin1').toString('utf16le')));
}

function latin(secret: string): string {
  return Buffer.from(secret, 'latin1').toString('utf8');
}

/** Columns of four characters: a byte as it is, an escape, or three octal digits. */
function fromOdC(text: string): string[] {
  const cells = text.split('\n').flatMap((line) => line.match(/.{4}/g) ?? []);
  return [cells.map((cell) => octalOrLetter(cell.slice(1))).join('')];
}

function octalOrLetter(cell: string): string {
  if (/^[0-7]{3}$/.test(cell)) return String.fromCharCode(Number.parseInt(cell, 8));
  return cell.endsWith('\\n') ? '\n' : cell.slice(-1);
}

/** Each line says its length first; then four characters are three bytes. */
function uudecoded(text: string): string[] {
  const lines = text.split('\n').map((line) => {
    const sixes = Array.from(line.slice(1), (letter) =>
      ((letter.charCodeAt(0) - 32) & 63).toString(2).padStart(6, '0'),
    );
    const bytes = sixes.join('').match(/.{8}/g) ?? [];
    const length = (line.charCodeAt(0) - 32) & 63;
    return bytes.slice(0, length).map((bits) => String.fromCharCode(Number.parseInt(bits, 2)));
  });
  return [lines.flat().join('')];
}
