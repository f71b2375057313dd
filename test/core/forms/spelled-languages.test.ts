// What programming languages write of a value between their quotes, to the byte. Worked out from their manuals, and each
// written once by Python 3.10, Go 1.19, Node, Perl 5.36, Java 17 and GNU sed.

import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';

import { spellJson, spellLanguages, spellNumbered, spellPython } from '../../../src/core/forms/escapes.ts';
import { assertSpelled, latin1, textsOf } from './spelled.ts';

const RAW = String.raw;
const CONTROLS = 'a\t\n\r\b\f\v\x07\x1a\x1b\x1f5 ~\x7f';
/** Controls, spaces and formats, letters, an end of a line, a picture and a tag: beyond ASCII and beyond 16 bits. */
const BEYOND = '\u0080\u009f\u00a0\u00adéÿĀ\u2028\uffff\u{10000}😀\u{e0001}';

void test('Python writes quotes as it needs them and controls by number; text as it is or in ASCII, and bytes', () => {
  assertSpelled(spellPython, CONTROLS, [RAW`a\t\n\r\x08\x0c\x0b\x07\x1a\x1b\x1f5 ~\x7f`]);
  assertSpelled(spellPython, RAW`'"\$`, [RAW`'"\\$`, RAW`\'"\\$`]);
  assertSpelled(spellPython, BEYOND, [
    RAW`\x80\x9f\xa0\xadéÿĀ\u2028\uffff𐀀😀\U000e0001`,
    RAW`\x80\x9f\xa0\xad\xe9\xff\u0100\u2028\uffff\U00010000\U0001f600\U000e0001`,
    [...Buffer.from(BEYOND)].map((byte) => RAW`\x${byte.toString(16)}`).join(''),
  ]);
});

void test('every language has its own letters for control characters', () => {
  assertSpelled(spellLanguages, CONTROLS, [
    RAW`a\t\n\r\b\f\v\a\x1a\x1b\x1f5 ~\x7f`, // Go
    RAW`a\t\n\r\u{8}\u{c}\u{b}\u{7}\u{1a}\u{1b}\u{1f}5 ~\u{7f}`, // Rust
    RAW`a\t\n\r\b\f\x0B\x07\x1A\x1B\x1F5 ~\x7F`, // Node
    RAW`a\t\n\r\b\f\v\a\032\033\0375 ~\177`, // sed, git, C
    RAW`a\t\n\r\b\f\13\a\32\e\0375 ~\177`, // Perl
    RAW`a\t\n\r\u0008\f\u000B\u0007\u001A\u001B\u001F5 ~\u007F`, // Java
    RAW`a\t\n\r\u0008\f\u000B\u0007\u001A\u001B\u001F5\ ~\u007F`, // and the name of a property
    'a\\t\\n\\r\b\\f\v\x07\x1a\x1b\x1f5 ~\x7f', // Java, to a writer
    'a\t\\n\\r\b\f\v\x07\\Z\x1b\x1f5 ~\x7f', // MySQL
  ]);
  assert.equal(`'${RAW`a\t\n\r\b\f\x0B\x07\x1A\x1B\x1F5 ~\x7F`}'`, inspect(CONTROLS));
});

void test('NUL is a number, and a letter for MySQL and Perl', () => {
  assertSpelled(spellLanguages, "a\x00'", [
    RAW`a\x00'`, // Go; Node between '"'
    RAW`a\x00\'`, // Node
    RAW`a\u{0}'`, // Rust
    RAW`a\000'`, // sed, git, C
    "a\x00\\'", // PHP
    RAW`a\0\'`, // MySQL
    RAW`a\0'`, // Perl
    RAW`a\u0000'`, // Java
  ]);
});

void test('Perl writes a number with as few digits as it can', () => {
  for (const [value, expected] of [
    ['\x01', RAW`\1`],
    ['\x01/', RAW`\1/`],
    ['\x010', RAW`\0010`],
    ['\x1f9', RAW`\0379`],
    ['\x1f:', RAW`\37:`],
    ['\x01\x02', RAW`\1\2`],
    ['\x7f', RAW`\177`],
  ] as const) {
    // Nobody else writes a dollar so.
    const texts = textsOf(spellLanguages(Buffer.from(`$${value}`)));
    assert.ok(texts.includes(`\\$${expected}`), `${expected} of ${texts.join(' ')}`);
  }
  const texts = textsOf(spellLanguages(Buffer.from('$\x01é\x1f5\x1f')));
  assert.ok(texts.includes(RAW`\$\1\303\251\0375\37`), texts.join(' '));
  assert.ok(texts.includes(RAW`\$\1\x{e9}\0375\37`), texts.join(' '));
});

