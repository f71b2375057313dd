import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { looksLikeSecret } from '../../src/core/plain-values.ts';

/** Put together here, so that no scanner takes this file for a leak. */
const glue = (...parts: string[]): string => parts.join('');

const SECRETS: readonly (readonly [string, string])[] = [
  ['VALUE', glue('sk_', 'live_x')],
  ['VALUE', glue('sk-', 'ant-api03-abc')],
  ['VALUE', glue('sk-', 'abcdefghijklmnop1234')],
  ['VALUE', glue('ghp', '_16C7e42F292c6912E7710c838347Ae178B4a')],
  ['VALUE', glue('github', '_pat_11AAAAA')],
  ['VALUE', glue('xox', 'b-123-abc')],
  ['VALUE', glue('AKIA', 'IOSFODNN7EXAMPLE')],
  ['VALUE', glue('AIza', 'SyA1234567890abcdefghijklmnopqrstuv')],
  ['VALUE', glue('glpat', '-xyz')],
  ['VALUE', glue('ops', '_eyJzaWduSW5BZGRyZXNzIjoi')],
  ['VALUE', glue('eyJ', 'hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln')],
  ['VALUE', 'Bearer abcdefgh12345'],
  ['VALUE', glue('-----BEGIN ', 'OPENSSH PRIVATE KEY-----\nb3Blb')],
  ['DATABASE_URL', 'postgres://app:hunter2@db.internal/app'],
  ['REMOTE', 'https://x-oauth-basic@example.com/repo'],
  ['CONNECTION', 'Server=db;User Id=sa;Password=hunter2;'],
  ['WEBHOOK', 'https://example.com/hook?token=abcdef'],
  ['VALUE', '9f86d081884c7d659a2feaa0c55ad015'],
  ['VALUE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY7Qz2Lp9v'],
  ['API_KEY', 'x'],
  ['STRIPE_KEY', ''],
  ['GITHUB_TOKEN', 'abc'],
  ['DB_PASSWORD', 'abc'],
  ['DB_PASSWORD_2', 'abc'],
  ['db_password', 'abc'],
  ['client_secret', '1'],
  ['PASSWORD', '1'],
  ['SESSION_COOKIE', 'a'],
  ['SECRET_OF_APP', 'abc'],
];

const PLAIN: readonly (readonly [string, string])[] = [
  ['NODE_ENV', 'production'],
  ['LOG_LEVEL', 'debug'],
  ['PORT', '8080'],
  ['MAX_TOKENS', '4096'],
  ['PASSWORD_MIN_LENGTH', '12'],
  ['SECRET_ROTATION', 'true'],
  ['API_URL', 'https://api.example.com:8443/v1/things?limit=10&sort=name'],
  ['DATABASE_URL', 'postgres://db.internal:5432/app'],
  ['AWS_REGION', 'eu-central-1'],
  ['BUCKET', 'my-company-production-data-bucket-2024'],
  ['BUCKET', 'MyCompany-Prod-Data-Bucket-2024'],
  ['ROLE', 'arn:aws:iam::123456789012:role/DeployRoleForProduction2'],
  ['FOLDER', '/Users/somebody/Projects2/ConfigurationFiles/settings.json'],
  ['TENANT_ID', '6ed2101d-bea9-4c8e-aafb-cee5cab9b10e'],
  ['IMAGE', 'node@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015'],
  ['STARTED_AT', '2026-11-22T16:36:19.030Z'],
  ['FEATURES', 'newCheckoutFlow,fasterSearchResults,experimentalDashboard2'],
  ['USER_AGENT', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'],
  ['GREETING', 'The quick brown fox jumps over the lazy dog, twice.'],
  ['EMPTY', ''],
];

test('M02: what looks like a secret, by its name or by its value, is not taken for a plain value', () => {
  for (const [name, value] of SECRETS) assert.equal(looksLikeSecret(name, value), true, `${name}=${value}`);
});

test('ordinary settings may be set by an agent', () => {
  for (const [name, value] of PLAIN) assert.equal(looksLikeSecret(name, value), false, `${name}=${value}`);
});

test('M02: random bytes are found in every usual writing, wherever they stand', () => {
  const encoding = fc.constantFrom('hex' as const, 'base64' as const, 'base64url' as const);
  const around = fc.constantFrom('', 'id=', 'a b ', 'https://example.com/');
  fc.assert(
    fc.property(encoding, around, fc.constantFrom('', ' and more', '&x=1'), (encoding, before, after) => {
      // Not from fast-check: its bytes are chosen for their oddity, not at random.
      return looksLikeSecret('VALUE', `${before}${randomBytes(64).toString(encoding)}${after}`);
    }),
    { numRuns: 500 },
  );
});

test('the check ends soon whatever it is given', () => {
  for (const value of [
    'a'.repeat(65_536),
    '/'.repeat(65_536),
    'aA1'.repeat(20_000),
    ':'.repeat(65_536),
    'password='.repeat(7_000),
    '-----BEGIN '.repeat(6_000),
    'a://'.repeat(16_000),
  ]) {
    assert.equal(looksLikeSecret('VALUE', value), true);
    assert.equal(typeof looksLikeSecret('VALUE', value.slice(0, 4_096)), 'boolean');
  }
});
