// A terminal of the program's own, and the human's behind it: keys go in, masked output comes out, and what is typed is
// echoed by the program's terminal, so that is masked as well. The human's is raw while we are in its foreground, and as
// it was before whenever we are not.

import { constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import {
  copySize,
  modesOf,
  openPseudoTerminal,
  rawModes,
  setModes,
  standingAt,
  type Modes,
  type PseudoTerminal,
} from '../../../machine/pty.ts';

/** Nothing says that a job in the background was brought to the foreground while it ran: it has to look. */
const LOOK_MS = 200;

export class OwnTerminal implements Disposable {
  /** The human's terminal, opened by us: what is done to it is not done to descriptors others have. */
  readonly #fd: number;
  readonly #keyboard: ReadStream;
  readonly #pty: PseudoTerminal;
  /** Its settings when we took it last, which are those we give back. */
  #before: Modes;
  #look: NodeJS.Timeout | null = null;
  #isTaken = false;
  /** Reads what the program writes, and ends when nobody has the program's end open. */
  readonly master: ReadStream;

  /** `fd` is the human's terminal. Throws `machine/unsupported` when the system has no pseudo-terminal left. */
  constructor(fd: number) {
    this.#fd = openSync(`/dev/fd/${fd}`, constants.O_RDWR | constants.O_NOCTTY);
    this.#before = modesOf(this.#fd) ?? Buffer.alloc(0);
    this.#pty = openPseudoTerminal(this.#fd);
    setModes(this.#pty.masterFd, this.#before);
    this.master = new ReadStream(this.#pty.masterFd);
    // Has gone before, or goes together with, what reads it.
    this.master.on('error', () => undefined);
    this.#keyboard = new ReadStream(this.#fd);
    this.#keyboard.pause();
    this.#keyboard.on('data', (keys: Buffer) => this.#type(keys));
    // The human's terminal is gone, so the program's is.
    this.#keyboard.on('error', () => this.hangUp()).on('end', () => this.hangUp());
    process.on('exit', this.#restore);
  }

  /** The program's end. */
  get path(): string {
    return this.#pty.path;
  }

  /** Takes keyboard and screen, now or as soon as we are in the foreground. */
  take(): void {
    if (this.#look !== null) clearTimeout(this.#look);
    this.#look = null;
    if (standingAt(this.#fd) === 'background') {
      this.#look = setTimeout(() => this.take(), LOOK_MS);
      return;
    }
    if (!this.#isTaken) this.#keepModes();
    this.#isTaken = true;
    setModes(this.#fd, rawModes(this.#before));
    this.resize();
    this.#keyboard.resume();
  }

  /**
   * A job that began in the background has seen the settings of whatever was in the foreground, a shell at its prompt.
   * Now they are meant for us, and for the program if it has not chosen its own.
   */
  #keepModes(): void {
    const now = modesOf(this.#fd);
    if (now === null) return;
    if (modesOf(this.#pty.masterFd)?.equals(this.#before) === true) setModes(this.#pty.masterFd, now);
    this.#before = now;
  }

  /** Gives the human's terminal back as it was. */
  release(): void {
    if (this.#look !== null) clearTimeout(this.#look);
    this.#look = null;
    this.#keyboard.pause();
    this.#restore();
  }

  resize(): void {
    copySize(this.#fd, this.#pty.masterFd);
  }

  /** Whoever still has the program's end open sees that its terminal is gone. */
  hangUp(): void {
    this.master.destroy();
  }

  [Symbol.dispose](): void {
    this.release();
    this.hangUp();
    process.off('exit', this.#restore);
    // Closes the descriptor too.
    this.#keyboard.destroy();
  }

  /** As fast as the program reads. */
  #type(keys: Buffer): void {
    const isFull = !this.master.write(keys, () => keys.fill(0));
    if (!isFull) return;
    this.#keyboard.pause();
    this.master.once('drain', () => {
      if (this.#isTaken) this.#keyboard.resume();
    });
  }

  /** Somebody else's by now, if we were put into the background: then whoever did that has set its modes. */
  readonly #restore = (): void => {
    if (this.#isTaken && standingAt(this.#fd) !== 'background') setModes(this.#fd, this.#before);
    this.#isTaken = false;
  };
}
