// A program that was started: how it is doing, told as soon as the system says so.

import { constants } from 'node:os';
import { childState, type ChildState } from '../../../machine/launch.ts';

/** Keeps this process alive, and looks for itself now and then should a SIGCHLD have come before anybody listened. */
const LOOK_MS = 500;

/** A shell's way to say that a signal ended a program (POSIX, Shell Command Language, 2.8.2, asks for more than 128). */
const SIGNALLED = 128;

export class Running implements Disposable {
  readonly pid: number;
  /** The exit code, or 128 and the number of the signal that ended it. */
  readonly ended: Promise<number>;
  /** Called when it is stopped (Ctrl-Z). */
  onStopped: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #settle: (exitCode: number) => void;
  #isOver = false;

  constructor(pid: number) {
    this.pid = pid;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#settle = resolve;
    this.#timer = setInterval(this.#look, LOOK_MS);
    process.on('SIGCHLD', this.#look);
    setImmediate(this.#look);
  }

  /** Sends a signal; false when it is over. Its pid is its own until it was collected, and that is done here. */
  signal(name: NodeJS.Signals, pid = this.pid): boolean {
    if (this.#isOver) return false;
    try {
      return process.kill(pid, name);
    } catch {
      return false;
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  readonly #look = (): void => {
    if (!this.#isOver) this.#take(childState(this.pid));
  };

  #take(state: ChildState): void {
    switch (state.kind) {
      case 'running':
        return;
      case 'stopped':
        this.onStopped();
        return;
      case 'exited':
        this.#end(state.exitCode);
        return;
      case 'killed':
        this.#end(SIGNALLED + state.signal);
    }
  }

  #end(exitCode: number): void {
    this.#isOver = true;
    this[Symbol.dispose]();
    this.#settle(exitCode);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    process.off('SIGCHLD', this.#look);
  }
}

export function signalNumber(name: NodeJS.Signals): number {
  return constants.signals[name];
}
