// How an attentive reader gets a secret back from output: by the very encoding of the case, written from its definition
// and not from src/core/forms/encodings.ts. Text is one character a byte here ("latin1").

import { decode64, decodeHex } from './radix.ts';

/** What came out between the lines of one case. */
export interface Printed {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export type Decoder = (text: string) => string[];

export interface Reading {
  /** Everything the output says to somebody who knows the way, besides the output itself. */
  readonly decode: Decoder;
  /** What is looked for in it: the secret, or what is left of it in a way that loses something. */
  readonly of: (secret: string) => string;
  /** Whether the two streams are laid into each other, a byte of each in turn. */
  readonly isInTurn: boolean;
}

/** What the three tools write in place of a secret. varlock leaves its first two characters before its mark. */
const MARKS = /[[<{(]REDACTED(?::[\w,+]*)?[\]>})]|(?:\xe2\x96\x92)+/;

const asGiven = (secret: string): string => secret;

export const by = (decode: Decoder, of = asGiven): Reading => ({ decode, of, isInTurn: false });
export const asItIs = by(() => []);
export const inTurn: Reading = { ...asItIs, isInTurn: true };

/** Looks for the secret without what `noise` matches, in output without it. */
export const ignoring = (noise: RegExp): Reading => by(without(noise), (secret) => secret.replaceAll(noise, ''));

/** Looks for what a way that loses something makes of the secret. */
export const like = (of: (secret: string) => string): Reading => by(() => [], of);

/** The stretches of output between marks, of each stream and of both together, and what they decode to. */
export function textsOf({ stdout, stderr }: Printed, { decode, isInTurn }: Reading): string[] {
  const [out, err] = [stdout.toString('latin1'), stderr.toString('latin1')];
  const streams = [out, err, out + err, ...(isInTurn ? [laidIn(out, err)] : [])];
  const texts = new Set(streams.flatMap((text) => [text, ...text.split(MARKS), text.split(MARKS).join('')]));
  return [...texts].flatMap((text) => [text, ...decode(text)]);
}

/** One after the other. */
export function chain(...decoders: readonly Decoder[]): Decoder {
  return (text) =>
    decoders.reduce<string[]>((texts, decode) => texts.flatMap((it) => [...new Set(decode(it))]), [text]);
}

export function either(...decoders: readonly Decoder[]): Decoder {
  return (text) => decoders.flatMap((decode) => decode(text));
}

export function without(noise: RegExp): Decoder {
  return (text) => [text.replaceAll(noise, '')];
}

export function replacing(pattern: RegExp | string, by: string): Decoder {
  return (text) => [text.replaceAll(pattern, by)];
}

/** `change` of the text as characters, where it is UTF-8. */
export function characters(change: (text: string) => string): Decoder {
  return (text) => [bytesOf(change(charactersOf(text)))];
}

export const charactersOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
export const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Every match of `pattern` as a number, which is one byte, or two of which the low one comes first. */
export function numbers(pattern: RegExp, radix: number, width: 1 | 2 = 1): Decoder {
  return (text) => {
    const found = [...text.matchAll(pattern)].map((match) => Number.parseInt(match[1] ?? match[0], radix));
    const bytes = found.flatMap((number) => (width === 1 ? [number & 255] : [number & 255, (number >> 8) & 255]));
    return [Buffer.from(bytes).toString('latin1')];
  };
}

/** Every match of `pattern` as the number of a character. */
export function points(pattern: RegExp, radix: number): Decoder {
  return (text) => [
    [...text.matchAll(pattern)].map((match) => point(Number.parseInt(match[1] ?? match[0], radix))).join(''),
  ];
}

/** The character of a number, as its bytes. */
export function point(number: number): string {
  return number < 0x11_0000 ? bytesOf(String.fromCodePoint(number)) : '';
}

/** `\n`, `\"`, `\123`, `\x73`, `\u0073`, `\u{73}`, `\x{73}`: once with a byte and once with a character for `\xe9`. */
export const escapes: Decoder = (text) =>
  [false, true].map((isPoint) =>
    text.replaceAll(
      /\\(?:u\{([\da-f]+)\}|x\{([\da-f]+)\}|u([\da-f]{4})|x([\da-f]{2})|([0-7]{3})|([^]))/gi,
      (_match, ...groups: (string | undefined)[]) => {
        const [braced, perl, four, two, octal, one = ''] = groups;
        const long = braced ?? perl ?? four;
        if (long !== undefined) return point(Number.parseInt(long, 16));
        const byte = Number.parseInt(two ?? octal ?? '', two === undefined ? 8 : 16);
        if (!Number.isNaN(byte)) return isPoint ? point(byte) : String.fromCharCode(byte & 255);
        return { n: '\n', t: '\t', r: '\r' }[one] ?? one;
      },
    ),
  );

/** The ways shells and shlex write `'`, and what stands before `"` and `$`. */
export const shellQuotes: Decoder = either(
  replacing(`'\\''`, "'"),
  replacing(`'"'"'`, "'"),
  replacing(/'"('+)"'/g, '$1'),
  escapes,
);

export const percent: Decoder = (text) => {
  const plain = text.replaceAll('+', ' ');
  return [text, plain].map((it) => it.replaceAll(/%([\da-f]{2})/gi, (_match, hex: string) => fromHex(hex)));
};

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export const entities: Decoder = (text) => [
  text.replaceAll(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (match, hex?: string, decimal?: string, name = '') => {
    if (hex !== undefined) return point(Number.parseInt(hex, 16));
    return decimal === undefined ? (NAMED[String(name)] ?? match) : point(Number(decimal));
  }),
];

export const base64: Decoder = decode64;
export const hex: Decoder = decodeHex;
/** With the place before and the characters behind, as hexdump -C and xxd print them. */
export const hexDump: Decoder = chain(
  either(without(/^[\da-f]{7,8}:?|\s\|.*(?:\||$)/gm), without(/^[\da-f]{7,8}:|(?<=[\da-f]) {2}\S.*$/gm)),
  decodeHex,
);

function laidIn(a: string, b: string): string {
  return Array.from({ length: Math.max(a.length, b.length) }, (_none, i) => (a[i] ?? '') + (b[i] ?? '')).join('');
}

function fromHex(digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}
