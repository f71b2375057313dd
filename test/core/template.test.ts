// Templates as `op inject` takes them: where a reference begins and ends, what is left alone, and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { Failure } from '../../src/core/failure.ts';
import { formatReference } from '../../src/core/reference.ts';
import {
  FILLED_BYTES_MAX,
  TEMPLATE_BYTES_MAX,
  TEMPLATE_REFERENCES_MAX,
  fillTemplate,
  parseTemplate,
  referencesIn,
} from '../../src/core/template.ts';
import { canary } from '../house.ts';

const VARIABLES = new Map([
  ['APP_ENV', 'prod'],
  ['ITEM', 'my item'],
  ['EMPTY', ''],
  ['PATH_OF_ITEM', 'v/i'],
  ['ODD', 'a"b'],
]);

/** The template with each reference written as [reference]. */
function shown(text: string, variables: ReadonlyMap<string, string> | null = VARIABLES): string {
  const template = parseTemplate(Buffer.from(text), variables);
  const texts = template.references.map((reference) => formatReference(reference));
  return fillTemplate(template, new Map(texts.map((text) => [text, Buffer.from(`[${text.slice(5)}]`)]))).toString();
}

function failureOf(text: string | Buffer, variables: ReadonlyMap<string, string> | null = VARIABLES): Failure {
  try {
    parseTemplate(Buffer.from(text), variables);
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, `not a Failure: ${String(thrown)}`);
    return thrown;
  }
  return assert.fail('this was taken');
}

const TAKEN: Readonly<Record<string, readonly [text: string, shown: string]>> = {
  nothing: ['', ''],
  'text alone': ['a: b\n', 'a: b\n'],
  'a reference alone': ['op://v/i/f', '[v/i/f]'],
  'the examples of the manual': [
    'op://prod/docker-credentials/username\nop://d3v/stripe.keys/s3ct10n/public_key\n{{op://prod/d/u}} {{ op://v/i/s/f }}',
    '[prod/docker-credentials/username]\n[d3v/stripe.keys/s3ct10n/public_key]\n[prod/d/u] [v/i/s/f]',
  ],
  'the other scheme': ['keystile://v/i/f {{ keystile://v/i/f }}', '[v/i/f] [v/i/f]'],
  'a reference ends at what it cannot hold': ['a=op://v/i/f:op://v/i/g@h', 'a=[v/i/f]:[v/i/g]@h'],
  'a reference ends at a space': ['op://v/i/f and more', '[v/i/f] and more'],
  'a reference ends at a quote, a brace, a comma': [`{"a":"op://v/i/f","b":op://v/i/g}`, `{"a":"[v/i/f]","b":[v/i/g]}`],
  'a reference ends at a letter of another alphabet': ['op://v/i/fä', '[v/i/f]ä'],
  'a full stop belongs to the reference': ['op://v/i/f. x', '[v/i/f.] x'],
  'an attribute': ['op://v/i/f?attribute=otp&x=1', '[v/i/f?attribute=otp]&x=1'],
  'an = without a question mark ends it': ['op://v/i/f=x', '[v/i/f]=x'],
  'spaces between braces': ['{{ op://my vault/my item/my field }}', '[my vault/my item/my field]'],
  'tabs around, between braces': ['{{\top://v/i/f\t}}', '[v/i/f]'],
  'a key between braces': ['{{ op://v/i/private key?ssh-format=openssh }}', '[v/i/private key?ssh-format=openssh]'],
  'braces inside braces': ['{{{ op://v/i/f }}}', '{[v/i/f]}'],
  'what is part of another word': [
    'git+op://v/i/f shop://v/i/f x-op://v/i/f .op://v/i/f \\op://v/i/f 1op://a',
    'git+op://v/i/f shop://v/i/f x-op://v/i/f .op://v/i/f \\op://v/i/f 1op://a',
  ],
  'what only looks like it': ['OP://v/i/f op:/v op:// '.slice(0, 16), 'OP://v/i/f op:/v'],
  'braces of other languages': [
    '{{ .Values.x }} ${{ secrets.X }} {% x %} {{}} {{',
    '{{ .Values.x }} ${{ secrets.X }} {% x %} {{}} {{',
  ],
  'literal text': ['{{ "{{ test op://prod/d/u }}" }}', '{{ test op://prod/d/u }}'],
  'literal text with quotes': ['{{ "{{ test \\"test\\" test }}" }}', '{{ test "test" test }}'],
  'empty literal text': ['a{{""}}b', 'ab'],
  'literal text with lines and backslashes': ['{{ "a\\n\nb\\\\c" }}', 'a\\n\nb\\\\c'],
  'two literals': ['{{ "{{" }}op://v/i/f{{ "}}" }}', '{{[v/i/f]}}'],
  variables: ['op://$APP_ENV/i/f op://${APP_ENV}/i/f op://${ APP_ENV }/i/f', '[prod/i/f] [prod/i/f] [prod/i/f]'],
  'a variable with a space in it': ['op://v/$ITEM/f', '[v/my item/f]'],
  'a variable with several parts in it': ['op://$PATH_OF_ITEM/f', '[v/i/f]'],
  'a variable between braces': ['{{op://v/i/${APP_ENV}}}', '[v/i/prod]'],
  'variables side by side': ['op://v/$APP_ENV$APP_ENV/f', '[v/prodprod/f]'],
  'what stands for a variable': [
    'op://${APP_ENV:-dev}/i/f op://${NONE:-dev}/i/f op://${EMPTY:-dev}/i/f op://${NONE:-my vault}/i/f',
    '[prod/i/f] [dev/i/f] [dev/i/f] [my vault/i/f]',
  ],
  'variables elsewhere are text': ['$APP_ENV ${APP_ENV} op://v/i/f$', '$APP_ENV ${APP_ENV} [v/i/f]$'],
  'a byte order mark and CRLF': ['\ufeffop://v/i/f\r\n', '\ufeff[v/i/f]\r\n'],
};

