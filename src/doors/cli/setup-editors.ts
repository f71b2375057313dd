// Cursor and VS Code: an entry for the user in their `mcp.json`, a file that people write comments into. Cursor has no command
// for that. VS Code has one, `code --add-mcp`, which is asked to make the entry, so that VS Code has the say about its own
// file; but it writes the file anew without its comments, so what is kept is the file as it was, with our one entry in it.

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../core/failure.ts';
import { backUp, findProgram, readConfig, runClient, writeConfig } from './setup-files.ts';
import { readMembers, replaceMember, type Members } from './setup-json.ts';
import type { SetupResult, SetupTask } from './setup.ts';

interface Editor {
  readonly name: string;
  readonly client: 'cursor' | 'vscode';
  /** The member of the file that holds the servers. */
  readonly group: string;
  readonly programs: readonly string[];
  fileFor(env: NodeJS.ProcessEnv): string;
  /** The arguments that add a server. */
  readonly addsBy: ((server: Members) => string[]) | null;
  readonly afterwards: string;
}

/** cursor.com/docs/mcp; `cursor-agent mcp` can list, sign in, switch on and off, and not add. */
const CURSOR: Editor = {
  name: 'Cursor',
  client: 'cursor',
  group: 'mcpServers',
  programs: ['cursor', 'cursor-agent'],
  fileFor: (env) => join(homeOf(env), '.cursor', 'mcp.json'),
  addsBy: null,
  afterwards: 'Cursor shows it under Customize, MCPs; it may have to be switched on there.',
};

/** code.visualstudio.com/docs/agents/reference/mcp-configuration; the folder is that of the default profile. */
const VSCODE: Editor = {
  name: 'VS Code',
  client: 'vscode',
  group: 'servers',
  programs: ['code'],
  fileFor: (env) => {
    const mac = join(homeOf(env), 'Library', 'Application Support');
    const folder = process.platform === 'darwin' ? mac : env.XDG_CONFIG_HOME || join(homeOf(env), '.config');
    return join(folder, 'Code', 'User', 'mcp.json');
  },
  addsBy: (server) => ['--add-mcp', JSON.stringify({ name: 'keystile', ...server })],
  afterwards: 'VS Code asks whether you trust the server when it starts it first.',
};

const NOT_KEPT: ReadonlySet<string> = new Set(['type', 'command', 'args', 'env', 'url', 'headers', 'disabled']);

export async function setupCursor(task: SetupTask): Promise<SetupResult> {
  return await setupEditor(CURSOR, task);
}

export async function setupVscode(task: SetupTask): Promise<SetupResult> {
  return await setupEditor(VSCODE, task);
}

async function setupEditor(editor: Editor, task: SetupTask): Promise<SetupResult> {
  const { name, group } = editor;
  const file = editor.fileFor(task.env);
  const before = readConfig(file);
  const current = entryOf(parsed(before ?? '', file), group);
  const made = entryFor(task, current);
  const wanted = task.remove ? undefined : made;
  const entry = `${JSON.stringify({ [group]: { keystile: made } }, null, 2)}\n`;
  const same = { changed: false, file, backup: null, entry };
  if (task.print) return { ...same, notes: [`Nothing was changed. The entry belongs into ${file}.`] };
  if (isDeepStrictEqual(current, wanted)) {
    return { ...same, notes: [task.remove ? `${name} does not know Keystile.` : `${name} is set up already.`] };
  }
  const backup = await change(editor, task, file, before, wanted);
  const notes = task.remove
    ? [`${name} no longer starts Keystile.`]
    : [`${name} will start Keystile.`, editor.afterwards];
  return { ...same, changed: true, backup, notes };
}

/** Gives back the path of the copy. When a step fails the file is put back as it was. */
async function change(
  editor: Editor,
  task: SetupTask,
  file: string,
  before: string | null,
  wanted: Members | undefined,
): Promise<string | null> {
  const program = editor.programs.map((name) => findProgram(name, task.env)).find((path) => path !== null) ?? null;
  if (program === null && !existsSync(dirname(file))) throw notInstalled(editor);
  const backup = backUp(file);
  try {
    if (program !== null && editor.addsBy !== null && wanted !== undefined) {
      await runClient(program, editor.addsBy(wanted), task.env);
    }
    writeConfig(file, edited(before ?? readConfig(file) ?? '', wanted, editor, file));
    return backup;
  } catch (error) {
    if (before !== null) writeConfig(file, before);
    throw error;
  }
}

/** The text with our entry set, or gone. Throws `client/config` when anything else would mean something else with it. */
function edited(text: string, wanted: Members | undefined, editor: Editor, file: string): string {
  const { group, client } = editor;
  const changed = replaceMember(text, [group, 'keystile'], wanted);
  const result = changed === null ? null : readMembers(changed.trim() === '' ? '{}' : changed);
  const isMeant =
    result !== null &&
    isDeepStrictEqual(entryOf(result, group), wanted) &&
    isDeepStrictEqual(othersOf(result, group), othersOf(parsed(text, file), group));
  if (changed !== null && isMeant) return changed;
  throw new Failure('client/config', `${file} is written in a way that cannot be changed safely`, {
    hint: `change ${group}.keystile by hand; keystile setup ${client} --print shows it`,
  });
}

/** Ours, over whatever somebody added to the entry; what would make it another server, or none, goes. */
function entryFor(task: SetupTask, current: Members | undefined): Members {
  const { KEYSTILE_HOME: _, ...otherEnv } = asMembers(current?.env);
  const serverEnv = { ...otherEnv, ...task.serverEnv };
  const hasEnv = Object.keys(serverEnv).length > 0;
  const kept = Object.entries(current ?? {}).filter(([key]) => !NOT_KEPT.has(key));
  return {
    type: 'stdio',
    command: task.command,
    args: [...task.args],
    ...(hasEnv ? { env: serverEnv } : {}),
    ...Object.fromEntries(kept),
  };
}

function parsed(text: string, file: string): Members {
  const members = readMembers(text.trim() === '' ? '{}' : text);
  if (members === null) throw new Failure('client/config', `${file} is not a JSON object`);
  return members;
}

function entryOf(config: Members, group: string): Members | undefined {
  const entry = asMembers(config[group]).keystile;
  return entry === undefined ? undefined : asMembers(entry);
}

function othersOf(config: Members, group: string): Members {
  const { [group]: servers, ...rest } = config;
  const { keystile: _, ...others } = asMembers(servers);
  return Object.keys(others).length === 0 ? rest : { ...rest, [group]: others };
}

function asMembers(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env.HOME || homedir();
}

function notInstalled({ name, client }: Editor): Failure {
  return new Failure('client/not_installed', `${name} is not installed here`, {
    hint: `install it, then run this again; keystile setup ${client} --print shows what would be written`,
  });
}
