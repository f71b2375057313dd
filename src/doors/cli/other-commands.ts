// Commands that ask nobody: shell completion, the version, and the word that main.ts knows.

import { EXIT } from '../../core/failure.ts';
import { VERSION } from '../../core/version.ts';
import { usage, type Command } from './command.ts';
import { completionScript, SHELLS } from './completion.ts';

/** `all`: every command there is, these included. */
export const otherCommands = (all: () => Promise<readonly Command[]>): readonly Command[] => [
  {
    path: ['completion'],
    args: [{ name: 'SHELL', choices: SHELLS }],
    help: 'print a completion script for bash, zsh or fish',
    example: 'keystile completion bash >> ~/.bashrc',
    run: async (call) => {
      const shell = SHELLS.find((name) => name === call.argument('SHELL')) ?? 'bash';
      call.output.raw(completionScript(shell, await all()));
      return EXIT.done;
    },
  },
  {
    path: ['mcp'],
    help: 'serve one agent over standard input and output; clients start this themselves',
    example: 'keystile mcp',
    // main.ts opens that door when the word stands alone.
    run: async () => {
      throw usage('mcp takes no flags', 'see keystile setup --help');
    },
  },
  {
    path: ['version'],
    help: 'print the version',
    example: 'keystile version',
    run: async (call) => {
      call.output.answer({ version: VERSION }, () => [`keystile ${VERSION}`]);
      return EXIT.done;
    },
  },
];
