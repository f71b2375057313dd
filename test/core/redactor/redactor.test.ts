// The redactor against cases with the write boundaries shown as ¦, and against what only a stream can get wrong.
// Behind the last ¦ is what was held to the end: often a marker, as the last byte of a value starts its reverse.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { describe } from 'node:test';
import { inspect } from 'node:util';

import { Failure } from '../../../src/core/failure.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

type Values = Readonly<Record<string, string>>;

function needles(values: Values): NeedleSet {
  return NeedleSet.compile(Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) })));
}

/** Pushes the parts between ¦ one by one; what each push and the end gave, with ¦ between. */
function stream(set: NeedleSet, input: string): string {
  const redactor = new Redactor(set);
  const given = input.split('¦').map((part) => redactor.push(Buffer.from(part)).toString());
  return [...given, redactor.end().toString()].join('¦');
}

const SK = 'sk-canary-7Qm2x9';

const CASES: ReadonlyArray<readonly [what: string, values: Values, input: string, output: string]> = [
  ['a value in one write', { K: SK }, `a ${SK} b`, 'a [REDACTED:K] ¦b'],
  ['a value cut once', { K: SK }, `a sk-can¦ary-7Qm2x9 b`, 'a ¦[REDACTED:K] ¦b'],
  ['a value cut at its ends', { K: SK }, `a ¦${SK}¦ b`, 'a ¦¦[REDACTED:K] ¦b'],
  ['a value byte by byte', { K: 'abcd-1234' }, 'a¦b¦c¦d¦-¦1¦2¦3¦4¦.', '¦¦¦¦¦¦¦¦¦[REDACTED:K].¦'],
  ['a value at the end of the stream', { K: SK }, `x${SK}`, 'x¦[REDACTED:K]'],
  ['a start that comes to nothing', { K: SK }, 'sk-can¦oe', '¦sk-cano¦e'],
  ['a start at the end of the stream', { K: SK }, 'is sk-cana', 'is ¦sk-cana'],
  ['a part that tells something', { K: SK }, 'is ary-7Qm2x!', 'is [REDACTED:K]!¦'],
  ['a part that could be a word', { K: 'correct-horse-battery' }, 'a battery-', 'a battery-¦'],
  ['a start inside a start', { K: SK }, `sk-sk-sk-can¦ary-7Qm2x9`, 'sk-sk-¦¦[REDACTED:K]'],
  ['a prompt without a line end', { K: SK }, 'Password: ', 'Password: ¦'],
  ['the same value twice, touching', { K: SK }, `${SK}${SK}`, '[REDACTED:K]¦[REDACTED:K]'],
  ['a value that overlaps itself', { K: 'abcabcab' }, 'xabcabcabcabx', 'x[REDACTED:K]x¦'],
  [
    'two values that overlap',
    { A: 'first-half-mid', B: 'mid-other-half' },
    '<first-half-mid-other-half>',
    '<[REDACTED:A,B]>¦',
  ],
  [
    'two values that overlap, cut in the overlap',
    { A: 'first-half-mid', B: 'mid-other-half' },
    '<first-half-mi¦d-other¦-half>',
    '<¦¦[REDACTED:A,B]>¦',
  ],
  [
    'the first of two that might overlap',
    { A: 'first-half-mid', B: 'mid-other-half' },
    'first-half-mid¦!',
    '¦[REDACTED:A]!¦',
  ],
  ['a value that starts another', { A: 'prefix99', B: 'prefix99-longer' }, 'prefix99-longer', '¦[REDACTED:A,B]'],
  [
    'a value that starts another, alone',
    { A: 'prefixes', B: 'prefixes-longer' },
    'prefixes-¦lo¦st',
    '¦¦[REDACTED:A]-lost¦',
  ],
  [
    'values that begin alike, and their beginning',
    { A: 'kx_live_4a7Q', B: 'kx_live_4a9Z' },
    '¦kx_live_4a7Q kx_live_4a.',
    '¦[REDACTED:A] [REDACTED:A,B].¦',
  ],
  ['a value inside another', { A: 'inside99', B: 'out-inside99-out' }, 'out-inside99¦-out.', '¦[REDACTED:A,B].¦'],
  [
    'a value inside one that does not come',
    { A: 'insiders', B: 'out-insiders-out' },
    'out-insiders¦-in',
    '¦out-[REDACTED:A]-¦in',
  ],
  ['two names for one value', { B: SK, A: SK }, SK, '¦[REDACTED:A,B]'],
  ['five names for one value', { A: SK, B: SK, C: SK, D: SK, E: SK }, SK, '¦[REDACTED:A,B,C,D,+1]'],
  ['a character cut in two', { K: 'clé-secrète-é' }, 'é: clé-secrète-é é', 'é: [REDACTED:K] ¦é'],
  ['a value with a line end, printed without', { K: `${SK}\n` }, `${SK}!`, '[REDACTED:K]!¦'],
  [
    'one long line of a value of many',
    { K: 'line one is long enough\nshort\nline three is long, too' },
    'short line three is long, too',
    'short ¦[REDACTED:K]',
  ],
  ['a short random line', { K: 'user\nx7Kp02mQ\n' }, 'user x7Kp02mQ', 'user ¦[REDACTED:K]'],
  [
    'the frame of a key',
    { K: '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----' },
    '-----BEGIN PRIVATE KEY-----',
    '¦-----BEGIN PRIVATE KEY-----',
  ],
  ['lines that end in CRLF', { K: 'ab12 cd34\nef56 gh78' }, 'ab12 cd34\r\nef56 gh78', '¦[REDACTED:K]'],
  ['an empty value', { K: '' }, 'anything', 'anything¦'],
  ['a blank value', { K: ' \t\n        ' }, 'a         b \t\n         ', 'a         b \t\n         ¦'],
  ['no value', {}, 'a¦b', 'a¦b¦'],
  ['a value that is too short', { K: 'hunt3' }, 'hunt3', 'hunt3¦'],
  ['a value that is the word in the marker', { K: 'REDACTED' }, 'x REDACTED y', 'x [***] y¦'],
  [
    'a value that is its own name',
    { DATABASE_URL: 'DATABASE_URL', B: SK },
    `DATABASE_URL ${SK}`,
    '[***] ¦[REDACTED:B]',
  ],
  ['a value that starts as the marker ends', { K: ']-canary-77' }, ']-canary-77', '¦<REDACTED:K>'],
  ['a value that ends as the marker starts', { A: SK, B: 'canary-xx[' }, `canary-xx${SK} `, 'canary-xx<REDACTED:A> ¦'],
  ['a value that holds the marker', { K: 'aa[REDACTED:K]bb' }, 'aa[REDACTED:K]bb', '¦<REDACTED:K>'],
];

