// Env files as `op run --env-file` reads them: a dotenv file whose values may be references, or have some inside.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { readDotenv } from '../../src/core/dotenv-read.ts';
import { fillEntry, parseValue, readEnvFile, referencesOf, wipeEnvFile } from '../../src/core/env-file.ts';
import { VALUE_BYTES_MAX } from '../../src/core/environment.ts';
import { Failure } from '../../src/core/failure.ts';
import { formatReference } from '../../src/core/reference.ts';
import { canary } from '../house.ts';

const ENVIRONMENT = new Map([
  ['APP_ENV', 'prod'],
  ['HOST', 'db.example'],
  ['REFERENCE', 'op://v/i/f'],
  ['EMPTY', ''],
]);

/** Name and value of each variable, with each reference as [reference]. */
function shown(file: string): Array<readonly [name: string, value: string]> {
  const entries = readEnvFile(Buffer.from(file), ENVIRONMENT);
  const texts = referencesOf(entries).map((reference) => formatReference(reference));
  const values = new Map(texts.map((text) => [text, Buffer.from(`[${text.slice(5)}]`)]));
  return entries.map((entry) => [entry.name, fillEntry(entry, values).toString()]);
}

function failureOf(file: string | Buffer): Failure {
  try {
    readEnvFile(Buffer.from(file), ENVIRONMENT);
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, `not a Failure: ${String(thrown)}`);
    return thrown;
  }
  return assert.fail('this was read');
}

const READ: Readonly<Record<string, readonly [file: string, value: string]>> = {
  'text alone': ['A=b # c', 'b'],
  'a reference': ['A=op://v/i/f # c', '[v/i/f]'],
  'a reference with spaces, quoted as in the manual': [
    'A="op://development/aws/Access Keys/access_key_id"',
    '[development/aws/Access Keys/access_key_id]',
  ],
  'a reference with spaces and no quotes': ['A=op://my vault/my item/f', '[my vault/my item/f]'],
  'a reference with a variable, as in the manual': ['A = "op://$APP_ENV/mysql/password"', '[prod/mysql/password]'],
  'a variable with a default': ['A=op://${NONE:-dev}/i/${APP_ENV:-x}', '[dev/i/prod]'],
  'a variable of the file in a reference': ['V=w\nA=op://$V/i/f', '[w/i/f]'],
  'the file before the environment': ['APP_ENV=dev\nA=op://$APP_ENV/i/f', '[dev/i/f]'],
  'a reference between braces inside a value': ['A=postgres://u:{{ op://v/i/f }}@h/db', 'postgres://u:[v/i/f]@h/db'],
  'references inside a value': [
    'A=postgres://op://v/i/u:op://v/i/p@$HOST/db',
    'postgres://[v/i/u]:[v/i/p]@db.example/db',
  ],
  'a reference that ends at a space': ['A="key op://v/i/f and more"', 'key [v/i/f] and more'],
  'a reference in single quotes': [`A='op://v/my item/f'`, '[v/my item/f]'],
  'a reference between braces in single quotes': [`A='{"a": "{{ op://v/i/f }}"}'`, '{"a": "[v/i/f]"}'],
  'a dollar in single quotes': [`A='$APP_ENV {{ op://v/i/f }}'`, '$APP_ENV [v/i/f]'],
  'an escaped dollar, as in the manual': ['A = "\\$APP_ENV that is not replaced"', '$APP_ENV that is not replaced'],
  'literal text': [`A='{{ "{{ op://v/i/f }}" }}'`, '{{ op://v/i/f }}'],
  'inner quotes, as in the manual': ['A={"foo":"bar"}', '{"foo":"bar"}'],
  'several lines': ['A="x\nop://v/i/f\ny"', 'x\n[v/i/f]\ny'],
  'an attribute': ['A=op://v/i/one-time password?attribute=otp', '[v/i/one-time password?attribute=otp]'],
  'a reference that another line has': ['B=op://v/i/f\nA="x $B y"', 'x [v/i/f] y'],
  'a reference that the environment has': ['A=$REFERENCE', '[v/i/f]'],
  'what only looks like it': ['A=shop://v/i/f', 'shop://v/i/f'],
  'an empty variable of the environment': ['A=a${EMPTY}b${EMPTY:-c}', 'abc'],
};

for (const [name, [file, value]] of Object.entries(READ)) {
  test(`an env file is read: ${name}`, () => assert.deepEqual(shown(file).at(-1), ['A', value]));
}

const REFUSED: Readonly<Record<string, readonly [file: string, code: string, start: string]>> = {
  'a variable nobody set': ['B=1\nA=$NONE', 'dotenv/invalid', 'line 2, column 3: '],
  'a variable in a reference in single quotes': [
    `A='op://$APP_ENV/i/f'`,
    'template/invalid',
    'the value of line 1: line 1, column 6: variables are not replaced here',
  ],
  'an escaped dollar in a reference': ['A="op://\\$APP_ENV/i/f"', 'template/invalid', 'the value of line 1: '],
  'a reference that is none': ['\nA=x op://v/i', 'template/invalid', 'the value of line 2: line 1, column 3: '],
  'an empty part through an empty variable': ['A=op://$EMPTY/i/f', 'template/invalid', 'the value of line 1: '],
  'braces that are not closed': ['A={{ op://v/i/f', 'template/invalid', 'the value of line 1: '],
  'a name with a variable, which op takes': ['$APP_ENV=1', 'dotenv/invalid', 'line 1, column 1: '],
};

