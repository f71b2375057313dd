import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutTraces } from '../../src/core/traceless.ts';

void test('what is thrown inside has no trace, and everything after it has one', () => {
  const limit = Error.stackTraceLimit;
  assert.equal(
    withoutTraces(() => new Error('inside').stack),
    'Error: inside',
  );
  assert.throws(() =>
    withoutTraces(() => {
      throw new Error('inside');
    }),
  );
  assert.equal(Error.stackTraceLimit, limit);
  assert.match(new Error('outside').stack ?? '', /traceless\.test/);
});