void describe('a stream with secrets in it', () => {
  for (const [what, values, input, output] of CASES) {
    void test(what, () => assert.equal(stream(needles(values), input), output));
  }
});

void test('a character that comes in two writes comes out whole', () => {
  const redactor = new Redactor(needles({ K: 'clé-secrète-é' }));
  const bytes = Buffer.from('xé clé-secrète-é é');
  const given: Buffer[] = [];
  for (const byte of bytes) given.push(Buffer.from(redactor.push(Buffer.of(byte))));
  assert.equal(Buffer.concat([...given, redactor.end()]).toString(), 'xé [REDACTED:K] é');
});

void test('bytes that are not text come through as they are, also around a secret', () => {
  const set = needles({ K: SK });
  for (let round = 0; round < 50; round += 1) {
    const [before, after] = [randomBytes(300), randomBytes(300)];
    const redactor = new Redactor(set);
    const output = [before, Buffer.from(SK), after].map((chunk) => Buffer.from(redactor.push(chunk)));
    assert.deepEqual(
      Buffer.concat([...output, redactor.end()]),
      Buffer.concat([before, Buffer.from('[REDACTED:K]'), after]),
    );
  }
});

void test('a binary value is found, and so are its encodings', () => {
  const value = Buffer.from([0, 255, 254, 10, 13, 128, 1, 2, 3, 0, 0, 200]);
  const redactor = new Redactor(NeedleSet.compile([{ name: 'B', value }]));
  const text = Buffer.concat([value, Buffer.from(` ${value.toString('hex')} ${value.toString('base64')}`)]);
  assert.equal(
    Buffer.concat([redactor.push(text), redactor.end()]).toString(),
    '[REDACTED:B] [REDACTED:B] [REDACTED:B]',
  );
  assert.deepEqual(redactor.redactions, [{ name: 'B', count: 3, forms: ['base64', 'hex', 'raw'] }]);
});

