// The same letters in other bytes, to the byte: normal forms, Latin-1, UTF-16, capitals, rot13, backwards. What Node makes of
// text is the definition.

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import {
  spellCase,
  spellLatin,
  spellNormal,
  spellReversed,
  spellRot13,
  utf16be,
  utf16le,
  utf32le,
} from '../../../src/core/forms/letters.ts';
import { assertSpelled, latin1 } from './spelled.ts';

/** Composed, decomposed, in the wrong order, of Korean letters, growing to three times its bytes, and a mark in front. */
const NORMALIZED = [
  'é',
  'e\u0301',
  'ae\u0301\u0327z',
  'q\u0307\u0323-\u1e69',
  '\u1112\u1161\u11ab한',
  'a\u1161',
  'ΐΐ',
  '\u{1d160}\u{1d160}',
  '\u0301e',
  'a\u0300',
  '\u00c5\u212b\ufb01',
  'a b\u00a0c',
];

void test('a value that is not ASCII is spelled in both normal forms, letter by letter', () => {
  for (const text of NORMALIZED) assertSpelled(spellNormal, text, [text.normalize('NFC'), text.normalize('NFD')]);
  const letter = fc.constantFrom(...'ae-é\u0301\u0323\u1112\u1161\u11abΐ한😀');
  fc.assert(
    fc.property(fc.string({ unit: letter, maxLength: 12 }), (text) => {
      const isAscii = /^[ae-]*$/.test(text);
      assertSpelled(spellNormal, text, isAscii ? [] : [text.normalize('NFC'), text.normalize('NFD')]);
    }),
    { numRuns: 100 },
  );
});

void test('bytes that are no text stay beside letters in a normal form', () => {
  assertSpelled(spellNormal, latin1('\xffe\xcc\x81\x80'), ['latin1 \xff\xc3\xa9\x80', 'latin1 \xffe\xcc\x81\x80']);
});

void test('text is spelled as Latin-1 where that has its letters, and as UTF-8 of UTF-8', () => {
  const twice = (text: string): string => latin1(text).toString('utf8');
  assert.equal(twice('\xc3\x83\xc2\xa9'), Buffer.from('é').toString('latin1'));
  assertSpelled(spellLatin, 'plain', []);
  assertSpelled(spellLatin, 'a\x00\x7f\u0080é\u00ff', [
    'latin1 a\x00\x7f\x80\xe9\xff',
    Buffer.from('a\x00\x7f\u0080é\u00ff').toString('latin1'),
  ]);
  assertSpelled(spellLatin, 'aéĀ', [Buffer.from('aéĀ').toString('latin1')]);
  assertSpelled(spellLatin, latin1('a\xe9'), ['aé']);
});

void test('text is spelled in UTF-16 and UTF-32, of which Node knows one and the number of each letter the others', () => {
  for (const text of ['plain', 'é\u07ff\u0800\ud7ff\uffff\u{10000}😀\u{10ffff}', '']) {
    const units = Buffer.from(text, 'utf16le');
    assert.deepEqual(utf16le(Buffer.from(text)), units);
    assert.deepEqual(utf16be(Buffer.from(text)), Buffer.from(units).swap16());
    const numbers = Uint32Array.from(Array.from(text, (letter) => letter.codePointAt(0)!));
    assert.deepEqual(utf32le(Buffer.from(text)), Buffer.from(numbers.buffer));
  }
});

void test('backwards go the bytes, and the letters where that is something else', () => {
  assertSpelled(spellReversed, 'abc', ['cba']);
  assert.equal(spellReversed(Buffer.from('abc')).length, 1);
  assertSpelled(spellReversed, 'aé😀', ['😀éa', 'latin1 \x80\x98\x9f\xf0\xa9\xc3a']);
  assertSpelled(spellReversed, latin1('ab\x80'), ['latin1 \x80ba']);
});

void test('capitals are small, small letters are capitals, and each is the other', () => {
  assertSpelled(spellCase, '@AZ[`az{ 0', ['@AZ[`AZ{ 0', '@az[`az{ 0', '@az[`AZ{ 0']);
  assertSpelled(spellCase, 'key-1', ['KEY-1']);
  assertSpelled(spellCase, 'KEY-1', ['key-1']);
  assertSpelled(spellCase, '123-456', []);
});

void test('a word has no other capitals unless it has 16 letters', () => {
  assertSpelled(spellCase, 'abcdefghijklmnO', []);
  assertSpelled(spellCase, 'abcdefghijklmnOP', ['ABCDEFGHIJKLMNOP', 'abcdefghijklmnop', 'ABCDEFGHIJKLMNop']);
  assertSpelled(spellCase, 'abcdefghijklmn1', ['ABCDEFGHIJKLMN1']);
});

void test('letters beyond ASCII have capitals too, and some become longer by it', () => {
  const all = 'aBéÉßΐİǅ漢😀';
  assertSpelled(spellCase, all, [
    'ABéÉßΐİǅ漢😀', // of ASCII alone, as tr does
    'abéÉßΐİǅ漢😀',
    'AbéÉßΐİǅ漢😀',
    all.toUpperCase(),
    all.toLowerCase(),
    `AbÉéSS${'ΐ'.toUpperCase()}${'İ'.toLowerCase()}ǆ漢😀`,
  ]);
  assertSpelled(spellCase, latin1('\xffaB'), ['latin1 \xffAB', 'latin1 \xffab', 'latin1 \xffAb']);
  const growing = 'ΐ'.repeat(5);
  assertSpelled(spellCase, growing, [growing, growing.toUpperCase()]);
});

void test('rot13 turns the alphabet by half', () => {
  assertSpelled(spellRot13, 'AMNZ[@amnz{`5é', ['NZAM[@nzam{`5é']);
  assertSpelled(spellRot13, '123', []);
  assert.deepEqual(spellRot13(spellRot13(Buffer.from('Key-9')).at(0)!), [Buffer.from('Key-9')]);
});
