// The rows a prompt is made of: a label of ours and a text in which everything foreign is already escaped. Nothing is cut;
// every line starts with a head from a closed list, which no text of an agent can imitate.

import { printable } from './printable.ts';
import type { DirectoryFacts, FileFacts, ProcessFacts, VariableFacts } from './request.ts';

/** Columns of a head: two spaces, a label, a space. What follows is the text. */
export const HEAD_COLUMNS = 16;
/** So many spaces in a row can push the rest of a line out of sight, and are said in words. */
const SPACES_SAID_MIN = 4;
export const CONTINUATION = `${' '.repeat(HEAD_COLUMNS - 2)}> `;

export type Row = readonly [label: string, text: string];

/** A row, and before it a note on what the eye would pass over in its text. */
export function spoken(label: string, text: string, spell: (text: string) => string = quoted): Row[] {
  const found = [...(text.match(SPACE_RUNS) ?? []).map((run) => `[${run.length} spaces]`), ...foreignNote(text)];
  if (found.length === 0) return [[label, spell(text)]];
  return [
    ['note', `the next text has ${found.join(', ')} among ${text.length} characters`],
    [label, spell(text)],
  ];
}

const SPACE_RUNS = new RegExp(` {${SPACES_SAID_MIN},}`, 'g');

function foreignNote(text: string): string[] {
  const count = Array.from(text).filter((character) => !/^[\x20-\x7e]$/.test(character)).length;
  return count === 0 ? [] : [`${count} escaped`];
}

/** In double quotes, so that its ends can be seen. Quotes inside are escaped: two texts never look the same. */
export function quoted(text: string): string {
  return `"${printable(text).replaceAll('"', String.raw`\"`)}"`;
}

/** As it is when nothing in it could mislead, else quoted. */
export function bare(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : quoted(text);
}

/** ISO 8601 in UTC, to the second. */
export function isoTime(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? 'unknown' : `${time.toISOString().slice(0, -5)}Z`;
}

export function section(rows: readonly Row[], width: number): string[] {
  return rows.flatMap(([label, text]) => wrapped(`  ${label}`, text, CONTINUATION, width));
}

/** Lines of at most `width` columns: `head`, padded, with the start of `text`; then `continuation` with what is left. */
export function wrapped(head: string, text: string, continuation: string, width: number): string[] {
  const room = width - HEAD_COLUMNS;
  const lines = [`${head.padEnd(HEAD_COLUMNS - 1)} ${text.slice(0, room)}`];
  for (let at = room; at < text.length; at += room) lines.push(continuation + text.slice(at, at + room));
  return lines;
}

// --- things several requests name ------------------------------------------------------------------------------------

export function processRows(label: string, process: ProcessFacts): Row[] {
  return [
    ...spoken(label, process.program, bare),
    ['  process', `pid ${process.pid}, user ${process.uid}, start ${bare(process.startedAt)}`],
    ...process.argv.flatMap((argument) => spoken('  argument', argument)),
  ];
}

export function fileRows(label: string, file: FileFacts): Row[] {
  return [
    ...spoken(label, file.path, bare),
    ['  sha256', bare(file.digest)],
    ['  size', `${file.bytes} bytes; ${changeableText(file.isChangeable)}`],
  ];
}

export function changeableText(isChangeable: boolean): string {
  return isChangeable ? 'you, and so the agent, can change it' : 'you cannot change it';
}

export function folderRows(folder: DirectoryFacts): Row[] {
  return [
    ...spoken('folder', folder.path, bare),
    ['  identity', `device ${bare(folder.dev)}, inode ${bare(folder.ino)}`],
  ];
}

/** Variables and where they come from, of an environment that the human or an agent made. */
export function environmentRows(facts: {
  readonly environmentId: string | null;
  readonly environmentName: string | null;
  readonly environmentCreatedBy: string | null;
  readonly variables: readonly VariableFacts[];
}): Row[] {
  const { environmentId, environmentName, environmentCreatedBy } = facts;
  const madeBy: Row[] =
    environmentCreatedBy === null
      ? [['  made by', 'you']]
      : [
          ['!!', 'this environment was made, and named, by an agent:'],
          ['', bare(environmentCreatedBy)],
        ];
  const name: Row[] = environmentName === null ? [['environment', 'none']] : spoken('environment', environmentName);
  const isNone = environmentId === null && environmentName === null && environmentCreatedBy === null;
  const environment: Row[] = isNone
    ? [['environment', 'none: the agent named the references itself']]
    : [...name, ['  id', environmentId === null ? '' : bare(environmentId)], ...madeBy];
  return [...environment, ...variableRows(facts.variables)];
}

function variableRows(variables: readonly VariableFacts[]): Row[] {
  if (variables.length === 0) return [['variables', 'none']];
  return variables.flatMap(({ name, source, plain, reference }): Row[] => [
    ...spoken('variable', name, bare),
    ...spoken('  from', source),
    ...(plain === undefined ? [] : spoken('  plain', plain)),
    ...(reference === undefined ? [] : spoken('  reference', reference)),
  ]);
}
