// How far a long piece of work is: one line on standard error, only on a terminal and only once it has taken a second.
// It has no colours, so there are none for NO_COLOR to take away. The line is gone when the work is done or the process ends.

import { standard, type Output } from './output.ts';

const SHOW_AFTER_MS = 1_000;
const REDRAW_AFTER_MS = 100;
const BAR_COLUMNS = 24;
const COLUMNS_DEFAULT = 80;
const CLEAR_LINE = '\r\u001b[K';

/** Standard error, as far as it is needed here. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Printable ASCII: `importing items`. */
  readonly label: string;
  /** How many steps there are. */
  readonly total: number;
  readonly stream: ProgressStream;
  /** A terminal that cannot clear a line (TERM=dumb), or a reader who is no human: nothing is shown. */
  readonly isQuiet: boolean;
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
}

export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  readonly #clear = (): void => this.done();
  #startedAt: number;
  #drawnAt: number | null = null;
  #count = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    process.once('exit', this.#clear);
  }

  /** That of this process. */
  static of(output: Output, label: string, total: number): Progress {
    const isQuiet = output.isJson || process.env.TERM === 'dumb';
    return new Progress({ label, total, stream: standard('stderr'), isQuiet, now: () => performance.now() });
  }

  /** `steps` more are done. */
  advance(steps = 1): void {
    this.#count += steps;
    const { stream, isQuiet, now } = this.#options;
    if (isQuiet || stream.isTTY !== true) return;
    const at = now();
    if (at - this.#startedAt < SHOW_AFTER_MS) return;
    if (this.#drawnAt !== null && at - this.#drawnAt < REDRAW_AFTER_MS) return;
    this.#drawnAt = at;
    stream.write(`${CLEAR_LINE}${this.#line()}`);
  }

  /** Takes the line away, if there is one. May be called again. */
  done(): void {
    process.off('exit', this.#clear);
    if (this.#drawnAt !== null) this.#options.stream.write(CLEAR_LINE);
    this.#drawnAt = null;
  }

  [Symbol.dispose](): void {
    this.done();
  }

  /** Shorter than the terminal is wide: a line that wraps cannot be cleared. */
  #line(): string {
    const { label, total, stream } = this.#options;
    const part = total > 0 ? Math.min(1, this.#count / total) : 1;
    const filled = Math.round(part * BAR_COLUMNS);
    const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_COLUMNS - filled)}]`;
    const columns = stream.columns ?? COLUMNS_DEFAULT;
    return `${label} ${bar} ${this.#count} of ${total}`.slice(0, Math.max(0, columns - 1));
  }
}
