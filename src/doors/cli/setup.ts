// `keystile setup CLIENT`: tells a coding agent's client about our MCP server. By the client's own command where it has
// one, then whatever that command cannot say, in its configuration file; with a backup, and nothing when nothing changes.

import { homePaths } from '../../machine/paths.ts';
import { setupClaude } from './setup-claude.ts';
import { setupCodex } from './setup-codex.ts';
import { setupCursor, setupVscode } from './setup-editors.ts';

export type ClientName = 'codex' | 'claude' | 'cursor' | 'vscode';

export interface Launcher {
  /** Absolute paths: a client's PATH is not the user's. */
  readonly command: string;
  readonly args: readonly string[];
}

export interface SetupOptions {
  readonly client: ClientName;
  /** Changes nothing; `entry` and `agentsSnippet` of the report say what would be written. */
  readonly print: boolean;
  readonly remove: boolean;
  /** What starts `keystile`; `mcp` is added here. */
  readonly launcher: Launcher;
  /** HOME, PATH, CODEX_HOME, CLAUDE_CONFIG_DIR, XDG_CONFIG_HOME and the variables that say where our home is. */
  readonly env: NodeJS.ProcessEnv;
}

export interface SetupReport {
  readonly client: ClientName;
  readonly changed: boolean;
  /** The client's configuration file. */
  readonly file: string;
  /** The copy of it as it was before, or null when it was not changed or was not there. */
  readonly backup: string | null;
  /** The entry in the client's own language. */
  readonly entry: string;
  /** For people, one sentence each. */
  readonly notes: readonly string[];
  /** For the AGENTS.md (or CLAUDE.md) of a project: what the agent should know. */
  readonly agentsSnippet: string;
}

/** The work for one client, with the launch line and the environment of the server made up. */
export interface SetupTask {
  readonly print: boolean;
  readonly remove: boolean;
  readonly command: string;
  readonly args: readonly string[];
  readonly serverEnv: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
}

export type SetupResult = Omit<SetupReport, 'client' | 'agentsSnippet'>;

const CLIENTS: Readonly<Record<ClientName, (task: SetupTask) => Promise<SetupResult>>> = {
  codex: setupCodex,
  claude: setupClaude,
  cursor: setupCursor,
  vscode: setupVscode,
};

const AGENTS_SNIPPET = `## Credentials

Secrets live in Keystile. You can use them and never see them.
- Never ask for a secret in chat, search files for one, or print one; output is masked anyway.
- To run something that needs a credential, use the MCP server \`keystile\`: \`list_environments\`,
  \`list_variables\`, then \`run_with_credentials\` with \`argv\` and an honest one-line \`reason\`.
  The program finds the values in its environment variables.
- \`approval_pending\`: call \`check_request\` with \`waitSeconds: 45\` until a human has answered.
- \`denied\`: do not look for another way. Say what you wanted and why.
- A new secret: \`append_variables\` with only its name; then ask the human to run
  \`keystile environment set ENVIRONMENT NAME\`.
`;

/**
 * Registers, or with `remove` unregisters, the MCP server. Doing it twice changes nothing the second time. Throws
 * `client/not_installed`, and `client/config` when the file cannot be read or changed without touching what is not ours.
 */
export async function setupClient(options: SetupOptions): Promise<SetupReport> {
  const { client, print, remove, launcher, env } = options;
  const task: SetupTask = {
    print,
    remove,
    env,
    command: launcher.command,
    args: [...launcher.args, 'mcp'],
    serverEnv: serverEnvironment(env),
  };
  const result = await CLIENTS[client](task);
  return { client, ...result, agentsSnippet: AGENTS_SNIPPET };
}

/** Codex hands over neither of the two variables that may say where our home is, so the entry carries what they say. */
function serverEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  if (!env.KEYSTILE_HOME && !env.XDG_DATA_HOME) return {};
  return { KEYSTILE_HOME: homePaths(env).home };
}
