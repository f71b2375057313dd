// The forms of a value, as the real tools print them: base64, xxd, python3, bash and Node itself.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import test from 'node:test';

import fc from 'fast-check';

import { ENCODINGS, trimmed } from '../../../src/core/redactor/encodings.ts';
import { needlesOf } from '../../../src/core/redactor/needles.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

const MARK = '[***]';

/** Printable ASCII; with it, characters of two to four bytes; with that, control characters. */
const ASCII = Array.from({ length: 95 }, (_, k) => String.fromCharCode(0x20 + k));
const LETTERS = [...ASCII, ...'éßñжλ漢字かな😀𝄞'];
const CONTROLS = [...LETTERS, ...'\x01\x07\b\t\n\v\f\r\x1b\x1f\x7f'];

/** Random values, the same on every run of this process and printed by fast-check's seed when one fails. */
function valuesOf(unit: readonly string[], count: number, minLength = 8, maxLength = 48): string[] {
  const value = fc
    .string({ unit: fc.constantFrom(...unit), minLength, maxLength })
    .filter((text) => text.trim().length >= 8 && !/REDACTED|\*\*\*/.test(text));
  return fc.sample(value, count);
}

let last: { readonly value: string; readonly set: NeedleSet } | undefined;

/** The output with markers made equal. The needles of a value are kept until the next one. */
function redact(value: string, output: string): string {
  if (last?.value !== value) last = { value, set: NeedleSet.compile([{ name: 'K', value: Buffer.from(value) }]) };
  const redactor = new Redactor(last.set);
  const given = Buffer.concat([redactor.push(Buffer.from(output)), redactor.end()]).toString();
  const names = /[[<{(]REDACTED:K[\]>})]/g;
  return given.replace(names, MARK);
}

function assertHidden(value: string, output: string, around: RegExp, tool: string): void {
  const shown = redact(value, output);
  const rest = shown.replaceAll(MARK, '');
  assert.ok(shown !== rest && around.test(rest), `${tool} of ${JSON.stringify(value)}: ${output} -> ${shown}`);
}

function hasTool(tool: string): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0 || spawnSync(tool, ['-v']).status === 0;
}

/** Runs a bash script over values as arguments; what it wrote between NULs. */
function bash(script: string, values: readonly string[], locale: string): string[] {
  const output = execFileSync('bash', ['-c', script, 'bash', ...values], { env: { ...process.env, LC_ALL: locale } });
  return output
    .toString('latin1')
    .split('\0')
    .slice(0, -1)
    .map((text) => Buffer.from(text, 'latin1').toString());
}

for (const locale of ['C', 'C.UTF-8']) {
  for (const [form, around] of [
    ['%q', /^(?:\$?'')?\\?$/],
    ['@Q', /^\$?''$/],
  ] as const) {
    void test(`what bash quotes with ${form} in locale ${locale} is found`, { skip: !hasTool('bash') }, () => {
      const values = [
        ...valuesOf(ASCII, 60),
        ...valuesOf(CONTROLS, 60),
        ...valuesOf(['a', "'", '#', '~', ':', '='], 50),
      ];
      const print = form === '%q' ? `printf '%q\\0' "$v"` : `printf '%s\\0' "\${v@Q}"`;
      const outputs = bash(`for v in "$@"; do ${print}; done`, values, locale);
      assert.equal(outputs.length, values.length);
      for (const [k, value] of values.entries()) assertHidden(value, outputs[k] ?? '', around, form);
    });
  }

  void test(`what bash -x prints in locale ${locale} is found`, { skip: !hasTool('bash') }, () => {
    const values = [...valuesOf(ASCII, 60), ...valuesOf(CONTROLS, 60).filter((value) => !value.includes('\n'))];
    const { stderr } = spawnSync('bash', ['-c', 'for v in "$@"; do set -x; : "$v"; set +x; done', 'bash', ...values], {
      env: { ...process.env, LC_ALL: locale },
    });
    const lines = stderr
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('+ : '));
    assert.equal(lines.length, values.length);
    for (const [k, value] of values.entries()) assertHidden(value, lines[k] ?? '', /^\+ : \$?(?:'')?$/, 'bash -x');
  });
}

void test('what declare -p and a shell variable list print is found', { skip: !hasTool('bash') }, () => {
  const values = valuesOf(ASCII, 100);
  const outputs = bash(`for v in "$@"; do declare -p v; printf '\\0'; done`, values, 'C.UTF-8');
  for (const [k, value] of values.entries()) assertHidden(value, outputs[k] ?? '', /^declare -- v=""\n$/, 'declare -p');
});

