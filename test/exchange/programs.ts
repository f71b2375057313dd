// Programs of others that our formats are held against, where this machine has them.

import { spawnSync } from 'node:child_process';
import { spawn } from '@lydell/node-pty';

/** false where the program is there, else why its tests are left out. */
export function unlessThere(program: string): string | false {
  const { error } = spawnSync(program, ['--version']);
  return error === undefined ? false : `${program} is not installed here`;
}

/** What the program printed; fails with what it said when it fails. */
export function runProgram(program: string, args: readonly string[], input: string | Buffer = ''): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, { input, maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

/** Runs a program at a terminal and types a line whenever it asks for one, which is when a line of it ends in a colon. */
export async function typeInto(program: string, args: string[], lines: readonly string[]): Promise<void> {
  const terminal = spawn(program, args, { name: 'xterm', cols: 200, rows: 24 });
  const left = [...lines];
  let shown = '';
  terminal.onData((text) => {
    shown += text;
    if (!/:\s*$/.test(shown)) return;
    shown = '';
    const line = left.shift();
    if (line !== undefined) terminal.write(`${line}\r`);
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  terminal.onExit(({ exitCode }) => resolve(exitCode));
  if ((await promise) !== 0) throw new Error(`${program} failed: ${shown}`);
}
