// The one table of what people may type. A command that is not here does not exist. What a command does is loaded when
// it is typed: a program that does not need the others starts in half the time.

import type { Command } from './command.ts';

interface Group {
  /** The first words of its commands. A test holds the two together. */
  readonly words: readonly string[];
  readonly load: () => Promise<readonly Command[]>;
}

/** In the order of help. */
const GROUPS: readonly Group[] = [
  {
    words: ['init', 'unlock', 'lock', 'recovery-kit', 'recover'],
    load: async () => (await import('./vault-commands.ts')).VAULT_COMMANDS,
  },
  {
    words: ['status', 'start', 'stop', 'doctor'],
    load: async () => (await import('./daemon-commands.ts')).DAEMON_COMMANDS,
  },
  {
    words: ['environment'],
    load: async () => (await import('./environment-commands.ts')).ENVIRONMENT_COMMANDS,
  },
  {
    words: ['environment'],
    load: async () => [(await import('./mount-commands.ts')).IMPORT_COMMAND],
  },
  {
    words: ['vault'],
    load: async () => (await import('./collection-commands.ts')).COLLECTION_COMMANDS,
  },
  {
    words: ['item'],
    load: async () => (await import('./item-commands.ts')).ITEM_COMMANDS,
  },
  {
    words: ['import', 'export'],
    load: async () => (await import('./item-transfer.ts')).TRANSFER_COMMANDS,
  },
  {
    words: ['run'],
    load: async () => [(await import('./run-command.ts')).RUN_COMMAND],
  },
  {
    words: ['read'],
    load: async () => [(await import('./read-command.ts')).READ_COMMAND],
  },
  {
    words: ['inject'],
    load: async () => [(await import('./inject-command.ts')).INJECT_COMMAND],
  },
  {
    words: ['mount', 'unmount', 'mounts'],
    load: async () => (await import('./mount-commands.ts')).MOUNT_COMMANDS,
  },
  {
    words: ['requests', 'approve', 'deny', 'release'],
    load: async () => (await import('./request-commands.ts')).REQUEST_COMMANDS,
  },
  {
    words: ['watch'],
    load: async () => (await import('./watch-command.ts')).WATCH_COMMANDS,
  },
  {
    words: ['grants', 'leases', 'revoke', 'agents', 'agent'],
    load: async () => (await import('./grant-commands.ts')).GRANT_COMMANDS,
  },
  {
    words: ['audit'],
    load: async () => (await import('./audit-commands.ts')).AUDIT_COMMANDS,
  },
  {
    words: ['setup'],
    load: async () => (await import('./setup-command.ts')).SETUP_COMMANDS,
  },
  {
    words: ['completion', 'mcp', 'version'],
    load: async () => (await import('./other-commands.ts')).otherCommands(allCommands),
  },
];

/** Every command, in the order of help. */
export async function allCommands(): Promise<readonly Command[]> {
  return await load(GROUPS);
}

/** The commands whose first word is this; all of them when no command's is, so that the nearest can be found. */
export async function commandsFor(word: string | undefined): Promise<readonly Command[]> {
  const groups = GROUPS.filter(({ words }) => word !== undefined && words.includes(word));
  return await load(groups.length > 0 ? groups : GROUPS);
}

async function load(groups: readonly Group[]): Promise<readonly Command[]> {
  return (await Promise.all(groups.map(async (group) => await group.load()))).flat();
}
