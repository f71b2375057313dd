// The forms of a value, as the real tools print them: base64, xxd, python3, bash and Node itself.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { trimmed } from '../../../src/core/derived/lines.ts';
import { ENCODINGS } from '../../../src/core/forms/encodings.ts';
import { needlesOf } from '../../../src/core/redactor/needles.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';
import { ASCII, CONTROLS, LETTERS, QUOTES, assertHidden, each, needs, shownOf, valuesOf } from './hiding.ts';

const BASE64_TAIL = /[\w+/]{0,8}={0,2}\n?$/;
const BASE32_TAIL = /[A-Za-z2-7]?=*\n?$/;

/** `frame`: what the tool writes around a value, or what the last letters of an alphabet share with what comes next. */
const TOOLS: ReadonlyArray<readonly [tool: string, command: string, frame?: RegExp]> = [
  ['base64', 'base64'],
  ['base64', 'base64 -w0'],
  ['base64', 'base64 -w64'],
  ['base64', 'base64 -w0 | base64 -w0', BASE64_TAIL],
  ['base32', 'base32 -w0', BASE32_TAIL],
  ['base32', 'base32 -w0 | tr A-Z a-z | tr -d =', BASE32_TAIL],
  ['xxd', 'xxd -p'],
  ['xxd', 'xxd -p -u'],
  ['xxd', 'xxd -p -c0'],
  ['od', 'od -v -An -tx1 -w9999'],
  ['od', "od -v -An -to1 -w9999 | tr ' ' '\\\\'"],
  ['od', "od -v -An -tu1 -w9999 | tr -s ' '"],
  ['rev', 'rev'],
  ['cat', 'cat -v'],
  ['cat', 'cat -A'],
  ['sed', 'sed -n -e "l 9999"'],
  ['tr', 'tr a-z A-Z'],
  ['tr', 'tr A-Z a-z'],
  ['tr', 'tr a-zA-Z A-Za-z'],
  ['tr', 'tr A-Za-z N-ZA-Mn-za-m'],
  ['iconv', 'iconv -f UTF-8 -t UTF-16BE'],
  ['iconv', 'iconv -f UTF-8 -t UTF-16LE'],
  ['iconv', 'iconv -f UTF-8 -t UTF-32LE'],
  ['jq', 'jq -Rs .'],
  ['jq', 'jq -Rsa .'],
  ['jq', "jq -Rs '@json | @json'", /[\\"\n]+/g],
  ['jq', "jq -Rsr '@uri'"],
  ['jq', "jq -Rsr '@html'"],
  ['jq', "jq -Rsr '@sh'"],
  ['jq', "jq -Rsr '[.] | @csv'"],
];

for (const [tool, command, frame] of TOOLS) {
  void test(`what ${command} prints is hidden`, needs(tool), () => {
    // Of a word the other capitals are another word, which is not looked for.
    const values = [...valuesOf(LETTERS, 25), ...valuesOf(ASCII, 15, 60, 300), ...valuesOf(QUOTES, 10)].filter(
      (value) => /[^A-Za-z]/.test(value),
    );
    // UTF-16 has NUL in it, so each value is a process of its own there.
    const outputs = command.includes('UTF-')
      ? values.map((value) => execFileSync('sh', ['-c', command], { input: value }))
      : each('bash', `for v in "$@"; do printf %s "$v" | ${command}; printf '\\0'; done`, values);
    for (const [k, value] of values.entries()) assertHidden(value, outputs[k]!, command, frame);
  });
}

void test(
  'of what base64 prints with a line feed behind the value only the last letters are left',
  needs('base64'),
  () => {
    const values = [...valuesOf(LETTERS, 40), ...valuesOf(ASCII, 20, 60, 300)];
    const outputs = each('bash', `for v in "$@"; do echo "$v" | base64; printf '\\0'; done`, values);
    for (const [k, value] of values.entries()) {
      const pieces = shownOf(value, outputs[k]!);
      assert.ok(pieces.length > 1 && /^[\w+/]{0,2}\n?[\w+/]{0,2}={0,2}\n?$/.test(pieces.join('')), pieces.join('…'));
    }
  },
);

const PYTHON = String.raw`
import sys, json, base64
from urllib.parse import quote, quote_plus, urlencode
import shlex, html, csv, io, quopri, pprint, unicodedata
from xml.sax.saxutils import escape, quoteattr
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
    yield repr(v)
    yield ascii(v)
    yield repr(b)
    yield html.escape(v)
    yield html.escape(v, quote=False)
    yield v.encode('ascii', 'xmlcharrefreplace').decode()
    yield escape(v)
    yield quoteattr(v)
    yield ''.join('&#%d;' % ord(c) for c in v)
    yield ''.join('&#x%x;' % ord(c) for c in v)
    yield ''.join('\\x%02x' % x for x in b)
    yield ''.join('\\x%02X' % x for x in b)
    yield ''.join('\\%03o' % x for x in b)
    yield ''.join('\\u%04x' % x for x in memoryview(v.encode('utf-16-le')).cast('H'))
    yield ''.join('\\u%04X' % x for x in memoryview(v.encode('utf-16-le')).cast('H'))
    yield ''.join('%%%02X' % x for x in b)
    yield quote(quote(v, safe=''), safe='')
    yield quote_plus(quote_plus(v))
    yield json.dumps(json.dumps(json.dumps(v)))
    yield repr(list(b))
    yield ', '.join('0x%02x' % x for x in b)
    yield b.hex('-')
    yield base64.b64encode(('user:' + v).encode()).decode()
    yield base64.b64encode(base64.b64encode(b)).decode()
    yield base64.b64encode(b.hex().encode()).decode()
    yield base64.b64encode(b).hex()
    yield base64.b32encode(b).decode()
    yield v.upper()
    yield v.lower()
    yield v.swapcase()
    yield "'" + v.replace("'", "''") + "'"
    yield '"' + v.replace('"', '""') + '"'
    yield unicodedata.normalize('NFD', v)
    yield unicodedata.normalize('NFC', v)
print(json.dumps([list(forms(v)) for v in json.load(sys.stdin)]))
`;

void test(
  'what Python writes as JSON, URL, base64, hex, backwards, for a shell and as itself is hidden',
  needs('python3'),
  () => {
    const values = [...valuesOf(LETTERS, 50), ...valuesOf(CONTROLS, 50), ...valuesOf(QUOTES, 20)];
    const printed = execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(values), maxBuffer: 1 << 26 });
    const outputs = JSON.parse(printed.toString()) as string[][];
    for (const [k, value] of values.entries()) {
      assert.equal(outputs[k]?.length, 50);
      for (const [form, output] of outputs[k].entries()) {
        if (/^[A-Za-z]+$/.test(value) && output.toLowerCase() === value.toLowerCase()) continue;
        // What is left of base64 of base64 are the last letters of the inner one; of a list and a repr, the brackets and b.
        assertHidden(
          value,
          output,
          `python3, yield ${form}`,
          /^[b[=]|\]$|^dXNlcj[\w+/]?|[\\"]{4,}|[\w+/]{0,8}=+$|(?<=^|\])[\w+/]{1,8}$/g,
        );
      }
    }
  },
);

void test('what Node writes as JSON, URL, base64, hex, UTF-16 and as itself is hidden', () => {
  for (const value of [...valuesOf(LETTERS, 50), ...valuesOf(CONTROLS, 50), ...valuesOf(QUOTES, 20)]) {
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
      assertHidden(value, output, 'node', /\{\\"value\\":|\}(?="$)/g);
    }
    assertHidden(value, inspect(value, { breakLength: Infinity }), 'util.inspect');
    assertHidden(
      value,
      inspect(bytes),
      'inspect of a Buffer',
      /<Buffer|>| \.\.\. \d+ more bytes?|( [0-9a-f]{2}){1,7}/g,
    );
    assertHidden(value, Buffer.from(value, 'utf16le'), 'utf16le');
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

void test('every form of the table spells what no other does, and its rows stand together', () => {
  const names = ENCODINGS.map(({ form }) => form).filter((form, k, forms) => form !== forms[k - 1]);
  assert.equal(new Set(names).size, names.length);
  const forms = new Set(needlesOf(Buffer.from('p@ss\'w"rd\\$1 z&</é?>\x07')).map(({ form }) => form));
  assert.deepEqual([...forms].sort(), names.sort());
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
