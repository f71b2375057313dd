// A machine on which many processes sleep: what has to be looked for in /proc takes longer there.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';

/** Open files of each: services and shells of a desktop have a dozen or two. */
const DESCRIPTORS = 16;
/** Longer than any bench, and not for ever if this process is killed. */
const SECONDS = 1_800;

export class Crowd implements AsyncDisposable {
  readonly #sleepers: ChildProcess[] = [];

  /** Starts processes until there are `count` on the machine, or none if there are more. */
  async grow(count: number): Promise<void> {
    for (let there = processCount(); there < count; there += 1) {
      const stdio = Array.from({ length: DESCRIPTORS }, () => 'ignore' as const);
      const sleeper = spawn('sleep', [String(SECONDS)], { cwd: '/', env: process.env, stdio });
      this.#sleepers.push(sleeper);
      await once(sleeper, 'spawn');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sleeper of this.#sleepers) {
      const ended = once(sleeper, 'exit');
      sleeper.kill('SIGKILL');
      await ended;
    }
  }
}

export function processCount(): number {
  return readdirSync('/proc').filter((name) => /^[1-9]\d*$/.test(name)).length;
}
