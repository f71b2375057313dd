// Reads argv and opens one door: the MCP server for agents, the command line for people, names for their shells.

void main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv;
  if (command === 'mcp' && rest.length === 0) {
    const { homePaths } = await import('./machine/paths.ts');
    const paths = homePaths();
    await keepCompiled(paths.home, paths.cache);
    const { serveMcp } = await import('./doors/mcp/serve.ts');
    // Ends even if a call still waits for the human: there is nobody left to tell.
    process.exit(await serveMcp({ paths }));
  } else if (command === 'completion-words' && rest.length === 1) {
    const { completionWords } = await import('./doors/cli/cli.ts');
    process.stdout.write(await completionWords(rest[0] ?? ''));
  } else if (command === 'run' || command === 'read' || command === 'inject') {
    const { runValueCommand } = await import('./doors/cli/value-commands.ts');
    process.exitCode = await runValueCommand(argv);
  } else {
    const { runCli } = await import('./doors/cli/cli.ts');
    process.exitCode = await runCli(argv);
  }
}

/**
 * The MCP server starts with every task of an agent; compiled code from the last start saves a third of that. The cache
 * is bytecode that would be run: only a folder that is ours alone will do, and neither the daemon nor the command line,
 * at which passphrases are typed, ever uses one: an agent of the same user could have written it.
 */
async function keepCompiled(home: string, cache: string): Promise<void> {
  try {
    const { checkPrivateFolder } = await import('./machine/private-files.ts');
    checkPrivateFolder(home);
    const { enableCompileCache } = await import('node:module');
    enableCompileCache(cache);
  } catch {
    // No home yet, or one that is not private: start without.
  }
}
