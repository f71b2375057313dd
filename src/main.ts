// Reads argv and opens one door: the MCP server for agents, the command line for people, names for their shells.

void main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv;
  if (command === 'mcp' && rest.length === 0) {
    const { homePaths, keepCompiled } = await import('./machine/compile-cache.ts');
    const paths = homePaths();
    keepCompiled(paths);
    const { serveMcp } = await import('./doors/mcp/serve.ts');
    // Ends even if a call still waits for the human: there is nobody left to tell.
    process.exit(await serveMcp({ paths }));
  } else if (command === 'completion-words' && rest.length === 1) {
    const { completionWords } = await import('./doors/cli/cli.ts');
    process.stdout.write(await completionWords(rest[0] ?? ''));
  } else if (command === 'run' || command === 'read' || command === 'inject') {
    const { hasSpoken, runValueCommand } = await import('./doors/cli/value-commands.ts');
    process.exitCode = await runValueCommand(argv);
    // Node would take 1 ms to give back the memory of a process that is over.
    if (!hasSpoken()) process.exit();
  } else {
    const { runCli } = await import('./doors/cli/cli.ts');
    process.exitCode = await runCli(argv);
  }
}
