// The commands that get values, as a program of their own: they stand in the scripts and shells of people and are started
// all day, and loading what the other commands know takes 5 ms.

import type { Command } from './command.ts';
import { runCommandLine } from './command-line.ts';

export { hasSpoken } from './output.ts';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run-command.ts')).RUN_COMMAND,
  read: async () => (await import('./read-command.ts')).READ_COMMAND,
  inject: async () => (await import('./inject-command.ts')).INJECT_COMMAND,
};

/** As `runCli` of cli.ts, for a first word that is one of these. */
export async function runValueCommand(argv: readonly string[]): Promise<number> {
  return await runCommandLine(argv, async (word) => {
    const load = COMMANDS[word ?? ''];
    return load === undefined ? [] : [await load()];
  });
}
