// Signals that reach us are meant for the program: handed on once, and not when the terminal sent it the same already.

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { standingAt } from '../../../machine/pty.ts';
import { signalNumber, type Running } from './running.ts';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** What a terminal sends to all of its foreground, us and the program alike: Ctrl-C, Ctrl-\, and hanging up. */
const FROM_TERMINALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGHUP']);
/** By now a program that was sent it too, and does nothing about it, is gone. */
const REACTION_MS = 100;

/** After a signal, what the program printed last has this long to be taken. */
const FLUSH_MS = 1_000;

/** Listens until it is disposed. A signal that is ignored (`nohup`) stays so. */
export class Signals implements Disposable {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #ignored: bigint;

  constructor(ignored: bigint) {
    this.#ignored = ignored;
  }

  on(name: NodeJS.Signals, listener: () => void): void {
    if (((this.#ignored >> BigInt(signalNumber(name) - 1)) & 1n) === 1n) return;
    this.off(name);
    this.#listeners.set(name, listener);
    process.on(name, listener);
  }

  /** Back to what the system does by itself. */
  off(name: NodeJS.Signals): void {
    const listener = this.#listeners.get(name);
    if (listener !== undefined) process.off(name, listener);
    this.#listeners.delete(name);
  }

  /**
   * Hands signals on while the program runs. One that comes later is ours: somebody does not take what the program left
   * to be written, and may not do so for ever. `release` is called before we die of it.
   */
  forward(running: Running, send: (name: NodeJS.Signals) => void, release: () => void = () => undefined): void {
    let last: NodeJS.Signals | null = null;
    for (const name of FORWARDED) {
      this.on(name, () => {
        last = name;
        if (running.isOver) this.#dieOf(name, release);
        else send(name);
      });
    }
    void this.#dieLate(running, () => {
      if (last !== null) this.#dieOf(last, release);
    });
  }

  /** The program has ended, perhaps by a signal of ours; soon it should be all written, and this process over. */
  async #dieLate(running: Running, die: () => void): Promise<void> {
    await running.ended;
    setTimeout(die, FLUSH_MS).unref();
  }

  #dieOf(name: NodeJS.Signals, release: () => void): void {
    release();
    this.off(name);
    process.kill(process.pid, name);
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
    this.#listeners.clear();
  }
}

/**
 * For a program in our own process group. Nothing says who sent a signal: what comes to the foreground of a terminal, and
 * is of those that terminals send, is taken for such and reached the program too. If that does nothing about it and lives
 * all the same, it was for us alone, and is handed on late. (So `kill -INT` of us alone, in the foreground, does not
 * reach a program that catches SIGINT. Elsewhere a signal for the whole group reaches the program twice.)
 */
export function sendWithinGroup(running: Running, name: NodeJS.Signals): void {
  if (!FROM_TERMINALS.has(name) || !isTerminalOurs()) {
    running.signal(name);
    return;
  }
  setTimeout(() => {
    if (!doesSomethingAbout(running.pid, name)) running.signal(name);
  }, REACTION_MS);
}

/** Whether we are in the foreground of the terminal that controls us, whatever our own descriptors are. */
function isTerminalOurs(): boolean {
  let fd: number;
  try {
    fd = openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY);
  } catch {
    return false;
  }
  try {
    return standingAt(fd) === 'foreground';
  } finally {
    closeSync(fd);
  }
}

/** Whether it catches or ignores that signal (proc_pid_status(5)); true where the system does not say. */
function doesSomethingAbout(pid: number, name: NodeJS.Signals): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const bit = 1n << BigInt(signalNumber(name) - 1);
    return ['SigCgt', 'SigIgn'].some((field) => {
      const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
      return mask === undefined || (BigInt(`0x${mask}`) & bit) !== 0n;
    });
  } catch {
    return true;
  }
}
