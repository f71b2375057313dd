// Reads argv and opens one door: the MCP server for agents, the command line for people, names for their shells.

import { enableCompileCache } from 'node:module';
import { homePaths } from './machine/paths.ts';
import { checkPrivateFolder } from './machine/private-files.ts';

const [command, ...rest] = process.argv.slice(2);

if (command === 'mcp' && rest.length === 0) {
  const paths = homePaths();
  keepCompiled(paths.home, paths.cache);
  const { serveMcp } = await import('./doors/mcp/serve.ts');
  // Ends even if a call still waits for the human: there is nobody left to tell.
  process.exit(await serveMcp({ paths }));
} else if (command === 'completion-words' && rest.length === 1) {
  const { completionWords } = await import('./doors/cli/completion-words.ts');
  process.stdout.write(await completionWords(rest[0] ?? ''));
} else {
  const { runCli } = await import('./doors/cli/cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
}

/**
 * The MCP server starts with every task of an agent; compiled code from the last start saves a third of that. The cache
 * is bytecode that would be run: only a folder that is ours alone will do, and the daemon never uses one.
 */
function keepCompiled(home: string, cache: string): void {
  try {
    checkPrivateFolder(home);
    enableCompileCache(cache);
  } catch {
    // No home yet, or one that is not private: start without.
  }
}
