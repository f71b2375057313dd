// A process that opened a mounted file, as the kernel shows it (I7): what it runs, where, and in whose view of the system.
// Whatever cannot be read makes it a stranger. Linux, from /proc.

import { readlinkSync, statSync } from 'node:fs';
import { isAgentMarker } from '../core/agents-above.ts';
import type { DirectoryFacts, ProcessFacts } from '../core/request.ts';
import { readProcFile } from './proc-file.ts';
import { ancestorsOf, isSameProcessAlive, processFacts, UNKNOWN_PROGRAM, type ProcessName } from './processes.ts';

export interface SeenReader {
  readonly process: ProcessFacts;
  /** Parents, nearest first. */
  readonly ancestors: readonly ProcessFacts[];
  readonly cwd: DirectoryFacts;
  /** Variables that change which code the program loads, with what they were when it was started. */
  readonly loaders: Readonly<Record<string, string>>;
  /** Whether its environment says that a coding agent started it, though its parents may no longer. */
  readonly hasAgentMarker: boolean;
  /** Whether it sees processes as this one does. One in a namespace of its own is a container or a sandbox. */
  readonly isInOurPidNamespace: boolean;
  /** Whether a path means the same file to it as to this process: the same mount namespace, and the same root in it. */
  readonly seesOurFiles: boolean;
  /** What the program is, as one text: another one means that the process executed something else. */
  readonly programMark: string;
}

/**
 * Names of variables that decide what code a program runs, whoever wrote the program: of the dynamic loader, of Node,
 * Python, Perl, Ruby, Java, Lua, PHP and shells. Best effort: a program may have further ones of its own.
 */
const LOADERS =
  /^(?:LD_(?:PRELOAD|AUDIT|LIBRARY_PATH)|DYLD_.*|.*_PRELOAD|GCONV_PATH|NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|ZDOTDIR|PYTHON(?:PATH|HOME|STARTUP|INSPECT|USERBASE)|PERL5(?:LIB|OPT|DB)|PERLLIB|RUBY(?:OPT|LIB)|GEM_(?:HOME|PATH)|BUNDLE_GEMFILE|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|CLASSPATH|LUA_(?:PATH|CPATH|INIT)(?:_.*)?|PHPRC|PHP_INI_SCAN_DIR|COMPOSE_FILE|DOCKER_(?:HOST|CONFIG))$/;
/** More is not shown to a human, who could not judge it either: then the reader is a stranger (I8). */
const LOADERS_CHARACTERS_MAX = 8 * 1024;

/**
 * Null for a process of another user, one that closed itself to others (an exec-only program), one whose program cannot
 * be told, and one that is gone.
 */
export function seenReader(name: ProcessName): SeenReader | null {
  try {
    return look(name);
  } catch {
    // Something of it cannot be read, or it has just ended.
    return null;
  }
}

/** `SeenReader.programMark` as it is now; null when it cannot be read. */
export function programMark({ pid }: ProcessName): string | null {
  try {
    return markOf(pid);
  } catch {
    return null;
  }
}

/** Whether `path` leads that process to the same file as this one. */
export function isSameFileFor({ pid }: ProcessName, path: string): boolean {
  const [ours, theirs] = [path, `/proc/${pid}/root${path}`].map((seen) => {
    return statSync(seen, { bigint: true, throwIfNoEntry: false });
  });
  return ours !== undefined && theirs !== undefined && ours.dev === theirs.dev && ours.ino === theirs.ino;
}

function look(name: ProcessName): SeenReader | null {
  const { pid } = name;
  const facts = processFacts(pid);
  if (facts === null || facts.startedAt !== name.startedAt) return null;
  if (facts.uid !== process.geteuid?.() || facts.program === UNKNOWN_PROGRAM) return null;
  const environment = environmentOf(pid);
  if (environment === null) return null;
  const seen = {
    process: facts,
    ancestors: ancestorsOf(pid),
    cwd: cwdOf(pid),
    ...environment,
    isInOurPidNamespace: isNamespaceShared(pid, 'pid'),
    seesOurFiles: isNamespaceShared(pid, 'mnt') && isRootShared(pid),
    programMark: markOf(pid),
  };
  return isSameProcessAlive(name) ? seen : null;
}

function cwdOf(pid: number): DirectoryFacts {
  const link = `/proc/${pid}/cwd`;
  const { dev, ino } = statSync(link, { bigint: true });
  return { path: readlinkSync(link), dev: String(dev), ino: String(ino) };
}

function isNamespaceShared(pid: number, kind: 'pid' | 'mnt'): boolean {
  return readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`);
}

/** chroot(2) needs no mount namespace, and in a user namespace no privilege. */
function isRootShared(pid: number): boolean {
  const [ours, theirs] = ['/', `/proc/${pid}/root`].map((root) => statSync(root, { bigint: true }));
  return ours?.dev === theirs?.dev && ours?.ino === theirs?.ino;
}

/** The program by device and inode, and its arguments: what an exec() changes. */
function markOf(pid: number): string {
  const { dev, ino } = statSync(`/proc/${pid}/exe`, { bigint: true });
  return `${dev} ${ino} ${readProcFile(`/proc/${pid}/cmdline`).toString('latin1')}`;
}

/** Whether a coding agent left its mark in the environment of a process. True when that cannot be looked at. */
export function hasAgentMarker(pid: number): boolean {
  try {
    return environmentOf(pid)?.hasAgentMarker ?? true;
  } catch {
    return true;
  }
}

/** Null when there is more than anybody could look through. The environment may hold credentials, and is wiped. */
function environmentOf(pid: number): Pick<SeenReader, 'loaders' | 'hasAgentMarker'> | null {
  const environment = readProcFile(`/proc/${pid}/environ`);
  const loaders: [string, string][] = [];
  let characters = 0;
  let hasAgentMarker = false;
  for (let at = 0; at < environment.length;) {
    const zero = environment.indexOf(0, at);
    const end = zero === -1 ? environment.length : zero;
    const equals = environment.indexOf(0x3d, at);
    const name = equals === -1 || equals > end ? '' : environment.toString('latin1', at, equals);
    hasAgentMarker ||= isAgentMarker(name);
    if (LOADERS.test(name)) {
      loaders.push([name, environment.toString('utf8', equals + 1, end)]);
      characters += end - at;
    }
    at = end + 1;
  }
  environment.fill(0);
  return characters > LOADERS_CHARACTERS_MAX ? null : { loaders: Object.fromEntries(loaders), hasAgentMarker };
}
