// Tokens of several pieces: what is one, and which of its pieces are secrets.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import fc from 'fast-check';

import { bearerParts, tokenParts, wordParts } from '../../../src/core/derived/token-parts.ts';
import { made, shown } from './made.ts';

type Rows = ReadonlyArray<readonly [text: string, parts: readonly string[] | undefined]>;

const [PAYLOAD, ID] = [made('payload', 24), `AKIA${made('id', 60).toUpperCase().slice(0, 16)}`];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const TOKENS: Rows = [
  ['eyJa.b.c', ['secret: c']],
  [`eyJa.${PAYLOAD}.c`, ['secret: c', `secret: ${PAYLOAD}`]],
  [`eyJa.${PAYLOAD.slice(1)}.c`, ['secret: c']],
  ['eyJ-_+/=09azAZ.-_+/=09.-_+/=09', ['secret: -_+/=09']],
  ['eyJa..', []],
  ['ayJa.b.c', undefined],
  [' eyJa.b.c', undefined],
  ['eyJ', undefined],
  ['eyJa.b', undefined],
  ['eyJa.b.c.d', undefined],
  ['eyJa.b.c.d.e', undefined],
  ['eyJ a.b.c', undefined],
  ['eyJa.b:.c', undefined],
  ['eyJa.b.c c', undefined],
  ['eyJa.b.é', undefined],
];

const HEADERS: Rows = [
  ...['Bearer', 'Token', 'token', 'ApiKey', 'Negotiate'].flatMap((scheme): Rows => [
    [`${scheme} ab`, ['secret: ab']],
    [`Authorization: ${scheme}  ab\r\n`, ['secret: ab']],
    [`${scheme} ${base64('user:ab')}`, [`secret: ${base64('user:ab')}`]],
    [scheme, undefined],
    [`${scheme}:ab`, undefined],
  ]),
  [`Basic ${base64('user:ab')}`, [`secret: ${base64('user:ab')}`, 'secret: ab']],
  [`Authorization: Basic ${base64(':a:b')}`, [`secret: ${base64(':a:b')}`, 'secret: a:b']],
  [`Basic ${base64('user')}`, [`secret: ${base64('user')}`]],
  [`Basic ${base64('user:ab')}-dXNlcg`, [`secret: ${base64('user:ab')}-dXNlcg`, 'secret: ab']],
  ['', undefined],
  ['ab', undefined],
  ['Authorization:', undefined],
  ['Authorization: ab', undefined],
  ['Authorization: Bearer', undefined],
  ['Authorization: Bearer ab cd', undefined],
  ['Authorization: ab cd', undefined],
  ['Authorization: Authorization: Bearer ab', undefined],
  ['Proxy: Bearer ab', undefined],
  ['Bearer ab cd', undefined],
  ['bearers ab', undefined],
  [' ab cd', undefined],
];

const NAME = 'n'.repeat(64);

const WORDS: Rows = [
  ['user:ab', ['doubtful: ab']],
  ['user:a b:c', ['doubtful: a b:c']],
  ['A-z_0.9@host:ab', ['doubtful: ab']],
  [`${NAME}:ab`, ['doubtful: ab']],
  [`${NAME}n:ab`, undefined],
  [':ab', undefined],
  ['us er:ab', undefined],
  ['us/er:ab', undefined],
  ['user', undefined],
  ['us er', undefined],
  ['us,er;ab|cd', undefined],
  [ID, undefined],
  [`${ID}:ab`, [`doubtful: ${ID}`, 'doubtful: ab']],
  ...[...' \t\r\n,;|'].map((between) => [`ab${between}${ID}`, ['doubtful: ab', `doubtful: ${ID}`]] as const),
  [`a/b,c+d | ASIA${ID.slice(4)}`, ['doubtful: a/b', 'doubtful: c+d', `doubtful: ASIA${ID.slice(4)}`]],
  [`ab ${ID.slice(1)}A`, undefined],
  [`ab ABIA${ID.slice(4)}`, undefined],
  [`ab x${ID.slice(0, 19)}`, undefined],
  [`ab ${ID}A`, undefined],
  ['ab AKIA', undefined],
];

for (const [what, partsOf, rows] of [
  ['a JWT', tokenParts, TOKENS],
  ['a header', bearerParts, HEADERS],
  ['words', wordParts, WORDS],
] as const) {
  void describe(`of ${what}:`, () => {
    for (const [text, parts] of rows) {
      void test(JSON.stringify(text), () => assert.deepEqual(shown(partsOf, text), parts));
    }
  });
}

void test('of Basic the password is decoded, whatever is in it', () => {
  const password = fc.string({ unit: fc.constantFrom(...'\0 aZ~:é€😀?>'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom('', 'a', 'ab'), password, (user, password) => {
      const encoded = base64(`${user}:${password}`);
      assert.deepEqual(shown(bearerParts, `Basic ${encoded}`), [`secret: ${encoded}`, `secret: ${password}`]);
    }),
    { numRuns: 300 },
  );
});
