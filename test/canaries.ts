// The oracle of every test that says "no value leaked": the forms a value can take in output, and a sweep for them.
// Written apart from src/core/forms/encodings.ts, from the definitions of the encodings, so that one cannot hide the
// other's mistake. It imports nothing of ours.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

/** Shorter pieces than this are not looked for: they would be found by chance. */
const LENGTH_FORM_MIN = 6;

/**
 * A value that cannot occur by chance and that every encoding changes: quotes, spaces, +, /, % and two-byte letters. There is
 * chance between those too, or a part of one value would be a part of another.
 */
export function makeCanary(label = 'canary'): string {
  const any = (bytes: number): string => randomBytes(bytes).toString('hex');
  return `${label}-${any(12)} "q${any(1)}ü+${any(1)}/%${any(1)}\\&${any(1)}'<é${any(1)}>`;
}

/**
 * Every form of `canary` that output is swept for, by name: raw, base64 and base64url at the three alignments, hex,
 * percent, form and JSON, each in its usual spellings. Forms that are equal appear once.
 */
export function encodingsOf(canary: string | Uint8Array): Map<string, Buffer> {
  const raw = Buffer.from(canary);
  const forms = new Map<string, Buffer>([['raw', raw]]);
  const add = (name: string, text: string): void => {
    const bytes = Buffer.from(text, 'latin1');
    if (bytes.length >= LENGTH_FORM_MIN && ![...forms.values()].some((form) => form.equals(bytes)))
      forms.set(name, bytes);
  };
  for (const alignment of [0, 1, 2]) {
    const core = base64Core(raw, alignment);
    add(`base64 at ${alignment}`, core);
    add(`base64url at ${alignment}`, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  const hex = [...raw].map((byte) => byte.toString(16).padStart(2, '0'));
  add('hex', hex.join(''));
  add('HEX', hex.join('').toUpperCase());
  addPercentForms(raw, add);
  addJsonForms(raw, add);
  return forms;
}

/** Fails when `bytes` hold any form of any of the canaries. The message names the form and place, never the value. */
export function assertNoCanary(
  bytes: string | Uint8Array,
  canaries: string | Uint8Array | readonly (string | Uint8Array)[],
  where = 'the output',
): void {
  const haystack =
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const list = typeof canaries === 'string' || canaries instanceof Uint8Array ? [canaries] : canaries;
  assert.ok(list.length > 0, 'a sweep needs a canary to look for');
  for (const [index, canary] of list.entries()) {
    for (const [form, needle] of encodingsOf(canary)) {
      const at = haystack.indexOf(needle);
      assert.equal(at, -1, `${where} holds canary ${index} as ${form} at byte ${at}`);
    }
  }
}

/**
 * The characters of the base64 text that the value alone decides when `alignment` bytes (modulo 3) stand before it and
 * anything stands behind it: encoded between zeros and between ones, what is equal in both (RFC 4648, section 4).
 */
function base64Core(raw: Buffer, alignment: number): string {
  // Whole groups of three, so that no padding follows, which would be equal in both.
  const after = 3 + ((3 - ((alignment + raw.length) % 3)) % 3);
  const between = (byte: number): string =>
    Buffer.concat([Buffer.alloc(alignment, byte), raw, Buffer.alloc(after, byte)]).toString('base64');
  const [zeros, ones] = [between(0x00), between(0xff)];
  const isEqualAt = Array.from(zeros, (character, i) => character === ones[i]);
  return zeros.slice(isEqualAt.indexOf(true), isEqualAt.lastIndexOf(true) + 1);
}

/** RFC 3986, section 2.1: the unreserved bytes as they are, or only letters and digits, or nothing. */
function addPercentForms(raw: Buffer, add: (name: string, text: string) => void): void {
  const keeps: [string, RegExp][] = [
    ['percent', /[A-Za-z0-9\-._~]/],
    ['percent (component)', /[A-Za-z0-9\-._~!*'()]/],
    ['form', /[A-Za-z0-9*\-._]/],
    ['percent (every byte)', /(?!)/],
  ];
  for (const [name, kept] of keeps) {
    for (const isUpper of [true, false]) {
      const text = [...raw].map((byte) => percent(byte, kept, name === 'form', isUpper)).join('');
      add(`${name}, ${isUpper ? 'upper' : 'lower'} case`, text);
    }
  }
}

function percent(byte: number, kept: RegExp, isForm: boolean, isUpper: boolean): string {
  const character = String.fromCharCode(byte);
  if (isForm && character === ' ') return '+';
  if (byte < 0x80 && kept.test(character)) return character;
  const digits = byte.toString(16).padStart(2, '0');
  return `%${isUpper ? digits.toUpperCase() : digits}`;
}

/** RFC 8259, section 7: as JSON.stringify writes it, with \/ as PHP does, in ASCII only as Python does, and twice. */
function addJsonForms(raw: Buffer, add: (name: string, text: string) => void): void {
  const once = insideJson(raw.toString('utf8'));
  add('JSON', bytesOf(once));
  add('JSON with escaped slashes', bytesOf(once.replaceAll('/', '\\/')));
  add('JSON in ASCII', asciiOf(once, false));
  add('JSON in ASCII, upper case', asciiOf(once, true));
  add('JSON in JSON', bytesOf(insideJson(once)));
}

function insideJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Every UTF-16 unit outside ASCII as \uXXXX. */
function asciiOf(text: string, isUpper: boolean): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return units.map((unit) => (unit < 0x80 ? String.fromCharCode(unit) : escaped(unit, isUpper))).join('');
}

function escaped(unit: number, isUpper: boolean): string {
  const digits = unit.toString(16).padStart(4, '0');
  return `\\u${isUpper ? digits.toUpperCase() : digits}`;
}

/** One character for each byte of the UTF-8 text. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
