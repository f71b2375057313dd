// A value is written in many ways on the way to its spellings; of what is no spelling nothing is left in memory.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ENCODINGS } from '../../../src/core/forms/encodings.ts';
import { spellBy, tableFrom } from '../../../src/core/forms/spelling.ts';

const WAYS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;

/** Runs `make`, and gives the memory that was asked for meanwhile and is no part of what it made. */
function othersOf(make: () => Buffer[]): Buffer[] {
  const asked: Buffer<ArrayBuffer>[] = [];
  const originals = WAYS.map((way) => [way, Buffer[way]] as const);
  const alloc = Buffer.alloc.bind(Buffer);
  try {
    // Each in memory of its own, with nothing from before in it.
    for (const way of WAYS) {
      Buffer[way] = (length: number, fill?: string | number) => {
        asked.push(alloc(length, fill));
        return asked.at(-1)!;
      };
    }
    const kept = new Set(make().map(({ buffer }) => buffer));
    return asked.filter(({ buffer }) => !kept.has(buffer));
  } finally {
    for (const [way, original] of originals) Object.assign(Buffer, { [way]: original });
  }
}

/** What needs an escape, letters of Latin-1, and in the second also others. */
const TEXTS = [
  `p@ss'w"rd\\$1 z&</é?>\x07%\nthe second line of it\n`,
  `p@ss'w"rd\\$1 z&</é?ĀŁ>\x07%\nthe second line of it\n`,
];

void test('of a value nothing is left in memory but its spellings', () => {
  let count = 0;
  const problems: string[] = [];
  for (const text of TEXTS) {
    for (const [k, { form, spell }] of ENCODINGS.entries()) {
      // Longer each time, so that the room for it is asked for anew.
      const value = Buffer.from(text.padEnd(350 + 2 * k + (text === TEXTS[1] ? 80 : 0), 'x7y'));
      for (const bytes of othersOf(() => spell(value))) {
        // In front of a spelling in base64 may be letters that the value shares with what was thought to be before it.
        const rest = bytes.filter((byte) => byte !== 0);
        if (rest.length > 3) problems.push(`${form}: ${JSON.stringify(Buffer.from(rest).toString('latin1'))}`);
        count += 1;
      }
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(count > ENCODINGS.length);
});

void test('the room in which spellings are written is wiped, and it is larger for a longer value', () => {
  const value = Buffer.alloc(10_000, 'k');
  const others = othersOf(() => spellBy(value, [{ bytes: tableFrom({ k: 'K' }) }]));
  assert.equal(others.length, 1);
  assert.ok(others[0]!.length >= 10_000 && others[0]!.every((byte) => byte === 0));
});
