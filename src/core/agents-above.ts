// Coding agents we know by name. Evidence, not authority: a program under an agent is treated more strictly, and a
// program that hides its agent gains no right by it, since every right needs the human factor anyway.

import { basename } from 'node:path/posix';
import type { ProcessFacts } from './request.ts';

/** What the program, or the script an interpreter runs, is called. A build suffix such as `-x86_64-linux` may follow. */
const AGENT_NAMES =
  /^(?:codex|claude|cursor|opencode|gemini|aider|goose|copilot|windsurf|amp|cline|crush|droid|qwen|qwen-code|kiro|kiro-cli|auggie|openhands|kilocode|roo|devin|plandex|continue|zed-agent|antigravity)(?:[-_][^/]*?)?(?:\.(?:exe|[cm]?js|py|real))?$/i;

/** Where agents lie whose file is called otherwise: a version number, `cli.js`, `main.py`. */
const AGENT_FOLDERS =
  /\/(?:claude\/versions|\.codex|codex-runtimes|cursor-agent|@openai\/codex|@anthropic-ai\/claude-code|@google\/gemini-cli|@github\/copilot|@sourcegraph\/amp|@qwen-code\/qwen-code|@augmentcode\/auggie|opencode-ai|aider(?:_chat|-chat)?|openhands|block-goose-cli)\//i;

/** What an agent starts for each command to shut it in: it is the agent's program, and ends with the command. */
const SANDBOX_HELPERS = /^codex-linux-sandbox$/;

const SCRIPT_RUNNERS = /^(?:node|nodejs|bun|deno|python|pypy|ruby|electron)[\d.]*$/;
/** Variables that agents set for the commands they start: Claude Code, Codex, Cursor, Gemini CLI, opencode. */
const MARKERS = /^(?:CLAUDECODE|CLAUDE_CODE_ENTRYPOINT|CODEX_SANDBOX(?:_.*)?|CURSOR_AGENT|GEMINI_CLI|OPENCODE)$/;

/** Whether a variable of that name says that a coding agent started the process, also one that left its parents. */
export function isAgentMarker(name: string): boolean {
  return MARKERS.test(name);
}

/** The script of an interpreter stands among its first arguments, behind options and `-m`. */
const ARGUMENTS_LOOKED_AT = 8;

/**
 * The nearest of `chain` that looks like a coding agent, or null; one that lives longer than a command goes before a helper
 * of its sandbox. By the program's name and folder, by the name it was started under, and for interpreters by the script. An editor with an agent inside counts: its terminal and its agent
 * cannot be told apart from here.
 */
export function knownAgentAbove(chain: readonly ProcessFacts[]): ProcessFacts | null {
  const agents = chain.filter(isKnownAgent);
  return agents.find(({ argv }) => !SANDBOX_HELPERS.test(basename(argv[0] ?? ''))) ?? agents[0] ?? null;
}

/** Whether somebody types the name of an agent to start it. */
export function isAgentCommand([word = '']: readonly string[]): boolean {
  return looksLikeAgent(word);
}

function isKnownAgent({ program, argv }: ProcessFacts): boolean {
  if (looksLikeAgent(program) || looksLikeAgent(argv[0] ?? '')) return true;
  const isScript = [program, argv[0] ?? ''].some((path) => SCRIPT_RUNNERS.test(basename(path)));
  return isScript && argv.slice(1, ARGUMENTS_LOOKED_AT).some((argument) => looksLikeAgent(argument));
}

function looksLikeAgent(path: string): boolean {
  return AGENT_NAMES.test(basename(path)) || AGENT_FOLDERS.test(path);
}
