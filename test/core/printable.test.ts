import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { printable } from '../../src/core/printable.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

void test('printable ASCII stays as it is', () => {
  const text = ' !"#$%&\'()*+,-./09:;<=>?@AZ[]^_`az{|}~';
  assert.equal(printable(text), text);
});

void test('A01 A02 A03: escapes, right-to-left marks, look-alikes and lone surrogates are spelled out', () => {
  assert.equal(printable('\x1b[2K\r\n\t\x7f\x9b'), '\\u{1b}[2K\\u{d}\\u{a}\\u{9}\\u{7f}\\u{9b}');
  assert.equal(printable('\u202egpj.exe'), '\\u{202e}gpj.exe');
  assert.equal(printable('cаt 😀'), 'c\\u{430}t \\u{1f600}');
  assert.equal(printable('\ud83d \ude00'), '\\u{d83d} \\u{de00}');
  assert.equal(printable('\\u{41}'), '\\\\u{41}');
});

void test('nothing but printable ASCII comes out of any text', () => {
  fc.assert(fc.property(anyText, (text) => /^[\x20-\x7e]*$/.test(printable(text))));
});

function back(shown: string): string {
  return shown.replaceAll(/\\\\|\\u\{([0-9a-f]+)\}/g, (whole, digits: string | undefined) =>
    digits === undefined ? whole.slice(1) : String.fromCodePoint(Number.parseInt(digits, 16)),
  );
}

void test('the text can be had back from it, so two texts never look the same', () => {
  fc.assert(fc.property(anyText, (text) => back(printable(text)) === text));
});
