// The steps that values are taken apart by, each against its plain definition: bytes, lines, words, names, numbers.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import {
  copied,
  isDigit,
  isFrame,
  isLetter,
  isSpace,
  joined,
  linesOf,
  trimmed,
} from '../../../src/core/derived/lines.ts';
import { hexAt, percentDecoded, splitBy, withoutEqual } from '../../../src/core/derived/taking-apart.ts';
import { alone } from './made.ts';

const RUNS = { numRuns: 500 } as const;
/** Text of which white space and line ends are a large part. */
const text = fc.string({
  unit: fc.constantFrom(...' \t\r\n\n\v\f', 'a', 'Z', '%', 'é', '\x08', '\x0e'),
  maxLength: 24,
});

const textsOf = (views: readonly Buffer[]): string[] => views.map((view) => view.toString());

void test('a byte is space, a digit, a letter, or nothing of these', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const character = String.fromCharCode(byte);
    assert.equal(isSpace(byte), /^[ \t\n\v\f\r]$/.test(character), `space: ${byte}`);
    assert.equal(isDigit(byte), /^[0-9]$/.test(character), `digit: ${byte}`);
    assert.equal(isLetter(byte), /^[A-Za-z]$/.test(character), `letter: ${byte}`);
  }
});

void test('a value is trimmed as ASCII says, and its lines end with LF or CR LF', () => {
  fc.assert(
    fc.property(text, (text) => {
      const value = alone(text);
      const views = [trimmed(value), ...linesOf(value)];
      assert.equal(views[0]!.toString(), text.replaceAll(/^[ \t-\r]+|[ \t-\r]+$/g, ''));
      assert.deepEqual(
        textsOf(views.slice(1)),
        text.split('\n').map((line) => line.replace(/\r$/, '')),
      );
      assert.ok(views.every(({ buffer }) => buffer === value.buffer));
    }),
    RUNS,
  );
});

void test('lines are put together with any line end between them, and copied to memory of their own', () => {
  const line = fc.constantFrom('', 'a', 'bc', 'é\r', '\0');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), fc.constantFrom('', '\n', '\r\n'), (lines, end) => {
      const text = joined(lines.map(alone), end);
      assert.equal(text.toString(), lines.join(end));
      const copy = copied(text);
      text.fill(0);
      assert.equal(copy.toString(), lines.join(end));
    }),
    RUNS,
  );
});

void test('the frame of a key has five dashes on both sides and something between them', () => {
  const frames = ['-----BEGIN PRIVATE KEY-----', '-----a-----', '-----------'];
  const shorter = ['', '-----', '---------', '----------', '-----BEGIN', 'BEGIN-----'];
  const others = ['-----a----', '----a-----', '====-a-----', '-----a-====', ' -----a-----', '-----a----- '];
  assert.deepEqual(
    [...frames, ...shorter, ...others].filter((line) => isFrame(Buffer.from(line))),
    frames,
  );
});

void test('words are what stands between bytes of a kind, empty ones too', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'é', ',', ',', ';'), maxLength: 12 }), (text) => {
      const value = alone(text);
      const words = splitBy(value, (byte) => byte === 0x2c);
      assert.deepEqual(textsOf(words), text.split(','));
      assert.ok(words.every(({ buffer }) => buffer === value.buffer));
    }),
    RUNS,
  );
});

void test('a value stands behind the first equals sign, if a name is in front of it', () => {
  const rows: ReadonlyArray<readonly [item: string, value: string | undefined, certainty?: string]> = [
    ['a=b', 'b', 'unknown'],
    ['token=b=c==', 'b=c==', 'secret'],
    ['key=', '', 'doubtful'],
    ['ab=token', 'token', 'unknown'],
    ['=b', undefined],
    ['==', undefined],
    ['ab', undefined],
    ['', undefined],
  ];
  for (const [item, value, certainty] of rows) {
    const named = withoutEqual(Buffer.from(item));
    assert.deepEqual([named?.value.toString(), named?.certainty], [value, certainty], item);
  }
});

void test('percent signs are decoded where two hexadecimal digits follow, and left elsewhere', () => {
  const rows: ReadonlyArray<readonly [text: string, decoded: string | undefined]> = [
    ['', undefined],
    ['ab', undefined],
    ['%41', 'A'],
    ['a%2fb%2Fc', 'a/b/c'],
    ['%30%39%3a%4A%5f%6F%7e', '09:J_o~'],
    ['%c3%A9', 'é'],
    ['%00a', '\0a'],
    ['%', '%'],
    ['%4', '%4'],
    ['a%', 'a%'],
    ['%%41', '%A'],
    ['%4g%g4%/0%:0%0/%0:%@0%G0%`0', '%4g%g4%/0%:0%0/%0:%@0%G0%`0'],
    ['%2541', '%41'],
  ];
  for (const [text, decoded] of rows) assert.equal(percentDecoded(Buffer.from(text))?.toString(), decoded, text);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab0%/? é€😀\0\x7f'), minLength: 1 }), (text) => {
      const encoded = encodeURIComponent(text);
      const decoded = percentDecoded(Buffer.from(encoded));
      assert.equal(decoded?.toString(), encoded === text ? undefined : text);
    }),
    RUNS,
  );
});

void test('hexadecimal digits are a number, and none when one of them is another byte or missing', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'09afAFAF', 'g', '/', ' '), maxLength: 8 }),
      fc.nat(4),
      (text, at) => {
        const digits = text.slice(at, at + 4);
        const number = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
        assert.equal(hexAt(Buffer.from(text), at, 4), number);
      },
    ),
    RUNS,
  );
});
