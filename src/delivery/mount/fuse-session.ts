// One mounted file system: its device, the thread that reads it, and the answers of this thread. From the mount to the
// unmount; when it ends for another reason (somebody unmounted it), it says so.

import { closeSync, writevSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Failure } from '../../core/failure.ts';
import { mountedAt, mountFuse, mountsOver, unmountFuse } from '../../machine/fuse-device.ts';
import { makePipe } from '../../machine/native.ts';
import { ensurePrivateFolder } from '../../machine/private-files.ts';
import { answerHeader } from './fuse-protocol.ts';
import type { FromThread, ThreadData, ToThread } from './fuse-messages.ts';

const START_MS_MAX = 20_000;
/** All mounts of a session ask at the same moments; the list of mounts is read once for them. */
const PLACE_LOOK_MS = 200;
/** The thread holds names and numbers. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };

/** What became of an answer. `gone`: nobody waits for it any more. */
export type Sent = 'sent' | 'gone' | 'broken';

export class FuseSession {
  readonly #device: number;
  readonly #wakeRead: number;
  readonly #worker: Worker;
  readonly #folder: string;
  readonly #ended = Promise.withResolvers<void>();
  #wakeWrite: number | null;
  #isOver = false;
  /** The real path of the folder, and what led there when it was mounted. */
  #place: { readonly path: string; readonly mounts: string } | null = null;
  #inPlace = { isSo: true, at: Number.NEGATIVE_INFINITY };
  /** Hears every message but `ready`. */
  onMessage: (message: FromThread) => void = () => undefined;
  /** Is called once, when nobody can open or read any more. */
  onEnd: () => void = () => undefined;

  private constructor(folder: string, thread: string, device: number) {
    const { readFd, writeFd } = makePipe();
    this.#folder = folder;
    this.#device = device;
    this.#wakeRead = readFd;
    this.#wakeWrite = writeFd;
    const workerData: ThreadData = {
      device,
      wake: readFd,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
    };
    this.#worker = new Worker(thread, { workerData, env: {}, argv: [], resourceLimits: THREAD_LIMITS });
    // Without a listener an error of the thread would end the daemon.
    this.#worker.once('error', () => undefined);
    this.#worker.once('exit', () => this.#end());
    // Node waits for its threads when it exits, and this one waits for the kernel.
    process.once('exit', this.#wake);
  }

  /**
   * Mounts on `folder` (absolute), which is made if it is missing. `thread` is the file of fuse-thread.ts. Throws
   * `mount/unsupported`, `home/unsafe`, `machine/io`.
   */
  static async start(folder: string, thread: string): Promise<FuseSession> {
    if (!(await unmountFuse(folder)))
      throw new Failure('mount/unsupported', `an old mount at ${folder} cannot be taken away`, {
        hint: `run: fusermount3 -u -z ${folder}`,
      });
    ensurePrivateFolder(folder);
    const device = await mountFuse(folder);
    let session: FuseSession;
    try {
      session = new FuseSession(folder, thread, device);
    } catch (error) {
      closeSync(device);
      throw error;
    }
    try {
      await session.#ready();
      const path = mountedAt(folder);
      if (path !== null) session.#place = { path, mounts: mountsOver(path) };
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Whether the folder still leads here. Another file system may have been mounted on it, as fusermount3 lets any program
   * of this user, and would answer in our place (attack F09).
   */
  get isInPlace(): boolean {
    const now = performance.now();
    if (now - this.#inPlace.at >= PLACE_LOOK_MS) {
      const isSo = this.#place !== null && mountsOver(this.#place.path) === this.#place.mounts;
      this.#inPlace = { isSo, at: now };
    }
    return this.#inPlace.isSo;
  }

  tell(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is about windows of a browser
    if (!this.#isOver) this.#worker.postMessage(message);
  }

  /** Answers the request `unique` with an errno (0 is none) and the bytes of `body`. Does not wait; never throws. */
  answer(unique: bigint, error: number, body: Buffer | null = null): Sent {
    if (this.#isOver) return 'gone';
    const header = answerHeader(unique, error, body?.length ?? 0);
    try {
      // Without a copy of the value: the kernel takes both in one go.
      writevSync(this.#device, body === null ? [header] : [header, body]);
      return 'sent';
    } catch (thrown) {
      // fuse_dev_do_write in fs/fuse/dev.c: ENOENT when the request is over, EPERM or ENODEV when everything is.
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
      return code === 'ENOENT' || code === 'EPERM' || code === 'ENODEV' ? 'gone' : 'broken';
    }
  }

  /** Unmounts, whoever is inside. Never rejects, never hangs. */
  async close(): Promise<void> {
    this.#worker.ref();
    await unmountFuse(this.#folder).catch(() => false);
    this.#wake();
    await this.#ended.promise;
  }

  readonly #wake = (): void => {
    if (this.#wakeWrite !== null) closeSync(this.#wakeWrite);
    this.#wakeWrite = null;
  };

  #end(): void {
    this.#isOver = true;
    process.off('exit', this.#wake);
    this.#wake();
    closeSync(this.#wakeRead);
    // The last descriptor: whoever waits for an answer or reads gets an error now.
    closeSync(this.#device);
    this.#ended.resolve();
    this.onEnd();
  }

  async #ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const failed = (): void =>
      reject(new Failure('mount/unsupported', 'FUSE does not start here (Linux 5.4 is needed)'));
    const deadline = setTimeout(failed, START_MS_MAX);
    this.#worker.once('exit', failed);
    this.#worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') resolve();
      else this.onMessage(message);
    });
    try {
      await promise;
    } finally {
      clearTimeout(deadline);
      this.#worker.off('exit', failed);
      // A mount does not keep the daemon from ending.
      this.#worker.unref();
    }
  }
}
