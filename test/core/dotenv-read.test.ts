// What a dotenv file says, what it may not say, and that neither an answer nor an error says more.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { readDotenv, wipeDotenv } from '../../src/core/dotenv-read.ts';
import { DOTENV_BYTES_MAX } from '../../src/core/dotenv.ts';
import { VALUE_BYTES_MAX, VARIABLES_MAX } from '../../src/core/environment.ts';
import { Failure } from '../../src/core/failure.ts';
import { canary } from '../house.ts';

/** Name, value and line of each entry. */
type Said = ReadonlyArray<readonly [name: string, value: string, line: number]>;

function said(file: string | Buffer): Said {
  return readDotenv(Buffer.from(file)).map(({ name, value, line }) => [name, value.toString(), line]);
}

function failureOf(file: string | Buffer): Failure {
  try {
    readDotenv(Buffer.from(file));
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, `not a Failure: ${String(thrown)}`);
    return thrown;
  }
  return assert.fail(`this was read: ${JSON.stringify(file.toString())}`);
}

const READ: Readonly<Record<string, readonly [file: string, said: Said]>> = {
  nothing: ['', []],
  'comments and blank lines': ['# a\n\n  # b=c\n \t\nA=1', [['A', '1', 5]]],
  'a byte order mark and CRLF': [
    '\ufeffA=1\r\n# x\r\nB=2\r\n',
    [
      ['A', '1', 1],
      ['B', '2', 3],
    ],
  ],
  'the word export': [
    'export A=1\nexport\tB=2\nexport=3\nexportC=4\nexport =5',
    [
      ['A', '1', 1],
      ['B', '2', 2],
      ['exportC', '4', 4],
      ['export', '5', 5],
    ],
  ],
  'spaces around the =': ['  A \t= \t1  ', [['A', '1', 1]]],
  'empty values': [
    'A=\nB=  \nC= # none\nD=\'\'\nE=""\nF=``',
    [
      ['A', '', 1],
      ['B', '', 2],
      ['C', '', 3],
      ['D', '', 4],
      ['E', '', 5],
      ['F', '', 6],
    ],
  ],
  'bare values with comments': [
    'A=a b  # c # d\nB=x=y==\t# e',
    [
      ['A', 'a b', 1],
      ['B', 'x=y==', 2],
    ],
  ],
  'quotes inside bare values': [
    'A=it\'s "b"\nB={"a":1}',
    [
      ['A', 'it\'s "b"', 1],
      ['B', '{"a":1}', 2],
    ],
  ],
  'backslashes in bare values': ['A=C:\\dir\\n', [['A', 'C:\\dir\\n', 1]]],
  'single quotes': ['A=\' $B ${C} \\n "x" `y` # z \' # c', [['A', ' $B ${C} \\n "x" `y` # z ', 1]]],
  backquotes: ['A=`it\'s "$B" \\n`', [['A', 'it\'s "$B" \\n', 1]]],
  'double quotes': ['A="a\\nb\\rc\\td\\"e\\\\f\\$g\\`h \'i\' # j"', [['A', "a\nb\rc\td\"e\\f$g`h 'i' # j", 1]]],
  'several lines between quotes': [
    'A="a\nb"\nB=\'\r\n\r\nc\'\r\nC=1',
    [
      ['A', 'a\nb', 1],
      ['B', '\n\nc', 3],
      ['C', '1', 6],
    ],
  ],
  'white space and controls between quotes': ["A='\u00a0\u2028\u0001\t'", [['A', '\u00a0\u2028\u0001\t', 1]]],
  'other alphabets': ['A=grüße-漢-😀', [['A', 'grüße-漢-😀', 1]]],
  'the last of equal names': [
    'A=1\nB=$A\nA=2\nC=$A',
    [
      ['B', '1', 2],
      ['A', '2', 3],
      ['C', '2', 4],
    ],
  ],
  references: [
    'A=1\nB=$A-${A}_$A.x\nC="<$A${A}>"\nD=\'$A\'',
    [
      ['A', '1', 1],
      ['B', '1-1_1.x', 2],
      ['C', '<11>', 3],
      ['D', '$A', 4],
    ],
  ],
  'the longest name counts': [
    'A=1\nAB=2\nC=$AB',
    [
      ['A', '1', 1],
      ['AB', '2', 2],
      ['C', '2', 3],
    ],
  ],
  defaults: [
    'E=\nA=${N:-a b}\nB="${N-x\\ty}"\nC=<${E:-z}>\nD=<${E-z}>\nF=<${N:-}>',
    [
      ['E', '', 1],
      ['A', 'a b', 2],
      ['B', 'x\ty', 3],
      ['C', '<z>', 4],
      ['D', '<>', 5],
      ['F', '<>', 6],
    ],
  ],
  'values are not read twice': [
    'A=\'$B ${C} \\n\'\nD="$A"',
    [
      ['A', '$B ${C} \\n', 1],
      ['D', '$B ${C} \\n', 2],
    ],
  ],
  'dollars that begin no name': [
    'A=a$\nB=5$ $5 $$ $.\nC="$"\nD=\\$A',
    [
      ['A', 'a$', 1],
      ['B', '5$ $5 $$ $.', 2],
      ['C', '$', 3],
      ['D', '$A', 4],
    ],
  ],
};

