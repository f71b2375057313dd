// The human at a terminal, told from outside: a pseudo-terminal of its own and the built program.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { eventually, type House } from '../house.ts';

/** A command of the house on a terminal. Afterwards it says its exit code and how the terminal was left. */
export class Sitting {
  #seen = '';
  readonly #child: ChildProcess;
  readonly ended: Promise<void>;

  constructor(house: House, args: readonly string[]) {
    const command = `${[house.launcher, ...args].join(' ')}; echo "exit=$?"; stty -a </dev/tty`;
    this.#child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...house.env, SHELL: '/bin/sh', TERM: 'dumb' },
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#seen += chunk.toString('utf8')));
    this.ended = new Promise((settle) => this.#child.once('close', () => settle()));
  }

  get seen(): string {
    return this.#seen.replaceAll('\r\n', '\n');
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  async see(text: RegExp): Promise<void> {
    await this.#eventually(() => text.test(this.seen), String(text));
  }

  /** Presses a key until it had its effect: keys meant for an earlier moment are not counted. */
  async press(key: string, effect: RegExp): Promise<void> {
    let polls = 0;
    await this.#eventually(
      () => {
        if (polls % 25 === 0) this.type(key);
        polls += 1;
        return effect.test(this.seen);
      },
      `${String(effect)} after ${key}`,
    );
  }

  async #eventually(isSo: () => boolean, what: string): Promise<void> {
    try {
      await eventually(() => (isSo() ? true : undefined), what);
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw new Error(`${what} was not in:\n${this.seen}`, { cause: error });
    }
  }

  async end(): Promise<string> {
    await this.ended;
    assert.match(this.seen, / icanon /, 'the terminal is left as it was');
    assert.match(this.seen, / echo /, 'the terminal is left as it was');
    return /exit=(\d+)/.exec(this.seen)?.[1] ?? 'none';
  }
}
