// A folder that is held open, so that names in it are reached whatever is done to its path. Linux: through /proc/self/fd.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Failure } from '../core/failure.ts';
import type { CheckedFolder } from './mount-path.ts';

/** O_PATH of <fcntl.h>: a hold that needs no right to read the folder. */
const O_PATH = 0o10000000;

export class HeldFolder implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Throws `mount/unsafe` when another folder stands there by now than the one that was checked. */
  static open({ path, dev, ino }: CheckedFolder): HeldFolder {
    const fd = openHold(path);
    const stats = fstatSync(fd, { bigint: true });
    if (stats.dev === dev && stats.ino === ino) return new HeldFolder(fd);
    closeSync(fd);
    throw changed();
  }

  /** The path of a name in the folder, for this process only. */
  pathOf(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function openHold(path: string): number {
  try {
    return openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw changed(cause);
  }
}

function changed(cause?: unknown): Failure {
  return new Failure('mount/unsafe', 'the folder changed while the file was mounted', { cause });
}
