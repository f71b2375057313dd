// What a written dotenv file looks like, what is refused, and that nothing else keeps a value. That the real readers
// take it for the same bytes is in dotenv-parsers.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVariableName } from '../../src/core/names.ts';
import { writeDotenv } from '../../src/core/dotenv-write.ts';
import { VALUE_BYTES_MAX } from '../../src/core/environment.ts';
import { canary } from '../house.ts';

const REFUSED = '# keystile: A cannot be written here';

/** The one line of a file with one variable, or its lines. */
function written(value: string | Buffer, isMultiline = false): string {
  const { bytes, refused } = writeDotenv([{ name: 'A', value: Buffer.from(value) }], { isMultiline });
  const [header, line] = /^(#[^\n]*\n)([^]*)\n$/.exec(bytes.toString())?.slice(1) ?? assert.fail(bytes.toString());
  assert.equal(header, '# Written by keystile\n');
  assert.deepEqual(refused, line === REFUSED ? ['A'] : []);
  return line ?? '';
}

test('a value stands bare when nobody sees more in it, else in single quotes, else in double quotes', () => {
  const lines: Readonly<Record<string, string>> = {
    '': 'A=',
    'sk_live-0.9/x+y:z@%40,': 'A=sk_live-0.9/x+y:z@%40,',
    'c2VjcmV0cw==': 'A=c2VjcmV0cw==',
    '=x': "A='=x'",
    'a:=x': "A='a:=x'",
    'a b': "A='a b'",
    ' a\t': "A=' a\t'",
    'a#b': "A='a#b'",
    '~': "A='~'",
    '"$HOME" `x` $(y) \\n !': 'A=\'"$HOME" `x` $(y) \\n !\'',
    'grüße 😀\u2028\u00a0\ufeff': "A='grüße 😀\u2028\u00a0\ufeff'",
    "it's": 'A="it\'s"',
    "it's # (1) é": 'A="it\'s # (1) é"',
    'x\\y{$z}$': "A='x\\y{$z}$'",
  };
  for (const [value, line] of Object.entries(lines)) assert.equal(written(value), line);
});

test('F16: what some reader would take for something else is refused, in whatever place it stands', () => {
  const single = [
    '\0',
    '\r',
    '\r\n',
    '\u0001',
    '\u001b',
    '\u007f',
    '\u000b',
    '\n',
    '${',
    '\\\\',
    `'"`,
    `'$`,
    "'\\",
    "'`",
  ];
  const attacks = ['\nEVIL=1', '\r\nEVIL=1', '"\nEVIL="1', "'\nEVIL='1", "'$(id)", "'`id`"];
  for (const part of [...single, ...attacks]) {
    for (const value of [part, `${part}x`, `x${part}y`, `x${part}`]) assert.equal(written(value), REFUSED, value);
  }
  for (const value of ['\\', 'C:\\dir\\']) assert.equal(written(value), REFUSED);
  for (const bytes of [[0xff], [0xc3], [0x80], [0x61, 0xed, 0xa0, 0x80]]) {
    assert.equal(written(Buffer.from(bytes)), REFUSED);
  }
});

test('values of several lines are written only for whom direnv does not matter, and nothing else changes by that', () => {
  const key = '-----BEGIN KEY-----\nAA+/==\n\n-----END KEY-----\n';
  assert.equal(written(key), REFUSED);
  assert.equal(written(key, true), `A='${key}'`);
  assert.equal(written("it's\n1", true), 'A="it\'s\n1"');
  for (const value of ['a\r\nb', 'a\n\0', '\'\n"', '\n\\', '\n${A}']) assert.equal(written(value, true), REFUSED);
});

test('names that shells keep for themselves, and one that JavaScript does, are refused; the others are not', () => {
  const names = 'UID EUID PPID RANDOM SECONDS LINENO GROUPS OPTIND SHLVL BASHPID BASH_COMPAT _ __proto__'.split(' ');
  const value = Buffer.from('1');
  for (const name of names) {
    assert.equal(parseVariableName(name), name);
    assert.deepEqual(writeDotenv([{ name, value }]).refused, [name]);
  }
  for (const name of ['UID_', 'MY_UID', 'BASHFUL', 'constructor', 'export', 'if', 'bash', 'LC_ALL', 'A'.repeat(128)]) {
    assert.deepEqual(writeDotenv([{ name, value }]).refused, []);
  }
});

test('order is kept, refused names stand where their variables would, and the file ends with a line feed', () => {
  const values = { B: 'x', Z: '\0', A: 'a b', C: '\'"' };
  const variables = Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) }));
  const { bytes, refused } = writeDotenv(variables);
  assert.deepEqual(bytes.toString().split('\n'), [
    '# Written by keystile',
    'B=x',
    '# keystile: Z cannot be written here',
    "A='a b'",
    '# keystile: C cannot be written here',
    '',
  ]);
  assert.deepEqual(refused, ['Z', 'C']);
  assert.equal(writeDotenv([]).bytes.toString(), '# Written by keystile\n');
});

test('no value becomes a string, and the one buffer that holds them is the one that is handed out', (t) => {
  const values = [canary(), `it's ${canary()}`, ` ${canary()}`, `${canary()}\0`, 'x'.repeat(VALUE_BYTES_MAX)];
  const variables = values.map((value, k) => ({ name: `V${k}`, value: Buffer.from(value) }));
  const strings = t.mock.method(Buffer.prototype, 'toString');
  const slow = t.mock.method(Buffer, 'allocUnsafeSlow');
  const pooled = [t.mock.method(Buffer, 'from'), t.mock.method(Buffer, 'concat'), t.mock.method(Buffer, 'alloc')];
  const { bytes } = writeDotenv(variables);
  assert.equal(strings.mock.callCount(), 0);
  assert.deepEqual(
    pooled.map(({ mock }) => mock.callCount()),
    [0, 0, 0],
  );
  assert.equal(slow.mock.callCount(), 1);
  assert.equal(slow.mock.calls[0]?.result, bytes);
  assert.equal(bytes.buffer.byteLength, bytes.length);
  t.mock.restoreAll();
  assert.ok(!bytes.includes(values[3]!.slice(0, -1)), 'a refused value is not in the file');
});