void test('what was hidden is counted by name, with the forms in order and nothing else', () => {
  const redactor = new Redactor(needles({ B: 'p@ss word/77', A: SK }));
  redactor.push(Buffer.from(`p@ss word/77 p%40ss%20word%2F77 ${SK} p@ss wo`));
  assert.deepEqual(redactor.redactions, [
    { name: 'A', count: 1, forms: ['raw'] },
    { name: 'B', count: 2, forms: ['percent', 'raw'] },
  ]);
  redactor.push(Buffer.from('rd/77'));
  redactor.end();
  assert.equal(redactor.redactions[1]?.count, 3);
});

void test('standard output and standard error share needles and nothing else', () => {
  const set = needles({ K: SK });
  const [output, error] = [new Redactor(set), new Redactor(set)];
  assert.equal(output.push(Buffer.from('sk-canary')).toString(), '');
  assert.equal(error.push(Buffer.from('-7Qm2x9.')).toString(), '-7Qm2x9.');
  assert.equal(output.push(Buffer.from('-7Qm2x9.')).toString(), '[REDACTED:K].');
  assert.deepEqual(error.redactions, []);
});

void test('I3: after the secrets were wiped nothing comes out', () => {
  const set = needles({ K: SK });
  const redactor = new Redactor(set);
  set.wipe();
  assert.throws(() => redactor.push(Buffer.from('text')), Failure);
  assert.throws(() => redactor.end(), Failure);
});

void test('I8: of a secret of 64 KiB, whole or in part, byte by byte, less than 512 bytes are held back', () => {
  const value = randomBytes(48 * 1024).toString('base64');
  const redactor = new Redactor(NeedleSet.compile([{ name: 'BIG', value: Buffer.from(value) }]));
  const start = Buffer.from(value.slice(0, 511));
  let held = 0;
  for (const byte of start) held += 1 - redactor.push(Buffer.of(byte)).length;
  assert.equal(held, 511);
  const rest = Buffer.from(`${value.slice(511)}. `);
  let output = '';
  for (let at = 0; at < rest.length; at += 1) output += redactor.push(rest.subarray(at, at + 1)).toString();
  assert.equal(output + redactor.end().toString(), '[REDACTED:BIG]. ');
  assert.deepEqual(redactor.redactions, [{ name: 'BIG', count: 1, forms: ['raw'] }]);
});

void test('I8: values that are together too long to look for are refused, not shown', () => {
  const value = randomBytes(64 * 1024);
  const sources = Array.from({ length: 100 }, (_, k) => ({ name: `BIG_${k}`, value }));
  assert.throws(() => NeedleSet.compile(sources), { name: 'Failure', code: 'input/too_large' });
});

void test('when every other marker is in some secret, a byte that none starts or ends with is written three times', () => {
  const values: Record<string, string> = { K: 'REDACTED:' };
  for (const text of ['[***]', '***', '###', '...', '___', '███'])
    values[`M${text.codePointAt(0)}_${text.length}`] = `${text}-canary`;
  const output = stream(needles(values), 'REDACTED: ').replaceAll('¦', '');
  assert.equal(output, '!!! ');
});

void test('neither the names nor the values of a set show when it is printed', () => {
  const set = needles({ K: SK });
  const shown = `${inspect(set, { depth: 9, showHidden: true })} ${JSON.stringify(new Redactor(set))}`;
  assert.ok(!shown.includes(SK));
});
