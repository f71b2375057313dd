// The rows of the table of encodings: which values each is made of, and what the rows write that are made of others.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ENCODINGS, type Encoding } from '../../../src/core/forms/encodings.ts';
import { assertSpelled, latin1, lettersOf, LETTERS_32, LETTERS_64, LETTERS_64_URL } from './spelled.ts';

/** In which every row finds something to write, on two lines. */
const TEXT = `p@ss'w"rd\\$1 z&</é?>\x07%\nthe second line of it\n`;
const KEY = `-----BEGIN A KEY-----\n${TEXT}-----END A KEY-----\n`;
const ADDRESS = `https://${TEXT}`;
const ofLength = (length: number): Buffer => Buffer.from(TEXT.padEnd(length - 1, 'x7y'));

/** Rare forms are not made of long values, some not of keys and addresses, some not of bytes that are no text. */
const ROWS: ReadonlyArray<readonly [form: string, part: number, isForLongValues: boolean, not: string]> = [
  ['raw', 8, true, ''],
  ['raw', 0, false, ''],
  ['base64', 15, true, ''],
  ['base64', 0, true, ''],
  ['base64url', 15, true, ''],
  ['base64url', 0, true, ''],
  ['hex', 16, true, ''],
  ['hex', 0, true, ''],
  ['percent', 0, true, 'key'],
  ['json', 0, true, 'key'],
  ['shell', 0, false, 'key'],
  ['unicode', 8, false, 'bytes'],
  ['unicode', 0, false, 'bytes'],
  ['python', 0, false, 'key'],
  ['quoted', 0, false, 'key'],
  ['doubled', 0, false, 'key'],
  ['html', 0, false, 'long key address'],
  ['escaped', 0, false, 'long key address'],
  ['windows', 0, false, 'key'],
  ['caret', 0, false, 'key'],
  ['quoted-printable', 0, false, 'key'],
  ['hex-separated', 0, false, 'long key address'],
  ['numbers', 0, false, 'long key address'],
  ['case', 0, false, 'key'],
  ['rot13', 0, false, 'key'],
  ['reversed', 0, false, ''],
  ['reversed', 0, false, ''],
  ['utf16le', 0, false, 'key bytes'],
  ['utf16be', 0, false, 'key bytes'],
  ['utf32le', 0, false, 'long key address bytes'],
  ['base64-utf16le', 0, false, 'bytes'],
  ['base64-base64', 0, false, 'long'],
  ['base64-json', 0, false, 'long key address'],
  ['base64-hex', 0, false, 'long key address'],
  ['hex-base64', 0, false, 'long'],
  ['base32', 0, false, 'long'],
];

const VALUES: Readonly<Record<string, Buffer>> = {
  long: ofLength(513),
  key: Buffer.from(KEY),
  address: Buffer.from(ADDRESS),
  bytes: Buffer.concat([Buffer.from(TEXT), latin1('\xff')]),
};

void test('each row says of what values it is made, and from what length its parts are looked for', () => {
  assert.equal(ofLength(512).length, 512);
  const rows = ENCODINGS.map(({ form, part, isForLongValues, spell }) => {
    for (const value of [Buffer.from(TEXT), ofLength(512)]) assert.ok(spell(value).length > 0, form);
    const not = Object.entries(VALUES).filter(([, value]) => spell(value).length === 0);
    return [form, part, isForLongValues, not.map(([kind]) => kind).join(' ')];
  });
  assert.deepEqual(rows, ROWS);
});

/** All rows of a form. */
function spellerOf(form: string): (value: Buffer) => Buffer[] {
  const rows = ENCODINGS.filter((row: Encoding) => row.form === form);
  assert.ok(rows.length > 0, form);
  return (value) => rows.flatMap(({ spell }) => spell(value));
}

const base64At = (value: Buffer, letters: string): string[] =>
  [0, 1, 2].flatMap((before) => {
    const { all, sure } = lettersOf(value, letters, before);
    return [sure, all, all + '='.repeat((3 - ((value.length + before) % 3)) % 3)];
  });
const sureAt = (value: string | Buffer, letters: string, places: readonly number[]): string[] =>
  places.map((before) => lettersOf(Buffer.from(value), letters, before).sure);
const cut = (text: string, width: number): string => text.replaceAll(new RegExp(`.{${width}}(?!$)`, 'g'), '$&\n');

void test('raw is the value itself as a copy, and its lines unless much of it is no secret', () => {
  const value = Buffer.from('one');
  const [copy, ...others] = spellerOf('raw')(value);
  assert.deepEqual([copy, others], [value, []]);
  assert.notEqual(copy, value);
  const line = 'a line that says enough';
  assertSpelled(spellerOf('raw'), `${line}\nz`, [`${line}\nz`, `${line}\r\nz`, line, `${line}z`]);
  const json = `{"a": "${line}",\n"b": 1}`;
  assertSpelled(spellerOf('raw'), json, [json, json.replace('\n', '\r\n'), json.replace('\n', '')]);
});

