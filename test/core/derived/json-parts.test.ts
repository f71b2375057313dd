// Strings of JSON are read where they lie, as JSON.parse would read them, with what their names say of them.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import fc from 'fast-check';

import { jsonParts } from '../../../src/core/derived/json-parts.ts';
import { certaintyOf } from '../../../src/core/derived/secret-names.ts';
import { shown } from './made.ts';

/** Of one to four bytes, and what is escaped. */
const CHARACTERS = [...'ab{}[]:,"\\/ é€\ud7ff\ue000\uffff😀\u{10ffff}\n\t\b\x00\x7f'];

const CASES: ReadonlyArray<readonly [what: string, text: string, parts: readonly string[] | undefined]> = [
  ['nothing', '', undefined],
  ['a string', '"a"', undefined],
  ['a number', '1', undefined],
  ['an object without strings', '{}', undefined],
  ['a list without strings', '[1, true, null]', undefined],
  ['an object that is not closed', '{"a":"b"', undefined],
  ['one that is not opened', '"a":"b"}', undefined],
  ['a list that is not closed', '["a"', undefined],
  ['one that is not opened', '"a"]', undefined],
  ['an object that ends as a list', '{"a":"b"]', undefined],
  ['a list that ends as an object', '["a"}', undefined],
  ['words without quotes', '{b:"c"}', undefined],
  ['words behind a string', '{"a":"b",c:"d"}', undefined],
  ['words behind what was decoded', '{"a":"\\n",b:"c"}', undefined],
  ['single quotes', "{'a':'b'}", undefined],
  ['a string that is not closed', '{"a":"b}', undefined],
  ['one that is all there is', '["a]', undefined],
  ['one that ends in a quote that is escaped', '{"a":"b\\"}', undefined],
  ['names alone', '{"a":1,"b":{}}', []],
  ['an empty string', '{"token":""}', []],
  ['a list', '["a","b"]', ['unknown: a', 'unknown: b']],
  ['values by their names', '{"user":"a","token":"b","key":"c"}', ['unknown: a', 'secret: b', 'doubtful: c']],
  ['a list by its name', '{"tokens":["a",["b"]],"x":"c"}', ['secret: a', 'secret: b', 'unknown: c']],
  [
    'a list with an object in it',
    '{"pins":[{"token":"a"},"b",["c"],{"x":"d"},"e"]}',
    ['secret: a', 'doubtful: b', 'doubtful: c', 'unknown: d', 'doubtful: e'],
  ],
  [
    'a list behind an object',
    '[{"token":"a"},"b",[{"token":"c"}],"d"]',
    ['secret: a', 'unknown: b', 'secret: c', 'unknown: d'],
  ],
  ['a list with a list in an object in it', '{"pins":[{"x":["a"]},"b"]}', ['unknown: a', 'doubtful: b']],
  ['brackets that do not match', '[]]]"a"]', ['unknown: a']],
  ['a name that is a value', '{"x":"token","y":"b"}', ['unknown: token', 'unknown: b']],
  ['a name with a quote in it', '{"a\\"token":"b"}', ['secret: b']],
  ['numbers and words', '{"n":[-1.5e+10,2E3,4567890,true,false,null],"token":"a"}', ['secret: a']],
  ['white space', '{ "token"\t\r\n :\n"a"\v\f,"b" : "c" }', ['secret: a', 'unknown: c']],
  ['white space in a value', '{"token":" a "}', ['secret:  a ']],
  ['a backslash at the end', '{"token":"a\\\\","b":"c"}', ['secret: a\\', 'unknown: c']],
];

void describe('of JSON:', () => {
  for (const [what, text, parts] of CASES) {
    void test(what, () => assert.deepEqual(shown(jsonParts, text), parts));
  }
});

void test('what is escaped stands for one character; what is escaped wrong, for some', () => {
  const rows: ReadonlyArray<readonly [escaped: string, text: string]> = [
    [String.raw`\b\t\n\f\r\"\\\/`, '\b\t\n\f\r"\\/'],
    [String.raw`\u0041\u00e9\u00E9\u20ac`, 'Aéé€'],
    [String.raw`é\u0041€`, 'éA€'],
    [String.raw`\ud83d\ude00`, '😀'],
    [String.raw`\uD800\uDC00\uDBFF\uDFFF`, '\u{10000}\u{10FFFF}'],
    [String.raw`\\u0041`, '\\u0041'],
    // Half of a character is U+FFFD, as everywhere.
    [String.raw`\ud83d`, '\ufffd'],
    [String.raw`\ud83d-`, '\ufffd-'],
    [String.raw`\ud83d\n`, '\ufffd\n'],
    [String.raw`\ud83d-ude00`, '\ufffd-ude00'],
    [String.raw`\ud83d\u0041`, '\ufffdA'],
    [String.raw`\ud83d\udbff`, '\ufffd\ufffd'],
    [String.raw`\udbff\ue000`, '\ufffd\ue000'],
    [String.raw`\udbff\uffff`, '\ufffd\uffff'],
    [String.raw`\ud83d\udezz`, '\ufffd?dezz'],
    [String.raw`\ude00\ud83d`, '\ufffd\ufffd'],
    [String.raw`\udc00\udc00`, '\ufffd\ufffd'],
    [String.raw`\ud7ff\udc00`, '\ud7ff\ufffd'],
    [String.raw`\x\u12\uzzzz`, '??12?zzzz'],
  ];
  for (const [escaped, text] of rows) {
    assert.deepEqual(shown(jsonParts, `{"pwd":"a${escaped}"}`), [`secret: a${text}`], escaped);
  }
});

void test('every value of an object has its bytes as JSON.parse reads them, however it was written', () => {
  const string = fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 8 });
  const value = fc.oneof(string, fc.array(string, { maxLength: 3 }), fc.integer(), fc.constant(null));
  const escaped = (text: string): string =>
    text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const write = (value: unknown, isEscaped: boolean): string =>
    typeof value === 'string' && isEscaped ? `"${escaped(value)}"` : JSON.stringify(value);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'token', 'é"', 'key'), value, fc.boolean())), (entries) => {
      const members = entries.map(([name, value, isEscaped]) => {
        const text = Array.isArray(value)
          ? `[${value.map((item) => write(item, isEscaped)).join(', ')}]`
          : write(value, isEscaped);
        assert.deepEqual(JSON.parse(text), value);
        return `${JSON.stringify(name)}: ${text}`;
      });
      const parts = entries.flatMap(([name, value]) =>
        [value]
          .flat()
          .filter((text) => typeof text === 'string' && text !== '')
          .map((text) => `${certaintyOf(Buffer.from(name))}: ${text}`),
      );
      assert.deepEqual(shown(jsonParts, `{${members.join(',\n')}}`), entries.length === 0 ? undefined : parts);
    }),
    { numRuns: 300 },
  );
});
