// A text on the terminal of a watch, page by page. I5: it counts as read when its last line was there for a moment.

import type { Terminal } from '../../machine/terminal.ts';
import { moreLine, pageRows, paint } from './human.ts';

/** A key meant for the prompt before must not answer this one. Firefox waits as long (security.dialog_enable_delay). */
const SETTLE_MS = 1_000;

export class Pages {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];
  #shown = 0;
  /** On the monotonic clock: when the last line has been on the screen for long enough. */
  #readyAt = Number.POSITIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** From here on another text, of which nothing was shown. */
  begin(lines: readonly string[]): void {
    this.#lines = lines;
    this.#shown = 0;
    this.#readyAt = Number.POSITIVE_INFINITY;
  }

  /** Shows the next page; whether that was the last, which nothing is after. */
  more(): boolean {
    if (this.#shown === this.#lines.length) return false;
    const end = Math.min(this.#lines.length, this.#shown + pageRows());
    for (const line of this.#lines.slice(this.#shown, end)) this.#terminal.write(`${paint(line)}\n`);
    this.#shown = end;
    const left = this.#lines.length - end;
    if (left > 0) this.#terminal.write(`${moreLine(left)}\n`);
    else this.#readyAt = performance.now() + SETTLE_MS;
    return left === 0;
  }

  /** Null when it was read, else what is to be done first. */
  get missing(): string | null {
    if (this.#shown < this.#lines.length) return 'Read to the end first: space goes on.';
    return performance.now() < this.#readyAt ? 'A moment: read it first.' : null;
  }
}
