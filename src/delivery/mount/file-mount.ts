// One mounted path: a symbolic link, the leased file it leads to, and the rounds of those who opened an earlier one.

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { MountedFile, PathIdentity } from './backend.ts';
import { LeasedFile } from './file-leased.ts';
import { Round } from './file-round.ts';
import type { RoundPowers } from './file-round.ts';

export interface MountPowers extends Omit<RoundPowers, 'hasRoomFor'> {
  /** How many processes may wait for an answer at once (I8). */
  readonly waitingMax: number;
}

export class FileMount implements MountedFile {
  readonly backend = 'file';
  readonly path: string;
  readonly identity: PathIdentity;
  readonly #link: BigIntStats;
  /** What the link says. */
  readonly #target: string;
  readonly #powers: RoundPowers;
  readonly #rounds = new Set<Round>();
  readonly #onClosed: () => void;
  #current: LeasedFile;
  readonly #held: string;
  #isOver = false;

  /**
   * Puts a link at `held`, which is `path` through a folder that is held open, that leads into `folder` (private, tmpfs). Throws `mount/exists`, `mount/unsupported`,
   * `machine/io`; then nothing is left. `onClosed` is called once.
   */
  constructor(
    { path, held }: { path: string; held: string },
    folder: string,
    powers: MountPowers,
    onClosed: () => void,
  ) {
    this.path = path;
    this.#held = held;
    this.#onClosed = onClosed;
    this.#powers = { ...powers, hasRoomFor: (count) => this.#waiting + count <= powers.waitingMax };
    // The link keeps the name of the file: programs that resolve it first go by that (`.env` is not `env`).
    this.#target = join(folder, randomBytes(8).toString('hex'), basename(path));
    let placed: LeasedFile | null = null;
    try {
      fs.mkdirSync(dirname(this.#target), { mode: 0o700 });
      placed = this.#place();
      this.#current = placed;
      // symlink() never replaces anything.
      fs.symlinkSync(this.#target, held);
      this.#link = fs.lstatSync(held, { bigint: true });
    } catch (error) {
      placed?.close();
      this.#removeTarget();
      throw mountFailure(path, error);
    }
    this.identity = { dev: `${this.#link.dev}`, ino: `${this.#link.ino}` };
  }

  get #waiting(): number {
    return [...this.#rounds].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Looks whether somebody opened the file. A fresh one takes its place first, so that who comes later has a round anew. */
  look(): void {
    if (this.#isOver || this.#current.isUntouched) return;
    const opened = this.#current;
    try {
      this.#current = this.#place();
    } catch {
      // A full tmpfs, or its folder is gone: without a file behind it the link is not intact, and the human mounts again.
      this.#end();
      this.#powers.doorkeeper.refused('broken', 1);
      return;
    }
    const round = new Round(opened, this.#powers);
    this.#rounds.add(round);
    void round.over.then(() => this.#rounds.delete(round));
  }

  isIntact(): boolean {
    if (this.#isOver) return false;
    const target = fs.lstatSync(this.#target, { bigint: true, throwIfNoEntry: false });
    return isSame(target, this.#current.stats) && this.#isOurLink(this.path);
  }

  // oxlint-disable-next-line typescript/require-await -- all of it is done before the first await, and there is none
  async close(): Promise<void> {
    if (this.#isOurLink(this.#held)) fs.rmSync(this.#held, { force: true });
    this.#end();
    this.#onClosed();
  }

  /** Refuses everybody, empties everything. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#current.close();
    for (const round of this.#rounds) round.close();
    this.#removeTarget();
  }

  #place(): LeasedFile {
    return LeasedFile.place(this.#target, `${dirname(this.#target)}.new`);
  }

  /** The number of a link that was removed may be given to the next one at once, so what it says counts too. */
  #isOurLink(path: string): boolean {
    try {
      const link = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (!isSame(link, this.#link)) return false;
      return link?.ctimeNs === this.#link.ctimeNs || fs.readlinkSync(path) === this.#target;
    } catch {
      return false;
    }
  }

  #removeTarget(): void {
    try {
      fs.rmSync(dirname(this.#target), { recursive: true, force: true });
    } catch {
      // It is empty, and goes at the next start.
    }
  }
}

function isSame(left: BigIntStats | undefined, right: BigIntStats): boolean {
  return left !== undefined && left.dev === right.dev && left.ino === right.ino;
}

function mountFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
    return new Failure('mount/exists', `there is something at ${path} already`, { cause: error });
  }
  return new Failure('machine/io', `${path} cannot be mounted`, { cause: error });
}