for (const [what, [file, expected]] of Object.entries(READ)) {
  test(`a dotenv file may have: ${what}`, () => assert.deepEqual(said(file), expected));
}

/** A file, and where and how it fails. */
const FAULTS: ReadonlyArray<readonly [file: string, place: string, words: RegExp]> = [
  ['A', 'line 1, column 2', /no =/],
  ['A=1\nexport B', 'line 2, column 9', /no =/],
  ['A: 1', 'line 1, column 2', /no =/],
  ['A.B=1', 'line 1, column 2', /no =/],
  ['=1', 'line 1, column 1', /not a name/],
  ['1A=1', 'line 1, column 1', /not a name/],
  ['é=1', 'line 1, column 1', /not a name/],
  ['\ufeff-', 'line 1, column 1', /not a name/],
  ['A=1\n\ufeffB=1', 'line 2, column 1', /not a name/],
  [`${'A'.repeat(129)}=1`, 'line 1, column 1', /not a name/],
  ['A=b#c', 'line 1, column 4', /# without a space/],
  ['A=#c', 'line 1, column 3', /# without a space/],
  ["A='b'#c", 'line 1, column 6', /# without a space/],
  ["A='b'c", 'line 1, column 6', /more text/],
  ["A='it'\\''s'", 'line 1, column 7', /more text/],
  ["\n\n A='é\nB=1", 'line 3, column 4', /not closed/],
  ['A="b\\"', 'line 1, column 3', /not closed/],
  ['A=`b', 'line 1, column 3', /not closed/],
  ["A='b\\'", 'line 1, column 5', /backslash before a quote/],
  ['A=`b\\``', 'line 1, column 5', /backslash before a quote/],
  ['A="é\\d"', 'line 1, column 5', /backslash means different/],
  ['A="b\\\nc"', 'line 1, column 5', /backslash means different/],
  ['A="b`c`"', 'line 1, column 5', /commands are not run/],
  ['A=b`c`', 'line 1, column 4', /commands are not run/],
  ['A=$(b)', 'line 1, column 3', /commands are not run/],
  ['A="$(b)"', 'line 1, column 4', /commands are not run/],
  ['A=$B', 'line 1, column 3', /does not set above/],
  ['A=pa$$word', 'line 1, column 6', /does not set above/],
  ['A=$B\nB=1', 'line 1, column 3', /does not set above/],
  ['A=$A', 'line 1, column 3', /does not set above/],
  ['A="x${B}"', 'line 1, column 5', /does not set above/],
  ['A=${', 'line 1, column 3', /a form that is not read/],
  ['A=${}', 'line 1, column 3', /a form that is not read/],
  ['A=${1}', 'line 1, column 3', /a form that is not read/],
  ['A=1\nB=${A', 'line 2, column 3', /a form that is not read/],
  ['A=1\nB="${A"}', 'line 2, column 8', /more text/],
  ['A=1\nB="${A" # }', 'line 2, column 4', /a form that is not read/],
  ['A=1\nB=${A:+x}', 'line 2, column 3', /a form that is not read/],
  ['A=1\nB=${A:?x}', 'line 2, column 3', /a form that is not read/],
  ['A=1\nB=${C:-$A}', 'line 2, column 8', /inside a reference/],
  ['A=b\u00a0', 'line 1, column 4', /unusual white space/],
  ['A=b\u001bc', 'line 1, column 4', /control character/],
  ['# a\u2028B=1', 'line 1, column 4', /npm dotenv sees the end/],
  ['A=1 # a\u2029B=1', 'line 1, column 8', /npm dotenv sees the end/],
  ['A=1\rB=2', 'line 1, column 4', /carriage return/],
  ['A="1\r"', 'line 1, column 5', /carriage return/],
  ["A='\n\0'", 'line 2, column 1', /NUL/],
];

for (const [file, place, words] of FAULTS) {
  test(`${JSON.stringify(file.slice(0, 20))} is refused at ${place}, with a next step`, () => {
    const { code, message, hint } = failureOf(file);
    assert.equal(code, 'dotenv/invalid');
    assert.ok(message.startsWith(`${place}: `), message);
    assert.match(message, words);
    assert.notEqual(hint, '');
  });
}

test('what is not UTF-8 is refused where it begins', () => {
  for (const bytes of [[0xff], [0xc3], [0xe2, 0x80], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80]]) {
    const { code, message } = failureOf(
      Buffer.concat([Buffer.from("A=1\nB='é"), Buffer.from(bytes), Buffer.from("'")]),
    );
    assert.deepEqual([code, message], ['dotenv/invalid', 'line 2, column 5: this is not UTF-8']);
  }
  assert.match(failureOf(Buffer.from('\ufeffA=1', 'utf16le')).message, /^line 1, column 1: /);
});

test('I8: a file, its variables and each value have a limit, also one made of references', () => {
  const atLimit = `A=${'x'.repeat(VALUE_BYTES_MAX)}`;
  assert.equal(readDotenv(Buffer.from(atLimit))[0]?.value.length, VALUE_BYTES_MAX);
  const many = Array.from({ length: VARIABLES_MAX }, (_, k) => `V${k}=\n`).join('');
  assert.equal(readDotenv(Buffer.from(`${many}V0=1`)).length, VARIABLES_MAX);
  const largest = Buffer.alloc(DOTENV_BYTES_MAX, '#');
  assert.deepEqual(readDotenv(largest), []);
  for (const file of [
    `${atLimit}x`,
    `${many}X=`,
    `${atLimit}\nB="$A "`,
    `A=${'x'.repeat(1_000)}\nB=${'$A'.repeat(400_000)}`,
    Buffer.alloc(DOTENV_BYTES_MAX + 1, '#'),
  ]) {
    assert.equal(failureOf(file).code, 'input/too_large');
  }
});

// --- laws ----------------------------------------------------------------------------------------------------------

const TOKENS = [
  ...'AB_1=#\'"`${}()\\:- \t\n',
  '\r\n',
  '\r',
  '\0',
  '\u2028',
  '\u00a0',
  '\ufeff',
  'é',
  'export ',
  '${A',
  '$A',
  ':-',
];
const text = fc
  .array(fc.constantFrom(...TOKENS, 'A=', '\nA=', '\nB='), { maxLength: 40 })
  .map((parts) => parts.join(''));

test('any bytes at all are read or refused with a code, a place and a next step', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
    text.map((some) => Buffer.from(some)),
  );
  const counts = { read: 0, refused: 0 };
  const law = fc.property(bytes, (file) => {
    try {
      wipeDotenv(readDotenv(file));
      counts.read += 1;
    } catch (thrown) {
      assert.ok(thrown instanceof Failure);
      assert.match(thrown.message, /^line \d+, column \d+: /);
      counts.refused += 1;
    }
  });
  fc.assert(law, { numRuns: 5_000 });
  assert.ok(counts.read > 100 && counts.refused > 100, JSON.stringify(counts));
});

