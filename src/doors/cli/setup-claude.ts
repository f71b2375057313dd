// Claude Code: an entry for the user in `.claude.json`, made by `claude mcp add`. Without that command on PATH the file is
// changed here, but only if it is laid out as Claude Code lays it out: then no other byte changes.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../core/failure.ts';
import { backUp, findProgram, readConfig, runClient, writeConfig } from './setup-files.ts';
import type { SetupResult, SetupTask } from './setup.ts';

type Members = Record<string, unknown>;

export async function setupClaude(task: SetupTask): Promise<SetupResult> {
  const folder = task.env.CLAUDE_CONFIG_DIR || task.env.HOME || homedir();
  const file = join(folder, '.claude.json');
  const current = entryOf(parsed(readConfig(file) ?? '{}', file));
  const made = { type: 'stdio', command: task.command, args: [...task.args], env: { ...task.serverEnv } };
  const wanted = task.remove ? undefined : made;
  const entry = `${JSON.stringify({ mcpServers: { keystile: made } }, null, 2)}\n`;
  const same = { changed: false, file, backup: null, entry };
  if (task.print) return { ...same, notes: [`Nothing was changed. The entry belongs into ${file}.`] };
  if (isDeepStrictEqual(current, wanted)) {
    return { ...same, notes: [task.remove ? 'Claude Code does not know Keystile.' : 'Claude Code is set up already.'] };
  }
  const backup = await change(task, file, current !== undefined, wanted);
  const notes = [task.remove ? 'Claude Code no longer starts Keystile.' : 'Claude Code will start Keystile next time.'];
  return { ...same, changed: true, backup, notes };
}

/** Gives back the path of the copy. When a step fails the file is put back as it was. */
async function change(
  task: SetupTask,
  file: string,
  isThere: boolean,
  wanted: Members | undefined,
): Promise<string | null> {
  const before = readConfig(file);
  const program = findProgram('claude', task.env);
  if (program === null && before === null) throw notInstalled();
  const text = program === null ? edited(before ?? '', wanted, file) : null;
  const backup = backUp(file);
  try {
    if (program !== null) await byCommand(program, task, isThere);
    else if (text !== null) writeConfig(file, text);
    if (isDeepStrictEqual(entryOf(parsed(readConfig(file) ?? '{}', file)), wanted)) return backup;
    throw new Failure('client/config', `${file} does not hold what claude was told to set`);
  } catch (error) {
    if (before !== null) writeConfig(file, before);
    throw error;
  }
}

/** `claude mcp add` does not replace an entry, so an old one goes first. */
async function byCommand(program: string, task: SetupTask, isThere: boolean): Promise<void> {
  const user = ['--scope', 'user', 'keystile'];
  if (isThere) await runClient(program, ['mcp', 'remove', ...user], task.env);
  if (task.remove) return;
  const env = Object.entries(task.serverEnv).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  await runClient(program, ['mcp', 'add', ...user, ...env, '--', task.command, ...task.args], task.env);
}

/** The file with our entry set, or gone. Throws `client/config` when anything else would change with it. */
function edited(text: string, wanted: Members | undefined, file: string): string {
  const config = parsed(text, file);
  const indent = /^\{\r?\n(\s+)/.exec(text)?.[1] ?? '  ';
  const tail = /\s*$/.exec(text)?.[0] ?? '';
  const isEmpty = Object.keys(config).length === 0;
  if (!isEmpty && JSON.stringify(config, null, indent) + tail !== text) {
    throw new Failure('client/config', `${file} is laid out in a way that cannot be changed safely`, {
      hint: 'change mcpServers.keystile by hand; keystile setup claude --print shows it',
    });
  }
  const { keystile: _, ...others } = asMembers(config.mcpServers);
  const mcpServers = wanted === undefined ? others : { ...others, keystile: wanted };
  return JSON.stringify({ ...config, mcpServers }, null, indent) + tail;
}

function parsed(text: string, file: string): Members {
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return { ...config };
  } catch {
    // Said below: a syntax error's own message would quote the file.
  }
  throw new Failure('client/config', `${file} is not a JSON object`);
}

/** With the members Claude Code leaves out or adds when they are empty. */
function entryOf(config: Members): Members | undefined {
  const entry = asMembers(config.mcpServers).keystile;
  return entry === undefined ? undefined : { type: 'stdio', env: {}, ...asMembers(entry) };
}

function asMembers(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function notInstalled(): Failure {
  return new Failure('client/not_installed', 'Claude Code is not installed here', {
    hint: 'npm install -g @anthropic-ai/claude-code, then run this again; --print shows what would be written',
  });
}
