// Codex: an entry in `$CODEX_HOME/config.toml`. `codex mcp add` is asked to make it, so that Codex has the say about its
// own file; but it rewrites the entries of other servers, and has no words for timeouts and approval. So what is kept is
// the file as it was, with our one table in it.

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';
import { Failure } from '../../core/failure.ts';
import { backUp, findProgram, readConfig, runClient, writeConfig } from './setup-files.ts';
import { replaceTable, tableText } from './setup-toml.ts';
import type { SetupResult, SetupTask } from './setup.ts';

const PATH = ['mcp_servers', 'keystile'] as const;
const STARTUP_SECONDS = 20;
/** A run may take an hour; then there is the answer to write. */
const TOOL_SECONDS = 3_700;
/**
 * Codex's own question before a call is a courtesy; ours is the one that counts. It stays on for whatever changes
 * something; tools that only read would otherwise ask at every poll. `auto` asks for all that is not marked read-only.
 */
const READING_TOOLS = ['list_environments', 'list_variables', 'check_request', 'access_status'] as const;

type Table = Record<string, unknown>;

export async function setupCodex(task: SetupTask): Promise<SetupResult> {
  const file = join(homeOf(task.env), 'config.toml');
  const current = entryOf(parsed(readConfig(file) ?? '', file));
  const wanted = task.remove ? undefined : entryFor(task, current);
  const same = { changed: false, file, backup: null, entry: tableText(PATH, wanted ?? current ?? {}) };
  if (task.print) return { ...same, notes: [`Nothing was changed. The entry belongs into ${file}.`] };
  if (isDeepStrictEqual(current, wanted)) {
    return { ...same, notes: [task.remove ? 'Codex does not know Keystile.' : 'Codex is set up already.'] };
  }
  return { ...same, changed: true, backup: await change(task, file, wanted), notes: notesFor(task) };
}

/** Gives back the path of the copy. When a step fails the file is put back as it was. */
async function change(task: SetupTask, file: string, wanted: Table | undefined): Promise<string | null> {
  const program = findProgram('codex', task.env);
  if (program === null && !existsSync(homeOf(task.env))) throw notInstalled();
  const before = readConfig(file);
  const backup = backUp(file);
  try {
    if (program !== null) await runClient(program, commandOf(task), task.env);
    writeConfig(file, firstSafe([before ?? '', readConfig(file) ?? ''], wanted, file));
    return backup;
  } catch (error) {
    if (before !== null) writeConfig(file, before);
    throw error;
  }
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env.CODEX_HOME || join(env.HOME || homedir(), '.codex');
}

function notesFor(task: SetupTask): string[] {
  if (task.remove) return ['Codex no longer starts Keystile.'];
  return [
    'Codex will start Keystile with its next session.',
    'Codex asks before each call that changes something; codex exec, which cannot ask, refuses those calls.',
  ];
}

function commandOf(task: SetupTask): string[] {
  if (task.remove) return ['mcp', 'remove', 'keystile'];
  const env = Object.entries(task.serverEnv).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return ['mcp', 'add', 'keystile', ...env, '--', task.command, ...task.args];
}

/** Ours, over whatever somebody added to the entry; an entry that is switched off would fail open. */
function entryFor(task: SetupTask, current: Table | undefined): Table {
  const { env, tools, enabled: _, url: __, ...rest } = current ?? {};
  const { KEYSTILE_HOME: ___, ...otherEnv } = asTable(env);
  const serverEnv = { ...otherEnv, ...task.serverEnv };
  return {
    ...rest,
    command: task.command,
    args: [...task.args],
    ...(Object.keys(serverEnv).length === 0 ? {} : { env: serverEnv }),
    required: true,
    startup_timeout_sec: STARTUP_SECONDS,
    tool_timeout_sec: TOOL_SECONDS,
    default_tools_approval_mode: 'prompt',
    tools: { ...Object.fromEntries(READING_TOOLS.map((tool) => [tool, { approval_mode: 'auto' }])), ...asTable(tools) },
  };
}

/** The first text that can be changed without changing the meaning of anything else. */
function firstSafe(texts: readonly string[], wanted: Table | undefined, file: string): string {
  const others = othersOf(parsed(texts[0] ?? '', file));
  for (const text of texts) {
    const changed = replaceTable(text, PATH, wanted === undefined ? '' : tableText(PATH, wanted));
    const result = tryParse(changed);
    if (result === null) continue;
    if (isDeepStrictEqual(entryOf(result), wanted) && isDeepStrictEqual(othersOf(result), others)) return changed;
  }
  throw new Failure('client/config', `${file} is written in a way that cannot be changed safely`, {
    hint: 'change the entry mcp_servers.keystile by hand; keystile setup codex --print shows it',
  });
}

function parsed(text: string, file: string): Table {
  const table = tryParse(text);
  if (table === null) throw new Failure('client/config', `${file} is not valid TOML`);
  return table;
}

function tryParse(text: string): Table | null {
  try {
    return asTable(plain(parse(text)));
  } catch {
    return null;
  }
}

/** Plain objects: the parser's have no prototype, and would equal nothing made here. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

function entryOf(config: Table): Table | undefined {
  const entry = asTable(config.mcp_servers).keystile;
  return entry === undefined ? undefined : asTable(entry);
}

function othersOf(config: Table): Table {
  const { mcp_servers, ...rest } = config;
  const { keystile: _, ...servers } = asTable(mcp_servers);
  return Object.keys(servers).length === 0 ? rest : { ...rest, mcp_servers: servers };
}

function asTable(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function notInstalled(): Failure {
  return new Failure('client/not_installed', 'Codex is not installed here', {
    hint: 'npm install -g @openai/codex, then run this again; --print shows what would be written',
  });
}