for (const [name, [text, expected]] of Object.entries(TAKEN)) {
  test(`a template is taken: ${name}`, () => assert.equal(shown(text), expected));
}

/** With the place that the error names. */
const REFUSED: Readonly<Record<string, readonly [text: string, line: number, column: number]>> = {
  'too few parts': ['\n a: op://v/i', 2, 5],
  'too many parts': ['op://v/i/s/f/x', 1, 1],
  'an empty part': ['ä op://v//f', 1, 3],
  'a slash at the end': ['op://v/i/f/', 1, 1],
  'an unknown attribute': ['op://v/i/f?attribute=type', 1, 1],
  'a question mark at the end': ['op://v/i/f?', 1, 1],
  'the bad example of the manual': ['op://h?ack/1Password!/for"real', 1, 1],
  'the other bad example of the manual': ['op://{vault}/[item]/(section)/field', 1, 1],
  'a bad example between braces': ['{{op://h?ack/1Password!/for"real}}', 1, 23],
  'braces that are not closed': ['a\r\n{{ op://v/i/f }', 2, 15],
  'braces that are not closed at the end': ['{{ op://v/i/f', 1, 14],
  'more than a reference between braces': ['{{ op://v/i/f | upper }}', 1, 15],
  'literal text that is not closed': ['x {{ "op://v/i/f }}', 1, 3],
  'a quote in literal text': ['{{ "a "b" }}', 1, 8],
  'a variable that is not set': ['op://$NONE/i/f', 1, 6],
  'an empty variable': ['op://$EMPTY/i/f', 1, 1],
  'an empty variable without a default of its own': ['op://${EMPTY}/i/f', 1, 1],
  'a variable of another case': ['op://$app_env/i/f', 1, 6],
  'a variable with something odd in it': ['op://$ODD/i/f', 1, 1],
  'braces without a name': ['op://${}/i/f', 1, 6],
  'braces of a variable that are not closed': ['op://${APP_ENV/i/f', 1, 6],
  'another operator': ['op://${APP_ENV:=x}/i/f', 1, 6],
  'a variable in a default': ['op://${NONE:-$APP_ENV}/i/f', 1, 6],
};

