// What of a value is a secret and what a word, by its name, by how it looks, by lists: each list walked as a table.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { certaintyOf, isSecret, looksRandom, type Certainty } from '../../../src/core/derived/secret-names.ts';
import { made } from './made.ts';

const NAMES: Readonly<Record<Certainty, string>> = {
  secret:
    'password PGPASSWORD pass sshpass PassPhrase DB_PWD pwd2 client_secret SECRETS GITHUB_TOKEN tokens Credential apikey api_key X-Api-Key AccountKey pathpass file_token_x token_ids',
  doubtful:
    'private_key KEY1 authorization X-Auth session sess connect.sid X-Amz-Sig cookie code salt seed PIN jwt csrf key_id session-name',
  unknown: 'k ke ey host user sslmode region uri file pas tok_en state',
};
/** Of what is said about a secret, only what looks like one is. */
const ABOUT =
  'token_uri TOKEN_URL password_file secret-path secret_name token_type credential_id token_endpoint secret_ttl token_expiry password_expires password_length pass_mode apikeyid';

/** Each of them is a password by default somewhere. */
const EVERYDAY =
  'password passw0rd password1 postgres postgresql mysqladmin administrator changeme changeit localhost anonymous username development production database rabbitmq guestguest rootroot minioadmin mongoadmin required disabled internal verify-full verify-ca x-oauth-basic x-access-token undefined';
const PASSWORDS =
  'hunter22 mongoadm passwor_ postgres1 xpostgres changemf PASSWORD! x-access-token-x -------- pässword correct-horse';

void test('a name says that its value is a secret, might be one, or nothing', () => {
  for (const [certainty, names] of [...Object.entries(NAMES), ['doubtful', ABOUT] as const]) {
    for (const name of names.split(' ')) assert.equal(certaintyOf(Buffer.from(name)), certainty, name);
  }
  for (const name of ['', 'pa ss']) assert.equal(certaintyOf(Buffer.from(name)), 'unknown');
});

void test('words of everyday are never secrets, whatever else has 8 bytes is one where a secret stands', () => {
  for (const word of EVERYDAY.split(' ')) {
    for (const spelled of [word, word.toUpperCase(), word.replace(/^./, (first) => first.toUpperCase())]) {
      assert.equal(isSecret(Buffer.from(spelled), 'secret'), false, spelled);
    }
  }
  for (const password of [...PASSWORDS.split(' '), 'correct horse', 'password password', made('p', 20)]) {
    assert.equal(isSecret(Buffer.from(password), 'secret'), true, password);
    assert.equal(isSecret(Buffer.from(password).subarray(0, 7), 'secret'), false, `${password}, its first 7 bytes`);
  }
});

void test('what another part of the value is too, in either kind of letters, is no secret', () => {
  const isSecretBeside = (part: string, ...words: readonly string[]): boolean =>
    isSecret(
      Buffer.from(part),
      'secret',
      words.map((word) => Buffer.from(word)),
    );
  for (const word of ['backend1', 'BACKEND1', 'bAcKeNd1']) assert.equal(isSecretBeside('Backend1', 'x', word), false);
  assert.equal(isSecretBeside('AZAZAZAZ', 'azazazaz'), false);
  for (const word of ['', 'backend', 'backend12', 'backend2', '1backend']) {
    assert.equal(isSecretBeside('backend1', word), true, word);
  }
  // No letters, though they are as far from one another as letters of both kinds.
  assert.equal(isSecretBeside('[back]@\\^', '{back}`|~'), true);
  assert.equal(isSecretBeside('@backend', '`backend'), true);
  assert.equal(isSecretBeside('backend[', 'backend{'), true);
});

void test('a secret is one however it looks, what might be one if it is no word, all else if it looks generated', () => {
  const rows: ReadonlyArray<readonly [part: string, isDoubtful: boolean, isUnknown: boolean]> = [
    ['correct-horse', false, false],
    ['correct-horse-1', true, false],
    ['correct horse 1', false, false],
    ['correcthorses', false, false],
    ['1234567890-1234', false, false],
    ['abcdefg1abcd', true, false],
    ['abcdefg1abc', false, false],
    ['abcdef1abcdef', false, false],
    ['1234567-abcd', true, false],
    ['a1b2c3d4', false, false],
    ['a1b2c3d4e5', true, true],
    ['one a1b2c3d4e5', true, true],
    ['us-east-1', false, false],
  ];
  for (const [part, isDoubtful, isUnknown] of rows) {
    assert.equal(isSecret(Buffer.from(part), 'secret'), true, part);
    assert.equal(isSecret(Buffer.from(part), 'doubtful'), isDoubtful, part);
    assert.equal(isSecret(Buffer.from(part), 'unknown'), isUnknown, part);
  }
});

/** Where digits and others, or all three kinds, take turns in a word. */
const turnsIn = (word: string, kinds: RegExp): number => (word.match(kinds)?.length ?? 1) - 1;

function plainlyLooksRandom(text: string): boolean {
  const words = text.split(/[^A-Za-z0-9]/).filter(({ length }) => length >= 10);
  return words.some((word) => {
    const isLong = word.length >= 16 && turnsIn(word, /\d+|[A-Z]+|[a-z]+/g) >= 0.42 * word.length;
    return isLong || turnsIn(word, /\d+|\D+/g) >= 4;
  });
}

void test('what looks generated has 10 letters and digits that take turns 4 times, or 16 that do so all the time', () => {
  const generated = [
    'a1a1aaaaaa',
    '1a1a111111',
    'aaaaaa1a1a',
    'x-a1a1aaaaaa-x',
    'aBcDeFaaaaaaaBaB',
    `${'aA'.repeat(11)}${'A'.repeat(28)}`,
  ];
  const others = [
    '',
    'a1a1aaaaa',
    'a1a1-a1a1a',
    'a1a1aaaaa-a',
    'a1aaaaaa1',
    'a1a1111111',
    'aBcDeFgHiJkLmNo',
    'CorrectHorseBatteryStaple',
    `${'aA'.repeat(10)}${'a'.repeat(30)}`,
    '2024-01-31T12:00:00.000Z',
    'a1@a1[a1`a1{a1/a1:a1',
  ];
  for (const text of [...generated, ...others]) {
    assert.equal(looksRandom(Buffer.from(text)), generated.includes(text), text);
    assert.equal(plainlyLooksRandom(text), generated.includes(text), `${text}, by the definition`);
  }
  const unit = fc.constantFrom(...'aAzZ09', ...'aaAA', 'ab', 'XYZ', '123', '-', '@', '{');
  const text = fc.string({ unit, minLength: 8, maxLength: 40 });
  fc.assert(
    fc.property(text, (text) => assert.equal(looksRandom(Buffer.from(text)), plainlyLooksRandom(text))),
    { numRuns: 1_000 },
  );
});