for (const [name, [file, code, start]] of Object.entries(REFUSED)) {
  test(`an env file is refused: ${name}`, () => {
    const failure = failureOf(file);
    assert.equal(failure.code, code);
    assert.ok(failure.message.startsWith(start), failure.message);
  });
}

test('of equal names the last counts, with its references only', () => {
  const entries = readEnvFile(Buffer.from('A=op://v/i/f\nB=op://v/i/g {{ op://v/i/g }}\nA=op://v/i/h'), ENVIRONMENT);
  assert.deepEqual(
    entries.map(({ name, line }) => [name, line]),
    [
      ['B', 2],
      ['A', 3],
    ],
  );
  assert.deepEqual(
    referencesOf(entries).map(({ field }) => field),
    ['g', 'h'],
  );
});

test('a file that is imported is read as before: references are text, and the environment does not count', () => {
  const file = Buffer.from('A=op://v/i/f\nB={{ op://v/i/f }}');
  assert.deepEqual(
    readDotenv(file).map(({ value }) => value.toString()),
    ['op://v/i/f', '{{ op://v/i/f }}'],
  );
  assert.throws(() => readDotenv(Buffer.from('A=$HOME')), { code: 'dotenv/invalid' });
});

test('without references an env file says what the same file says when it is imported', () => {
  const parts = fc.constantFrom('A=', 'B=', 'a', '$A', '${A:-b}', '"', "'", ' ', '\n', '#', '\\', 'ä', '{', '}', '{{');
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 20 }), (parts) => {
      const file = Buffer.from(parts.join(''));
      const [plain, filled] = [outcome(() => readDotenv(file)), outcome(() => readEnvFile(file, new Map()))];
      // Literal text is the one thing that a template has and a dotenv file has not.
      if (!/\{\{ *"/.test(parts.join('').replaceAll('\\', ''))) assert.deepEqual(filled, plain);
    }),
    { numRuns: 2_000 },
  );
});

function outcome(read: () => ReadonlyArray<{ readonly name: string; readonly value: unknown }>): unknown {
  try {
    return read().map(({ name, value }) => {
      if (Buffer.isBuffer(value)) return [name, value.toString()];
      return [name, fillEntry({ name, value, line: 1 } as Parameters<typeof fillEntry>[0], new Map()).toString()];
    });
  } catch (thrown) {
    assert.ok(thrown instanceof Failure);
    return thrown.code;
  }
}

test('whatever an env file and the environment are, the file is read or refused with a Failure that repeats nothing', () => {
  const secret = canary();
  const parts = fc.constantFrom(...'A= B= $A $X ${X } op:// / v {{ }} " \' \\'.split(' '), ' ', '\n', secret);
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 16 }), fc.array(parts, { maxLength: 4 }), (parts, inside) => {
      try {
        const entries = readEnvFile(Buffer.from(parts.join('')), new Map([['X', inside.join('')]]));
        wipeEnvFile(entries);
      } catch (thrown) {
        assert.ok(thrown instanceof Failure, String(thrown));
        assert.ok(!`${JSON.stringify(thrown.toDocument())}${thrown.stack}`.includes(secret));
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a value with spaces is one reference only when all of it is', () => {
  assert.equal(parseValue(Buffer.from('op://v/my item/f')).references[0]?.item, 'my item');
  assert.equal(parseValue(Buffer.from('op://v/i/f: op://v/i/g')).references.length, 2);
});

test('what no environment can hold is not filled in', () => {
  const [entry] = readEnvFile(Buffer.from('A=op://v/i/f'), ENVIRONMENT);
  const fill = (value: Buffer) => fillEntry(entry!, new Map([['op://v/i/f', value]]));
  assert.throws(() => fill(Buffer.from('a\0b')), { code: 'input/invalid', message: /^A: / });
  assert.throws(() => fill(Buffer.alloc(VALUE_BYTES_MAX + 1, 'x')), { code: 'input/too_large', message: /^A: / });
  assert.equal(fill(Buffer.alloc(VALUE_BYTES_MAX, 'x')).length, VALUE_BYTES_MAX);
});

test('an env file has no more references and pieces than a template (I8)', () => {
  const many = (field: string) => Array.from({ length: 600 }, (_, k) => `op://v/i/${field}${k}`).join(' ');
  assert.equal(readEnvFile(Buffer.from(`A="x ${many('a')}"\nB="$A"`), ENVIRONMENT).length, 2);
  assert.equal(failureOf(`A="x ${many('a')}"\nB="x ${many('b')}"`).code, 'input/too_large');
  const copies = Array.from({ length: 100 }, (_, k) => `A${k}="$A"`).join('\n');
  assert.equal(failureOf(`A="x ${'op://v/i/f '.repeat(5_000)}"\n${copies}`).code, 'input/too_large');
});

test('the text of an env file is wiped, and what was filled is not', () => {
  const entries = readEnvFile(Buffer.from('A="secret op://v/i/f"'), ENVIRONMENT);
  const filled = fillEntry(entries[0]!, new Map([['op://v/i/f', Buffer.from('x')]]));
  wipeEnvFile(entries);
  assert.deepEqual(entries[0]?.value.pieces[0], { kind: 'text', bytes: Buffer.alloc(7) });
  assert.equal(filled.toString(), 'secret x');
});
