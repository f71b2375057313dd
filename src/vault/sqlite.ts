// What SQLite gives and throws, as the rest of the vault wants it: checked columns, and our own failures.

import type { SQLOutputValue } from 'node:sqlite';
import { Failure } from '../core/failure.ts';

export type Row = Record<string, SQLOutputValue>;

/** Primary result codes (https://www.sqlite.org/rescode.html): SQLITE_BUSY, SQLITE_LOCKED. */
const BUSY_CODES = new Set([5, 6]);
/** SQLITE_NOMEM, _READONLY, _IOERR, _FULL, _CANTOPEN, _NOLFS, _AUTH. */
const SYSTEM_CODES = new Set([7, 8, 10, 13, 14, 22, 23]);

/** Runs `act`; what SQLite throws becomes `home/in_use`, `machine/io` or `vault/damaged`. */
export function guarded<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Failure || !(error instanceof Error) || !('code' in error)) throw error;
    // An integer past 2^53, which this program never writes.
    if (error.code === 'ERR_OUT_OF_RANGE') throw damagedFile(error);
    if (error.code !== 'ERR_SQLITE_ERROR' || !('errcode' in error)) throw error;
    const code = Number(error.errcode) & 0xff;
    if (BUSY_CODES.has(code)) throw new Failure('home/in_use', 'another process has the vault open', { cause: error });
    if (!SYSTEM_CODES.has(code)) throw damagedFile(error);
    const message = `the system refused to read or write the vault (SQLite code ${code})`;
    throw new Failure('machine/io', message, { cause: error });
  }
}

export function damagedFile(cause?: unknown): Failure {
  return new Failure('vault/damaged', 'the vault file is damaged, or not a vault', { field: 'file', cause });
}

/** A column of text. A damaged file can hold anything anywhere, STRICT tables or not; this and the next throw then. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw damagedFile();
  return value;
}

/** A column that counts something: 0 to 2^53 - 1. */
export function whole(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw damagedFile();
  return value;
}

export function blob(row: Row, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw damagedFile();
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
