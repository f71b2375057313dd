// Other programs' configuration files and their commands, as `setup` needs them: read, copy, replace in one step, run.

import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { Failure } from '../../core/failure.ts';

/** A client's own command starts a large program; longer than this it hangs. */
const COMMAND_WAIT_MS = 60_000;
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** The text of the file, or null when there is none. Throws `client/config`. */
export function readConfig(file: string): string | null {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) throw new Failure('client/config', `${file} is too large`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    if (codeOf(cause) === 'ENOENT') return null;
    throw new Failure('client/config', `${file} cannot be read`, { cause });
  }
}

/** Copies the file beside itself, under a name with the time; null when there is nothing to copy. */
export function backUp(file: string): string | null {
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  for (let attempt = 1; ; attempt += 1) {
    const copy = `${file}.keystile-backup-${stamp}${attempt === 1 ? '' : `-${attempt}`}`;
    try {
      copyFileSync(file, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return null;
      if (codeOf(cause) !== 'EEXIST') throw new Failure('client/config', `${file} cannot be copied`, { cause });
    }
  }
}

/** Puts the text in the place of the file in one step; its mode stays, and a link stays a link. */
export function writeConfig(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const { path, mode } = target(file);
    const draft = `${path}.keystile-${process.pid}`;
    const fd = openSync(draft, 'w', mode);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
  } catch (cause) {
    throw new Failure('client/config', `${file} cannot be written`, { cause });
  }
}

function target(file: string): { path: string; mode: number } {
  try {
    return { path: realpathSync(file), mode: statSync(file).mode & 0o777 };
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
    return { path: file, mode: 0o600 };
  }
}

/** The program of that name on the absolute entries of PATH, or null. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | null {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (isAbsolute(folder) && isProgram(path)) return path;
  }
  return null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Runs a client's own command to its end. Throws `client/config` with the first line of what it said. */
export async function runClient(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: COMMAND_WAIT_MS });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 1000) said += text;
  });
  child.once('error', reject).once('close', resolve);
  const exitCode = await promise.catch(() => null);
  if (exitCode === 0) return;
  const words = args.slice(0, 2).join(' ');
  const line = (said.split('\n')[0] ?? '').replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
  throw new Failure('client/config', `${program} ${words} failed${line === '' ? '' : `: ${line}`}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
