// What a command says: to people as text and tables, to programs as one JSON document. Nothing that came from elsewhere
// reaches a terminal unescaped.

import type { Failure } from '../../core/failure.ts';
import { printable } from '../../core/printable.ts';
import { spokenDuration } from '../../core/prompt.ts';

export interface Output {
  readonly isJson: boolean;
  /** The answer of a command: `document` with --format json, else the lines of `text`. Text is escaped line by line. */
  answer(document: object, text: () => readonly string[]): void;
  /** A line for people on standard error; nothing with --format json. */
  note(line: string): void;
  /** Bytes on standard output as they are: exports, scripts, what a run printed. */
  raw(bytes: string | Uint8Array): void;
  /** The same for a value: once this resolves the bytes may be wiped. A reader that has left is no error. */
  value(bytes: Uint8Array): Promise<void>;
}

/**
 * Standard output or standard error to write to. Whoever reads it may stop early (head, less); that is no failure of ours.
 * Asked for when there is something to say: making one of the two takes up to 3 ms, and a run says nothing itself.
 */
export function standard(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  isSilent = false;
  const stream = process[name];
  return stream.off('error', ignoreClosedPipe).on('error', ignoreClosedPipe);
}

let isSilent = true;

/** Whether something of ours may be on its way still. What a program of a run printed is not ours, and is out by its end. */
export function hasSpoken(): boolean {
  return !isSilent;
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Output of this process. */
export function processOutput(isJson: boolean): Output {
  return {
    isJson,
    answer(document, text) {
      if (isJson) standard('stdout').write(`${JSON.stringify(document)}\n`);
      else for (const line of text()) standard('stdout').write(`${printable(line)}\n`);
    },
    note(line) {
      if (!isJson) standard('stderr').write(`${printable(line)}\n`);
    },
    raw: (bytes) => void standard('stdout').write(bytes),
    async value(bytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      standard('stdout').write(bytes, () => resolve());
      await promise;
    },
  };
}

/** Says why a command stopped: `keystile: what; what to do` on standard error, or a JSON document on standard output. */
export function printFailure(failure: Failure, isJson: boolean): void {
  if (isJson) {
    standard('stdout').write(`${JSON.stringify({ error: failure.toDocument() })}\n`);
    return;
  }
  const field = failure.field === undefined ? '' : ` (${failure.field})`;
  standard('stderr').write(`${printable(`keystile: ${failure.message}${field}; ${failure.hint}`)}\n`);
}

/** Columns as wide as their widest cell; no cell is cut. `none` is the line for a table without rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[], none: string): string[] {
  if (rows.length === 0) return [none];
  const lines = [heads, ...rows];
  const widths = heads.map((_head, i) => Math.max(...lines.map((line) => shownWidth(line[i] ?? ''))));
  return lines.map((line) =>
    line
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - shownWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** Columns a cell takes once `answer` has escaped it. */
function shownWidth(cell: string): number {
  return printable(cell).length;
}

/** `2 min ago (2026-11-22 12:00:00Z)`, or `in 5 min (…)`. */
export function timeText(iso: string, now = Date.now()): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  return `${relativeTime(iso, now)} (${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z)`;
}

/** `2 min ago`, or `in 5 min`, in one unit: for a table, which should fit on 80 columns. */
export function shortTime(iso: string, now = Date.now()): string {
  return relativeTime(iso, now, (duration) => duration.split(' ').slice(0, 2).join(' '));
}

function relativeTime(iso: string, now: number, say = (duration: string): string => duration): string {
  const away = Date.parse(iso) - now;
  if (Number.isNaN(away)) return iso;
  return away >= 0 ? `in ${say(spokenDuration(away))}` : `${say(spokenDuration(-away))} ago`;
}

/** A value as a member of a document: its text by that name, or `base64` for bytes that are no UTF-8. */
export function valueMember(name: string, value: Buffer): object {
  const text = value.toString('utf8');
  return Buffer.from(text, 'utf8').equals(value) ? { [name]: text } : { base64: value.toString('base64') };
}

/** `1 grant`, `2 grants`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
