// The symbolic link at the path of one mount, and the way to whoever opens what is behind it.

import { lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import type { Doorkeeper, MountedFile, PathIdentity } from './backend.ts';
import type { FuseOpeners } from './fuse-openers.ts';

export interface FuseFileOptions {
  readonly path: string;
  /** The same place, through a folder that is held open. */
  readonly held: string;
  /** Where the link leads. */
  readonly target: string;
  readonly openers: FuseOpeners;
  readonly doorkeeper: Doorkeeper;
  /** Whether the target is still a file of ours. */
  readonly isServed: () => boolean;
  /** Is called once, while it is closed. */
  readonly onClose: () => void;
}

export class FuseFile implements MountedFile {
  readonly backend = 'fuse';
  readonly path: string;
  readonly identity: PathIdentity;
  readonly openers: FuseOpeners;
  readonly doorkeeper: Doorkeeper;
  readonly #held: string;
  readonly #target: string;
  readonly #link: BigIntStats;
  readonly #isServed: () => boolean;
  readonly #onClose: () => void;
  #isOver = false;
  #isClosed = false;

  /** Puts the link there, if nothing is. Throws `mount/exists`, `machine/io`. */
  constructor({ path, held, target, openers, doorkeeper, isServed, onClose }: FuseFileOptions) {
    this.path = path;
    this.#held = held;
    this.openers = openers;
    this.doorkeeper = doorkeeper;
    this.#target = target;
    this.#isServed = isServed;
    this.#onClose = onClose;
    placeLink(target, path, held);
    const stats = linkAt(held);
    // Whoever is so fast may have it.
    if (stats === null || !leadsTo(held, target)) throw somethingThere(path);
    this.#link = stats;
    this.identity = { dev: String(stats.dev), ino: String(stats.ino) };
  }

  isIntact(): boolean {
    return !this.#isOver && this.#isServed() && this.#isOurs(this.path);
  }

  /** Refusing comes first: what is left at the path then leads nowhere. */
  async close(): Promise<void> {
    this.lose();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    if (this.#isOurs(this.#held)) removeLink(this.#held);
  }

  /** Nobody is served any more, from now on. The link stays until this is closed. */
  lose(): void {
    this.#isOver = true;
    this.openers.close();
  }

  #isOurs(path: string): boolean {
    const stats = linkAt(path);
    if (stats === null || stats.dev !== this.#link.dev || stats.ino !== this.#link.ino) return false;
    // The number of a link that was removed may be given to the next one at once, so what it says counts too (attack F09).
    return stats.ctimeNs === this.#link.ctimeNs || leadsTo(path, this.#target);
  }
}

function placeLink(target: string, path: string, held: string): void {
  try {
    // symlink(2) fails when there is anything at all, also a link that leads nowhere.
    symlinkSync(target, held);
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw somethingThere(path);
    throw new Failure('machine/io', `cannot make the link ${path}: ${codeOf(cause)}`, { cause });
  }
}

/** lstat(2) looks at the link itself, and so never reaches our file system. */
function linkAt(path: string): BigIntStats | null {
  try {
    const stats = lstatSync(path, { bigint: true });
    return stats.isSymbolicLink() ? stats : null;
  } catch {
    return null;
  }
}

function leadsTo(path: string, target: string): boolean {
  try {
    return readlinkSync(path) === target;
  } catch {
    return false;
  }
}

function removeLink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or its folder is closed to us now. It leads nowhere.
  }
}

function somethingThere(path: string): Failure {
  return new Failure('mount/exists', `there is something at ${path} already`);
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
}
