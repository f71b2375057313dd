// A file of the human's own that is written whole or not at all: what a command was told to put a value into.

import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';

export const FILE_MODE_DEFAULT = 0o600;

/** `/dev/stdout` and the like, which root would replace for every program. */
const OF_THE_SYSTEM = /^\/(?:dev|proc)\//;

export interface OutputFile {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** Whether a file that is there may be replaced. */
  readonly force: boolean;
}

/**
 * Writes `bytes` beside the path and moves them there in one step: nobody sees half of it, and a failure leaves what was
 * there. A device or a pipe is written to as it is. Throws `file/exists` unless `force`, and `machine/io`.
 */
export function writeOutputFile({ path, mode, force }: OutputFile, bytes: Buffer): void {
  const kind = kindOf(path);
  if (kind === 'other') {
    writeThrough(path, bytes);
    return;
  }
  if (kind === 'file' && !force) throw exists(path);
  const fresh = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    writeNew(fresh, mode, bytes);
    // A link, unlike a move, does not replace what appeared there meanwhile.
    if (force) renameSync(fresh, path);
    else linkSync(fresh, path);
  } catch (error) {
    throw failureOf(error, path);
  } finally {
    removeQuietly(fresh);
  }
}

/** Throws `file/exists` for what `writeOutputFile` would not replace: known before anybody is asked for anything. */
export function refuseExisting({ path, force }: Pick<OutputFile, 'path' | 'force'>): void {
  if (!force && kindOf(path) === 'file') throw exists(path);
}

/** `600`, `0640` … as permission bits. Throws `usage/invalid`. */
export function parseFileMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new Failure('usage/invalid', 'that is not a file mode', { field: '--file-mode', hint: 'write it as 0600' });
}

function kindOf(path: string): 'absent' | 'file' | 'other' {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return 'absent';
  if (entry.isDirectory()) throw new Failure('machine/io', 'that is a folder', { field: path, hint: 'name a file' });
  if (entry.isSymbolicLink() && OF_THE_SYSTEM.test(path)) {
    const hint = 'leave --out-file out, and it goes to standard output';
    throw new Failure('machine/io', 'that is a link of the system', { field: path, hint });
  }
  // A symbolic link is replaced, not followed.
  return entry.isFile() || entry.isSymbolicLink() ? 'file' : 'other';
}

function writeNew(path: string, mode: number, bytes: Buffer): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeAll(fd, bytes);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeThrough(path: string, bytes: Buffer): void {
  try {
    const fd = openSync(path, constants.O_WRONLY);
    try {
      writeAll(fd, bytes);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw failureOf(error, path);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

function failureOf(error: unknown, path: string): Failure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EEXIST') return exists(path);
  const why = code === 'ENOENT' ? 'there is no such folder' : 'the file cannot be written';
  const hint = 'check the path, its permissions and the space on the disk';
  return new Failure('machine/io', why, { field: path, hint, cause: error });
}

function exists(path: string): Failure {
  return new Failure('file/exists', 'there is a file already', { field: path });
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was moved into its place.
  }
}
