// Where a file may be mounted: a path in a folder that is ours, that nobody else can write, reached without links, and at
// which nothing is yet (attacks F08, F10).

import { lstatSync } from 'node:fs';
import { basename, dirname, isAbsolute, normalize } from 'node:path';
import { Failure } from '../core/failure.ts';
import { isWritableByOthers, refuseUnsafeAncestors } from './private-files.ts';

/** PATH_MAX of <linux/limits.h>, less what our own names in the same folder need. */
const PATH_BYTES_MAX = 4096 - 64;
/** A path is shown, logged, and read line by line by a guard; nothing in it may end a line. */
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** What a folder was when it was checked, to be compared after something was made in it. */
export interface CheckedFolder {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Checks that a file may be mounted at `path`, an absolute path with nothing at its end. Throws `input/invalid`,
 * `mount/exists`, `mount/unsafe`. `home` is our own folder, which is not for mounts.
 */
export function checkMountPath(path: string, home: string): CheckedFolder {
  checkPathText(path);
  const folder = checkFolder(dirname(path), home);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new Failure('mount/exists', `there is something at ${path} already`, {
      hint: 'move it away, or import it: keystile environment import ENV FILE --mount',
    });
  }
  return folder;
}

/** A path as it may stand in a list of ours. Throws `input/invalid`. */
export function checkPathText(path: string): void {
  const isClean = isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && path.isWellFormed();
  if (!isClean || UNFIT.test(path) || ['', '.', '..'].includes(basename(path))) {
    throw new Failure('input/invalid', 'that is not an absolute path of a file', {
      field: 'mountPath',
      hint: 'give it whole, without .. and without control characters',
    });
  }
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new Failure('input/invalid', 'that path is too long', { field: 'mountPath' });
}

/** The folder of a mount. Throws `mount/unsafe`. */
export function checkFolder(folder: string, home: string): CheckedFolder {
  let real: string;
  try {
    real = refuseUnsafeAncestors(folder);
  } catch (error) {
    const reason = error instanceof Failure ? error.message : 'the folder is not there, or cannot be looked into';
    throw unsafe(reason);
  }
  if (real !== folder) throw unsafe('the path leads through a symbolic link', `use the real path, below ${real}`);
  if (folder === home || folder.startsWith(`${home}/`)) throw unsafe('that is inside the folder of keystile itself');
  const stats = lstatSync(folder, { bigint: true });
  if (!stats.isDirectory()) throw unsafe('that is not in a folder');
  const isOurs = Number(stats.uid) === process.geteuid?.();
  if (!isOurs) throw unsafe('the folder belongs to another user');
  if (isWritableByOthers(lstatSync(folder)))
    throw unsafe('other users can write to the folder', `run: chmod go-w ${folder}`);
  return { path: folder, dev: stats.dev, ino: stats.ino };
}

/** Whether that very folder is still at its path. */
export function isSameFolder({ path, dev, ino }: CheckedFolder): boolean {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats !== undefined && stats.dev === dev && stats.ino === ino;
}

function unsafe(message: string, hint?: string): Failure {
  return new Failure('mount/unsafe', message, { field: 'mountPath', ...(hint === undefined ? {} : { hint }) });
}
