// Files and folders that only their owner may read. Every path is walked before it is trusted: a folder that somebody
// else could write, or a link somebody else could have planted, ends the walk with a Failure.

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../core/failure.ts';
import { walk } from './walk.ts';
import type { Step } from './walk.ts';

export const PRIVATE_FILE_BYTES_MAX = 16 * 1024 * 1024;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/**
 * Makes `path` (absolute) a folder that is ours alone: missing folders are made with mode 0700 whatever the umask.
 * Throws `home/unsafe` when the folder is a link, belongs to another user or is open to others, or when a folder
 * above it can be written by another user; `machine/io` when the system refuses.
 */
export function ensurePrivateFolder(path: string): void {
  const missing = missingFolders(path);
  const first = missing[0] ?? path;
  refuseUnsafeAncestors(dirname(first));
  for (const folder of missing) makeFolder(folder);
  checkPrivateFolder(path);
}

/** Throws `home/unsafe` unless `path` itself is a folder of ours, not a link, with no access for others. */
export function checkPrivateFolder(path: string): void {
  const stats = attempt(`look at ${path}`, () => lstatSync(path));
  if (stats.isSymbolicLink()) throw unsafe(`${path} is a symbolic link`, 'replace it with a real folder');
  if (!stats.isDirectory()) throw unsafe(`${path} is not a folder`, 'move it away');
  refuseOthers(path, stats, 'chmod 700');
}

/**
 * Walks `path` (absolute, existing) as the system would, link by link, and throws `home/unsafe` when another user could
 * have changed a step: a folder others can write (unless sticky, as /tmp is), or a link or folder of another user.
 * Returns the real path.
 */
export function refuseUnsafeAncestors(path: string): string {
  const steps = attempt(`walk to ${path}`, () => walk(path));
  for (const step of steps) {
    if (!step.stats.isSymbolicLink()) refuseUnsafeFolder(step);
    else if (!isOursOrRoots(step.stats)) throw unsafe(`${step.path} is a symbolic link that belongs to another user`);
  }
  return (steps.at(-1) ?? steps[0]).path;
}

/** Whether a user other than root and us can add, replace or remove names in a folder with these `stats`. */
export function isWritableByOthers(stats: Stats): boolean {
  if (!isOursOrRoots(stats)) return true;
  const isSticky = (stats.mode & 0o1000) !== 0;
  if ((stats.mode & 0o002) !== 0) return !isSticky;
  if ((stats.mode & 0o020) === 0) return false;
  // Debian, Ubuntu and Fedora give each user a group of the same number, and folders are then writable by that group.
  const isOwnGroup = stats.gid === process.getegid?.() && stats.gid === process.geteuid?.();
  return !isSticky && !isOwnGroup && stats.gid !== 0;
}

/**
 * The bytes of a private file, or null when there is none. Throws `home/unsafe` when it is a link, not a file, not ours
 * or open to others; `input/too_large` past `bytesMax`.
 */
export function readPrivate(path: string, bytesMax = PRIVATE_FILE_BYTES_MAX): Buffer | null {
  const file = openUnlessAbsent(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (file === null) return null;
  try {
    const stats = fstatSync(file);
    refuseUnlessPrivateFile(path, stats);
    if (stats.size > bytesMax) throw new Failure('input/too_large', `${path} is larger than ${bytesMax} bytes`);
    return attempt(`read ${path}`, () => readFileSync(file));
  } finally {
    closeSync(file);
  }
}

/**
 * Replaces or makes the file `path` so that a crash at any moment leaves the old bytes or the new, never a mix:
 * a new file in the same folder, synced, renamed, the folder synced. The mode does not depend on the umask.
 */
export function writePrivateAtomic(path: string, bytes: Uint8Array, mode = 0o600): void {
  const temporary = `${path}.${randomName()}.new`;
  attempt(`write ${path}`, () => {
    try {
      writeNew(temporary, bytes, mode);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    syncFolder(dirname(path));
  });
}

export interface AppendOptions {
  /** For a path that the human configured: a character device such as /dev/full is taken too. */
  readonly isDeviceAllowed?: boolean;
}

/**
 * A descriptor that appends to the private file `path`, made with mode 0600 when absent. The caller closes it.
 * Throws `home/unsafe` as `readPrivate` does, `machine/io` when the system refuses.
 */
export function openPrivateAppend(path: string, options: AppendOptions = {}): number {
  // O_NONBLOCK: opening a FIFO that somebody put there must fail, not hang. Files and devices ignore it.
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
  const file = attempt(`open ${path}`, () => openSync(path, flags, 0o600));
  try {
    const stats = fstatSync(file);
    if (!(options.isDeviceAllowed === true && stats.isCharacterDevice())) refuseUnlessPrivateFile(path, stats);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Makes names that were added to or removed from a folder survive a power cut. */
export function syncFolder(path: string): void {
  const folder = openSync(path, O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Loaded here: every command reads private files, few write any, and node:crypto takes 4 ms to load. */
function randomName(): string {
  return process.getBuiltinModule('node:crypto').randomBytes(8).toString('hex');
}

function writeNew(path: string, bytes: Uint8Array, mode: number): void {
  const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The folders to make, outermost first. A link that leads nowhere counts as there, and is refused later. */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (isThere(folder)) break;
    missing.unshift(folder);
  }
  return missing;
}

function isThere(path: string): boolean {
  return attempt(`look at ${path}`, () => lstatSync(path, { throwIfNoEntry: false })) !== undefined;
}

function makeFolder(path: string): void {
  attempt(`make the folder ${path}`, () => {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      // Another process of ours may have made it just now; checkPrivateFolder has the last word.
      if (codeOf(error) !== 'EEXIST') throw error;
      return;
    }
    chmodSync(path, 0o700);
    syncFolder(dirname(path));
  });
}

function refuseUnsafeFolder({ path, stats }: Step): void {
  if (!stats.isDirectory()) throw unsafe(`${path} is not a folder`);
  if (!isOursOrRoots(stats)) throw unsafe(`${path} belongs to another user`);
  if (isWritableByOthers(stats)) throw unsafe(`other users can write to ${path}`, `run: chmod go-w ${path}`);
}

function refuseUnlessPrivateFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw unsafe(`${path} is not a regular file`, 'move it away');
  refuseOthers(path, stats, 'chmod 600');
}

function refuseOthers(path: string, stats: Stats, command: string): void {
  if (stats.uid !== process.geteuid?.()) throw unsafe(`${path} belongs to another user`);
  if ((stats.mode & 0o077) !== 0) throw unsafe(`other users have access to ${path}`, `run: ${command} ${path}`);
}

function isOursOrRoots(stats: Stats): boolean {
  return stats.uid === 0 || stats.uid === process.geteuid?.();
}

function openUnlessAbsent(path: string, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw asFailure(`open ${path}`, error);
  }
}

function unsafe(message: string, hint?: string): Failure {
  return new Failure('home/unsafe', message, hint === undefined ? {} : { hint });
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asFailure(what, error);
  }
}

function asFailure(what: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const code = codeOf(error);
  if (code === 'ELOOP') return unsafe(`cannot ${what}: it is a symbolic link`, 'replace it with a real file');
  if (code === 'ENOTDIR') return unsafe(`cannot ${what}: something above it is not a folder`, 'move it away');
  return new Failure('machine/io', `cannot ${what}: ${code}`, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
