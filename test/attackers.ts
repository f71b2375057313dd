// Those who attack a running daemon from outside: programs of the same user, of another one, and an agent's shell. Each
// is a real process. Here is how they are started, and what the system shows of their victims.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, type Done, type House, structured, USER } from './house.ts';
import type { Client } from './mcp-client.ts';

export const isRoot = process.geteuid?.() === 0;
/** An ordinary user where that can be had. */
export const ORDINARY = isRoot ? { uid: USER } : {};
export const needsRoot = { skip: isRoot ? false : 'only root can play two users' };
export const OTHER_USER = 1002;

const TERMINAL_PRESS_MS = 100;
const TERMINAL_PRESSES_MAX = 200;

export interface Attack {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Buffer;
  readonly uid?: number;
}

function spawnAttacker(house: House, program: string, args: readonly string[], attack: Attack): ChildProcess {
  const uid = attack.uid ?? house.uid;
  return spawn(program, args, {
    cwd: attack.cwd ?? house.project,
    env: { ...house.env, ...attack.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

/** Runs a program as the user of the house, or another, to its end. */
export async function attack(
  house: House,
  program: string,
  args: readonly string[],
  options: Attack = {},
): Promise<Done> {
  const child = spawnAttacker(house, program, args, options);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((settle, fail) => {
    child.on('error', fail);
    child.on('close', settle);
  });
  return { code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') };
}

/**
 * A command at a terminal that an attacker made for itself. Presses space until it is asked for a passphrase, types
 * `line` there, and breaks off whatever follows.
 */
export async function atTerminal(
  house: House,
  command: string,
  line: string,
): Promise<{ code: number | null; seen: string }> {
  const child = spawnAttacker(house, 'script', ['-qec', command, '/dev/null'], {
    env: { SHELL: '/bin/sh', TERM: 'dumb' },
  });
  let seen = '';
  const closed = new AbortController();
  child.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
  child.stdin?.on('error', () => undefined);
  child.once('close', () => closed.abort());
  for (let presses = 0, isTyped = false; !closed.signal.aborted; presses += 1) {
    assert.ok(presses < TERMINAL_PRESSES_MAX, `${command} did not end:\n${seen}`);
    if (!isTyped && /assphrase[^\n]*: $/.test(seen)) {
      child.stdin?.write(`${line}\n`);
      isTyped = true;
    } else {
      child.stdin?.write(isTyped || presses > TERMINAL_PRESSES_MAX / 2 ? '\u0003' : ' ');
    }
    await delay(TERMINAL_PRESS_MS);
  }
  return { code: child.exitCode, seen };
}

/** The Node that came with the program: the house's user can execute it. */
export function nodeOf(house: House): string {
  return join(dirname(dirname(house.launcher)), 'node_modules', 'node', 'bin', 'node');
}

/** A program of test/programs, where the house's user can read it. */
export function programOf(house: House, name: string): string {
  const path = join(house.root, name);
  // Another attacker may be reading it.
  if (existsSync(path)) return path;
  copyFileSync(join(import.meta.dirname, 'programs', name), path);
  chmodSync(path, 0o644);
  return path;
}

/** Starts one of test/programs and waits for its first line. The caller ends it by its standard input. */
export async function startProgram(
  house: House,
  name: string,
  args: readonly string[],
  options: Attack = {},
): Promise<ChildProcess> {
  const child = spawnAttacker(house, nodeOf(house), [programOf(house, name), ...args], options);
  child.stderr?.resume();
  await new Promise<void>((settle, fail) => {
    child.stdout?.once('data', () => settle());
    child.once('exit', () => fail(new Error(`${name} ended before it was ready`)));
  });
  return child;
}

export async function runProgram(
  house: House,
  name: string,
  args: readonly string[],
  options: Attack = {},
): Promise<Done> {
  return await attack(house, nodeOf(house), [programOf(house, name), ...args], options);
}

/** Pids of the children of `pid`. */
export function childrenOf(pid: number): number[] {
  return allPids().filter((candidate) => statusOf(candidate)?.['PPid'] === String(pid));
}

/** The runners of a daemon. */
export function runnersOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => cmdlineOf(child).includes('runner.js'));
}

export function allPids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

export function cmdlineOf(pid: number): string {
  return tryFile(`/proc/${pid}/cmdline`)?.toString('latin1') ?? '';
}

/** The lines of /proc/PID/status by name, or undefined when the process is gone. */
export function statusOf(pid: number): Record<string, string> | undefined {
  const text = tryFile(`/proc/${pid}/status`)?.toString('utf8');
  if (text === undefined) return undefined;
  return Object.fromEntries(text.split('\n').map((line) => [line.split(':')[0] ?? '', line.replace(/^[^:]*:\s*/, '')]));
}

/** Whether a process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  const state = statusOf(pid)?.['State'];
  return state !== undefined && !/^[ZX]/.test(state);
}

/** Processes whose environment names this run or folder; only root can look into those of others. */
export function pidsWithMarker(marker: string): number[] {
  return allPids().filter((pid) => isRunning(pid) && (tryFile(`/proc/${pid}/environ`)?.includes(marker) ?? false));
}

export function residentKiB(pid: number): number {
  return Number.parseInt(statusOf(pid)?.['VmRSS'] ?? '', 10);
}

/** Inodes of the sockets a process holds. */
export function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(tryLink(`/proc/${pid}/fd/${fd}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

export function tryFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function tryLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

// --- an agent with an environment it may use ------------------------------------------------------------------------

export type Answer = Record<string, unknown>;

export interface Calls {
  readonly client: Client;
  readonly environmentId: string;
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
  /** The whole tool result, also of an error. */
  raw(name: string, args?: Record<string, unknown>): Promise<{ isError?: boolean }>;
  run(argv: readonly string[], more?: Record<string, unknown>): Promise<Answer>;
  /** run_with_credentials, whole. */
  rawRun(argv: readonly string[], more?: Record<string, unknown>): Promise<{ isError?: boolean }>;
  /** All that the agent has seen. */
  readonly transcript: string[];
}

export async function agentWith(house: House, environmentId: string, name = 'attacker'): Promise<Calls> {
  const client = await house.agent(name);
  const transcript: string[] = [];
  const raw = async (tool: string, args: Record<string, unknown> = {}): Promise<{ isError?: boolean }> => {
    const result = await client.callTool({ name: tool, arguments: args });
    transcript.push(JSON.stringify(result));
    return result as { isError?: boolean };
  };
  const call = async (tool: string, args: Record<string, unknown> = {}): Promise<Answer> =>
    structured(await raw(tool, args));
  const asRun = (argv: readonly string[], more: Record<string, unknown>) => {
    return { environmentId, argv, cwd: house.project, reason: 'an attack', ...more };
  };
  return {
    client,
    environmentId,
    transcript,
    call,
    raw,
    run: async (argv, more = {}) => await call('run_with_credentials', asRun(argv, more)),
    rawRun: async (argv, more = {}) => await raw('run_with_credentials', asRun(argv, more)),
  };
}

/** Admits the agent and lets it run anything with its environment, so that a test can look at what comes out. */
export async function letRunAnything(house: House, agent: Calls): Promise<void> {
  const first = agent.run(['true']);
  await house.approve('--until-lock', '--scope', 'environment');
  assert.equal((await first)['exitCode'], 0);
}

/** Waits until `isSo`. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  await eventually(() => (isSo() ? true : undefined), what);
}
