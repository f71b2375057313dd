// The Node our long-lived processes run on: a copy nobody may read, which the kernel therefore keeps closed to other
// processes from the first instruction on; with fixed flags; in an environment that holds nothing foreign.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { HomePaths } from './paths.ts';
import { ensurePrivateFolder, readPrivate, writePrivateAtomic } from './private-files.ts';

/** Executable for its owner and unreadable for everybody: the kernel makes such a process non-dumpable (execve(2)). */
const EXEC_ONLY = 0o111;
const TRIAL_MS_MAX = 20_000;

/**
 * No inspector by SIGUSR1 (it defeats every other protection); no `__proto__` to pollute through; no packages from
 * folders of the user; no noise about node:sqlite. The command line wins over NODE_OPTIONS.
 */
export const HARDENED_FLAGS: readonly string[] = [
  '--disable-sigusr1',
  '--disable-proto=delete',
  '--no-global-search-paths',
  '--disable-warning=ExperimentalWarning',
];

/** What of an environment our own processes may see. */
const KEPT_NAMES = /^(?:HOME|PATH|LANG|LC_[A-Z]+|TERM|TZ|USER|LOGNAME|SHELL|TMPDIR|XDG_DATA_HOME|KEYSTILE_HOME)$/;

export interface Interpreter {
  readonly path: string;
  /** False when no copy could be had: then `harden` closes the process a moment after its start instead. */
  readonly isExecOnly: boolean;
}

/**
 * The interpreter to start a process of ours with. Makes the copy once for each Node (about 120 MB; a reflink where the
 * file system can) and falls back to the running one when the home cannot hold or execute it.
 */
export function execOnlyInterpreter(paths: Pick<HomePaths, 'interpreter'>): Interpreter {
  const copy = paths.interpreter;
  const own = process.execPath;
  if (own === copy) return { path: copy, isExecOnly: isExecOnly(copy) };
  try {
    const source = describe(own);
    if (isExecOnly(copy) && readPrivate(sidecar(copy))?.toString() === source) return { path: copy, isExecOnly: true };
    ensurePrivateFolder(dirname(copy));
    const isMade = makeCopy(own, copy);
    if (isMade) writePrivateAtomic(sidecar(copy), Buffer.from(source));
    return isMade ? { path: copy, isExecOnly: true } : { path: own, isExecOnly: false };
  } catch {
    return { path: own, isExecOnly: false };
  }
}

/** The members of `variables` our own processes may see, with no prototype anything could hide in (E11). */
export function scrubbedEnvironment(variables: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && isKeptName(name)) kept[name] = value;
  }
  return kept;
}

/** Whether a variable of that name may be in the environment of our own processes. */
export function isKeptName(name: string): boolean {
  return KEPT_NAMES.test(name);
}

function isExecOnly(path: string): boolean {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  return (
    stats !== undefined && stats.isFile() && (stats.mode & 0o7777) === EXEC_ONLY && stats.uid === process.geteuid?.()
  );
}

/** False when the copy does not start: a folder mounted noexec, or a Node that needs libraries beside it. */
function makeCopy(from: string, to: string): boolean {
  const temporary = `${to}.${randomBytes(8).toString('hex')}.new`;
  try {
    fs.copyFileSync(from, temporary, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
    fs.chmodSync(temporary, EXEC_ONLY);
    const env = scrubbedEnvironment();
    const trial = spawnSync(temporary, ['--version'], { encoding: 'utf8', env, timeout: TRIAL_MS_MAX });
    if (trial.stdout?.trim() !== process.version) return false;
    fs.renameSync(temporary, to);
    return true;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function sidecar(copy: string): string {
  return `${copy}.source`;
}

/** Changes whenever another Node is installed at that path. */
function describe(path: string): string {
  const { dev, ino, size, mtimeNs } = fs.statSync(path, { bigint: true });
  return JSON.stringify({
    version: process.version,
    path,
    dev: `${dev}`,
    ino: `${ino}`,
    size: `${size}`,
    mtime: `${mtimeNs}`,
  });
}
