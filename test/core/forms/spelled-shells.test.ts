// What shells, cat and mail make of a value, to the byte. Worked out from the manuals, and each printed once by bash 5.2,
// dash 0.5.12, zsh 5.9, GNU cat and Python's quopri.

import assert from 'node:assert/strict';
import test from 'node:test';

import { CAT_SPELLINGS, QUOTED_PRINTABLE, spellShell, spellWindows } from '../../../src/core/forms/shell-quoting.ts';
import { spellBy } from '../../../src/core/forms/spelling.ts';
import { assertSpelled, latin1 } from './spelled.ts';

const RAW = String.raw;

void test('beside control characters quotes and backslashes are escaped too', () => {
  assertSpelled(spellShell, "'\\\x01", [
    "'\\''\\\x01",
    `'"'"'\\\x01`,
    "'\\\\\x01",
    RAW`\'\\\001`, // $'…'
    RAW`\'\\\C-A`, // zsh -x
    RAW`\'\\$'\001'`, // ${(q)v} of zsh
    "\\''\\\x01",
    "\\'\\\\\x01",
  ]);
});

void test('single quotes of a value are written in the five ways of shells', () => {
  assertSpelled(spellShell, `ab''c'd`, [
    RAW`ab'\'''\''c'\''d`, // bash, zsh -x
    RAW`ab'"'"''"'"'c'"'"'d`, // shlex of Python
    RAW`ab\'\'c\'d`, // printf %q, and $'…'
    RAW`ab'"''"'c'"'"'d`, // dash
    RAW`ab'\'\''c'\''d`, // ${(q+)v} of zsh
  ]);
});

void test('single quotes at the ends of a value stand outside those of dash and zsh', () => {
  assertSpelled(spellShell, `''ab''`, [
    RAW`'\'''\''ab'\'''\''`,
    RAW`'"'"''"'"'ab'"'"''"'"'`,
    RAW`\'\'ab\'\'`,
    RAW`'"''"'ab'"''"`,
    RAW`\'\''ab'\'\'`,
  ]);
});

void test('what is special in a shell stands behind a backslash where that shell needs one', () => {
  assertSpelled(spellShell, RAW`x "#$%&()*+,-./09:;<=>?@AZ[\]^_az{|}~:~=~$'z`, [
    RAW`x "#$%&()*+,-./09:;<=>?@AZ[\]^_az{|}~:~=~$'\''z`,
    RAW`x "#$%&()*+,-./09:;<=>?@AZ[\]^_az{|}~:~=~$'"'"'z`,
    RAW`x \"#\$%&()*+,-./09:;<=>?@AZ[\\]^_az{|}~:~=~\$'z`, // declare -p of bash
    RAW`x \"#\$%&()*+,-./09:;<=>?@AZ[\\]^_az{|}~:~=~$'z`, // ${(qqq)v} of zsh
    RAW`x "#$%&()*+,-./09:;<=>?@AZ[\\]^_az{|}~:~=~$\'z`, // $'…' of bash and zsh
    RAW`x\ \"\#\$%\&\(\)\*+,-./09:\;\<=\>\?@AZ\[\\\]\^_az\{\|\}~:~=~\$\'z`, // ${(q)v} of zsh
    RAW`x\ \"#\$%\&\(\)\*+\,-./09:\;\<=\>\?@AZ\[\\\]\^_az\{\|\}~:\~=\~\$\'z`, // printf %q of bash
  ]);
  // A backtick, which zsh does not leave alone between double quotes as it does `$'`.
  assertSpelled(spellShell, "`$'", [
    "`$'\\''",
    `\`$'"'"'`,
    "\\`\\$'", // declare -p of bash
    "`$\\'",
    "\\`\\$\\'", // printf %q
    `\`$'"'"`, // dash
    "`$'\\'", // ${(q+)v} of zsh
    "\\`$'", // ${(qqq)v} of zsh
  ]);
});

