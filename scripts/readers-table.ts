// npm run readers: what real programs get from a mounted `.env` on each back end, as tables. With UPDATE_DOCS=1 they go
// into docs/mounts.md. Fails when a value arrives changed or after a no, when a program hangs, when one asks that must not,
// and when a canary is found where none may be.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { READERS } from './readers/cases.ts';
import { LOOKERS } from './readers/lookers.ts';
import { BACKENDS, Stage } from './readers/stage.ts';
import { sweep } from './readers/sweep.ts';
import * as tables from './readers/tables.ts';
import { versions } from './readers/versions.ts';
import { WATCHERS } from './readers/watchers.ts';

const START = '<!-- readers: start -->';
const END = '<!-- readers: end -->';
const DOCUMENT = fileURLToPath(new URL('../docs/mounts.md', import.meta.url));

/** Words pick readers and programs by a part of their command. */
const words = process.argv.slice(2);
const { text, faults } = await measured();
process.stdout.write(`${text}\n`);
for (const fault of faults) process.stderr.write(`fault: ${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
else if (process.env['UPDATE_DOCS'] === '1' && words.length === 0) update(text);

async function measured(): Promise<{ text: string; faults: string[] }> {
  await using stage = await Stage.open();
  for (const backend of BACKENDS) {
    const place = stage.place(backend);
    if (typeof place === 'string') progress(`${backend}: ${place}`);
  }
  const readers: tables.Row[] = [];
  for (const reader of READERS.filter(({ command }) => isPicked(command))) {
    progress(reader.command);
    readers.push(...(await tables.readerRows(stage, reader)));
  }
  const lookers: tables.Row[] = [];
  for (const looker of LOOKERS.filter(({ command }) => isPicked(command))) {
    progress(looker.command);
    lookers.push(await tables.lookerRow(stage, looker));
  }
  const watchers: tables.Row[] = [];
  for (const watcher of WATCHERS.filter(({ command }) => isPicked(command))) {
    progress(watcher.command);
    watchers.push(await tables.watcherRow(stage, watcher));
  }
  const values = await tables.valuesTable(stage);
  progress(`swept ${await sweep(stage)} files`);
  const parts = [
    values,
    tables.tableOf(tables.READERS_HEAD, readers),
    tables.tableOf(tables.LOOKERS_HEAD, lookers),
    tables.tableOf(tables.WATCHERS_HEAD, watchers),
    `Measured with ${versions().join(', ')}.`,
  ];
  return { text: parts.join('\n\n'), faults: [...readers, ...lookers, ...watchers].flatMap(({ faults }) => faults) };
}

function isPicked(command: string): boolean {
  return words.length === 0 || words.some((word) => command.includes(word));
}

function update(text: string): void {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [start, end] = [document.indexOf(START), document.indexOf(END)];
  if (start < 0 || end < start) throw new Error('docs/mounts.md has no place for the tables');
  writeFileSync(DOCUMENT, `${document.slice(0, start)}${START}\n\n${text}\n\n${document.slice(end)}`);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
