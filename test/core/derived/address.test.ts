// What begins as an address does, and where in it the user ends, the password, the path and the query.

import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import fc from 'fast-check';

import { addressParts, isAddress } from '../../../src/core/derived/address.ts';
import { derivedFrom } from '../../../src/core/derived/derived.ts';
import { made, shown } from './made.ts';

const [P, Q] = [made('p', 20), made('q', 24)];
/** A password that only its place tells: no generator made it, no list has it. */
const WORD = 'correct-horse';

void test('an address begins with a scheme of at most 32 bytes, or names the driver of a Go program', () => {
  const addresses = [
    'a://',
    'H2://db',
    'jdbc:postgresql://db',
    'mongodb+srv://db',
    'x-sftp.v2://host',
    'Zz90://',
    `${'s'.repeat(32)}://host`,
    `app:${WORD}@tcp(db:3306)/shop`,
    `app:${WORD}@unix(/run/db.sock)/shop`,
  ];
  const others = [
    '',
    'host',
    '://host',
    `://app:${WORD}@tcp(db)/`,
    '1a://host',
    '+a://host',
    'a_b://host',
    'a b://host',
    '"a://host"',
    `${'s'.repeat(33)}://host`,
    'app@tcp(db:3306)',
    'app@tcp db)/shop',
    '(app)/shop',
  ];
  const all = [...addresses, ...others];
  assert.deepEqual(
    all.filter((text) => isAddress(Buffer.from(text))),
    addresses,
  );
});

const CASES: ReadonlyArray<readonly [what: string, text: string, parts: readonly string[] | undefined]> = [
  ['nothing', '', undefined],
  ['a word', 'host', undefined],
  ['an address and a word', 'a://b c', undefined],
  ['addresses with white space between them', 'a://b \t\n c://d ', ['unknown: b', 'unknown: d']],
  ['a host', 'https://host', ['unknown: host']],
  ['a host and a port', 'https://host:8080/a', ['unknown: host:8080', 'unknown: a']],
  ['a user', 'https://app@host', ['unknown: app', 'unknown: host']],
  ['a user alone', 'https://app@', ['unknown: app']],
  ['a user and a password', `pg://app:${WORD}@db/a`, ['unknown: app', `secret: ${WORD}`, 'unknown: db', 'unknown: a']],
  ['a password alone', `redis://:${WORD}@db`, [`secret: ${WORD}`, 'unknown: db']],
  ['a user that is encoded', 'https://a%40b@host', ['unknown: a%40b', 'unknown: a@b', 'unknown: host']],
  [
    'what a Go program connects to',
    `app:${WORD}@tcp(db)/a`,
    ['unknown: app', `secret: ${WORD}`, 'unknown: tcp(db)', 'unknown: a'],
  ],
  ['a password with an at sign', `pg://app:${WORD}@home@db`, ['unknown: app', `secret: ${WORD}@home`, 'unknown: db']],
  ['a password with a slash', `pg://app:s3/${WORD}@db`, ['unknown: app', `secret: s3/${WORD}`, 'unknown: db']],
  ['one without a user', `pg://:s3/${WORD}@db`, [`secret: s3/${WORD}`, 'unknown: db']],
  ['an at sign behind a port', `pg://db:5432/${WORD}@x`, ['unknown: db:5432', `unknown: ${WORD}@x`]],
  ['an at sign in the path', `https://host/mail:${WORD}@x`, ['unknown: host', `unknown: mail:${WORD}@x`]],
  ['one in the query', `https://host?mail:${WORD}@x`, ['unknown: host', `unknown: mail:${WORD}@x`]],
  ['one in the fragment', `https://host#mail:${WORD}@x`, ['unknown: host', `unknown: mail:${WORD}@x`]],
  ['one in the path of no host', `file:///mail:${WORD}@x`, [`unknown: mail:${WORD}@x`]],
  ['an empty user before a host', `https://@host:x/${WORD}@y`, ['unknown: host:x', `unknown: ${WORD}@y`]],
  [
    'values of a query, by their names',
    'https://host/p?a=1&token=2;key=3#pwd=%34',
    ['unknown: host', 'unknown: p', 'unknown: 1', 'secret: 2', 'doubtful: 3', 'secret: %34', 'secret: 4'],
  ],
];

void describe('an address is taken apart:', () => {
  for (const [what, text, parts] of CASES) {
    void test(what, () => assert.deepEqual(shown(addressParts, text), parts));
  }
});

void test('a password that another part of the address is too, in whatever kind of letters, is no secret', () => {
  const behind = ['db/Backend1/x', 'db?BACKEND1?x', 'db&backend1&x', 'db;backend1;x', 'db#backend1#x', 'db:backend1:x'];
  for (const tail of ['backend1', 'backend1/x', ...behind]) {
    assert.deepEqual(derivedFrom(Buffer.from(`pg://app:backend1@${tail}`)), [], tail);
  }
  for (const tail of ['db', 'xbackend1', 'backend1x', 'db/backend1-x', 'db/backend']) {
    assert.deepEqual(derivedFrom(Buffer.from(`pg://app:backend1@${tail}`)).map(String), ['backend1'], tail);
  }
});

void test('what looks generated is found wherever it stands in an address', () => {
  const addresses = [
    `${Q}:${P}@tcp(db:3306)/shop`,
    `https://${Q}:${P}@host/`,
    `https://${Q}.example/${P}/x`,
    `https://host/a/${Q}?${P}`,
    `https://host/?a=${Q}&b=${P}`,
    `https://host/#${Q};${P}`,
  ];
  for (const address of addresses) {
    const found = derivedFrom(Buffer.from(address)).map(String);
    assert.ok(found[0]?.includes(Q), address);
    assert.deepEqual(found.slice(1), [P], address);
  }
});

void test('any password that was encoded for an address is found in it, as it is written and as it is', () => {
  const text = (minLength: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(...'abZ09:@/?#%&;= é😀'), minLength, maxLength: 20 });
  fc.assert(
    fc.property(text(0), text(8), fc.constantFrom('', '/', ':1/a?b=c', '?d=e@f'), (user, password, tail) => {
      const encoded = encodeURIComponent(password);
      const address = Buffer.from(`pg://u${encodeURIComponent(user)}:${encoded}@host${tail}`);
      const found = new Set(derivedFrom(address).map(String));
      assert.ok(found.has(encoded) && found.has(password));
    }),
    { numRuns: 300 },
  );
});