test('an error never repeats a part of the file', () => {
  const law = fc.property(text, text, fc.constantFrom('', '$', '${', '"', "'", '=', '\\'), (before, behind, sign) => {
    // As a name, too: a part of a password with a dollar in it looks like one.
    const value = `canary${canary().replaceAll('-', '')}`;
    try {
      wipeDotenv(readDotenv(Buffer.from(`${before}${sign}${value}${behind}`)));
    } catch (thrown) {
      assert.ok(thrown instanceof Failure);
      assert.doesNotMatch(JSON.stringify(thrown.toDocument()) + String(thrown.stack), /canary[0-9a-f]/);
    }
  });
  fc.assert(law, { numRuns: 2_000 });
});

/** Assignments, mostly, without what only we look into: dollars and backslashes. */
const assignments = fc
  .array(
    fc.tuple(
      fc.constantFrom('A=', 'B=', 'C = ', 'export A=', ' B=', '# A=', '', 'A'),
      fc.array(fc.constantFrom(...TOKENS.filter((token) => !/[$\\\r\0]/.test(token)), 'xyz', '\r\n'), { maxLength: 6 }),
      fc.constantFrom('', '', "'", '"', '`'),
    ),
    { maxLength: 5 },
  )
  .map((lines) => lines.map(([start, parts, quote]) => `${start}${quote}${parts.join('')}${quote}`).join('\n'));

