// One file that waits to be opened: empty, leased, and good for one round of openers. It gets its bytes only when it has
// no name any more, so a daemon that is killed leaves none behind: with its last reader the file is gone.
//
// While it is read the content is a page of tmpfs: memory, which the system may swap out, as it may any program's.

import * as fs from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { basename } from 'node:path';
import { leaseKey } from '../../machine/blocked-openers.ts';
import { isLeaseWhole, releaseLease, takeLease } from '../../machine/file-lease.ts';
import { Failure } from '../../core/failure.ts';
import { steadyTimes } from './steady-times.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = fs.constants;
/** Its owner may read it and nobody may write it: `> .env` fails, and an editor says that it is read-only. */
const MODE = 0o400;
/** Nobody may open it any more. Who waits in open() was let through this check already (do_open() in fs/namei.c). */
const MODE_SHUT = 0;
/** Somebody may open a fresh one before it has its lease. Nobody does that five times by accident. */
const TRIES_MAX = 5;

export class LeasedFile {
  /** Its name in /proc/locks. */
  readonly key: string;
  readonly stats: BigIntStats;
  /** The last part of its path, as /proc/PID/fd shows it. */
  readonly name: string;
  readonly #file: number;
  #isClosed = false;
  #length = 0;

  private constructor(fd: number, path: string) {
    this.#file = fd;
    this.name = basename(path);
    this.stats = fs.fstatSync(fd, { bigint: true });
    this.key = leaseKey(this.stats);
  }

  /**
   * Puts a fresh one at `path`, in place of what is there; `beside` (same file system) is where it is made. Throws
   * `machine/unsupported`, `machine/io`, or what the file system throws.
   */
  static place(path: string, beside: string): LeasedFile {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      fs.rmSync(beside, { force: true });
      const file = new LeasedFile(fs.openSync(beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, MODE), path);
      try {
        steadyTimes(file.#fd);
        if (takeLease(file.#fd)) {
          fs.renameSync(beside, path);
          return file;
        }
      } catch (error) {
        file.close();
        throw error;
      }
      file.close();
    }
    throw new Failure('machine/io', `somebody keeps opening the files that are made for ${path}`);
  }

  /** Nobody has opened it. */
  get isUntouched(): boolean {
    return isLeaseWhole(this.#fd);
  }

  /** It has no name: nobody can come to it by a path any more, unless somebody made a link to it. */
  get isNameless(): boolean {
    return fs.fstatSync(this.#fd).nlink === 0;
  }

  /** Nobody new gets as far as open() waits, but a process of this user that undoes it on purpose. */
  shut(): void {
    fs.fchmodSync(this.#fd, MODE_SHUT);
  }

  unshut(): void {
    fs.fchmodSync(this.#fd, MODE);
  }

  /**
   * Lets everybody who waits read `bytes`. False when the kernel has let them in already; then nothing is left in it.
   * Throws what writing throws (a full tmpfs), and then nothing is left in it either and nobody was let in.
   */
  serve(bytes: Buffer): boolean {
    this.#length = bytes.length;
    try {
      for (let at = 0; at < bytes.length;) at += fs.writeSync(this.#fd, bytes, at, bytes.length - at, at);
    } catch (error) {
      this.empty();
      throw error;
    }
    if (releaseLease(this.#fd)) return true;
    this.empty();
    return false;
  }

  /** Whether everybody who had it open closed it; nobody can open it from then on without being seen (a new lease). */
  isLeft(): boolean {
    return takeLease(this.#fd);
  }

  /** From now on a read finds its end. What somebody has mapped is gone too: touching it is a SIGBUS (mmap(2)). */
  empty(): void {
    fs.ftruncateSync(this.#fd, 0);
    this.#length = 0;
  }

  /** Overwrites it; for when nobody reads it. */
  wipe(): void {
    if (this.#length > 0) fs.writeSync(this.#fd, Buffer.alloc(this.#length), 0, this.#length, 0);
    this.empty();
  }

  /** Whoever waits gets it as it is. May be called twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    fs.closeSync(this.#file);
  }

  /** The number of a closed descriptor may be that of another file by now. */
  get #fd(): number {
    if (this.#isClosed) throw new Failure('machine/io', 'a mounted file is closed already');
    return this.#file;
  }
}
