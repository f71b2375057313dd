// Which values masking cannot hide: by example, and by laws. What the words mean for a run is in the tests of runs.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { commonWords } from '../../src/core/common-words.ts';
import { isPin, maskabilityOf, type Maskability } from '../../src/core/maskability.ts';

const of = (text: string): Maskability => maskabilityOf(Buffer.from(text));

const EXAMPLES: Readonly<Record<Maskability, readonly string[]>> = {
  blank: ['', ' ', '\t\n\r\v\f', ' '.repeat(10_000), '\0\0\0\0\0\0\0\0\0'],
  short: ['1', '4821', 'hunter2', 'ab    \n', '  1234567  ', 'true', 'kG7#x9'],
  common: ['changeme', 'postgres', 'PRODUCTION', 'us-east-1', 'localhost', 'Password\n', '127.0.0.1', 'En_us.utf-8'],
  predictable: [
    'password123',
    'P@ssw0rd2024',
    'Passw0rd!',
    'developmen',
    'aaaaaaaaaaaaaaaaaaaaaaaa',
    'abcabcabcabcabc',
    'qwertyuiop',
    '1q2w3e4r5t',
    'poiuytrewq',
    '12345678',
    '9876543210',
    '1999-12-31',
    '31.12.1999',
    '19991231',
    'admin@123',
    'kafkapassword',
    '00000000-0000-0000-0000-000000000000',
    'x'.repeat(1_000_000),
  ],
  maskable: [
    'hunter-kG7x',
    'tr0ub4dor&3',
    'correct horse battery staple',
    'postgres://app:kG7x9q@db.internal/app',
    '739205814638',
    'deadbeef',
    '-----BEGIN PRIVATE KEY-----',
    '{"type":"service_account"}',
  ],
};

void test('a value is judged blank, short, common or predictable before it is maskable', () => {
  for (const [maskability, texts] of Object.entries(EXAMPLES))
    for (const text of texts) assert.equal(of(text), maskability, JSON.stringify(text.slice(0, 40)));
});

void test('every word of the list is common or short, in capitals too, and none is maskable with a number behind it', () => {
  const words = [...commonWords()];
  assert.ok(words.length > 1_000 && words.length < 2_000, String(words.length));
  for (const word of words) {
    for (const spelled of [word, word.toUpperCase()]) {
      const wanted = Buffer.byteLength(word) < 8 ? 'short' : 'common';
      assert.equal(of(spelled), wanted, spelled);
    }
    assert.notEqual(of(`${word}123`), 'maskable', word);
  }
});

void test('a number of up to seven digits is not maskable, whichever it is', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 9_999_999n }), (number) => {
      assert.notEqual(of(String(number)), 'maskable');
      assert.notEqual(of(`  ${number}\n`), 'maskable');
    }),
  );
});

void test('what a generator makes is maskable', () => {
  const sizes = fc.integer({ min: 12, max: 200 });
  const forms = fc.constantFrom('hex' as const, 'base64' as const, 'base64url' as const);
  fc.assert(
    fc.property(sizes, forms, (bytes, form) => {
      assert.equal(maskabilityOf(Buffer.from(randomBytes(bytes).toString(form))), 'maskable');
      assert.equal(maskabilityOf(Buffer.concat([Buffer.from('x'), randomBytes(bytes), Buffer.from('x')])), 'maskable');
    }),
  );
});

const piece = fc.oneof(
  fc.constantFrom(...EXAMPLES.common, ...EXAMPLES.short, ...EXAMPLES.predictable.filter(({ length }) => length < 100)),
  fc.string({ maxLength: 6, unit: 'binary' }),
  fc.stringMatching(/^[A-Za-z0-9!@#$]{0,6}$/),
);

void test('more bytes never make a value less maskable, nor do spaces around it', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), piece, (start, end) => {
      const text = start.join('');
      if (of(text) === 'maskable') assert.equal(of(text + end), 'maskable');
      assert.equal(of(`\n\t ${text} \n`), of(text));
    }),
    { numRuns: 3_000 },
  );
});

void test('every start of a value that is not maskable is not maskable either', () => {
  const texts = Object.values(EXAMPLES)
    .flat()
    .concat(...commonWords());
  for (const text of texts.filter(({ length }) => length < 100)) {
    let isSeen = false;
    for (let end = 0; end <= text.length; end += 1) {
      const isMaskable = of(text.slice(0, end)) === 'maskable';
      assert.ok(isMaskable || !isSeen, text.slice(0, end));
      isSeen = isMaskable;
    }
  }
});

void test('the value is left as it is, and what lies behind its first bytes does not make it dearer', () => {
  const long = Buffer.alloc(4 * 1024 * 1024, 'ab');
  assert.equal(maskabilityOf(long), 'predictable');
  long.set(randomBytes(1_024), 1_000_000);
  const before = Buffer.from(long);
  assert.equal(maskabilityOf(long), 'predictable');
  assert.ok(long.equals(before));
});

void test('a number under a name for a PIN is a secret; another number, and another text, may be none', () => {
  for (const name of ['PIN', 'CARD_PIN', 'pin', 'Pin code', 'DB_PASSWORD', 'cvv', 'OTP_1', 'SIM-PUK'])
    assert.ok(isPin(name, Buffer.from('4821\n')), name);
  for (const [name, value] of [
    ['PORT', '4821'],
    ['SPIN', '4821'],
    ['PINS_TOTAL', '12'],
    ['PIN', 'none'],
    ['PIN', ''],
  ] as const)
    assert.equal(isPin(name, Buffer.from(value)), false, name);
});
