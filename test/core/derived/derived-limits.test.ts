// How far a value is taken apart, what of its parts is looked for whole, and that nothing is left in memory of the way.

import assert from 'node:assert/strict';
import test from 'node:test';

import { derivedFrom, isStructured } from '../../../src/core/derived/derived.ts';
import { buffersOf, made } from './made.ts';

const P = made('p', 20);
const PEM = ['-----BEGIN PRIVATE KEY-----', made('one', 64), made('two', 64), '-----END PRIVATE KEY-----', ''].join(
  '\n',
);

void test('I8: a value of 64 KiB is taken apart, a longer one is not', () => {
  const longest = `{"token":"${P}"${' '.repeat(64 * 1024 - 32)}}`;
  assert.equal(longest.length, 64 * 1024);
  assert.deepEqual(derivedFrom(Buffer.from(longest)).map(String), [P]);
  assert.equal(isStructured(Buffer.from(longest)), true);
  const longer = longest.replace('}', ' }');
  assert.deepEqual(derivedFrom(Buffer.from(longer)), []);
  assert.equal(isStructured(Buffer.from(longer)), false);
});

void test('I8: a secret is found four deep, and no deeper', () => {
  let value = P;
  for (let depth = 1; depth <= 6; depth += 1) {
    value = JSON.stringify({ a: value });
    assert.deepEqual(derivedFrom(Buffer.from(value)).map(String), depth <= 4 ? [P] : [], `${depth} deep`);
  }
});

void test('a part that is made of parts is looked for whole if its name says so, and each of its parts anyway', () => {
  const address = `https://host/a/${P}`;
  const derived = (value: object): string[] => derivedFrom(Buffer.from(JSON.stringify(value))).map(String);
  assert.deepEqual(derived({ token: address }), [address, P]);
  assert.deepEqual(derived({ key: address }), [P]);
  assert.deepEqual(derived({ a: address }), [P]);
  assert.deepEqual(derived({ a: `user:${P}` }), [`user:${P}`, P]);
});

/** Every buffer that is made on the way and is not among what `work` gives. */
function left(work: () => readonly Buffer[]): Buffer[] {
  let given: readonly Buffer[] = [];
  const buffers = buffersOf(() => (given = work()));
  return buffers.filter((buffer) => !given.includes(buffer));
}

void test('what was decoded or put together to look at it is wiped', () => {
  const values: Readonly<Record<string, string>> = {
    'an address that is encoded': `pg://u%20s%20e%20r:%41${P}@db`,
    'JSON that is escaped': `{"token":"\\u0041${P}","a":"\\n${P}"}`,
    'JSON in JSON': JSON.stringify({ a: JSON.stringify({ b: `\n${P}` }) }),
    'what is not JSON after all': `{"token":"\\u0041${P}",b}`,
    'nor is this': `{"token":"\\u0041${P}","b}`,
    'a key': PEM,
    'a header': `Basic ${Buffer.from(`app:${P}`).toString('base64')}`,
    'one with nothing in it': `Basic ${Buffer.from(P).toString('base64')}`,
  };
  for (const [what, text] of Object.entries(values)) {
    const value = Buffer.from(text);
    const made = left(() => derivedFrom(value));
    assert.ok(made.length > 0, what);
    for (const buffer of [...made, ...left(() => (isStructured(value), []))]) {
      assert.ok(
        buffer.every((byte) => byte === 0),
        what,
      );
    }
  }
});

void test('what is no other way in the value is looked at where it lies', () => {
  const values = ['https://app@host/a?b=c', '{"a":"b","c":["d"]}', 'a=b;c=d', 'eyJa.b.c', 'Bearer ab', 'user:ab'];
  for (const value of values.map((text) => Buffer.from(text))) {
    assert.deepEqual(
      left(() => derivedFrom(value)),
      [],
    );
  }
});
