// Which marker takes the place of a secret, when others would bring one into the output.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NeedleSet } from '../../../src/core/redactor/redactor.ts';

function markerBeside(values: readonly string[], names: readonly string[] = ['K']): string {
  const sources = values.map((value, k) => ({ name: `S${k}`, value: Buffer.from(value) }));
  return NeedleSet.compile(sources).markerFor(names).toString();
}

/** Each value takes away the marker before it, and leaves the next. */
const LADDER: ReadonlyArray<readonly [marker: string, ruledOutBy: string]> = [
  ['[REDACTED:K]', 'aa[REDACTED:K]bbb'],
  ['<REDACTED:K>', 'aa<REDACTED:K>bbb'],
  ['{REDACTED:K}', 'aa{REDACTED:K}bbb'],
  ['(REDACTED:K)', 'aa(REDACTED:K)bbb'],
  ['***', 'aaaa***bbb'],
  ['###', 'aaaa###bbb'],
  ['...', 'aaaa...bbb'],
  ['___', 'aaaa___bbb'],
  ['\u2588\u2588\u2588', 'aa\u2588\u2588\u2588bbb'],
  ['!!!', 'aaaa!!!bbb'],
  ['"""', 'aaaa"""bbb'],
];

for (const [k, [marker]] of LADDER.entries()) {
  test(`beside ${k} values that rule out the others, the marker is ${marker}`, () => {
    assert.equal(markerBeside(LADDER.slice(0, k).map(([, value]) => value)), marker);
  });
}

test('four names are in a marker, and of more the others are counted', () => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  assert.equal(markerBeside(['canary-7Qm2x9'], names.slice(0, 4)), '[REDACTED:A,B,C,D]');
  assert.equal(markerBeside(['canary-7Qm2x9'], names), '[REDACTED:A,B,C,D,+2]');
});

test('where every byte begins a secret, the marker is three stars in brackets', () => {
  const sources = Array.from({ length: 256 }, (_, byte) => {
    return {
      name: `S${byte}`,
      value: Buffer.concat([Buffer.alloc(1, byte), Buffer.from('-canary'), Buffer.alloc(1, byte)]),
    };
  });
  assert.equal(NeedleSet.compile(sources).markerFor(['K']).toString(), '[***]');
});
