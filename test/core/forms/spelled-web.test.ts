// What entities, doubled quotes and percent signs make of a value, to the byte. Worked out from HTML, XML, RFC 3986 and the
// WHATWG's URL standard, and each written once by Python, Go or Node.

import assert from 'node:assert/strict';
import test from 'node:test';

import { spellDoubled, spellEntities, spellPercent } from '../../../src/core/forms/web-escapes.ts';
import { assertSpelled, latin1, textsOf } from './spelled.ts';

void test('entities stand for what is special in HTML, and for quotes as each program likes', () => {
  assertSpelled(spellEntities, `a&b<c>d"e'f`, [
    `a&amp;b&lt;c&gt;d&quot;e&#x27;f`, // html.escape of Python
    `a&amp;b&lt;c&gt;d&quot;e&#39;f`, // htmlspecialchars of PHP
    `a&amp;b&lt;c&gt;d&#34;e&#39;f`, // html.EscapeString of Go
    `a&amp;b&lt;c&gt;d&quot;e&#039;f`,
    `a&amp;b&lt;c&gt;d&quot;e&apos;f`,
    `a&amp;b&lt;c&gt;d&quot;e'f`,
    `a&amp;b&lt;c&gt;d"e'f`,
    '&#97;&#38;&#98;&#60;&#99;&#62;&#100;&#34;&#101;&#39;&#102;',
    '&#x61;&#x26;&#x62;&#x3c;&#x63;&#x3e;&#x64;&#x22;&#x65;&#x27;&#x66;',
    '&#x61;&#x26;&#x62;&#x3C;&#x63;&#x3E;&#x64;&#x22;&#x65;&#x27;&#x66;',
  ]);
});

void test('in attributes of XML the ends of lines and tabs are entities too', () => {
  assertSpelled(spellEntities, '"\t\n\r', [
    '&quot;\t\n\r',
    '&#34;\t\n\r',
    '"&#9;&#10;&#13;',
    '&quot;&#9;&#10;&#13;',
    '&#34;&#9;&#10;&#13;',
    '&#x22;&#x9;&#xa;&#xd;',
    '&#x22;&#x9;&#xA;&#xD;',
  ]);
});

void test('letters beyond ASCII are entities by name, where they have one in Latin-1, or by number', () => {
  const [decimal, lower, upper] = ['&#38;', '&#x26;', '&#x26;'];
  assertSpelled(spellEntities, '&\u009f\u00a0éÿĀ😀\u{10ffff}', [
    '&amp;\u009f\u00a0éÿĀ😀\u{10ffff}',
    '&amp;\u009f&nbsp;&eacute;&yuml;Ā😀\u{10ffff}',
    '&amp;&#159;&#160;&#233;&#255;&#256;&#128512;&#1114111;',
    '&&#159;&#160;&#233;&#255;&#256;&#128512;&#1114111;', // xmlcharrefreplace of Python
    `${decimal}&#159;&#160;&#233;&#255;&#256;&#128512;&#1114111;`,
    `${lower}&#x9f;&#xa0;&#xe9;&#xff;&#x100;&#x1f600;&#x10ffff;`,
    `${upper}&#x9F;&#xA0;&#xE9;&#xFF;&#x100;&#x1F600;&#x10FFFF;`,
  ]);
});

void test('who names letters leaves single quotes or writes them as &#039;', () => {
  const texts = textsOf(spellEntities(Buffer.from(`"'é`)));
  assert.deepEqual(
    texts.filter((text) => text.includes('&eacute;')),
    [`"'&eacute;`, '&quot;&#039;&eacute;', `&quot;'&eacute;`],
  );
  const named = textsOf(spellEntities(Buffer.from('¡Àß÷þ')));
  assert.ok(named.includes('&iexcl;&Agrave;&szlig;&divide;&thorn;'));
});

void test('quotes are doubled as in SQL, as in CSV, and both', () => {
  assertSpelled(spellDoubled, `it's "so" ''`, [`it''s "so" ''''`, `it's ""so"" ''`, `it''s ""so"" ''''`]);
  assert.deepEqual(spellDoubled(Buffer.from('plain')), []);
});

const MARKED = `a9Z-_.~/!*'();?:@&=+$,#%"<|ü \n`;

/** What each encoder writes for it; those with a sign in front are written once more into addresses. */
const PERCENT: ReadonlyArray<readonly [encoder: string, text: string, isAgain: boolean]> = [
  [`quote(safe='')`, 'a9Z-_.~%2F%21%2A%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC%20%0A', true],
  ['quote', 'a9Z-_.~/%21%2A%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC%20%0A', true],
  ['encodeURIComponent', `a9Z-_.~%2F!*'()%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC%20%0A`, true],
  ['encodeURI', `a9Z-_.~/!*'();?:@&=+$,#%25%22%3C%7C%C3%BC%20%0A`, false],
  ['url.PathEscape', 'a9Z-_.~%2F%21%2A%27%28%29%3B%3F:@&=+$%2C%23%25%22%3C%7C%C3%BC%20%0A', false],
  [
    'rawurlencode before 5.3',
    'a9Z-_.%7E%2F%21%2A%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC%20%0A',
    false,
  ],
  ['jq before 1.7', 'a9Z%2D%5F%2E%7E%2F%21%2A%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC%20%0A', false],
  ['quote_plus', 'a9Z-_.~%2F%21%2A%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC+%0A', true],
  ['URLSearchParams', 'a9Z-_.%7E%2F%21*%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC+%0A', true],
  ['urlencode', 'a9Z-_.%7E%2F%21%2A%27%28%29%3B%3F%3A%40%26%3D%2B%24%2C%23%25%22%3C%7C%C3%BC+%0A', false],
];

const inSmallLetters = (text: string): string => text.replaceAll(/%../g, (digits) => digits.toLowerCase());

void test('every encoder of addresses has its own idea of what to leave alone, and some are met twice', () => {
  const every = [...Buffer.from(MARKED)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  assertSpelled(spellPercent, MARKED, [
    ...PERCENT.flatMap(([, text]) => [text, inSmallLetters(text)]),
    ...PERCENT.filter(([, , isAgain]) => isAgain).map(([, text]) => text.replaceAll('%', '%25').replaceAll('+', '%2B')),
    every,
    every.replaceAll(/%../g, (digits) => digits.toUpperCase()),
  ]);
  const texts = new Map(PERCENT.map(([encoder, text]) => [encoder, text]));
  assert.equal(encodeURIComponent(MARKED), texts.get('encodeURIComponent'));
  assert.equal(encodeURI(MARKED), texts.get('encodeURI'));
  assert.equal(new URLSearchParams({ '': MARKED }).toString(), `=${texts.get('URLSearchParams')}`);
});

void test('of letters and digits alone only every byte is written with percent, and bytes of no text like others', () => {
  assertSpelled(spellPercent, 'aZ9', ['%61%5A%39', '%61%5a%39']);
  assertSpelled(spellPercent, latin1('~\x00\x1f\x7f\x80\xff'), [
    '~%00%1F%7F%80%FF',
    '~%00%1f%7f%80%ff',
    '~%2500%251F%257F%2580%25FF',
    '%7E%00%1F%7F%80%FF',
    '%7e%00%1f%7f%80%ff',
    '%257E%2500%251F%257F%2580%25FF',
  ]);
});