void test('control characters are written by letter or number', () => {
  assertSpelled(spellShell, 'a!\x01\x07\b\t\n\v\f\r\x1a\x1b\x1f \x7fz', [
    RAW`a!\001\a\b\t\n\v\f\r\032\E\037 \177z`, // bash
    RAW`a\!\001\a\b\t\n\v\f\r\032\033\037 \177z`, // zsh
    RAW`a!\C-A\C-G\C-H\t\n\C-K\C-L\C-M\C-Z\C-[\C-_ \C-?z`, // zsh -x
    // ${(q)v} of zsh
    RAW`a!$'\001'$'\a'$'\b'$'\t'$'\n'$'\v'$'\f'$'\r'$'\032'$'\033'$'\037'\ $'\177'z`,
    'a\\!\x01\x07\b\\\t\\\n\v\f\r\x1a\x1b\x1f\\ \x7fz', // as bash has the rest of a word
  ]);
});

void test('a character beyond ASCII stays in a locale that knows it; its bytes, and those of none, are written by number', () => {
  const value = latin1('É\x80\x89\x8a\x8d\xa7\xdc\xff'.replace('É', '\xc3\x89'));
  assertSpelled(spellShell, value, [
    RAW`\303\211\200\211\212\215\247\334\377`, // bash and zsh in locale C
    RAW`$'\303'$'\211'$'\200'$'\211'$'\212'$'\215'$'\247'$'\334'$'\377'`,
    RAW`\M-C\M-\t\M-\C-@\M-\t\M-\n\M-\C-M\M-'\M-\\M-\C-?`, // zsh -x there
    RAW`É\200\211\212\215\247\334\377`,
    RAW`É$'\200'$'\211'$'\212'$'\215'$'\247'$'\334'$'\377'`,
    RAW`É\M-\C-@\M-\t\M-\n\M-\C-M\M-'\M-\\M-\C-?`,
  ]);
});

void test('what nothing is special in is not spelled at all', () => {
  for (const spell of [spellShell, spellWindows]) assert.deepEqual(spell(Buffer.from('aZ09_-+.')), []);
  assert.deepEqual(spellBy(Buffer.from('a ~'), [...CAT_SPELLINGS, QUOTED_PRINTABLE]), []);
});

void test('cmd puts a caret, batch files a percent sign and PowerShell a backtick before what is special', () => {
  assertSpelled(spellWindows, 'a&b|c<d>e^f(g)h%i!j"k$l`m', [
    'a^&b^|c^<d^>e^^f(g)h%i!j"k$l`m',
    'a^&b^|c^<d^>e^^f^(g^)h%i!j"k$l`m',
    'a^&b^|c^<d^>e^^f^(g^)h^%i^!j^"k$l`m',
    'a&b|c<d>e^f(g)h%%i!j"k$l`m',
    'a&b|c<d>e^f(g)h%i!j`"k`$l``m',
  ]);
});

void test('cat -v writes ^A and M-A, and cat -A tabs and the ends of lines too', () => {
  const value = latin1('a\x00\x01\t\n\x0b\x1b\x1f ~\x7f\x80\x8a\x9f\xa0\xc3\xfe\xff');
  assertSpelled((bytes) => spellBy(bytes, CAT_SPELLINGS), value, [
    'a^@^A\t\n^K^[^_ ~^?M-^@M-^JM-^_M- M-CM-~M-^?',
    'a^@^A^I$\n^K^[^_ ~^?M-^@M-^JM-^_M- M-CM-~M-^?',
  ]);
});

void test('quoted-printable writes the sign of equality, controls and what is not ASCII by number', () => {
  const value = latin1('a=b\x00\x08\t.\n\x0b\x0c\r\x0e\x1f <>~\x7f\x80\xff');
  assertSpelled((bytes) => spellBy(bytes, [QUOTED_PRINTABLE]), value, ['a=3Db=00=08\t.\n=0B=0C\r=0E=1F <>~=7F=80=FF']);
});
