// What a value is made of is hidden alone when it is a secret, and is not when it is a word that everybody writes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { describe } from 'node:test';

import fc from 'fast-check';

import { derivedFrom, isStructured } from '../../../src/core/derived/derived.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';
import { made } from './made.ts';

const [P, Q] = [made('p', 20), made('q', 24)];
const ID = `AKIA${made('id', 60).toUpperCase().slice(0, 16)}`;
const KEY = made('key', 40, /[^A-Za-z0-9/+]/g);
const [PAYLOAD, SIGNATURE] = [`eyJ${made('payload', 60)}`, made('signature', 43)];
const LINES = [made('one', 64), made('two', 64), made('three', 20)];

const CASES: ReadonlyArray<readonly [what: string, value: string, derived: readonly string[]]> = [
  ['a connection string', `postgres://app:${P}@db.example:5432/shop?sslmode=require`, [P]],
  ['one with several hosts', `mongodb+srv://app:${P}@a.example,b.example/shop?retryWrites=true`, [P]],
  ['one without a user', `redis://:${P}@localhost:6379/0`, [P]],
  [
    'a password as it is written, and decoded',
    'mysql://app:p%40ss%2Fw0rd77@db/shop',
    ['p%40ss%2Fw0rd77', 'p@ss/w0rd77'],
  ],
  ['a password with a slash in it', 'postgres://app:se/cr3t-77@db/shop', ['se/cr3t-77']],
  ['JDBC', `jdbc:postgresql://db.example/shop?user=app&password=${P}`, [P]],
  ['JDBC with semicolons', `jdbc:sqlserver://db.example:1433;user=sa;password=${P};encrypt=true`, [P]],
  ["the string of Go's MySQL driver", `app:${P}@tcp(db.example:3306)/shop?parseTime=true`, [P]],
  ['a password that is a word of everyday', 'postgres://postgres:postgres@localhost:5432/postgres', []],
  ['a password that is the user', 'amqp://backend1:backend1@queue/orders', []],
  ['a short password', 'postgres://app:hunt3@db/shop', []],
  ['a user that is a key', `https://${Q}@errors.example/42`, [Q]],
  ['secrets among the values of a query', `https://api.example/v1/items?page=2&api_key=${P}&sort=created_at`, [P]],
  ['a signed address', `https://files.example/a/report.pdf?X-Sig=${Q}&X-Date=20240131T120000Z`, [Q]],
  ['a hook', `https://hooks.example/services/T0/B0/${Q}`, [Q]],
  ['an address with nothing to hide', 'https://accounts.example.com/o/oauth2/auth?response_type=code', []],
  ['two addresses', `amqp://a:${P}@one amqp://a:${Q}@two`, [P, Q]],
  ['strings of JSON', JSON.stringify({ type: 'service_account', private_key_id: P, n: 3, password: Q }), [P, Q]],
  ['strings of JSON that are escaped', '{"password":"p\\"\\u00e9\\ud83d\\ude00-0123"}', ['p"é😀-0123']],
  ['an address in JSON', JSON.stringify({ db: { url: `postgres://app:${P}@db/shop` } }), [P]],
  ['a list in JSON', JSON.stringify([{ tokens: [P, Q] }]), [P, Q]],
  ['a file of settings', `# comment\n[default]\nregion = us-east-1\npassword = ${P}\n`, [P]],
  ['an AWS credentials file', `[default]\naws_access_key_id = ${ID}\naws_secret_access_key = ${KEY}\n`, [ID, KEY]],
  ['a dotenv file', `export MODE=production\nAPI_TOKEN="${P}"\nDB_URL='postgres://app:${Q}@db/shop'\n`, [P, Q]],
  ['a string of ADO', `Server=db.example,1433;User Id=app;Password=${P};Encrypt=True`, [P]],
  [
    'a string of Azure',
    `DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=${P}==;EndpointSuffix=core.example`,
    [`${P}==`],
  ],
  ['a string of libpq', `host=db.example user=app password=${P} sslmode=require`, [P]],
  ['netrc', `machine git.example login app password ${P}`, [P]],
  ['netrc on several lines', `machine git.example\n  login app\n  password ${P}\n`, [P]],
  ['cookies', `theme=dark; session=${P}; csrf_token=${Q}; Path=/; HttpOnly; SameSite=Lax`, [P, Q]],
  ['a JWT', `eyJhbGciOiJIUzI1NiJ9.${PAYLOAD}.${SIGNATURE}`, [SIGNATURE, PAYLOAD]],
  ['a JWT with a short payload', `eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.${SIGNATURE}`, [SIGNATURE]],
  ['a bearer token', `Bearer ${P}`, [P]],
  ['a whole header', `Authorization: Bearer ${P}`, [P]],
  [
    'a Basic header',
    `Basic ${Buffer.from(`app:${P}`).toString('base64')}`,
    [Buffer.from(`app:${P}`).toString('base64'), P],
  ],
  ['an AWS pair', `${ID}:${KEY}`, [ID, KEY]],
  ['a user and a password', `app:${P}`, [P]],
  ['words with a colon', 'namespace:production', []],
  ['a token', `sk_live_${P}`, []],
  ['a password with signs', `Tr0ub4;d'or="$x ${Q}`, []],
  ['hex', createHash('sha1').update('hex').digest('hex'), []],
  ['base64', Buffer.from('canary canary canary').toString('base64'), []],
  ['nothing', '', []],
];