void test('what is special between the quotes of a language stands behind a backslash', () => {
  assertSpelled(spellLanguages, RAW`'"\$@!:=# /` + '`', [
    RAW`'"\\$@!:=# /` + '`', // sed; Node between '"'
    RAW`\'"\\$@!:=# /` + '`', // Node, and Perl as it is
    RAW`'\"\\$@!:=# /` + '`', // Go, Rust, git, C
    RAW`'"\\$@!:=# /` + '\\`', // Node between backticks
    RAW`'\"\\\$\@!:=# /` + '`', // Perl
    RAW`\'\"\\$@!:=# /` + '`', // PHP, MySQL
    RAW`'"\\$@\!\:\=\# /` + '`', // Java
    RAW`'"\\$@\!\:\=\#\ /` + '`',
  ]);
});

void test('beside controls and letters beyond ASCII each language has its own way with quotes', () => {
  assertSpelled(spellLanguages, '\'"`$@:\\\x0e\n ', [
    '\'\\"`$@:\\\\\\x0e\\n ', // Go
    '\'\\"`$@:\\\\\\u{e}\\n ', // Rust
    '\'"`$@:\\\\\\x0E\\n ', // Node between "'", as it did once, and in each of its quotes
    '\\\'"`$@:\\\\\\x0E\\n ',
    '\'\\"`$@:\\\\\\x0E\\n ',
    '\'"\\`$@:\\\\\\x0E\\n ',
    '\'"`$@:\\\\\\016\\n ', // sed
    '\'\\"`$@:\\\\\\016\\n ', // git, C
    '\\\'"`$@:\\\\\x0e\n ', // Perl, as it is
    '\\\'\\"`$@:\\\\\x0e\n ', // PHP
    '\\\'\\"`$@:\\\\\x0e\\n ', // MySQL
    '\'\\"`\\$\\@:\\\\\\16\\n ', // Perl
    '\'"`$@\\:\\\\\\u000E\\n ', // Java
    '\'"`$@\\:\\\\\\u000E\\n\\ ',
    '\'"`$@\\:\\\\\x0e\\n ',
  ]);
  assertSpelled(spellLanguages, latin1('\xff"$\xc3\xa9'), [
    RAW`\xff\"$é`, // Go
    RAW`\xff\"$\u00e9`,
    RAW`\377"$\303\251`, // sed
    RAW`\377\"$\303\251`, // git, C
    RAW`\377\"\$\303\251`, // Perl
    RAW`\377\"\$\x{e9}`,
    'latin1 \xff\\"$\xc3\xa9', // who has no bytes
    RAW`latin1 ${'\xff'}"$\u00E9`, // Java
  ]);
});

void test('letters beyond ASCII stay, or are written by number, and so is what has no picture', () => {
  assertSpelled(spellLanguages, BEYOND, [
    RAW`\u0080\u009f\u00a0\u00adéÿĀ\u2028\uffff𐀀😀\U000e0001`, // %q of Go
    RAW`\u0080\u009f\u00a0\u00ad\u00e9\u00ff\u0100\u2028\uffff\U00010000\U0001f600\U000e0001`, // and %+q
    RAW`\u{80}\u{9f}\u{a0}\u{ad}éÿĀ\u{2028}\u{ffff}𐀀😀\u{e0001}`, // Rust
    RAW`\x80\x9F${BEYOND.slice(2)}`, // Node
    RAW`\x{80}\x{9f}\x{a0}\x{ad}\x{e9}\x{ff}\x{100}\x{2028}\x{ffff}\x{10000}\x{1f600}\x{e0001}`, // Perl
    [...Buffer.from(BEYOND)].map((byte) => `\\${byte.toString(8)}`).join(''), // sed, git, C, Perl of bytes
    RAW`\u0080\u009F\u00A0\u00AD\u00E9\u00FF\u0100\u2028\uFFFF\uD800\uDC00\uD83D\uDE00\uDB40\uDC01`, // Java
  ]);
  assert.equal(inspect(BEYOND), `'${RAW`\x80\x9F${BEYOND.slice(2)}`}'`);
});

