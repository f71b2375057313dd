// What a taint scan may cost. Whoever asks it for more than is left is told no, and the limit is remembered: a scan that
// did not see all says so.

import type { TaintLimit } from '../core/taint.ts';

export interface TaintLimits {
  /** Files, folders and links that are met. */
  readonly entries: number;
  /** Changed files that are opened. */
  readonly files: number;
  /** Bytes that are looked at: of one file, and of all together. */
  readonly fileBytes: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** A large project has some ten thousand files, of which a run changes few. */
export const TAINT_LIMITS_DEFAULT: TaintLimits = {
  entries: 200_000,
  files: 10_000,
  fileBytes: 32 * 1024 * 1024,
  bytes: 256 * 1024 * 1024,
  milliseconds: 3_000,
};

export class TaintBudget {
  readonly #most: TaintLimits;
  readonly #endsAt: number;
  readonly #reached = new Set<TaintLimit>();
  #entries = 0;
  #files = 0;
  #bytes = 0;

  constructor(most: TaintLimits = TAINT_LIMITS_DEFAULT) {
    this.#most = most;
    this.#endsAt = performance.now() + most.milliseconds;
  }

  get reached(): TaintLimit[] {
    return [...this.#reached];
  }

  get files(): number {
    return this.#files;
  }

  note(limit: TaintLimit): void {
    this.#reached.add(limit);
  }

  /** Whether one more entry may be looked at. */
  takeEntry(): boolean {
    this.#entries += 1;
    return this.#isBelow('entries', this.#entries, this.#most.entries) && this.hasTime();
  }

  /** Whether one more file may be opened. */
  takeFile(): boolean {
    if (!this.#isBelow('files', this.#files + 1, this.#most.files) || !this.hasTime()) return false;
    this.#files += 1;
    return true;
  }

  /** How many more bytes of a file may be looked at of which `known` were; 0 for none. */
  bytesLeft(known: number): number {
    const left = Math.max(0, Math.min(this.#most.fileBytes - known, this.#most.bytes - this.#bytes));
    if (left === 0) this.note('bytes');
    return this.hasTime() ? left : 0;
  }

  spend(bytes: number): void {
    this.#bytes += bytes;
  }

  hasTime(): boolean {
    const isLeft = performance.now() < this.#endsAt;
    if (!isLeft) this.note('time');
    return isLeft;
  }

  #isBelow(limit: TaintLimit, count: number, most: number): boolean {
    if (count > most) this.note(limit);
    return count <= most;
  }
}