interface Other {
  readonly name: string;
  readonly parse: ((file: string) => NodeJS.Dict<string>) | undefined;
  /** What it is known to get wrong. */
  readonly trips?: RegExp;
}

const OTHERS: readonly Other[] = [
  // With nothing but spaces behind the =, it takes the next line for the value; with nothing at all, it keeps `export`
  // and a byte order mark in the name; and it may read on inside a comment that is indented.
  { name: 'parseEnv of Node', parse: parseEnv, trips: /=[ \t]+\r?$|^[ \t]|^export|^\ufeff/m },
  { name: 'npm dotenv', parse: npmDotenv() },
];

for (const { name, parse, trips } of OTHERS) {
  test(`what is read means the same to ${name}`, { skip: parse === undefined ? `no ${name}` : false }, () => {
    let count = 0;
    const law = fc.property(assignments, (file) => {
      let entries: Said;
      try {
        entries = said(file);
      } catch {
        return;
      }
      if (trips?.test(file) === true) return;
      count += entries.length;
      const ours = Object.fromEntries(entries.map(([key, value]) => [key, value]));
      assert.deepEqual(ours, { ...parse?.(file) }, JSON.stringify(file));
    });
    fc.assert(law, { numRuns: 8_000 });
    assert.ok(count > 500, `only ${count} variables were compared`);
  });
}

function npmDotenv(): ((file: string) => NodeJS.Dict<string>) | undefined {
  const packageName = 'dotenv';
  try {
    return (createRequire(import.meta.url)(packageName) as { parse: (file: string) => NodeJS.Dict<string> }).parse;
  } catch {
    return undefined;
  }
}

// --- the way of a value --------------------------------------------------------------------------------------------

test('no value becomes a string, and when a file fails every value read until then is overwritten', (t) => {
  const value = canary();
  const strings = t.mock.method(Buffer.prototype, 'toString');
  const copies = t.mock.method(Buffer, 'allocUnsafeSlow');
  const good = `A=${value}\nB="<$A>\\n"\nC='${value}'\nD=$${value.slice(0, 6)}`;
  const file = Buffer.from(good);
  assert.throws(() => readDotenv(file), { code: 'dotenv/invalid' });
  assert.deepEqual(
    strings.mock.calls.map((call: { readonly result?: string }) => call.result),
    ['A', 'B', 'C', 'D'],
  );
  const made = copies.mock.calls.map((call) => call.result as Buffer);
  assert.equal(made.length, 3);
  for (const bytes of made) assert.ok(bytes.length > 0 && bytes.every((byte) => byte === 0));
});

test('a value is a buffer of its own: the file, an earlier value and other entries may be overwritten', () => {
  const file = Buffer.from('A=one\nB=$A\nA=two\nC="${A}"');
  const entries = readDotenv(file);
  file.fill(0);
  assert.deepEqual(
    entries.map(({ value }) => value.toString()),
    ['one', 'two', 'two'],
  );
  for (const { value } of entries) assert.equal(value.buffer.byteLength, value.length);
  const [first, ...rest] = entries;
  wipeDotenv([first!]);
  assert.deepEqual(
    rest.map(({ value }) => value.toString()),
    ['two', 'two'],
  );
  wipeDotenv(entries);
  assert.ok(entries.every(({ value }) => value.every((byte) => byte === 0)));
});
