// The tables in docs/cli.md and docs/errors.md are those of the code. To write them anew:
// UPDATE_DOCS=1 node --test test/doors/cli-docs.test.ts

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAILURES } from '../../src/core/failure.ts';
import { allCommands } from '../../src/doors/cli/commands.ts';
import { commandTable, markdownTable } from '../../src/doors/cli/help.ts';

const COMMANDS = await allCommands();

const START = '<!-- table: start -->';
const END = '<!-- table: end -->';

function checkTable(name: string, table: string): void {
  const file = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  const text = readFileSync(file, 'utf8');
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  assert.ok(start >= 0 && end > start, `${name} has no place for its table`);
  const wanted = `${text.slice(0, start)}${START}\n\n${table}\n\n${text.slice(end)}`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted);
  else assert.equal(text, wanted, `run UPDATE_DOCS=1 node --test test/doors/cli-docs.test.ts`);
}

void test('docs/cli.md lists every command there is', () => {
  checkTable('cli.md', commandTable(COMMANDS));
});

void test('docs/errors.md lists every code there is, with its exit code and next step', () => {
  const rows = Object.entries(FAILURES).map(([code, [exitCode, hint]]) => [`\`${code}\``, String(exitCode), hint]);
  assert.ok(rows.length > 40);
  checkTable('errors.md', markdownTable([['code', 'exit', 'next step, where there is no better one'], ...rows]));
});