for (const [name, [text, line, column]] of Object.entries(REFUSED)) {
  test(`a template is refused where it is wrong: ${name}`, () => {
    const failure = failureOf(text);
    assert.equal(failure.code, 'template/invalid');
    assert.equal(failure.message.split(':')[0], `line ${line}, column ${column}`, failure.message);
  });
}

test('where no variables are replaced, one inside a reference is an error and not a part of a name', () => {
  assert.match(failureOf('op://$APP_ENV/i/f', null).message, /^line 1, column 6: variables are not replaced/);
  assert.equal(shown('$APP_ENV op://v/i/f', null), '$APP_ENV [v/i/f]');
});

test('references are named once, in the order of the first time, and their places are known', () => {
  const text = 'x\nä op://b/i/f\n  {{ op://a/i/f }} keystile://b/i/f\n';
  const { pieces, references } = parseTemplate(Buffer.from(text));
  assert.deepEqual(
    references.map(({ vault }) => vault),
    ['b', 'a'],
  );
  const places = pieces.flatMap((piece) => (piece.kind === 'reference' ? [piece.place] : []));
  assert.deepEqual(
    places.map(({ line, column }) => [line, column]),
    [
      [2, 3],
      [3, 3],
      [3, 20],
    ],
  );
  assert.deepEqual(referencesIn(Buffer.from(text)), references);
});

// --- laws ----------------------------------------------------------------------------------------------------------

const segment = fc.string({ unit: fc.constantFrom(...'abzAZ09_.-'), minLength: 1, maxLength: 5 });
const path = fc.array(segment, { minLength: 3, maxLength: 4 }).map((segments) => segments.join('/'));
/** No brace and no slash: so nothing begins in it, or between it and its neighbours. */
const plainBytes = fc
  .uint8Array({ maxLength: 12 })
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x7b && byte !== 0x2f)));

/** A stretch of a template, and what it becomes with `value` in the place of its reference. */
type Stretch = readonly [written: Buffer, becomes: (value: (reference: string) => Buffer) => Buffer];

const stretch: fc.Arbitrary<Stretch> = fc.oneof(
  plainBytes.map((bytes): Stretch => [bytes, () => bytes]),
  path.map((path): Stretch => {
    const put = (value: Buffer) => Buffer.concat([Buffer.from(':'), value, Buffer.from('@')]);
    return [put(Buffer.from(`op://${path}`)), (value) => put(value(`op://${path}`))];
  }),
  fc.tuple(path, fc.constantFrom('', ' ', '\t ')).map(([path, space]): Stretch => {
    return [Buffer.from(`{{${space}keystile://${path}${space}}}`), (value) => value(`op://${path}`)];
  }),
  plainBytes.map((bytes): Stretch => {
    const text = Buffer.from(`{{ op://v/i/f }}${bytes.toString('latin1').replaceAll(/[\\"]/g, '')}`, 'latin1');
    return [Buffer.concat([Buffer.from('{{ "'), text, Buffer.from('" }}')]), () => text];
  }),
);

test('filling puts the values where the references were and leaves every other byte', () => {
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 12 }), fc.uint8Array({ maxLength: 8 }), (stretches, salt) => {
      const value = (reference: string) => Buffer.concat([Buffer.from(reference).toReversed(), salt]);
      const template = parseTemplate(Buffer.concat(stretches.map(([written]) => written)));
      const texts = template.references.map((reference) => formatReference(reference));
      const filled = fillTemplate(template, new Map(texts.map((text) => [text, value(text)])));
      assert.deepEqual(filled, Buffer.concat(stretches.map(([, becomes]) => becomes(value))));
    }),
    { numRuns: 2_000 },
  );
});