void test('bytes that are no text are written by number where a language has bytes', () => {
  const value = latin1('\x80é\xff');
  assertSpelled(spellPython, value, [RAW`\x80\xe9\xff`]);
  assertSpelled(spellLanguages, value, [RAW`\x80\xe9\xff`, RAW`\200\351\377`]);
});

void test('what needs no escape is not spelled for a language', () => {
  for (const spell of [spellJson, spellPython, spellLanguages]) assert.deepEqual(spell(Buffer.from('aZ09~%')), []);
});

void test('every byte or character is written by number in each of the eight ways', () => {
  assertSpelled(spellNumbered, 'k~\x00\n', [
    RAW`\x6b\x7e\x00\x0a`,
    RAW`\x6B\x7E\x00\x0A`,
    RAW`\153\176\000\012`,
    RAW`\u006b\u007e\u0000\u000a`,
    RAW`\u006B\u007E\u0000\u000A`,
    RAW`\u{6b}\u{7e}\u{0}\u{a}`,
    RAW`\x{6b}\x{7e}\x{0}\x{a}`,
    RAW`\6b \7e \0 \a `,
  ]);
  assertSpelled(spellNumbered, '\u{fffd}\u{10000}\u{10fffd}', [
    RAW`\xef\xbf\xbd\xf0\x90\x80\x80\xf4\x8f\xbf\xbd`,
    RAW`\xEF\xBF\xBD\xF0\x90\x80\x80\xF4\x8F\xBF\xBD`,
    RAW`\357\277\275\360\220\200\200\364\217\277\275`,
    RAW`\ufffd\ud800\udc00\udbff\udffd`,
    RAW`\uFFFD\uD800\uDC00\uDBFF\uDFFD`,
    RAW`\u{fffd}\u{10000}\u{10fffd}`,
    RAW`\x{fffd}\x{10000}\x{10fffd}`,
    RAW`\fffd \10000 \10fffd `,
  ]);
});

type Write = (text: string) => string;

const json: Write = (text) => JSON.stringify(text).slice(1, -1);
const byCharacter = (write: (character: string) => string | undefined): Write => {
  return (text) => Array.from(text, (character) => write(character) ?? json(character)).join('');
};
const utf16: Write = (text) =>
  Array.from({ length: text.length }, (_, k) => `\\u${text.charCodeAt(k).toString(16).padStart(4, '0')}`).join('');
const inAscii: Write = byCharacter((character) => (character > '~' ? utf16(character) : undefined));
const inCapitals: Write = byCharacter((character) => {
  const text = inAscii(character);
  return text.startsWith('\\u') ? `\\u${text.slice(2).toUpperCase().replace('\\U', '\\u')}` : text;
});
const withSlashes: Write = byCharacter((character) => (character === '/' ? '\\/' : undefined));
const asPhp: Write = byCharacter((character) => (character === '/' ? '\\/' : inAscii(character)));
const asGo: Write = byCharacter((character) => (/[<>&\u2028\u2029]/.test(character) ? utf16(character) : undefined));
const asOldGo: Write = byCharacter((character) => (/[\b\f]/.test(character) ? utf16(character) : asGo(character)));

void test('JSON is written in seven ways, twice by the same or a plain writer, and by two of them three times', () => {
  for (const value of [
    RAW`a"b\c/d`,
    '\b\t\n\v\f\r\x00\x1f ~\x7f',
    '<a>&b\u2027\u2028\u2029\u202a',
    'é\uffff\u{10000}😀"',
    '</é\u2028\b\f\x7f">',
  ]) {
    assertSpelled(
      spellJson,
      value,
      [
        ...[json, inAscii].flatMap((write) => [write(value), json(write(value)), json(json(write(value)))]),
        ...[withSlashes, asPhp, asGo, asOldGo, inCapitals].flatMap((write) => [
          write(value),
          json(write(value)),
          write(write(value)),
        ]),
      ].filter((text) => text !== value),
    );
  }
});
