// Titles and labels of others become names of ours, whatever is in them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NAME_LENGTH_MAX, parseTitle } from '../../src/core/names.ts';
import { cleanName } from '../../src/exchange/clean-name.ts';

const CLEANED: Readonly<Record<string, readonly [text: string, name: string]>> = {
  'a name as it is': ['GitHub (work) – 日本', 'GitHub (work) – 日本'],
  'line breaks and tabs as a space': ['two\r\n\tlines', 'two lines'],
  'nothing for marks of direction and joiners': ['ab\u202ecd\u200d\ufeff', 'abcd'],
  'a mark for controls': ['a\u001b[2Jb', 'a\ufffd[2Jb'],
  'a mark for half a character': ['a\ud800b', 'a\ufffdb'],
  'no space at the ends': ['  x \u00a0', 'x'],
  'something for nothing': ['\u200b\n ', 'otherwise'],
};

for (const [name, [text, clean]] of Object.entries(CLEANED)) {
  test(`a name cleaned has ${name}`, () => {
    assert.equal(cleanName(text, 'otherwise'), clean);
  });
}

test('every text becomes a name that is taken, and a name stays as it is', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 300 }));
  fc.assert(
    fc.property(text, (raw) => {
      const name = cleanName(raw, 'otherwise');
      assert.equal(parseTitle(name), name);
      assert.equal(cleanName(name, 'otherwise'), name);
    }),
    { numRuns: 2_000 },
  );
});

test('a long name is cut, and no character in half', () => {
  const name = cleanName('👩'.repeat(200), 'otherwise');
  assert.ok(name.length <= NAME_LENGTH_MAX && name.endsWith('…') && name.isWellFormed());
});
