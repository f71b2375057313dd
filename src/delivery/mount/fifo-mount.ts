// One mounted path. As soon as somebody opens the pipe that stands there, a fresh one takes its place: those who came first
// are a round of their own, and nobody joins them by the path.

import { linkSync, unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { OPENERS_WAITING_MAX } from '../../core/mount.ts';
import { Failure } from '../../core/failure.ts';
import { inodeAt, replaceOurs } from '../../machine/fifo.ts';
import { EVENT } from '../../machine/inotify.ts';
import type { Doorkeeper, MountedFile, PathIdentity } from './backend.ts';
import type { Graves } from './fifo-graves.ts';
import type { Lookout } from './fifo-identify.ts';
import type { Openings } from './fifo-openings.ts';
import { Pipe } from './fifo-pipe.ts';
import { Round } from './fifo-round.ts';
import type { Stage } from './fifo-round.ts';
import type { Guard, GuardEntry } from './guard.ts';

/** Between the removal of the path and the end of its pipe: who found it just before gets an end too. */
const LATECOMERS_MS = 50;
/** How long a pipe that is not to be read is without a writer; longer when its readers are slow to notice. */
const EMPTY_MS = 5;
const EMPTY_MS_MAX = 500;

/** What all mounts share. */
export interface FifoShared {
  readonly openings: Openings;
  readonly graves: Graves;
  readonly lookout: Lookout;
  readonly guard: Guard;
  /** Something happened to the file at the path that looks like tampering; `isIntact()` says more. */
  readonly onHint: (mount: MountedFile) => void;
}

/** Where a mount is: as others see it, and as this process reaches it. */
interface Place {
  readonly path: string;
  readonly held: string;
}

export class FifoMount implements MountedFile {
  readonly backend = 'fifo';
  readonly path: string;
  /** The same place through a folder that is held open: what is made and removed, is so there. */
  readonly #held: string;
  readonly #shared: FifoShared;
  readonly #doorkeeper: Doorkeeper;
  readonly #rounds = new Set<Round>();
  #pipe: Pipe;
  #identity: PathIdentity;
  #waiting = 0;
  #isClosed = false;
  /** How many openers found it empty because it was not ours to replace. */
  #turnedAway = 0;
  #isTurningAway = false;
  readonly #onClosed: (mount: FifoMount) => void;

  private constructor(
    { path, held }: Place,
    doorkeeper: Doorkeeper,
    shared: FifoShared,
    pipe: Pipe,
    onClosed: (mount: FifoMount) => void,
  ) {
    this.path = path;
    this.#held = held;
    this.#onClosed = onClosed;
    this.#doorkeeper = doorkeeper;
    this.#shared = shared;
    this.#pipe = pipe;
    this.#identity = { dev: pipe.dev, ino: pipe.ino };
    pipe.onEvent = (mask) => this.#onEvent(pipe, mask);
  }

  /** Throws `mount/exists`, `mount/unsupported`, `mount/unsafe` or `machine/io`; nothing is left then. */
  static async open(
    place: Place,
    doorkeeper: Doorkeeper,
    shared: FifoShared,
    onClosed: (mount: FifoMount) => void,
  ): Promise<FifoMount> {
    const { path, held } = place;
    if (inodeAt(held) !== null) throw taken();
    const pipe = Pipe.make(shared.openings, held, (temporary, made) => {
      shared.guard.tell(entryOf(path, made));
      try {
        link(temporary, held);
      } catch (error) {
        shared.guard.drop(entryOf(path, made));
        throw error;
      }
    });
    const mount = new FifoMount(place, doorkeeper, shared, pipe, onClosed);
    try {
      await shared.guard.watch(entryOf(path, pipe));
    } catch (error) {
      await mount.close();
      throw error;
    }
    return mount;
  }

  get identity(): PathIdentity {
    return this.#identity;
  }

  isIntact(): boolean {
    return this.#isOurs(this.path);
  }

  #isOurs(path: string): boolean {
    const found = inodeAt(path);
    return found !== null && found.isFifo && found.dev === this.#identity.dev && found.ino === this.#identity.ino;
  }

  /** Looks for openers whose event was lost. */
  lookAgain(): void {
    if (!this.#isClosed) this.#onOpened(this.#pipe);
  }

  async close(): Promise<void> {
    const rounds = [...this.#rounds];
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const round of rounds) round.abort();
      this.#remove();
      await this.#end();
    }
    await Promise.all(rounds.map(async (round) => await round.done));
    this.#onClosed(this);
  }

  #remove(): void {
    try {
      if (this.#isOurs(this.#held)) unlinkSync(this.#held);
    } catch {
      // The folder is gone or may not be written any more; the guard would not get further either.
    }
    this.#shared.guard.drop(entryOf(this.path, this.#pipe));
  }

  async #end(): Promise<void> {
    const pipe = this.#pipe;
    await delay(LATECOMERS_MS);
    const opened = pipe.opened;
    if (opened !== null && opened > 0 && Number.isFinite(opened)) this.#doorkeeper.refused('revoked', opened);
    this.#shared.graves.bury(pipe, opened, (count) => this.#doorkeeper.refused('revoked', count));
  }

  #onEvent(pipe: Pipe, mask: number): void {
    if (this.#isClosed || pipe !== this.#pipe) return;
    if ((mask & EVENT.opened) !== 0) this.#onOpened(pipe);
    const isTouched = (mask & (EVENT.changed | EVENT.moved | EVENT.deleted)) !== 0;
    if (isTouched && !this.isIntact()) this.#shared.onHint(this);
  }

  #onOpened(pipe: Pipe): void {
    if (!this.isIntact() || !this.#replace(pipe)) {
      void this.#turnAway(pipe);
      return;
    }
    pipe.seal();
    const round = new Round(pipe, this.#stage());
    this.#rounds.add(round);
    void round.done.then(() => this.#rounds.delete(round));
  }

  /** Puts a fresh pipe in the place of `old`. False when something else stands there by now, or the system refuses. */
  #replace(old: Pipe): boolean {
    const { guard, openings } = this.#shared;
    let pipe: Pipe;
    try {
      pipe = Pipe.make(openings, this.#held, (temporary, made) => {
        // Before it is there: from then on the daemon may be killed at any time.
        guard.tell(entryOf(this.path, made));
        const isPlaced = replaceOurs(temporary, this.#held, ({ dev, ino }) => dev === old.dev && ino === old.ino);
        if (isPlaced) return;
        guard.drop(entryOf(this.path, made));
        throw new Failure('machine/io', 'something else stands at the mounted path');
      });
    } catch {
      return false;
    }
    guard.drop(entryOf(this.path, old));
    pipe.onEvent = (mask) => this.#onEvent(pipe, mask);
    this.#pipe = pipe;
    this.#turnedAway = 0;
    this.#identity = { dev: pipe.dev, ino: pipe.ino };
    return true;
  }

  /** It cannot be replaced, or is not ours to be. Whoever opened it, under whatever name, finds it empty. */
  async #turnAway(pipe: Pipe): Promise<void> {
    if (this.#isTurningAway) return;
    this.#isTurningAway = true;
    pipe.hush();
    try {
      this.#shared.onHint(this);
      do await this.#empty(pipe);
      while (!this.#isClosed && this.#countTurnedAway(pipe));
    } catch {
      // No descriptors left. Without a writer nobody gets a byte from it.
    }
    this.#isTurningAway = false;
  }

  async #empty(pipe: Pipe): Promise<void> {
    // A reader has to be awake while there is no writer, or it misses the end and waits for the next one.
    for (let waitMs = EMPTY_MS; !this.#isClosed; waitMs = Math.min(2 * waitMs, EMPTY_MS_MAX)) {
      if (this.#countTurnedAway(pipe)) waitMs = EMPTY_MS;
      pipe.drain();
      pipe.endOfFile();
      await delay(waitMs);
      if (this.#isClosed) return;
      pipe.takeUp();
      if (pipe.isAbandoned()) break;
    }
    pipe.listenAgain();
  }

  /** Whether there was anybody new. */
  #countTurnedAway(pipe: Pipe): boolean {
    const { opened } = pipe;
    if (opened === null || !Number.isFinite(opened)) return false;
    const count = opened - this.#turnedAway;
    if (count > 0) this.#doorkeeper.refused('broken', count);
    this.#turnedAway = opened;
    return count > 0;
  }

  #stage(): Stage {
    const { guard, graves, lookout } = this.#shared;
    return {
      doorkeeper: this.#doorkeeper,
      guard,
      graves,
      lookout,
      enter: () => {
        if (this.#waiting >= OPENERS_WAITING_MAX) return false;
        this.#waiting += 1;
        return true;
      },
      leave: () => (this.#waiting -= 1),
      onForeign: () => this.#shared.onHint(this),
    };
  }
}

function entryOf(path: string, { ino }: PathIdentity): GuardEntry {
  return { kind: 'fifo', path, ino };
}

/** A second name, in one step, and only if there is nothing. */
function link(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? taken() : error;
  }
  unlinkSync(temporary);
}

function taken(): Failure {
  return new Failure('mount/exists', 'there is something at that path already');
}
