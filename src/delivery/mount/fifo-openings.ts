// Who opens the pipes, for all mounts: one queue that wakes us, and one that counts. Both are shared, so that an idle
// mount costs two descriptors and nothing else.

import { Failure } from '../../core/failure.ts';
import { EVENT, Inotify, OpenCounter } from '../../machine/inotify.ts';

const MASK = EVENT.accessed | EVENT.changed | EVENT.closed | EVENT.opened | EVENT.deleted | EVENT.moved;

export class Openings {
  readonly #inotify: Inotify;
  readonly #counter: OpenCounter | null;
  readonly #listeners = new Map<number, (mask: number) => void>();
  /** Opens by others, by file. Infinity when the kernel lost count. */
  readonly #counts = new Map<string, number>();
  /** The same of files that are not known yet. */
  readonly #early = new Map<string, number>();

  /**
   * `onLost`: events were lost, every pipe has to be looked at. Throws `mount/unsupported` where openers cannot be
   * counted, unless `servesUncounted`.
   */
  constructor(servesUncounted: boolean, onLost: () => void) {
    this.#counter = OpenCounter.open();
    if (this.#counter === null && !servesUncounted) throw cannotCount();
    this.#inotify = new Inotify((events) => {
      for (const { watch, mask } of events) this.#listeners.get(watch)?.(mask);
    }, onLost);
  }

  /** Has to be called before anybody can know the path. */
  count(path: string): void {
    // What became of an earlier attempt is of no interest any more.
    this.#take();
    this.#early.clear();
    if (this.#counter !== null && !this.#counter.add(path)) throw cannotCount();
  }

  /**
   * The name of the one file that this process opened first since the last call; null when nothing is counted. Throws
   * `machine/io` when that is not clear.
   */
  learn(): string | null {
    if (this.#counter === null) return null;
    const fresh = this.#take();
    const [file] = fresh;
    if (file === undefined || fresh.size !== 1)
      throw new Failure('machine/io', 'the kernel did not tell who opened a pipe');
    this.#counts.set(file, this.#early.get(file) ?? 0);
    this.#early.clear();
    return file;
  }

  /** How many processes of others opened the file so far. */
  opened(file: string): number {
    this.#take();
    return this.#counts.get(file) ?? Number.POSITIVE_INFINITY;
  }

  forget(file: string): void {
    // Its last events must not be taken for those of a file that is not known yet.
    this.#take();
    this.#counts.delete(file);
  }

  /** Calls back with the bits of `EVENT` for whatever happens to the file at `path`. */
  listen(path: string, onEvent: (mask: number) => void): number {
    const watch = this.#inotify.watch(path, MASK);
    this.#listeners.set(watch, onEvent);
    return watch;
  }

  unlisten(watch: number): void {
    if (this.#listeners.delete(watch)) this.#inotify.forget(watch);
  }

  async close(): Promise<void> {
    this.#counter?.close();
    await this.#inotify.close();
  }

  /** Adds up what is new; returns the files that we opened and do not know. */
  #take(): Set<string> {
    const fresh = new Set<string>();
    const opened = this.#counter?.take() ?? null;
    if (opened === null) {
      for (const file of this.#counts.keys()) this.#counts.set(file, Number.POSITIVE_INFINITY);
      return fresh;
    }
    for (const { file, isOurs } of opened) {
      const isKnown = this.#counts.has(file);
      if (isOurs) {
        if (!isKnown) fresh.add(file);
        continue;
      }
      const counts = isKnown ? this.#counts : this.#early;
      counts.set(file, (counts.get(file) ?? 0) + 1);
    }
    return fresh;
  }
}

function cannotCount(): Failure {
  return new Failure(
    'mount/unsupported',
    'this system does not let an ordinary user count who opens a file (fanotify)',
  );
}
