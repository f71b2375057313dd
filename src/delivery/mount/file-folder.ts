// Where the files behind the links lie: a folder in memory that is ours alone, one for each home. What lies there has no
// bytes unless somebody reads it just then, and then it has no name any more: so after a crash there is only rubbish.

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { checkPrivateFolder, isWritableByOthers } from '../../machine/private-files.ts';

/** TMPFS_MAGIC of <linux/magic.h>. */
const TMPFS = 0x01021994;
/** A short name for a home, so that two homes of one user do not meet. */
const HOME_DIGITS = 16;

/** The folders that may serve, best first: /run/user/UID is private and of limited size (pam_systemd(8)). */
export function mountFolderCandidates(home: string): readonly string[] {
  const uid = process.geteuid?.() ?? 0;
  const name = createHash('sha256').update(home).digest('hex').slice(0, HOME_DIGITS);
  return [`/run/user/${uid}/keystile-${name}`, `/dev/shm/keystile-${uid}-${name}`];
}

/**
 * Makes the folder of `home` (absolute), mode 0700, and returns its path. What an earlier daemon of that home left is
 * removed. Throws `mount/unsupported` where there is no memory file system to make it in, or somebody else took the name.
 */
export function makeMountFolder(home: string): string {
  removeMountFolder(home);
  const path = mountFolderCandidates(home).find((candidate) => isMemory(dirname(candidate)));
  if (path === undefined) {
    throw unsupportedFolder('neither /run/user/UID nor /dev/shm is a memory file system (tmpfs)');
  }
  try {
    mkdirSync(path, { mode: 0o700 });
    // Somebody else's folder of that name in /dev/shm ends here: it could not be removed, nor made.
    checkPrivateFolder(path);
    return path;
  } catch (cause) {
    throw unsupportedFolder(`the folder ${path} cannot be made, or is not private`, cause);
  }
}

/** Removes what is left of the folder of `home`, as far as it is ours; for the next start, and for whoever outlives us. */
export function removeMountFolder(home: string): void {
  for (const path of mountFolderCandidates(home)) {
    try {
      // Of another user's folder in sticky /dev/shm nothing can be removed, and a link is removed itself.
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Then making it fails and says so.
    }
  }
}

/** A tmpfs folder in which nobody else can replace what is ours: private, or sticky as /dev/shm is. */
function isMemory(path: string): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isDirectory() && !isWritableByOthers(stats) && statfsSync(path).type === TMPFS;
  } catch {
    return false;
  }
}

function unsupportedFolder(message: string, cause?: unknown): Failure {
  return new Failure('mount/unsupported', message, { cause });
}
