// The programs that sources ask: started with a fixed environment and nothing to read, in a session of their own, ended as a
// whole. What they print is bytes; what they complain about is looked at and never passed on.

import { spawn, type ChildProcess } from 'node:child_process';
import { FIELD_BYTES_MAX } from '../core/item.ts';
import { Failure } from '../core/failure.ts';
import type { SourceEnvironment } from '../machine/source-settings.ts';
import type { SourcePowers } from './source.ts';

/** Enough for what a program says before it fails; the rest is dropped. */
const COMPLAINT_BYTES_MAX = 16 * 1024;
/** A value and the final newline of an entry with many lines. */
const OUTPUT_BYTES_MAX = FIELD_BYTES_MAX + 64 * 1024;

/** What a program left behind. Disposed of, its bytes are overwritten. */
export interface Said extends Disposable {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * The whole environment of a program: where the human's files are, by the system's account data; the recorded search path;
 * and what config.toml says. Nothing of the daemon's own, which whoever started it could have chosen: with GNUPGHOME or PATH
 * that would be the choice of the program that decrypts.
 */
export function childEnvironment(
  powers: SourcePowers,
  settings: SourceEnvironment,
  more: SourceEnvironment = {},
): Record<string, string> {
  const { home, user, searchPath } = powers;
  const base = { HOME: home, USER: user, LOGNAME: user, PATH: searchPath.join(':'), LANG: 'C.UTF-8' };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.create is typed any
  return Object.assign(Object.create(null) as Record<string, string>, base, settings, more);
}

/**
 * Runs a program to its end, whatever its exit code. Throws `source/unreachable` when it cannot be started, `source/failed`
 * when it prints more than a value can be long, the reason of `signal` once that is aborted.
 */
export async function askProgram(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<Said> {
  signal.throwIfAborted();
  // No shell. A group of its own, so that what it starts ends with it.
  const child = spawn(program, args, { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const stdout = new Collected(OUTPUT_BYTES_MAX);
  const stderr = new Collected(COMPLAINT_BYTES_MAX);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const end = (reason: unknown): void => {
    killGroup(child);
    child.stdout.destroy();
    child.stderr.destroy();
    reject(reason);
  };
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener('abort', onAbort);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!stdout.push(chunk)) end(new Failure('source/failed', `${program} printed more than a value can be long`));
  });
  child.stderr.on('data', (chunk: Buffer) => void stderr.push(chunk));
  child.on('error', () => reject(new Failure('source/unreachable', `${program} could not be started`)));
  child.once('close', (exitCode) => resolve(exitCode));
  try {
    const exitCode = await promise;
    const said = { exitCode, stdout: stdout.take(), stderr: stderr.take() };
    return { ...said, [Symbol.dispose]: () => [said.stdout, said.stderr].forEach((bytes) => bytes.fill(0)) };
  } finally {
    signal.removeEventListener('abort', onAbort);
    stdout.wipe();
    stderr.wipe();
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Chunks up to a limit; all of them are overwritten in the end. */
class Collected {
  readonly #chunks: Buffer[] = [];
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False when that was too much; it is dropped. */
  push(chunk: Buffer): boolean {
    if (this.#bytes + chunk.length > this.#bytesMax) {
      chunk.fill(0);
      return false;
    }
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    return true;
  }

  take(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  wipe(): void {
    for (const chunk of this.#chunks) chunk.fill(0);
  }
}
