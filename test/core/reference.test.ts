// The language of secret references, held against 1Password's own parser: the WASM of @1password/sdk-core, offline.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { invoke_sync as invokeOracle } from '@1password/sdk-core';
import fc from 'fast-check';

import { Failure } from '../../src/core/failure.ts';
import { REFERENCE_LENGTH_MAX, formatReference, parseReference } from '../../src/core/reference.ts';
import { canary } from '../house.ts';

/** Cases of the comparison, which takes a second or two. */
const RUNS = 20_000;

function isTakenByOracle(text: string): boolean {
  // Half a surrogate pair is not in its language of messages.
  const parameters = { name: 'ValidateSecretReference', parameters: { secret_reference: text.toWellFormed() } };
  try {
    invokeOracle(JSON.stringify({ invocation: { parameters } }));
    return true;
  } catch (thrown) {
    // Anything else than an answer about the reference would make this test say nothing.
    assert.match(String(thrown instanceof Error ? thrown.message : thrown), /ParsingSecretReference/);
    return false;
  }
}

function isTaken(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (thrown) {
    assert.ok(thrown instanceof Failure && thrown.code === 'input/reference_invalid', String(thrown));
    return false;
  }
}

/** Where the two differ, and on purpose: docs/references.md says why. Each row has what it is about and an example. */
const DIFFERENCES: Readonly<Record<string, { ours: boolean; holds: (text: string) => boolean; example: string }>> = {
  'an empty part is refused here': {
    ours: false,
    holds: (text) => /^op:\/\/[^?]*\/(?:\/|\?|$)|^op:\/\/\//.test(text),
    example: 'op://a//c',
  },
  'keystile:// is a synonym here': {
    ours: true,
    holds: (text) => text.startsWith('keystile://'),
    example: 'keystile://a/b/c',
  },
  'a very long one is refused here': {
    ours: false,
    holds: (text) => text.length > REFERENCE_LENGTH_MAX,
    example: `op://a/b/${'c'.repeat(REFERENCE_LENGTH_MAX)}`,
  },
};

/** Whether both say the same, or one of the rows says why not. */
function assertAlike(text: string): void {
  const [ours, theirs] = [isTaken(text), isTakenByOracle(text)];
  if (ours === theirs) return;
  const rows = Object.values(DIFFERENCES).filter((row) => row.ours === ours && row.holds(text));
  assert.ok(rows.length > 0, `${JSON.stringify(text)}: here ${ours}, there ${theirs}`);
}

const letters = fc.string({ unit: fc.constantFrom(...'abzABZ019_.- '), minLength: 1, maxLength: 8 });

const valid = fc.record(
  {
    vault: letters,
    item: letters,
    section: fc.option(letters),
    field: letters,
    form: fc.constantFrom('value' as const, 'otp' as const, 'openssh' as const),
  },
  { noNullPrototype: true },
);

/** What people, templates and attackers put where it does not belong. */
const ODD: readonly string[] = [
  ...'/ // ? & = %20 %2F # : @ + ~ * ! , ; \' " ` \\ $A { } ( ) [ ä ａ 😀 a\u0301 ． ／ ？ .. - _'.split(' '),
  ...'OP:// op:// op:/ keystile:// ?attribute=otp ?attribute=totp ?ssh-format=openssh ?attribute=OTP'.split(' '),
  ...'?Attribute=otp ?attribute= ?attribute ?ssh-format=pem ?x=y &attribute=otp &ssh-format=openssh'.split(' '),
  ...'type value title id purpose content size name'.split(' ').map((name) => `?attribute=${name}`),
  ...Array.from('\0\t\n\r\u007f\u0085\u00a0\u2028\ufeff\u200b\ud800 '),
];

const mutation = fc.record({
  at: fc.nat(80),
  remove: fc.nat(3),
  insert: fc.oneof(fc.constantFrom(...ODD), fc.string({ unit: 'binary', maxLength: 2 })),
  changesCase: fc.boolean(),
});

