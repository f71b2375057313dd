// The back end for systems without FUSE: a named pipe stands at the path. Linux only: /proc, inotify and fanotify. Whoever
// opens the path is kept apart. A program of the same user that is out to steal can still open the pipe of an admitted
// reader through /proc/PID/fd, in the moment between the write and the read: that is recorded, and not prevented (F02).

import type { Backend, Doorkeeper, MountedFile } from './backend.ts';
import { Failure } from '../../core/failure.ts';
import { Graves } from './fifo-graves.ts';
import { Lookout } from './fifo-identify.ts';
import { FifoMount } from './fifo-mount.ts';
import { Openings } from './fifo-openings.ts';
import type { Guard } from './guard.ts';

export interface FifoOptions {
  /** Belongs to the caller, who closes it after the back end. */
  readonly guard: Guard;
  /**
   * Mount also where openers cannot be counted (most containers). Then a reader whom /proc does not show is noticed when it
   * comes alone, but not when it opens the file within the same millisecond as an admitted one (F04).
   */
  readonly servesUncounted?: boolean;
  /** Something happened to a mounted file that looks like tampering: a good moment to ask `isIntact()`. */
  readonly onHint?: (mount: MountedFile) => void;
}

export class FifoBackend implements Backend {
  readonly kind = 'fifo';
  readonly #options: FifoOptions;
  readonly #mounts = new Set<FifoMount>();
  readonly #graves = new Graves();
  readonly #lookout = new Lookout();
  /** From the first mount on: a thread waits for its events. */
  #openings: Openings | null = null;
  #isClosed = false;

  constructor(options: FifoOptions) {
    this.#options = options;
  }

  async mount(path: string, doorkeeper: Doorkeeper, held = path): Promise<MountedFile> {
    if (this.#isClosed) throw new Failure('machine/io', 'the daemon is stopping');
    const { guard, onHint = () => undefined } = this.#options;
    const shared = { openings: this.#open(), graves: this.#graves, lookout: this.#lookout, guard, onHint };
    const mount = await FifoMount.open({ path, held }, doorkeeper, shared, (closed) => this.#mounts.delete(closed));
    this.#mounts.add(mount);
    if (this.#isClosed) await mount.close();
    return mount;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#mounts].map(async (mount) => await mount.close()));
    this.#graves.close();
    await this.#openings?.close();
  }

  #open(): Openings {
    try {
      this.#openings ??= new Openings(this.#options.servesUncounted ?? false, () => {
        for (const mount of this.#mounts) mount.lookAgain();
      });
      return this.#openings;
    } catch (error) {
      const failure = Failure.from(error);
      if (failure.code !== 'machine/unsupported') throw failure;
      throw new Failure('mount/unsupported', failure.message, { cause: error });
    }
  }
}
