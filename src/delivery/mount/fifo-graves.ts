// Pipes whose round is over. Who looked one up just before it left its path may attach to it just after, and would wait
// inside open() for ever: for a few seconds such latecomers are looked for, and given an end of file.

import { closeSync } from 'node:fs';
import { release } from './fifo-pipe.ts';
import type { Pipe } from './fifo-pipe.ts';

/** When a grave is looked at after the burial: a latecomer is one that was interrupted inside open(), not a sleeper. */
const VISITS_MS = [5, 20, 80, 320, 1_280, 2_560] as const;
/** Graves at once (I8); the oldest gets its last visit early. Each holds one descriptor. */
const GRAVES_MAX = 1_024;

interface Grave {
  readonly pipe: Pipe;
  readonly hold: number;
  /** Opens by others that were dealt with. */
  known: number | null;
  readonly onLate: (count: number) => void;
  timer: NodeJS.Timeout | null;
}

export class Graves {
  readonly #graves = new Set<Grave>();

  /** Takes the pipe over. `onLate` is told of everybody who opened it beyond the `known` ones. */
  bury(pipe: Pipe, known: number | null, onLate: (count: number) => void): void {
    const hold = pipe.retire();
    if (hold === null) {
      pipe.forget();
      return;
    }
    const grave: Grave = { pipe, hold, known, onLate, timer: null };
    this.#graves.add(grave);
    this.#plan(grave, 0);
    const [oldest] = this.#graves;
    if (this.#graves.size > GRAVES_MAX && oldest !== undefined) this.#level(oldest);
  }

  /** Visits every grave for the last time. */
  close(): void {
    for (const grave of this.#graves) this.#level(grave);
  }

  #plan(grave: Grave, visit: number): void {
    const dueMs = VISITS_MS[visit];
    if (dueMs === undefined) {
      this.#level(grave);
      return;
    }
    const waitMs = dueMs - (VISITS_MS[visit - 1] ?? 0);
    grave.timer = setTimeout(() => {
      this.#visit(grave);
      this.#plan(grave, visit + 1);
    }, waitMs);
    grave.timer.unref();
  }

  #visit(grave: Grave): void {
    try {
      release(grave.hold);
    } catch {
      // The folder's file system is gone, and everybody in it has an error already.
    }
    const opened = grave.pipe.opened;
    if (opened === null || grave.known === null || opened <= grave.known) return;
    if (Number.isFinite(opened)) grave.onLate(opened - grave.known);
    grave.known = opened;
  }

  #level(grave: Grave): void {
    if (!this.#graves.delete(grave)) return;
    if (grave.timer !== null) clearTimeout(grave.timer);
    this.#visit(grave);
    closeSync(grave.hold);
    grave.pipe.forget();
  }
}
