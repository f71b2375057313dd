// Ways that do not want to be found: letters exchanged, secrets encrypted or digested, and parts of them. Masking cannot
// win here; the table says how far it goes.

import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { asItIs, base64, by, bytesOf, characters, hex, like, chain, type Decoder } from './reading.ts';
import { python, shell, type Way } from './way.ts';

const KEY_HEX = '00112233445566778899aabbccddeeff';
const XOR = 42;

const lower = like((secret) => secret.toLowerCase());

const EXCHANGED: readonly Way[] = [
  python('reversed', 'v[::-1]', by(characters((text) => Array.from(text).toReversed().join('')))),
  shell('rev', String.raw`printf '%s\n' "$V" | rev`, by(characters(reversedLines))),
  python(
    'reversed bytes',
    'b[::-1]',
    by((text) => [Array.from(text).toReversed().join('')]),
  ),
  python(
    'in capitals',
    'v.upper()',
    like((secret) => upper(secret)),
  ),
  python(
    'in small letters',
    'v.lower()',
    by(
      () => [],
      (secret) => changed(secret, (text) => text.toLowerCase()),
    ),
  ),
  python('capitals and small letters exchanged', 'v.swapcase()', by(characters(swapped))),
  python(
    'each word with a capital',
    'v.title()',
    by((text) => [text.toLowerCase()], lower.of),
  ),
  shell('rot13 of tr', `printf %s "$V" | tr A-Za-z N-ZA-Mn-za-m`, by(rotated(13))),
  python('rot47', '"".join(chr(33 + (ord(c) + 14) % 94) if "!" <= c <= "~" else c for c in v)', by(rot47)),
  python('each letter plus one', '"".join(chr(ord(c) + 1) for c in v)', by(characters(shifted))),
  python(
    'wide letters',
    '"".join(chr(ord(c) + 0xfee0) if "!" <= c <= "~" else c for c in v)',
    by(characters((text) => text.normalize('NFKC'))),
  ),
  python(
    'letters with a ring above',
    '"".join(c + "\\u030a" for c in v)',
    by(characters((text) => text.replaceAll('\u030a', ''))),
  ),
  python(
    'o written as 0',
    'v.replace("o", "0").replace("i", "1").replace("s", "5")',
    like((secret) => secret.replaceAll('o', '0').replaceAll('i', '1').replaceAll('s', '5')),
  ),
  python('each second letter, then the others', 'v[0::2] + " " + v[1::2]', by(characters(zipped))),
  python(
    'pairs of letters exchanged',
    '"".join(v[k:k+2][::-1] for k in range(0, len(v), 2))',
    by(characters((text) => text.replaceAll(/(.)(.)/gsu, '$2$1'))),
  ),
  python('xor, hex', `bytes(x ^ ${XOR} for x in b).hex()`, by(chain(hex, xored))),
  python('xor, base64', `base64.b64encode(bytes(x ^ ${XOR} for x in b))`, by(chain(base64, xored))),
  shell(
    'openssl enc -base64',
    `printf %s "$V" | openssl enc -aes-128-ecb -K ${KEY_HEX} -base64 -A`,
    by(chain(base64, decrypted)),
  ),
];

const DIGESTED: readonly Way[] = [
  shell(
    'sha256sum',
    'printf %s "$V" | sha256sum',
    digest((secret) => createHash('sha256').update(secret, 'latin1').digest('hex')),
  ),
  shell(
    'md5sum',
    'printf %s "$V" | md5sum',
    digest((secret) => createHash('md5').update(secret, 'latin1').digest('hex')),
  ),
  python(
    'HMAC, as of a signed JWT',
    'base64.urlsafe_b64encode(hmac.digest(b, b"e30.e30", "sha256"))',
    digest((secret) => createHmac('sha256', Buffer.from(secret, 'latin1')).update('e30.e30').digest('base64url')),
  ),
];

const PARTS: readonly Way[] = [
  python('the first half', 'b[:len(b)//2]'),
  python('the second half', 'b[len(b)//2:]'),
  python('all but the first letter', 'v[1:]'),
  python('all but the last letter', 'v[:-1]'),
  python('the middle third', 'v[len(v)//3:2*len(v)//3]'),
  python('one letter changed in the middle', 'v[:len(v)//2] + "?" + v[len(v)//2+1:]'),
  python('stars in the middle', 'v[:len(v)//2-2] + "****" + v[len(v)//2+2:]'),
  python(
    'both halves on lines of their own',
    'v[:len(v)//2] + "\\nand\\n" + v[len(v)//2:]',
    by((text) => [text.replace('\nand\n', '')]),
  ),
  python('the halves exchanged', 'v[len(v)//2:] + " " + v[:len(v)//2]'),
  python(
    'in pieces of eight with numbers',
    '"\\n".join("%d: %s" % (k, v[k:k+8]) for k in range(0, len(v), 8))',
    by((text) => [text.trim().replaceAll(/(^|\n)\d+: /g, '')]),
  ),
  shell('base64 of the first half', 'printf %s "${V:0:$((${#V} / 2))}" | base64 -w0', by(base64)),
  shell('cut -c1-30 of each line', `printf '%s\\n' "$V" | cut -c1-30`, asItIs),
];

export const HIDDEN: readonly Way[] = [...EXCHANGED, ...DIGESTED, ...PARTS];

/** Whoever has a digest can try guesses: that counts as all of it. */
function digest(of: (secret: string) => string): Way['reads'] {
  return like(of);
}

function changed(secret: string, change: (text: string) => string): string {
  return bytesOf(change(Buffer.from(secret, 'latin1').toString('utf8')));
}

function upper(secret: string): string {
  return changed(secret, (text) => text.toUpperCase());
}

function reversedLines(text: string): string {
  return text
    .split('\n')
    .map((line) => Array.from(line).toReversed().join(''))
    .join('\n');
}

function swapped(text: string): string {
  return text.replaceAll(/\p{L}/gu, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

function rotated(by: number): Decoder {
  return (text) => [
    text.replaceAll(/[a-z]/gi, (letter) => {
      const first = letter <= 'Z' ? 65 : 97;
      return String.fromCharCode(first + ((letter.charCodeAt(0) - first + 26 - by) % 26));
    }),
  ];
}

function rot47(text: string): string[] {
  return [text.replaceAll(/[!-~]/g, (letter) => String.fromCharCode(33 + ((letter.charCodeAt(0) + 14) % 94)))];
}

function shifted(text: string): string {
  return Array.from(text, (letter) => String.fromCodePoint(Math.max((letter.codePointAt(0) ?? 0) - 1, 0))).join('');
}

/** Two rows with a space between them, laid into each other: the first is as long as the second, or one longer. */
function zipped(text: string): string {
  const letters = Array.from(text);
  const half = Math.ceil((letters.length - 1) / 2);
  const second = letters.slice(half + 1);
  return letters
    .slice(0, half)
    .map((letter, k) => letter + (second[k] ?? ''))
    .join('');
}

function xored(text: string): string[] {
  return [Array.from(text, (letter) => String.fromCharCode(letter.charCodeAt(0) ^ XOR)).join('')];
}

function decrypted(text: string): string[] {
  try {
    const decipher = createDecipheriv('aes-128-ecb', Buffer.from(KEY_HEX, 'hex'), null);
    return [Buffer.concat([decipher.update(text, 'latin1'), decipher.final()]).toString('latin1')];
  } catch {
    return [];
  }
}
