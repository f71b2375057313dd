import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_SIGNS, suspicionsOf, suspicionText } from '../../src/core/suspicion.ts';

test('three parts are suspicious, two are what a cut line leaves; what is spread out or encoded twice is at once', () => {
  assert.deepEqual(suspicionsOf({ ...NO_SIGNS, fragments: 2 }), []);
  assert.deepEqual(suspicionsOf({ ...NO_SIGNS, fragments: 3 }), ['fragments']);
  assert.deepEqual(suspicionsOf({ fragments: 2, scattered: 1, decoded: 1 }), ['scattered', 'decoded']);
  assert.equal(
    suspicionText({ fragments: 4, scattered: 0, decoded: 1 }),
    '4 parts of secrets, 1 secrets encoded more than once',
  );
});

test('more of anything never makes a run less suspicious', () => {
  const signs = fc.record({ fragments: fc.nat(9), scattered: fc.nat(9), decoded: fc.nat(9) });
  fc.assert(
    fc.property(signs, signs, (some, more) => {
      const all = suspicionsOf({
        fragments: some.fragments + more.fragments,
        scattered: some.scattered + more.scattered,
        decoded: some.decoded + more.decoded,
      });
      assert.deepEqual(
        suspicionsOf(some).filter((kind) => !all.includes(kind)),
        [],
      );
    }),
  );
});