const FRAGMENTS = [
  '{{',
  '}}',
  'op://',
  'keystile://',
  '"',
  '\\',
  '\\"',
  ' ',
  '\t',
  '\n',
  '/',
  'v/i/f',
  '?',
  '$',
  '${',
].concat(['$APP_ENV', '${APP_ENV}', ':-', '}', '?attribute=otp', '=', '.', '\ufeff', 'ä']);
const soup = fc
  .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 24 })
  .map((parts) => Buffer.from(parts.join('')));

test('whatever a template is, it is taken or refused with a Failure, and no reference is left when it is filled', () => {
  const bytes = fc.oneof(
    soup,
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const text = bytes.toString('latin1');
      try {
        const template = parseTemplate(bytes, VARIABLES);
        const hasLiteral = /\{\{[ \t]*"/.test(text);
        const rest = template.pieces.flatMap((piece) =>
          piece.kind === 'text' ? [piece.bytes.toString('latin1')] : [],
        );
        for (const one of rest) if (!hasLiteral) assert.doesNotMatch(one, /(?<![A-Za-z0-9\-+\\.])(?:op|keystile):\/\//);
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        assert.equal(thrown.code, 'template/invalid');
        assert.match(thrown.message, /^line \d+, column \d+: /);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('no error repeats a byte of the template', () => {
  const secret = canary();
  for (const [text] of Object.values(REFUSED)) {
    for (const put of [`${secret}${text}`, `${secret} ${text}${secret}`, text.replace('op://', `op://${secret}`)]) {
      try {
        parseTemplate(Buffer.from(put), new Map([...VARIABLES, ['ODD', `"${secret}`]]));
      } catch (thrown) {
        assert.ok(thrown instanceof Failure);
        assert.ok(!`${JSON.stringify(thrown.toDocument())}${thrown.stack}${String(thrown.cause)}`.includes(secret));
      }
    }
  }
});

test('pieces are views of the template, and what is filled is a copy', () => {
  const bytes = Buffer.from('secret op://v/i/f');
  const template = parseTemplate(bytes);
  const filled = fillTemplate(template, new Map([['op://v/i/f', Buffer.from('x')]]));
  bytes.fill(0);
  assert.deepEqual(template.pieces[0], { kind: 'text', bytes: Buffer.alloc(7) });
  assert.equal(filled.toString(), 'secret x');
});

test('a template is not filled by half', () => {
  const template = parseTemplate(Buffer.from('op://v/i/f op://v/i/g'));
  assert.throws(() => fillTemplate(template, new Map([['op://v/i/f', Buffer.from('x')]])), { code: 'internal/error' });
});

test('templates, their references and what they become have limits (I8)', () => {
  const many = (count: number) => Buffer.from(Array.from({ length: count }, (_, k) => `op://v/i/f${k}`).join('\n'));
  assert.equal(parseTemplate(many(TEMPLATE_REFERENCES_MAX)).references.length, TEMPLATE_REFERENCES_MAX);
  assert.equal(failureOf(many(TEMPLATE_REFERENCES_MAX + 1)).code, 'input/too_large');
  assert.equal(failureOf(Buffer.alloc(TEMPLATE_BYTES_MAX + 1, ' ')).code, 'input/too_large');
  assert.equal(failureOf('op://v/i/f '.repeat(200_000)).code, 'input/too_large');
  const template = parseTemplate(Buffer.from('op://v/i/f '.repeat(100)));
  const values = new Map([['op://v/i/f', Buffer.alloc(FILLED_BYTES_MAX / 100)]]);
  assert.throws(() => fillTemplate(template, values), { code: 'input/too_large' });
  const variables = new Map([['A', 'x'.repeat(100_000)]]);
  assert.match(failureOf(`op://${'$A'.repeat(100_000)}`, variables).message, /at most 1024 characters/);
});
