// Mounted files as regular files (Linux): the path is a symbolic link to an empty file in memory, under a lease. The
// kernel holds everybody in open() until it is decided; who is admitted finds the content, who is not an empty file.
//
// What a program can see of it: O_NONBLOCK fails with EAGAIN, opening for writing with EACCES, and after the time of
// /proc/sys/fs/lease-break-time (45 s) the kernel waits no longer, so a little earlier the answer is no.
// What it does not keep out: a process of the same user that looks into a reader (/proc/PID/fd, ptrace), or that hides
// (prctl(PR_SET_DUMPABLE)), holds the file since before it was opened (O_PATH) and changes its mode back.

import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { OPENERS_WAITING_MAX } from '../../core/mount.ts';
import { blockedOpeners, readBlockedOpeners } from '../../machine/blocked-openers.ts';
import { holdersBelow } from '../../machine/file-holders.ts';
import type { Holders } from '../../machine/file-holders.ts';
import { leaseBreakMs, onLeaseBroken } from '../../machine/file-lease.ts';
import { Lookout } from '../../machine/lookout.ts';
import type { Backend, Doorkeeper, MountedFile } from './backend.ts';
import { makeMountFolder, removeMountFolder } from './file-folder.ts';
import { LeasedFile } from './file-leased.ts';
import { FileMount } from './file-mount.ts';
import type { MountPowers } from './file-mount.ts';

/** A signal is never lost but to a process that changes its handlers; this only keeps a mount from being deaf for ever. */
const LOOK_MS = 1_000;
/** How long an answer may take if the kernel waits for ever (lease-break-time 0). */
const ANSWER_MS_MAX = 40_000;
/** Of the time the kernel waits, so that our no comes first: 40 of 45 seconds. */
const ANSWER_SHARE = 8 / 9;
/** A program that reads its settings does so at once. */
const SERVING_MS_MAX = 30_000;

export interface FileBackendOptions {
  /** The folder of everything of this user; two backends at one time must not have the same. */
  readonly home: string;
  /** Other limits than the usual ones: until an answer, how long a file may have bytes, how many wait for one mount. */
  readonly answerMs?: number;
  readonly servingMs?: number;
  readonly waitingMax?: number;
}

export class FileBackend implements Backend {
  readonly kind = 'file';
  readonly #options: FileBackendOptions;
  readonly #openers = new Lookout(readBlockedOpeners);
  readonly #holders = new Lookout(async () => await this.#search());
  readonly #mounts = new Set<FileMount>();
  #folder: string | null = null;
  #stopListening: (() => void) | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** Removes what an earlier process left. */
  constructor(options: FileBackendOptions) {
    this.#options = options;
    removeMountFolder(options.home);
  }

  /** Null when files can be mounted this way here; else why not, in words. */
  whyUnsupported(): string | null {
    try {
      this.#prepare();
      return null;
    } catch (error) {
      return Failure.from(error).message;
    }
  }

  // oxlint-disable-next-line typescript/require-await -- the interface is for back ends that wait
  async mount(path: string, doorkeeper: Doorkeeper, held = path): Promise<MountedFile> {
    const folder = this.#prepare();
    const powers = { doorkeeper, openers: this.#openers, holders: this.#holders, ...this.#limits() };
    const mount: FileMount = new FileMount({ path, held }, folder, powers, () => this.#forget(mount));
    this.#mounts.add(mount);
    this.#stopListening ??= onLeaseBroken(() => this.#look());
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return mount;
  }

  async close(): Promise<void> {
    // Each does everything before its first await, so all are closed when this line is over.
    await Promise.all([...this.#mounts].map(async (mount) => await mount.close()));
    this.#folder = null;
    removeMountFolder(this.#options.home);
  }

  async #search(): Promise<Holders> {
    return this.#folder === null ? new Map() : await holdersBelow(basename(this.#folder));
  }

  #look(): void {
    for (const mount of this.#mounts) mount.look();
  }

  #forget(mount: FileMount): void {
    this.#mounts.delete(mount);
    if (this.#mounts.size > 0) return;
    clearInterval(this.#timer);
    this.#stopListening?.();
    this.#timer = undefined;
    this.#stopListening = null;
  }

  #limits(): Pick<MountPowers, 'answerMs' | 'servingMs' | 'waitingMax'> {
    const { answerMs = ANSWER_MS_MAX, servingMs = SERVING_MS_MAX, waitingMax = OPENERS_WAITING_MAX } = this.#options;
    const breakMs = leaseBreakMs() ?? Number.POSITIVE_INFINITY;
    return { answerMs: Math.min(answerMs, breakMs * ANSWER_SHARE), servingMs, waitingMax };
  }

  /** The folder for the files, made and tried once. Throws `mount/unsupported`. */
  #prepare(): string {
    // Somebody may tidy up /dev/shm; and /run/user/UID goes when the user has logged out everywhere.
    if (this.#folder !== null && existsSync(this.#folder)) return this.#folder;
    if (process.platform !== 'linux') throw new Failure('mount/unsupported', 'only Linux has leases on files');
    const folder = makeMountFolder(this.#options.home);
    tryLease(folder);
    this.#folder = folder;
    return folder;
  }
}

/** Whether the kernel gives a lease in `folder` and says who waits for it; /proc may be one that keeps it to itself. */
function tryLease(folder: string): void {
  const path = join(folder, 'probe');
  try {
    const file = LeasedFile.place(path, `${path}.new`);
    const isListed = blockedOpeners().has(file.key);
    file.close();
    if (!isListed)
      throw new Failure('mount/unsupported', 'the system does not show who waits for a file (/proc/locks)');
  } catch (error) {
    if (error instanceof Failure && error.code === 'mount/unsupported') throw error;
    throw new Failure('mount/unsupported', `files in ${folder} cannot be leased`, { cause: error });
  } finally {
    rmSync(path, { force: true });
  }
}