const nearMiss = fc.tuple(valid, fc.array(mutation, { maxLength: 3 })).map(([reference, mutations]) => {
  let text = formatReference(reference);
  for (const { at, remove, insert, changesCase } of mutations) {
    const place = at % (text.length + 1);
    const removed = text.slice(place, place + remove);
    const put = changesCase ? removed.toUpperCase() + insert : insert;
    text = text.slice(0, place) + put + text.slice(place + remove);
  }
  return text;
});

test('what the parser of 1Password takes is taken, and what it refuses is refused, but for what is written down', () => {
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(nearMiss, (text) => {
      assertAlike(text);
      seen[isTaken(text) ? 'taken' : 'refused'] += 1;
    }),
    { numRuns: RUNS },
  );
  assert.ok(Math.min(seen.taken, seen.refused) > RUNS / 4, `looked at too little of one kind: ${JSON.stringify(seen)}`);
});

test('every written difference is one', () => {
  for (const [name, { ours, example }] of Object.entries(DIFFERENCES)) {
    assert.deepEqual([isTaken(example), isTakenByOracle(example)], [ours, !ours], name);
  }
});

test('every odd text in every place of a reference is decided as 1Password decides it', () => {
  for (const odd of ODD) {
    for (const base of ['op://ab/cd/ef', 'op://ab/cd/ef/gh', 'op://ab/cd/ef?attribute=otp']) {
      for (let at = 0; at <= base.length; at += 1) assertAlike(base.slice(0, at) + odd + base.slice(at));
    }
  }
});

test('a reference has names or ids, perhaps a section, and a form', () => {
  const base = { vault: 'a b', item: 'c.d', section: null, field: 'e-f_g' };
  assert.deepEqual(parseReference('op://a b/c.d/e-f_g'), { ...base, form: 'value' });
  assert.deepEqual(parseReference('keystile://a b/c.d/e-f_g?attribute=totp'), { ...base, form: 'otp' });
  assert.deepEqual(parseReference('op://a b/c.d/S 1/e-f_g?ssh-format=openssh'), {
    ...base,
    section: 'S 1',
    form: 'openssh',
  });
});

test('a reference is written as it is read, in one spelling', () => {
  fc.assert(
    fc.property(valid, (reference) => {
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      assert.ok(isTakenByOracle(formatReference(reference)));
    }),
  );
  assert.equal(formatReference(parseReference('keystile://a/b/c?attribute=totp')), 'op://a/b/c?attribute=otp');
});

test('a name that no reference can hold is not written into one', () => {
  const base = { vault: 'a', item: 'b', section: null, field: 'c', form: 'value' } as const;
  for (const odd of ['', 'a/b', 'a?b', 'ä', 'a\nb', 'x'.repeat(REFERENCE_LENGTH_MAX)]) {
    for (const member of ['vault', 'item', 'section', 'field']) {
      assert.throws(() => formatReference({ ...base, [member]: odd }), { code: 'input/reference_invalid' });
    }
  }
});

test('what is wrong with a reference is said without repeating it', () => {
  const secret = `${canary()}!`;
  const texts = [secret, `op://${secret}/b/c`, `op://a/b/c?${secret}`, `op://a/b/${secret}/d/e`, `op://a//${secret}`];
  for (const text of texts) {
    assert.throws(
      () => parseReference(text, 'references.A'),
      (thrown) => {
        assert.ok(
          thrown instanceof Failure && thrown.code === 'input/reference_invalid' && thrown.field === 'references.A',
        );
        assert.ok(!JSON.stringify(thrown.toDocument()).includes(secret));
        return true;
      },
    );
  }
});

test('an attribute that op has and that is not a value is refused with what to do instead', () => {
  assert.throws(() => parseReference('op://a/b/c?attribute=type'), { hint: /leave the attribute out/ });
  assert.throws(() => parseReference('op://a/b/c?attribute=x'), { hint: /attribute=otp/ });
});
