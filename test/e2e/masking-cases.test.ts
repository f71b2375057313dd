// Some rows of the table in docs/masking.md, printed again below a person's run and an agent's run. What the document says of
// them has to be so.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Printed } from '../../scripts/cases/reading.ts';
import { Stage, type CaseKey, type Tool } from '../../scripts/cases/stage.ts';
import { NOT_MEASURED, blindIn, rowsOf, wayTitle } from '../../scripts/cases/table.ts';
import { missingFor } from '../../scripts/cases/way.ts';
import { GROUPS } from '../../scripts/cases/ways.ts';
import { ROOT } from '../house.ts';

/** What is promised, and of what is not hidden some of each kind. All with programs that CI has. */
const PICKED = new Set([
  'in a sentence',
  'env',
  'on standard error',
  'a byte a write',
  'a half on each stream',
  'with CRLF at the end of lines',
  'cat -n',
  'fold -w 20',
  'another colour for each letter',
  'bold by overstrike',
  'bash -x',
  'printf %q',
  "Python's repr",
  'C, hex',
  'JSON, ASCII',
  'JSON in JSON',
  'HTML',
  'quote of urllib',
  'base64',
  'base64 behind one byte',
  'base64, twice',
  'base64 of UTF-16LE',
  'od -An -tx1',
  'hex with colons',
  'a list of bytes',
  'reversed',
  'in capitals',
  'sha256sum',
  'the first half',
]);
const OURS = ['run', 'agent'] as const;

const picked = GROUPS.flatMap(({ ways }) => ways).filter(({ name }) => PICKED.has(name));
const ways = picked.filter((way) => missingFor(way).length === 0);
const outputs = new Map<Tool, ReadonlyMap<CaseKey, Printed>>();

before(async () => {
  await using stage = await Stage.open();
  for (const tool of ['nothing', ...OURS] as const) outputs.set(tool, await stage.print(tool, ways));
});
after(() => outputs.clear());

test('every picked way is in the table, and its secret can be read where nobody masks', () => {
  assert.equal(picked.length, PICKED.size);
  assert.ok(ways.length >= 25, `only ${ways.length} ways can be measured here`);
  assert.deepEqual(blindIn(ways, outputs), []);
});

for (const way of picked) {
  const missing = missingFor(way);
  const skip = missing.length > 0 ? `no ${missing.join(', ')}` : false;
  test(`what ${way.name} leaves of each secret is what docs/masking.md says`, { skip }, () => {
    const [row] = rowsOf([way], OURS, outputs);
    const documented = documentedRow(wayTitle(way));
    // Measured elsewhere, it may have been missing there.
    if (documented.includes(NOT_MEASURED)) return;
    assert.deepEqual(row, documented);
  });
}

/** The way and our two columns of its row. */
function documentedRow(title: string): string[] {
  const lines = readFileSync(join(ROOT, 'docs/masking.md'), 'utf8').split('\n');
  const rows = lines
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  const row = rows.find(([, way]) => way === title) ?? assert.fail(`${title} is not in docs/masking.md`);
  return row.slice(1, 2 + OURS.length);
}
