// keystile.log: what went wrong inside, for whoever has to find out why. JSON lines of closed words and numbers: text
// from outside never gets in, so no value can.

import { closeSync, fstatSync, renameSync, writeSync } from 'node:fs';
import { Failure } from '../core/failure.ts';
import { openPrivateAppend } from './private-files.ts';

const LOG_BYTES_MAX = 1024 * 1024;
const FRAMES_MAX = 8;
/** Codes, words, function names and places in our own bundle. No spaces: no sentences. */
const WORD = /^[\w./:@#<>-]{1,120}$/;

export type LogLevel = 'info' | 'warning' | 'error';

/** The only members a line can have besides `at`, `level` and `event`. */
export interface LogFields {
  readonly code?: string;
  readonly where?: string;
  readonly pid?: number;
  readonly count?: number;
  readonly durationMs?: number;
  readonly version?: string;
}

export class Log {
  readonly #path: string;
  readonly #clock: () => Date;

  constructor(path: string, clock: () => Date = () => new Date()) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Appends one line. A log that cannot be written stops nothing: it proves nothing, the audit log does. */
  write(level: LogLevel, event: string, fields: LogFields = {}): void {
    const { code, where, pid, count, durationMs, version } = fields;
    this.#append({
      at: this.#clock().toISOString(),
      level,
      event: word(event),
      code: word(code),
      where: word(where),
      version: word(version),
      pid: number(pid),
      count: number(count),
      durationMs: number(durationMs),
    });
  }

  /** One thing that was thrown during `event`: its code and where in our own code, never its message. */
  failure(event: string, thrown: unknown): void {
    const where = framesOf(thrown).map((frame) => word(frame));
    const name = thrown instanceof Error ? thrown.name : typeof thrown;
    const code = thrown instanceof Failure ? thrown.code : (systemCode(thrown) ?? name);
    const at = this.#clock().toISOString();
    this.#append({ at, level: 'error', event: word(event), code: word(code), cause: word(causeOf(thrown)), where });
  }

  #append(line: object): void {
    try {
      const file = openPrivateAppend(this.#path);
      try {
        writeSync(file, `${JSON.stringify(line)}\n`);
        if (fstatSync(file).size >= LOG_BYTES_MAX) renameSync(this.#path, `${this.#path}.1`);
      } finally {
        closeSync(file);
      }
    } catch {
      // A full disk or a folder that is gone; there is no better place to say so.
    }
  }
}

function word(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return WORD.test(text) ? text : '(withheld)';
}

function number(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function causeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !(thrown.cause instanceof Error)) return undefined;
  return systemCode(thrown.cause) ?? thrown.cause.name;
}

function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** `file.js:12:3` of each frame. Function names are left out: a computed name can hold anything. */
function framesOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return [];
  // The stack begins with the message, which is not ours to write down.
  const stack = (thrown.stack ?? '').split(thrown.message).at(-1) ?? '';
  return stack
    .split('\n')
    .flatMap((line) => /^ {4}at .*?([\w.-]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? [])
    .slice(0, FRAMES_MAX);
}
