// Processes as the kernel shows them (I7): who they are, who started them, what they started. Linux, from /proc.
// A process may vanish between two reads; then it is simply not there.

import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessFacts } from '../core/request.ts';
import { readProcFile } from './proc-file.ts';

export const ANCESTORS_MAX = 32;
/** What stands for a program whose path cannot be told. */
export const UNKNOWN_PROGRAM = '(unknown)';
/** More arguments than this are not kept: argv is shown to people, and anybody can write 2 MiB there. */
const ARGV_BYTES_MAX = 128 * 1024;

/** One line of the process table, from /proc/PID/stat (proc_pid_stat(5)). */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** Clock ticks since boot. With the pid it names one process for ever (in one boot). */
  readonly startedAt: string;
  /** R running, S sleeping, D waiting, T stopped, Z zombie, … */
  readonly state: string;
  readonly groupId: number;
  readonly sessionId: number;
  /** Number of the controlling terminal, or 0 for none. */
  readonly terminal: number;
}

/** What names one process: `ProcessFacts` and `ProcessEntry` both have it. */
export type ProcessName = Pick<ProcessEntry, 'pid' | 'startedAt'>;

/** The facts of a running process, or null when there is none (a zombie has no program any more). */
export function processFacts(pid: number): ProcessFacts | null {
  const entry = processEntry(pid);
  return entry === null ? null : factsOf(entry);
}

function factsOf(entry: ProcessEntry): ProcessFacts | null {
  if (isOver(entry)) return null;
  const { pid } = entry;
  const uid = effectiveUid(pid);
  if (uid === null) return null;
  const facts = { pid, startedAt: entry.startedAt, program: programOf(pid), argv: argvOf(pid), uid };
  // The pid may have been given to another process while we read: then the start time is another one.
  return isSameProcessAlive(entry) ? facts : null;
}

/** Parents of process `pid`, nearest first, as far as pid 1 or `max`. The process itself is not among them. */
export function ancestorsOf(pid: number, max = ANCESTORS_MAX): ProcessFacts[] {
  const ancestors: ProcessFacts[] = [];
  let parentPid = processEntry(pid)?.parentPid ?? 0;
  while (parentPid > 0 && ancestors.length < max) {
    const entry = processEntry(parentPid);
    const facts = entry === null ? null : factsOf(entry);
    if (entry === null || facts === null) break;
    ancestors.push(facts);
    parentPid = entry.parentPid;
  }
  return ancestors;
}

/** Whether that very process still runs. A zombie does not. */
export function isSameProcessAlive(name: ProcessName): boolean {
  const entry = processEntry(name.pid);
  return entry !== null && entry.startedAt === name.startedAt && !isOver(entry);
}

/**
 * Whether it is the first process of its pid namespace (a container's, or the machine's): that adopts whatever was let go
 * of, so that to be below it says nothing. True when the system does not say. NSpid: proc_pid_status(5).
 */
export function adoptsOrphans(pid: number): boolean {
  const inNamespaces = /^NSpid:\s+(.+)$/m.exec(readText(pid, 'status') ?? '')?.[1]?.split(/\s+/);
  return inNamespaces === undefined || inNamespaces.at(-1) === '1';
}

/** Every process below `pid`, children first, zombies included, from one look at the process table. */
export function descendantsOf(pid: number): ProcessEntry[] {
  const childrenOf = Map.groupBy(processTable(), (entry) => entry.parentPid);
  const found = [...(childrenOf.get(pid) ?? [])];
  // The list grows while it is walked; a pid cannot be its own ancestor, so the walk ends.
  for (const entry of found) found.push(...(childrenOf.get(entry.pid) ?? []));
  return found;
}

/**
 * Whether this process has a child, zombies included. No child means no descendant at all, and that is known without
 * reading the whole table (measured: 0.15 ms instead of 4). True when the kernel does not say (CONFIG_PROC_CHILDREN).
 */
export function hasChildren(): boolean {
  try {
    const threads = readdirSync('/proc/self/task');
    return threads.some((thread) => readFileSync(`/proc/self/task/${thread}/children`).length > 0);
  } catch {
    return true;
  }
}

/** All processes there are. */
export function processTable(): ProcessEntry[] {
  return pids().flatMap((pid) => processEntry(pid) ?? []);
}

/**
 * Processes whose environment, as it was at their start, holds `name=value`. Those of other users, and those that are
 * not dumpable, cannot be read and are not found.
 */
export function processesWithMarker(name: string, value: string): ProcessEntry[] {
  const marker = Buffer.from(`\0${name}=${value}\0`);
  return pids().flatMap((pid) => {
    const entry = processEntry(pid);
    if (entry === null || !hasMarker(pid, marker)) return [];
    return isSameProcessAlive(entry) ? [entry] : [];
  });
}

/** The entry of one process, zombie or not; null when there is none. */
export function processEntry(pid: number): ProcessEntry | null {
  const line = readText(pid, 'stat');
  if (line === null) return null;
  // The second field is the command in parentheses, and the command may hold spaces and parentheses itself.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid, groupId, sessionId, terminal] = fields;
  const startedAt = fields[19];
  if (state === undefined || startedAt === undefined) return null;
  return {
    pid,
    parentPid: Number(parentPid),
    startedAt,
    state,
    groupId: Number(groupId),
    sessionId: Number(sessionId),
    terminal: Number(terminal),
  };
}

function isOver(entry: ProcessEntry): boolean {
  return entry.state === 'Z' || entry.state === 'X' || entry.state === 'x';
}

function pids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^[1-9]\d*$/.test(name) ? Number(name) : []));
}

/**
 * The path of the program, or `(unknown)`. A path counts only when it leads us to the same file: a process in another
 * mount namespace can give any file any path. A program that was replaced on disk (an update) keeps its path if the
 * process shares our mount namespace.
 */
function programOf(pid: number): string {
  try {
    const link = `/proc/${pid}/exe`;
    const path = readlinkSync(link);
    if (isSameFile(link, path)) return path;
    const wasDeleted =
      path.endsWith(' (deleted)') && readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt');
    return wasDeleted ? path.slice(0, -' (deleted)'.length) : UNKNOWN_PROGRAM;
  } catch {
    return UNKNOWN_PROGRAM;
  }
}

function isSameFile(a: string, b: string): boolean {
  const [left, right] = [a, b].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return left !== undefined && right !== undefined && left.dev === right.dev && left.ino === right.ino;
}

function argvOf(pid: number): string[] {
  const bytes = readProc(pid, 'cmdline')?.subarray(0, ARGV_BYTES_MAX);
  if (bytes === undefined || bytes.length === 0) return [];
  const text = bytes.toString('utf8');
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}

/** The second number of the Uid line: what SO_PEERCRED tells too, and what the process may do. */
function effectiveUid(pid: number): number | null {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(readText(pid, 'status') ?? '')?.[1];
  return uid === undefined ? null : Number(uid);
}

function hasMarker(pid: number, marker: Buffer): boolean {
  const environment = readProc(pid, 'environ');
  if (environment === null) return false;
  const isFirst = environment.subarray(0, marker.length - 1).equals(marker.subarray(1));
  const isFound = isFirst || environment.includes(marker);
  // It may hold the credentials of a run.
  environment.fill(0);
  return isFound;
}

function readProc(pid: number, file: string): Buffer | null {
  try {
    return readProcFile(`/proc/${pid}/${file}`);
  } catch {
    return null;
  }
}

/** As UTF-8, which Node reads in one go. The name of a program, which may be no UTF-8, is not used. */
function readText(pid: number, file: 'stat' | 'status'): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}