void describe('derived of', () => {
  for (const [what, value, derived] of CASES) {
    void test(what, () => {
      assert.deepEqual(derivedFrom(Buffer.from(value)).map(String), derived);
      assert.deepEqual(derivedFrom(Buffer.from(`\n${value}\n`)).map(String), derived, 'with white space around it');
    });
  }
});

void test('of a key in PEM the lines are derived, but not what all keys of its kind begin with', () => {
  const pem = (lines: readonly string[]): string =>
    ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
  assert.deepEqual(derivedFrom(Buffer.from(pem(LINES))).map(String), [LINES.join('\n')]);
  const rsa = `MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC${made('rsa', 13)}`;
  assert.deepEqual(derivedFrom(Buffer.from(pem([rsa, LINES[1]!]))).map(String), [`${rsa.slice(-13)}\n${LINES[1]}`]);
  // In JSON, too: the leaf itself, and its lines.
  const inJson = derivedFrom(Buffer.from(JSON.stringify({ type: 'service_account', private_key: pem(LINES) }))).map(
    String,
  );
  assert.ok(inJson.some((part) => part === LINES.join('\n')));
  assert.ok(inJson.every((part) => !part.startsWith('-----BEGIN PRIVATE KEY-----\n') || part.includes(LINES[0]!)));
});

void test('structured is what is made of words that everybody knows', () => {
  const structured = CASES.filter(([, value]) => isStructured(Buffer.from(value))).map(([what]) => what);
  const others = ['a bearer token', 'a whole header', 'a Basic header', 'an AWS pair', 'a user and a password'];
  const plain = new Set([
    ...others,
    'words with a colon',
    'a token',
    'a password with signs',
    'hex',
    'base64',
    'nothing',
  ]);
  assert.deepEqual(
    structured,
    CASES.map(([what]) => what).filter((what) => !plain.has(what)),
  );
});

void test('a part has the name of its value and is hidden in the forms that a value is', () => {
  const value = Buffer.from(`postgres://app:${P}@db.example:5432/shop?sslmode=require`);
  const redactor = new Redactor(NeedleSet.compile([{ name: 'DSN', value }]));
  const basic = Buffer.from(`app:${P}`).toString('base64');
  const text = `app@db.example:5432/shop ${P} Authorization: Basic ${basic} PGPASSWORD=${P.slice(3, 14)} ${Buffer.from(P).toString('hex')}\n`;
  const output = Buffer.concat([Buffer.from(redactor.push(Buffer.from(text))), redactor.end()]).toString();
  assert.equal(
    output.replace(/Basic \S+/, (basic) => basic.replace(/^Basic \w{5,6}(?=\[)/, 'Basic ').replaceAll('=', '')),
    'app@db.example:5432/shop [REDACTED:DSN] Authorization: Basic [REDACTED:DSN] PGPASSWORD=[REDACTED:DSN] [REDACTED:DSN]\n',
  );
});

void test('I8: any value is taken apart into at most 64 parts, each a piece of it or decoded from one', () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.webUrl({ withQueryParameters: true, withFragments: true }).map((text) => Buffer.from(text)),
    fc
      .string({ unit: fc.constantFrom(...'a:/@?=&;%"{}[]\\ \n-.eyJ0'), maxLength: 80 })
      .map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(value, (bytes) => {
      const before = Buffer.from(bytes);
      const parts = derivedFrom(bytes);
      assert.ok(parts.length <= 64);
      for (const part of parts) assert.ok(part.length >= 8 && part.length <= bytes.length);
      for (const part of parts) part.fill(0);
      isStructured(bytes);
      assert.deepEqual(bytes, before, 'the value itself is left as it is');
    }),
    { numRuns: 2_000 },
  );
  const many = Buffer.from(JSON.stringify(Array.from({ length: 100 }, (_, k) => ({ token: made(String(k), 20) }))));
  assert.equal(derivedFrom(many).length, 64);
});
