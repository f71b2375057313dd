// Mounted files by a file system of our own: one for all mounts of a daemon, in a private folder. At the path of a mount
// stands a symbolic link into it. A reader sees a regular file, whoever is refused gets EACCES, and the kernel says who
// opens what (I7).
// A file that was handed on open (to a child, over a socket) can be read by whoever has it: that is the opener's doing.

import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { unmountFuse, whyNoFuse } from '../../machine/fuse-device.ts';
import type { Backend, Doorkeeper, MountedFile } from './backend.ts';
import { FuseFile } from './fuse-file.ts';
import type { FromThread, OpenRequest, ReadRequest } from './fuse-messages.ts';
import { FuseOpeners, OpenFilesCount } from './fuse-openers.ts';
import { ERRNO } from './fuse-protocol.ts';
import { FuseSession } from './fuse-session.ts';

export interface FusePlaces {
  /** Absolute, for nothing else, in the home; made when it is missing. Its own file system is mounted on it. */
  readonly folder: string;
  /** dist/fuse-thread.js, or src/delivery/mount/fuse-thread.ts when run from source. */
  readonly thread: string;
}

export class FuseBackend implements Backend {
  readonly kind = 'fuse';
  readonly #places: FusePlaces;
  readonly #files = new Map<number, FuseFile>();
  readonly #count = new OpenFilesCount();
  #session: Promise<FuseSession> | null = null;
  #lastMount = 0;
  #isClosed = false;

  private constructor(places: FusePlaces) {
    this.#places = places;
  }

  /** Takes away what a killed daemon left. Mounts nothing yet: that is done for the first file. Never rejects. */
  static async open(places: FusePlaces): Promise<FuseBackend> {
    await unmountFuse(places.folder).catch(() => false);
    return new FuseBackend(places);
  }

  async mount(path: string, doorkeeper: Doorkeeper, held = path): Promise<MountedFile> {
    const session = await this.#sessionForMount();
    this.#lastMount += 1;
    const mount = this.#lastMount;
    // By chance, so that a link left by an earlier daemon never leads to the file of another mount.
    const id = randomBytes(8).toString('hex');
    const name = basename(path);
    const target = join(this.#places.folder, id, name);
    session.tell({ kind: 'add', mount, folder: id, name });
    const openers = new FuseOpeners(session, doorkeeper, this.#count);
    const onClose = (): void => {
      this.#files.delete(mount);
      session.tell({ kind: 'remove', mount });
    };
    try {
      const isServed = (): boolean => session.isInPlace;
      const file = new FuseFile({ path, held, target, openers, doorkeeper, isServed, onClose });
      this.#files.set(mount, file);
      return file;
    } catch (error) {
      session.tell({ kind: 'remove', mount });
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#files.values()].map((file) => file.close()));
    const session = await this.#session?.catch(() => null);
    await session?.close();
  }

  async #sessionForMount(): Promise<FuseSession> {
    const why = this.#isClosed ? 'the daemon is stopping' : whyNoFuse();
    if (why !== null) throw new Failure('mount/unsupported', why);
    this.#session ??= this.#start();
    const session = await this.#session;
    if (this.#isClosed || session.isOver) throw new Failure('mount/unsupported', 'the file system was taken away');
    return session;
  }

  async #start(): Promise<FuseSession> {
    const { folder, thread } = this.#places;
    try {
      const session = await FuseSession.start(folder, thread);
      session.onMessage = (message) => this.#hear(session, message);
      session.onEnd = () => this.#lose();
      return session;
    } catch (error) {
      this.#session = null;
      throw error;
    }
  }

  #hear(session: FuseSession, message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        return;
      case 'interrupt':
        for (const { openers } of this.#files.values()) if (openers.interrupt(message.unique)) return;
        return;
      case 'unidentified':
        this.#files.get(message.mount)?.doorkeeper.refused('unidentified', 1);
        return;
      case 'release':
        this.#files.get(message.mount)?.openers.release(message.handle);
        return;
      case 'open':
      case 'read':
        this.#serve(session, message);
    }
  }

  #serve(session: FuseSession, message: OpenRequest | ReadRequest): void {
    const openers = this.#files.get(message.mount)?.openers;
    // Somebody was on the way when the mount went: every request gets an answer, or its process could not even be killed.
    if (openers === undefined) session.answer(message.unique, ERRNO.EACCES);
    else if (message.kind === 'open') openers.open(message);
    else openers.read(message);
  }

  /** Somebody unmounted it, or the thread failed. What is mounted next gets a new one. */
  #lose(): void {
    this.#session = null;
    for (const file of this.#files.values()) file.lose();
  }
}
