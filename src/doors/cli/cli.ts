// The whole command line. What each command does stands in its row (commands.ts).

import { runCommandLine } from './command-line.ts';
import { commandsFor } from './commands.ts';

export { completionWords } from './completion-words.ts';

/** Runs one command, whichever it is, as `runCommandLine` says. */
export async function runCli(argv: readonly string[]): Promise<number> {
  return await runCommandLine(argv, commandsFor);
}