void test('what base64 and xxd print is found, also when they break lines', { skip: !hasTool('xxd') }, () => {
  const values = [...valuesOf(LETTERS, 40), ...valuesOf(ASCII, 20, 60, 300)];
  for (const [command, around] of [
    ['base64', /^\n?$/],
    ['base64 -w0', /^$/],
    ['base64 -w64', /^\n?$/],
    ['xxd -p', /^\n?$/],
    ['xxd -p -u', /^\n?$/],
    ['xxd -p -c0', /^\n?$/],
    ['rev', /^\n?$/],
  ] as const) {
    const outputs = bash(`for v in "$@"; do printf %s "$v" | ${command}; printf '\\0'; done`, values, 'C.UTF-8');
    assert.equal(outputs.length, values.length);
    for (const [k, value] of values.entries()) assertHidden(value, outputs[k] ?? '', around, command);
  }
  const outputs = bash(`for v in "$@"; do echo "$v" | base64; printf '\\0'; done`, values, 'C.UTF-8');
  for (const [k, value] of values.entries()) {
    assertHidden(value, outputs[k] ?? '', /^[\w+/]{0,2}\n?[\w+/]{0,2}={0,2}\n?$/, 'echo | base64');
  }
});

const PYTHON = `
import sys, json, base64
from urllib.parse import quote, quote_plus, urlencode
import shlex
def forms(v):
    b = v.encode()
    yield json.dumps(v)
    yield json.dumps(v, ensure_ascii=False)
    yield json.dumps(json.dumps(v))
    yield json.dumps(json.dumps(v, ensure_ascii=False), ensure_ascii=False)
    yield quote(v)
    yield quote(v, safe='')
    yield quote_plus(v)
    yield urlencode({'': v})
    yield base64.b64encode(b).decode()
    yield base64.urlsafe_b64encode(b).decode()
    yield base64.b64encode(v.encode('utf-16-le')).decode()
    yield b.hex()
    yield b.hex(' ')
    yield b.hex(':').upper()
    yield v[::-1]
    yield shlex.quote(v)
print(json.dumps([list(forms(v)) for v in json.load(sys.stdin)]))
`;

void test(
  'what Python writes as JSON, URL, base64, hex, backwards and for a shell is found',
  { skip: !hasTool('python3') },
  () => {
    const values = [...valuesOf(LETTERS, 60), ...valuesOf(CONTROLS, 60)];
    const printed = execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(values), maxBuffer: 1 << 26 });
    const outputs = JSON.parse(printed.toString()) as string[][];
    for (const [k, value] of values.entries()) {
      assert.equal(outputs[k]?.length, 16);
      for (const output of outputs[k] ?? []) assertHidden(value, output, /^[\\"'=]*$/, 'python3');
    }
  },
);

void test('what Node writes as JSON, URL, base64, hex and UTF-16 is found', () => {
  for (const value of [...valuesOf(LETTERS, 60), ...valuesOf(CONTROLS, 60)]) {
    const bytes = Buffer.from(value);
    for (const output of [
      value,
      JSON.stringify(value),
      JSON.stringify(JSON.stringify({ value })),
      JSON.stringify(value).replaceAll('/', '\\/'),
      encodeURIComponent(value),
      encodeURI(value),
      new URLSearchParams({ '': value }).toString(),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
      Buffer.from(value, 'utf16le').toString('base64'),
    ]) {
      assertHidden(value, output, /^(?:"|\\"|=|"\{\\"value\\":\\"\\"\}")*$/, 'node');
    }
    const wide = Buffer.from(value, 'utf16le');
    const redactor = new Redactor(NeedleSet.compile([{ name: 'K', value: bytes }]));
    assert.ok(Buffer.concat([redactor.push(wide), redactor.end()]).length <= 16);
  }
});

void test('of base64, wherever the value stands in the data, only characters that other bytes share are shown', () => {
  const part = fc.uint8Array({ maxLength: 7 });
  const core = fc.uint8Array({ minLength: 8, maxLength: 60 }).filter((bytes) => trimmed(Buffer.from(bytes)).length > 0);
  fc.assert(
    fc.property(
      part,
      core,
      part,
      fc.constantFrom('base64' as const, 'base64url' as const),
      (before, bytes, after, form) => {
        const redactor = new Redactor(NeedleSet.compile([{ name: 'K', value: Buffer.from(bytes) }]));
        const text = Buffer.concat([before, bytes, after]).toString(form);
        const output = Buffer.concat([redactor.push(Buffer.from(text)), redactor.end()]).toString('latin1');
        const marker = /(?:[[<{(]REDACTED:K[\]>})]|\[\*\*\*\]|\*\*\*)/.exec(output);
        assert.ok(marker !== null, output);
        const [head, tail] = [output.slice(0, marker.index), output.slice(marker.index + marker[0].length)];
        assert.ok(head.length <= Math.ceil((before.length * 8) / 6), output);
        assert.ok(tail.length <= text.length - Math.floor(((before.length + bytes.length) * 8) / 6), output);
      },
    ),
    { numRuns: 500 },
  );
});

void test('every row of the table spells what no other row does, and has a name of its own', () => {
  assert.equal(new Set(ENCODINGS.map(({ form }) => form)).size, ENCODINGS.length);
  const forms = new Set(needlesOf(Buffer.from('p@ss\'w"rd\\$1 z&</é?>')).map(({ form }) => form));
  assert.deepEqual([...forms].sort(), ENCODINGS.map(({ form }) => form).sort());
});

void test('no needle is shorter than 6 bytes or blank', () => {
  const value = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(value, (bytes) => {
      for (const needle of needlesOf(bytes)) assert.ok(needle.bytes.length >= 6 && trimmed(needle.bytes).length > 0);
    }),
    { numRuns: 500 },
  );
});
