// Programs of others that our formats are held against, where this machine has them.

import { spawnSync } from 'node:child_process';

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
