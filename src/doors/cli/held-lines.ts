// Held output as a human reads it before it is released: every line with a head that no output can imitate, every character
// that could move a cursor escaped, and nothing wider than the terminal.

import { printable } from '../../core/printable.ts';

const HEAD = '  | ';
const CONTINUATION = '  > ';
const WIDTH_MIN = 20;

/** Both streams, one after the other, for a terminal of `columns`; before them the names of secrets that may be in there. */
export function heldLines(
  [stdout = EMPTY, stderr = EMPTY]: readonly Buffer[],
  unmaskable: readonly string[],
  columns: number,
): string[] {
  const room = Math.max(WIDTH_MIN, columns) - HEAD.length;
  return [
    ...(unmaskable.length === 0 ? [] : [UNMASKABLE]),
    ...unmaskable.flatMap((name) => wrapped(printable(name), room)),
    ...streamLines('standard output', stdout, room),
    ...streamLines('standard error', stderr, room),
  ];
}

const UNMASKABLE = '!! masking cannot hide these: look for them first';
const EMPTY = Buffer.alloc(0);

function streamLines(title: string, bytes: Buffer, room: number): string[] {
  if (bytes.length === 0) return [`-- ${title}: empty`];
  const lines = bytes.toString('utf8').replace(/\n$/, '').split('\n');
  return [`-- ${title}: ${bytes.length} bytes`, ...lines.flatMap((line) => wrapped(printable(line), room))];
}

function wrapped(line: string, room: number): string[] {
  const lines = [HEAD + line.slice(0, room)];
  for (let at = room; at < line.length; at += room) lines.push(CONTINUATION + line.slice(at, at + room));
  return lines;
}
