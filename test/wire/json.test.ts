import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JSON_DEPTH_MAX, parseStrictJson } from '../../src/wire/json.ts';

const parse = (text: string) => parseStrictJson(Buffer.from(text));
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const refused = { code: 'daemon/protocol' };

void test('whatever JSON.stringify writes is read back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('"__proto__"'));
      assert.deepEqual(parse(text), JSON.parse(text));
      assert.deepEqual(parse(JSON.stringify(value, null, '\t')), JSON.parse(text));
    }),
  );
});

void test('what it takes, JSON.parse takes, and says the same', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ':',
    ',',
    '1',
    '-',
    'e9',
    '.',
    ' ',
    'a',
    'null',
    '\\u0061',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (list) => {
      const text = list.join('');
      let value: unknown;
      try {
        value = parse(text);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'daemon/protocol');
        return;
      }
      assert.deepEqual(value, JSON.parse(text));
    }),
    { numRuns: 2_000 },
  );
});

void test('a key twice in one object is refused, however it is written; the same key in two objects is not', () => {
  assert.throws(() => parse('{"a":1,"a":2}'), refused);
  assert.throws(() => parse('{"a":1,"\\u0061":2}'), refused);
  assert.throws(() => parse('{"x":{"a" :1,"b":[{"a":1}],"a"\n:2}}'), refused);
  assert.deepEqual(parse('{"a":{"a":["a","a",{"a":1}]}}'), { a: { a: ['a', 'a', { a: 1 }] } });
});

void test('the key __proto__ is refused, however it is written; the string is not', () => {
  assert.throws(() => parse('{"__proto__":{"isAdmin":true}}'), refused);
  assert.throws(() => parse('{"a":[{"\\u005f_proto__":1}]}'), refused);
  assert.deepEqual(parse('{"a":"__proto__"}'), { a: '__proto__' });
});

void test('numbers too large to be numbers are refused', () => {
  for (const text of ['1e999', '-1e999', '[1e309]', `{"a":${'9'.repeat(400)}}`])
    assert.throws(() => parse(text), refused);
  assert.deepEqual(parse('[1e308,-0.5,0,1e-999,"1e999"]'), [1e308, -0.5, 0, 0, '1e999']);
});

void test('nesting has an end, and a hundred thousand brackets are no different from one too many', () => {
  assert.doesNotThrow(() => parse(nested(JSON_DEPTH_MAX)));
  assert.throws(() => parse(nested(JSON_DEPTH_MAX + 1)), refused);
  assert.throws(() => parse('['.repeat(100_000)), refused);
  assert.throws(() => parse('{"a":'.repeat(100_000)), refused);
});

void test('broken UTF-8, a byte order mark, NUL and nothing at all are refused', () => {
  const wrong = [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
    [0x7b, 0x7d, 0x00],
    [0x22, 0x00, 0x22],
    [],
  ];
  for (const bytes of wrong) assert.throws(() => parseStrictJson(Buffer.from(bytes)), refused);
});

void test('a refusal never quotes what was refused', () => {
  const canary = 'canary-22c1';
  for (const text of [`{"${canary}":1,"${canary}":2}`, `["${canary}"`, `[${canary}]`, `"${canary}`]) {
    assert.throws(
      () => parse(text),
      (error: Error) => !`${error.message}${error.stack}`.includes(canary),
    );
  }
});

void test('backslashes before a quote cost no more than their number', () => {
  const text = JSON.stringify({ a: '\\"'.repeat(200_000), b: '\\'.repeat(400_000) });
  assert.deepEqual(parse(text), JSON.parse(text));
});