void test('base64 stands in longer data, and alone in lines', () => {
  for (const length of [47, 48, 49, 50, 57, 58, 59, 115]) {
    const value = Buffer.alloc(length, 'k?~\xff>', 'latin1');
    const { all, sure } = lettersOf(value, LETTERS_64);
    const lines = [76, 64]
      .flatMap((width) => [cut(all, width), cut(sure, width)])
      .filter((text) => text.includes('\n'));
    assertSpelled(spellerOf('base64'), value, [...base64At(value, LETTERS_64), ...lines]);
    assertSpelled(spellerOf('base64url'), value, base64At(value, LETTERS_64_URL));
  }
});

void test('hex is broken into lines of 60 digits, as xxd does', () => {
  for (const length of [1, 30, 31, 60, 61]) {
    const value = Buffer.alloc(length, 'k\xff\n', 'latin1');
    const text = value.toString('hex');
    const texts = [text, cut(text, 60)];
    assertSpelled(spellerOf('hex'), value, [...texts, ...texts.map((digits) => digits.toUpperCase())]);
  }
});

void test('hex has signs between, and of a Buffer Node shows the first fifty bytes', () => {
  for (const length of [2, 50, 51]) {
    const value = Buffer.alloc(length, 'k\xff\n', 'latin1');
    const bytes = Array.from(value, (byte) => byte.toString(16).padStart(2, '0'));
    const small = [' ', ':', '-', ', 0x'].map((between) => bytes.join(between));
    assertSpelled(spellerOf('hex-separated'), value, [
      ...small,
      ...[' ', ':', '-'].map((between) => bytes.join(between).toUpperCase()),
      bytes.map((digits) => digits.toUpperCase()).join(', 0x'),
      bytes.slice(0, 50).join(' '),
    ]);
  }
});

void test('numbers are those of bytes, and of characters where they are others', () => {
  assertSpelled(spellerOf('numbers'), 'k~\x7f\n', [
    '107, 126, 127, 10',
    '107,126,127,10',
    '107 126 127 10',
    '153 176 177 012',
    'U+006B U+007E U+007F U+000A',
  ]);
  assertSpelled(spellerOf('numbers'), '\u0080\uffff\u{10000}', [
    ...[', ', ',', ' '].map((between) => [0xc2, 0x80, 0xef, 0xbf, 0xbf, 0xf0, 0x90, 0x80, 0x80].join(between)),
    '302 200 357 277 277 360 220 200 200',
    'U+0080 U+FFFF U+10000',
    ...[', ', ',', ' '].map((between) => [128, 65_535, 65_536].join(between)),
  ]);
});

void test('base64 of UTF-16 stands at each place', () => {
  const units = Buffer.from('aé😀', 'utf16le');
  assertSpelled(
    spellerOf('base64-utf16le'),
    'aé😀',
    [0, 1, 2].flatMap((before) => Object.values(lettersOf(units, LETTERS_64, before))),
  );
});

void test('base64 is found in base64, in lines of it, in base64 of that, and as hex; whole groups of it', () => {
  for (const length of [9, 10, 11, 57, 58, 60]) {
    const value = Buffer.alloc(length, 'k?~\xff>', 'latin1');
    const inner = value.subarray(0, length - (length % 3)).toString('base64');
    const twice = Buffer.from(inner.slice(0, inner.length - (inner.length % 3))).toString('base64');
    assertSpelled(spellerOf('base64-base64'), value, [
      ...[inner, cut(inner, 76)].flatMap((text) => sureAt(text, LETTERS_64, [0, 1, 2])),
      ...sureAt(twice, LETTERS_64, [0]),
    ]);
    assertSpelled(spellerOf('hex-base64'), value, [Buffer.from(inner).toString('hex')]);
  }
});

void test('JSON and hex are found in base64, and JSON in that of addresses', () => {
  assertSpelled(spellerOf('base64-json'), 'plain', []);
  const json = JSON.stringify('a"~\n?é').slice(1, -1);
  assertSpelled(
    spellerOf('base64-json'),
    'a"~\n?é',
    [LETTERS_64, LETTERS_64_URL].flatMap((letters) => sureAt(json, letters, [0, 1, 2])),
  );
  assertSpelled(
    spellerOf('base64-hex'),
    'kK\xff',
    sureAt(Buffer.from('kK\xff').toString('hex'), LETTERS_64, [0, 1, 2]),
  );
});

void test('base32 stands at each of five places, and in small letters at the first', () => {
  assertSpelled(spellerOf('base32'), 'key~\xff!', [
    ...sureAt('key~\xff!', LETTERS_32, [0, 1, 2, 3, 4]),
    ...sureAt('key~\xff!', LETTERS_32.toLowerCase(), [0]),
  ]);
});

void test('UTF-16 and UTF-32 are of the whole value', () => {
  const units = Buffer.from('aé', 'utf16le');
  assert.deepEqual(spellerOf('utf16le')(Buffer.from('aé')), [units]);
  assert.deepEqual(spellerOf('utf16be')(Buffer.from('aé')), [Buffer.from(units).swap16()]);
  assert.deepEqual(spellerOf('utf32le')(Buffer.from('aé')), [latin1('a\0\0\0\xe9\0\0\0')]);
});
