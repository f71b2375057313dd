// The time in which a file has bytes: from the moment its openers were let in until the last of them closed it.

import type { Holders } from '../../machine/file-holders.ts';
import type { Lookout } from '../../machine/lookout.ts';
import { ancestorsOf } from '../../machine/processes.ts';
import type { ProcessName } from '../../machine/processes.ts';
import type { LeasedFile } from './file-leased.ts';

/** The first look whether it is closed, and the longest time between two: each doubles. Nothing tells when a file is closed. */
const POLL_MS_MIN = 1;
const POLL_MS_MAX = 100;
/** Every so many polls a look for strangers: most readers are done before the first, 7 ms after they were let in. */
const POLLS_PER_SEARCH = 3;

export interface ServingPowers {
  readonly holders: Lookout<Holders>;
  /** How long a file may have bytes. */
  readonly servingMs: number;
  /** `count` processes hold the file that were not admitted, nor started by one that was. It is empty by now. */
  readonly onStrangers: (count: number) => void;
  /** The file is empty and closed. */
  readonly onOver: () => void;
}

export class Serving {
  readonly #file: LeasedFile;
  readonly #admitted: readonly ProcessName[];
  readonly #endsAt: number;
  readonly #powers: ServingPowers;
  #timer: NodeJS.Timeout | undefined;
  #polls = 0;
  #isOver = false;

  /** `file` was just served to `admitted`, and is emptied after `servingMs` at the latest (I6). */
  constructor(file: LeasedFile, admitted: readonly ProcessName[], powers: ServingPowers) {
    this.#file = file;
    this.#admitted = admitted;
    this.#endsAt = performance.now() + powers.servingMs;
    this.#powers = powers;
    this.#pollIn(POLL_MS_MIN);
  }

  /** Takes back what nobody has read yet, at once. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#file.empty();
    this.#file.close();
    this.#powers.onOver();
  }

  #pollIn(ms: number): void {
    this.#timer = setTimeout(() => this.#poll(Math.min(ms * 2, POLL_MS_MAX)), Math.min(ms, this.#leftMs));
  }

  get #leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  #poll(nextMs: number): void {
    this.#polls += 1;
    if (this.#file.isLeft()) {
      this.#file.wipe();
      this.stop();
    } else if (this.#leftMs === 0) {
      this.stop();
    } else {
      if (this.#polls % POLLS_PER_SEARCH === 0) void this.#search();
      this.#pollIn(nextMs);
    }
  }

  /** Somebody may have come between the last look at who waits and the moment they were let in. */
  async #search(): Promise<void> {
    try {
      const holders = await this.#powers.holders.look();
      const strangers = [...(holders.get(this.#file.key) ?? [])].filter((pid) => !this.#isAdmitted(pid));
      if (strangers.length === 0 || this.#isOver) return;
      this.stop();
      this.#powers.onStrangers(strangers.length);
    } catch {
      // /proc cannot be listed: then nobody can be told to have no right to be here.
      this.stop();
    }
  }

  /** A program hands what it opened to those it starts: `while read line; do …; done < .env`. */
  #isAdmitted(pid: number): boolean {
    const isOne = ({ pid, startedAt }: ProcessName): boolean =>
      this.#admitted.some((name) => name.pid === pid && name.startedAt === startedAt);
    return this.#admitted.some((name) => name.pid === pid) || ancestorsOf(pid).some(isOne);
  }
}
