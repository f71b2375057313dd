// Compiled code that is kept from one start of a process to the next.

import { enableCompileCache } from 'node:module';
import type { HomePaths } from './paths.ts';
import { checkPrivateFolder } from './private-files.ts';

export { homePaths } from './paths.ts';

/**
 * The MCP server starts with every task of an agent; compiled code from the last start saves a third of that. The cache
 * is bytecode that would be run: only a folder that is ours alone will do, and neither the daemon nor the command line,
 * at which passphrases are typed, ever uses one: an agent of the same user could have written it.
 */
export function keepCompiled({ home, cache }: HomePaths): void {
  try {
    checkPrivateFolder(home);
    enableCompileCache(cache);
  } catch {
    // No home yet, or one that is not private: start without.
  }
}
