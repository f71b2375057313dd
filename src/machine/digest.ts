// Files and folders as facts a human can approve: the bytes by their SHA-256, and whether the agent could write them.

import { createHash } from 'node:crypto';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { DirectoryFacts, FileFacts, ProcessFacts } from '../core/request.ts';
import { isSameProcessAlive } from './processes.ts';
import { walk } from './walk.ts';
import type { Step } from './walk.ts';

export const FILE_BYTES_MAX = 256 * 1024 * 1024;
/** Agents are large: Claude Code is one file of 230 MB. */
export const AGENT_BYTES_MAX = 1024 * 1024 * 1024;
export const OPERANDS_MAX = 32;
export const OPERAND_BYTES_MAX = 512 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const CACHE_MAX = 256;
/** Where packages of the system lie (hier(7)): what root finds there was installed, and not written by an agent at hand. */
const SYSTEM_FOLDER = /^\/(?:usr|bin|sbin|lib[^/]*)\//;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, W_OK, X_OK } = constants;

/** A file that was last changed so long ago cannot have been changed again without another time of change (ctime). */
const SETTLED_MS = 2_000;

/** Digests of files that this user cannot change, and of programs while they ran: by device, inode, size and times. */
const digests = new Map<string, string>();

/**
 * The facts of one regular file. `path` (absolute) may lead through links and is given back as it is: whoever checks
 * again later has to come the same way. Throws `program/not_found` when there is no such file, `input/too_large` past
 * `bytesMax`, `request/operand_changed` when it is written meanwhile.
 */
export async function fileFacts(path: string, bytesMax = FILE_BYTES_MAX): Promise<FileFacts> {
  const isChangeable = isChangeableByUser(path);
  const { digest, bytes } = await withFile(path, async (file, stats) => {
    // A writer through mmap changes bytes without changing times, so only files out of our reach are remembered.
    const key = isChangeable ? null : identityOf(stats);
    const known = key === null ? undefined : digests.get(key);
    if (known !== undefined) return { digest: known, bytes: Number(stats.size) };
    const digest = await digestOfFile(path, file, stats, bytesMax);
    if (key !== null) remember(key, digest);
    return { digest, bytes: Number(stats.size) };
  });
  return { path, digest, bytes, isChangeable };
}

/**
 * The SHA-256 of the program that a process really runs, even when the file was replaced or lies in another mount
 * namespace; null when the process is gone, not readable for us, or its program is larger than 1 GiB.
 */
export async function processDigest(process: Pick<ProcessFacts, 'pid' | 'startedAt'>): Promise<string | null> {
  try {
    const link = `/proc/${process.pid}/exe`;
    const known = digestIfKnown(link);
    if (known !== undefined) return isSameProcessAlive(process) ? known : null;
    const digest = await withOpen(link, O_RDONLY, async (file, stats) => {
      // While a process runs it nobody can write a program (ETXTBSY), nor keep a mapping to write it later.
      const isSettled = hasSettled(stats);
      const found = await digestOfFile(link, file, stats, AGENT_BYTES_MAX);
      if (isSettled && isSameProcessAlive(process)) remember(identityOf(stats), found);
      return found;
    });
    return isSameProcessAlive(process) ? digest : null;
  } catch {
    return null;
  }
}

/** What was found of the program behind `link` while it ran, also in another process. */
function digestIfKnown(link: string): string | undefined {
  const stats = statSync(link, { bigint: true });
  return stats.isFile() && hasSettled(stats) ? digests.get(identityOf(stats)) : undefined;
}

function hasSettled({ ctimeMs }: BigIntStats): boolean {
  return Date.now() - Number(ctimeMs) > SETTLED_MS;
}

/** A folder by its real path, device and inode. Throws `input/invalid` when it is not there or not a folder. */
export function directoryFacts(path: string, field = 'cwd'): DirectoryFacts {
  try {
    const real = realpathSync(path);
    const stats = statSync(real, { bigint: true });
    if (stats.isDirectory()) return { path: real, dev: String(stats.dev), ino: String(stats.ino) };
  } catch (cause) {
    throw new Failure('input/invalid', 'there is no such folder', { field, hint: 'give the path of a folder', cause });
  }
  throw new Failure('input/invalid', 'that is not a folder', { field, hint: 'give the path of a folder' });
}

/**
 * The real path of the program that `name` means: a name with a slash from `cwd` (absolute), any other on `searchPath`,
 * of which only absolute entries count (E07). Throws `program/not_found`.
 */
export function resolveProgram(name: string, searchPath: readonly string[], cwd: string): string {
  if (name === '' || name.includes('\0'))
    throw new Failure('input/invalid', 'that is not a program', { field: 'argv[0]' });
  const folders = searchPath.filter((folder) => isAbsolute(folder));
  const candidates = name.includes('/') ? [resolve(cwd, name)] : folders.map((folder) => join(folder, name));
  const found = candidates.find((candidate) => isExecutable(candidate));
  if (found !== undefined) return realpathSync(found);
  throw new Failure('program/not_found', 'there is no such program', { field: 'argv[0]' });
}

