// The one table of what people may type. A command that is not here does not exist.

import { EXIT } from '../../core/failure.ts';
import { AUDIT_COMMANDS } from './audit-commands.ts';
import { COLLECTION_COMMANDS } from './collection-commands.ts';
import { usage, type Command } from './command.ts';
import { completionScript, SHELLS } from './completion.ts';
import { DAEMON_COMMANDS } from './daemon-commands.ts';
import { ENVIRONMENT_COMMANDS } from './environment-commands.ts';
import { GRANT_COMMANDS } from './grant-commands.ts';
import { ITEM_COMMANDS } from './item-commands.ts';
import { IMPORT_COMMAND, MOUNT_COMMANDS } from './mount-commands.ts';
import { REQUEST_COMMANDS } from './request-commands.ts';
import { SETUP_COMMANDS } from './setup-command.ts';
import { VAULT_COMMANDS } from './vault-commands.ts';
import { VERSION } from '../../core/version.ts';
import { WATCH_COMMANDS } from './watch-command.ts';

const OTHER_COMMANDS: readonly Command[] = [
  {
    path: ['completion'],
    args: [{ name: 'SHELL', choices: SHELLS }],
    help: 'print a completion script for bash, zsh or fish',
    example: 'keystile completion bash >> ~/.bashrc',
    run: async (call) => {
      const shell = SHELLS.find((name) => name === call.argument('SHELL')) ?? 'bash';
      call.output.raw(completionScript(shell, COMMANDS));
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

export const COMMANDS: readonly Command[] = [
  ...VAULT_COMMANDS,
  ...DAEMON_COMMANDS,
  ...ENVIRONMENT_COMMANDS,
  IMPORT_COMMAND,
  ...COLLECTION_COMMANDS,
  ...ITEM_COMMANDS,
  ...MOUNT_COMMANDS,
  ...REQUEST_COMMANDS,
  ...WATCH_COMMANDS,
  ...GRANT_COMMANDS,
  ...AUDIT_COMMANDS,
  ...SETUP_COMMANDS,
  ...OTHER_COMMANDS,
];
