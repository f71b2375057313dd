// What a terminal is shown before it is decided (Redactor.early): never more than the first bytes of a secret.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

const MOST = 2;
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 8, maxLength: 12 });

void test('with pauses anywhere, text without a secret is unchanged, and of a secret no more is seen than its start', () => {
  fc.assert(
    fc.property(word, fc.array(fc.tuple(word, fc.boolean(), fc.boolean()), { maxLength: 6 }), (secret, parts) => {
      const redactor = new Redactor(NeedleSet.compile([{ name: 'S', value: Buffer.from(secret) }]));
      const text = parts.map(([between, isSecret]) => between + (isSecret ? secret : '')).join('');
      const whole = new Redactor(NeedleSet.compile([{ name: 'S', value: Buffer.from(secret) }]));
      const expected = Buffer.concat([Buffer.from(whole.push(Buffer.from(text))), whole.end()]).toString();
      const given: Buffer[] = [];
      for (const [i, byte] of Buffer.from(text).entries()) {
        given.push(Buffer.from(redactor.push(Buffer.from([byte]))));
        if (parts[i % parts.length]?.[2] === true) given.push(redactor.early(MOST));
      }
      const output = Buffer.concat([...given, redactor.end()]).toString();
      assert.ok(!output.includes(secret));
      // Take away what was shown of a secret that came after all: the rest is what it is without pauses.
      const pattern = expected
        .split('[REDACTED:S]')
        .map((plain) => plain.replaceAll(/[[\]]/g, String.raw`\$&`))
        .join(String.raw`\w{0,2}\[REDACTED:S\]`);
      assert.match(output, new RegExp(`^${pattern}$`));
    }),
    { numRuns: 500 },
  );
});
