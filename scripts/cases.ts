// npm run cases: ways to print a secret, and what masking makes of each, beside varlock and dotenvx. With UPDATE_DOCS=1 the
// tables go into docs/masking.md. Fails when a case cannot be read where nobody masks, or a tool hands over other values.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { missingFor } from './cases/way.ts';
import { Stage, TOOLS, type Tool } from './cases/stage.ts';
import { betterElsewhere, blindIn, documentOf, type Outputs } from './cases/table.ts';
import { GROUPS } from './cases/ways.ts';

const START = '<!-- cases: start -->';
const END = '<!-- cases: end -->';
const DOCUMENT = fileURLToPath(new URL('../docs/masking.md', import.meta.url));

/** Words pick ways by a part of their name. */
const words = process.argv.slice(2);
const groups = GROUPS.map(({ title, ways }) => ({ title, ways: ways.filter(({ name }) => isPicked(name)) }));
const ways = groups.flatMap(({ ways }) => ways);

const outputs = await printed();
const text = documentOf(
  groups.filter(({ ways }) => ways.length > 0),
  outputs,
);
process.stdout.write(`${text}\n`);
const faults = blindIn(ways, outputs);
for (const line of betterElsewhere(ways, outputs)) process.stderr.write(`better elsewhere: ${line}\n`);
for (const fault of faults) process.stderr.write(`fault: ${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
else if (process.env['UPDATE_DOCS'] === '1' && words.length === 0) update(text);

async function printed(): Promise<Outputs> {
  await using stage = await Stage.open();
  const all = new Map<Tool, Awaited<ReturnType<Stage['print']>>>();
  const measured = ways.filter((way) => missingFor(way).length === 0);
  for (const tool of TOOLS) {
    const startedAt = performance.now();
    all.set(tool, await stage.print(tool, measured));
    process.stderr.write(`${tool}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`);
  }
  return all;
}

function isPicked(name: string): boolean {
  return words.length === 0 || words.some((word) => name.includes(word));
}

function update(text: string): void {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [start, end] = [document.indexOf(START), document.indexOf(END)];
  if (start < 0 || end < start) throw new Error('docs/masking.md has no place for the tables');
  writeFileSync(DOCUMENT, `${document.slice(0, start)}${START}\n\n${text}\n\n${document.slice(end)}`);
}
