// The tables themselves: what is measured goes in as rows and comes out as Markdown, as docs/mounts.md has it.

import { markdownTable } from '../../src/doors/cli/help.ts';
import type { LookerCase } from './lookers.ts';
import { measureLooker, measureNo, measureYes, whyAbsent, type Cell } from './measure.ts';
import type { ReaderCase } from './cases.ts';
import { BACKENDS, type Place, type Stage } from './stage.ts';
import type { WatcherCase } from './watchers.ts';

/** What stands where nothing could be asked: never a guess. */
export const NOT_MEASURED = 'not measured here';

export interface Row {
  /** What the row is about, then what was measured on each back end. */
  readonly cells: readonly string[];
  readonly faults: readonly string[];
}

export const READERS_HEAD = ['reader', 'command', 'answer', ...BACKENDS];
export const LOOKERS_HEAD = ['program', ...BACKENDS];
export const WATCHERS_HEAD = ['watcher, while the file is read', ...BACKENDS];

/** Two rows: after a yes, and after a no. */
export async function readerRows(stage: Stage, reader: ReaderCase): Promise<Row[]> {
  const head = [reader.reader, code(reader.command)];
  const why = whyAbsent(reader);
  return [
    await row([...head, 'yes'], stage, why, async (place) => await measureYes(stage, place, reader)),
    await row(['', '', 'no'], stage, why, async (place) => await measureNo(stage, place, reader)),
  ];
}

export async function lookerRow(stage: Stage, looker: LookerCase): Promise<Row> {
  const why = whyAbsent({ needs: looker.argv.slice(0, 1) });
  return await row([code(looker.command)], stage, why, async (place) => await measureLooker(stage, place, looker));
}

export async function watcherRow(stage: Stage, watcher: WatcherCase): Promise<Row> {
  return await row([code(watcher.command)], stage, null, async (place) => await watcher.measure(stage, place));
}

export function tableOf(head: readonly string[], rows: readonly Row[]): string {
  return markdownTable([head, ...rows.map(({ cells }) => cells.map((cell) => cell.replaceAll('|', String.raw`\|`)))]);
}

/** Which kinds of values there are, and whether a file holds them. */
export async function valuesTable(stage: Stage): Promise<string> {
  const leftOut = await stage.leftOut();
  const rows = stage.values.map(({ name, what }) => [code(name), what, leftOut.includes(name) ? 'left out' : 'yes']);
  return markdownTable([['variable', 'its value has', 'in the file'], ...rows]);
}

async function row(
  head: readonly string[],
  stage: Stage,
  why: string | null,
  measure: (place: Place) => Promise<Cell>,
): Promise<Row> {
  const cells: Cell[] = [];
  for (const backend of BACKENDS) {
    const place = stage.place(backend);
    if (why !== null || typeof place === 'string') cells.push({ text: NOT_MEASURED, faults: [] });
    else cells.push(await measure(place));
  }
  const faults = cells.flatMap(({ faults }, i) =>
    faults.map((fault) => `${head.join(' ')} on ${BACKENDS[i]}: ${fault}`),
  );
  return { cells: [...head, ...cells.map(({ text }) => text)], faults };
}

function code(text: string): string {
  return `\`${text}\``;
}
