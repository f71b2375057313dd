// Real programs and a mounted `.env`, on every back end: some rows of the table in docs/mounts.md, measured again. What the
// document says of them has to be so.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { READERS } from '../../scripts/readers/cases.ts';
import { LOOKERS } from '../../scripts/readers/lookers.ts';
import { whyAbsent } from '../../scripts/readers/measure.ts';
import { BACKENDS, Stage } from '../../scripts/readers/stage.ts';
import { sweep } from '../../scripts/readers/sweep.ts';
import { NOT_MEASURED, lookerRow, readerRows, watcherRow, type Row } from '../../scripts/readers/tables.ts';
import { WATCHERS } from '../../scripts/readers/watchers.ts';
import { ROOT } from '../house.ts';

/** Every program that CI has; what else there is, `npm run readers` asks. */
const PICKED_READERS = new Set(['npm dotenv', 'node --env-file', 'python-dotenv', 'bash']);
const PICKED_LOOKERS = new Set(['grep -r canary .', 'git status --porcelain', 'git add -f .env']);

let stage: Stage;
before(async () => {
  stage = await Stage.open();
});
after(async () => {
  await stage[Symbol.asyncDispose]();
});

test('a file can be mounted on every back end, or the system says why not', (t) => {
  const places = BACKENDS.map((backend) => stage.place(backend));
  for (const place of places) if (typeof place === 'string') t.diagnostic(place);
  assert.ok(places.some((place) => typeof place !== 'string'));
});

for (const reader of READERS.filter(({ reader }) => PICKED_READERS.has(reader))) {
  const skip = whyAbsent(reader) ?? false;
  test(`${reader.reader} gets every value byte for byte after a yes, and none after a no`, { skip }, async () => {
    assertAsDocumented(await readerRows(stage, reader));
  });
}

for (const looker of LOOKERS.filter(({ command }) => PICKED_LOOKERS.has(command))) {
  test(`${looker.command} asks nobody, and takes no value along`, async () => {
    assertAsDocumented([await lookerRow(stage, looker)]);
  });
}

test('a watcher that goes by the time of a change sees none when the file is read', async (t) => {
  const chokidar = WATCHERS.find(({ command }) => command.startsWith('chokidar')) ?? assert.fail('no chokidar');
  const { cells, faults } = await watcherRow(stage, chokidar);
  assert.deepEqual(faults, []);
  for (const [i, backend] of BACKENDS.entries()) {
    // The fifo back end makes its next pipe beside the path: that name is seen to come and go.
    if (cells[i + 1] === NOT_MEASURED || backend === 'fifo') t.diagnostic(`${backend}: ${cells[i + 1]}`);
    else assert.equal(cells[i + 1], '0 events for 3 readings', backend);
  }
});

test('what a file cannot hold is named by keystile mounts, and is not in it', async () => {
  const leftOut = await stage.leftOut();
  assert.deepEqual(leftOut.toSorted(), ['BACKSLASH_END', 'BOTH_QUOTES', 'BRACE', 'QUOTE_DOLLAR', 'RETURN']);
});

test('no value is left in the home, in the log, in a project or in git afterwards', async () => {
  assert.ok((await sweep(stage)) > 50);
});

/** Without a fault, and cell by cell what docs/mounts.md has; a back end that is not here is passed over. */
function assertAsDocumented(rows: readonly Row[]): void {
  assert.deepEqual(
    rows.flatMap(({ faults }) => faults),
    [],
  );
  const documented = documentedRows();
  const first = documented.findIndex((cells) => cells[0] === rows[0]?.cells[0]);
  assert.notEqual(first, -1, `docs/mounts.md has no row ${rows[0]?.cells[0]}`);
  let measured = 0;
  for (const [i, { cells }] of rows.entries()) {
    for (const [k, cell] of cells.entries()) {
      if (cell === NOT_MEASURED) continue;
      assert.equal(cell, documented[first + i]?.[k], 'run npm run readers with UPDATE_DOCS=1');
      if (k >= cells.length - BACKENDS.length) measured += 1;
    }
  }
  assert.ok(measured > 0, 'nothing was measured');
}

function documentedRows(): string[][] {
  const lines = readFileSync(join(ROOT, 'docs/mounts.md'), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll(String.raw`\|`, '|')));
}