/**
 * The arguments that name existing regular files seen from `cwd` (absolute), in order and once each; of `--flag=path`
 * the part after `=`. What this user cannot read, the program cannot read either, and is left out; so are /proc and what
 * lies in `ownMounts`, the folders of files that we mount ourselves. Throws `input/too_large` past 32 files, 256 MiB in one or 512 MiB in all.
 */
export async function operandsOf(
  argv: readonly string[],
  cwd: string,
  ownMounts: readonly string[] = [],
): Promise<FileFacts[]> {
  const paths = new Set(argv.slice(1).flatMap((argument) => filesNamedBy(argument, cwd, ownMounts)));
  if (paths.size > OPERANDS_MAX) throw tooLarge(`the command names ${paths.size} files; ${OPERANDS_MAX} are the most`);
  const operands: FileFacts[] = [];
  let bytes = 0;
  for (const path of paths) {
    bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes > OPERAND_BYTES_MAX) throw tooLarge(`the files of the command hold more than ${OPERAND_BYTES_MAX} bytes`);
    operands.push(await fileFacts(path));
  }
  return operands;
}

/**
 * Whether this user, and so every program of this user, could put other bytes at `path`: by writing the file, or by
 * replacing it or a folder or link on the way to it. A program of root can change everything. Saying that of every file
 * would warn of nothing, so what lies in a folder of the system is seen as an ordinary user would find it.
 */
export function isChangeableByUser(path: string): boolean {
  try {
    const steps = walk(path);
    const ends = [path, steps.at(-1)?.path ?? ''];
    if (process.geteuid?.() === 0 && !ends.every((end) => SYSTEM_FOLDER.test(end))) return true;
    return steps.some((step, i) => !step.stats.isSymbolicLink() && isWritableStep(step, steps[i + 1]));
  } catch {
    return true;
  }
}

function isWritableStep({ path, stats }: Step, next: Step | undefined): boolean {
  const uid = process.geteuid?.() ?? 0;
  const isOwned = uid === 0 ? stats.uid !== 0 : stats.uid === uid;
  if (isOwned) return true;
  const isWritable = uid === 0 ? (stats.mode & 0o022) !== 0 : isAllowed(path, W_OK);
  if (!isWritable) return false;
  // In a sticky folder a user cannot rename or remove what belongs to others.
  const isNextOurs = next === undefined || (uid === 0 ? next.stats.uid !== 0 : next.stats.uid === uid);
  return !((stats.mode & 0o1000) !== 0 && stats.isDirectory() && !isNextOurs);
}

async function withFile<T>(path: string, use: (file: FileHandle, stats: BigIntStats) => Promise<T>): Promise<T> {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    throw new Failure('program/not_found', 'there is no such file', { cause });
  }
  return await withOpen(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, use);
}

async function withOpen<T>(
  path: string,
  flags: number,
  use: (file: FileHandle, stats: BigIntStats) => Promise<T>,
): Promise<T> {
  let file: FileHandle;
  try {
    file = await open(path, flags);
  } catch (cause) {
    throw new Failure('program/not_found', 'that file cannot be read', { hint: 'check its permissions', cause });
  }
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) throw new Failure('program/not_found', 'that is not a regular file');
    return await use(file, stats);
  } finally {
    await file.close();
  }
}

async function digestOfFile(path: string, file: FileHandle, before: BigIntStats, bytesMax: number): Promise<string> {
  if (before.size > bytesMax) throw tooLarge(`${path} is larger than ${bytesMax} bytes`);
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let bytes = 0n;
  // At most one byte more than it had: a file that grows while we read must not keep us for ever.
  while (bytes <= before.size) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    bytes += BigInt(bytesRead);
  }
  const after = await file.stat({ bigint: true });
  if (bytes !== before.size || identityOf(after) !== identityOf(before)) {
    throw new Failure('request/operand_changed', `${path} was changed while it was read`);
  }
  return hash.digest('hex');
}

function filesNamedBy(argument: string, cwd: string, ownMounts: readonly string[]): string[] {
  const value = /^-[^=]*=(.*)$/s.exec(argument)?.[1];
  return [argument, ...(value === undefined ? [] : [value])].flatMap((name) => {
    if (name === '' || name.includes('\0')) return [];
    const path = resolve(cwd, name);
    return isRegular(path) && isAllowed(path, constants.R_OK) && !isMadeUp(path, ownMounts) ? [path] : [];
  });
}

/** Files that the kernel, or we, make up while they are read have no bytes that could be approved. */
function isMadeUp(path: string, ownMounts: readonly string[]): boolean {
  const real = realpathSync(path);
  return /^\/(?:proc|sys)\//.test(real) || ownMounts.some((folder) => real.startsWith(`${folder}/`));
}

function isExecutable(path: string): boolean {
  return isRegular(path) && isAllowed(path, X_OK);
}

function isRegular(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    // A part of the path is no folder, is closed to us, or the name is too long: not a file for us.
    return false;
  }
}

function isAllowed(path: string, access: number): boolean {
  try {
    accessSync(path, access);
    return true;
  } catch {
    return false;
  }
}

function identityOf(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}

function remember(key: string, digest: string): void {
  const [oldest] = digests.keys();
  if (digests.size >= CACHE_MAX && oldest !== undefined) digests.delete(oldest);
  digests.set(key, digest);
}

function tooLarge(message: string): Failure {
  return new Failure('input/too_large', message, { field: 'argv' });
}
