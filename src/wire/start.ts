// Starting the daemon when a command needs it. The daemon gets nothing from its caller but a home: not the working
// directory, not the terminal, not the environment, and its own interpreter with its own flags.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Failure, type FailureDocument } from '../core/failure.ts';
import { execOnlyInterpreter, HARDENED_FLAGS, scrubbedEnvironment } from '../machine/interpreter.ts';
import type { HomePaths } from '../machine/paths.ts';
import { ensurePrivateFolder } from '../machine/private-files.ts';
import { connect } from './client.ts';

/** From the start of the process to its first answer. A busy machine takes a second; Node has to be copied the first time. */
export const START_WAIT_MS = 15_000;
/** The daemon writes here, once, how its start went: `ready` or a FailureDocument, and a newline. */
export const READY_DESCRIPTOR = 3;
const READY_LINE = 'ready';
const READY_BYTES_MAX = 8 * 1024;
/** Between two tries to reach a daemon that somebody else is starting. */
const RETRY_MS = 25;

export interface StartOptions {
  /** Stay: the daemon writes to this terminal, gets our SIGINT and SIGTERM, and the promise settles when it ends. */
  readonly foreground?: boolean;
  /** Another program in the place of the daemon, which answers as one: for tests. */
  readonly script?: string;
}

/**
 * Returns when a daemon of this home answers and has proved itself; starts one if none does. Two that start at once both
 * succeed, with one daemon. In the foreground it returns when the daemon has ended. Throws what kept the daemon from
 * starting, `daemon/impostor`, or `daemon/unreachable` after 15 s.
 */
export async function ensureDaemon(paths: HomePaths, options: StartOptions = {}): Promise<void> {
  const isForeground = options.foreground === true;
  if (await isAnswering(paths)) {
    if (!isForeground) return;
    throw new Failure('home/in_use', 'a daemon runs on this home already', { hint: 'run keystile stop first' });
  }
  ensurePrivateFolder(paths.home);
  const daemon = spawnDaemon(paths, options.script ?? daemonScript(), isForeground);
  if (isForeground) {
    await untilItEnds(daemon);
    return;
  }
  const signal = AbortSignal.timeout(START_WAIT_MS);
  try {
    await untilReady(daemon, signal);
  } catch (error) {
    // Somebody else was quicker; theirs is as good as ours.
    if (!(error instanceof Failure) || error.code !== 'home/in_use') throw error;
  }
  await untilAnswering(paths, signal);
}

/** False when nothing listens. Whatever else is wrong is thrown: starting a second daemon would not help. */
async function isAnswering(paths: HomePaths): Promise<boolean> {
  try {
    const connection = await connect({ paths, socket: 'control', clientName: 'keystile start' });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === 'daemon/unreachable') return false;
    throw error;
  }
}

async function untilAnswering(paths: HomePaths, signal: AbortSignal): Promise<void> {
  while (!(await isAnswering(paths))) {
    if (signal.aborted) throw tooSlow();
    await delay(RETRY_MS);
  }
}

/** Beside the bundle that runs; from source, beside this room. */
function daemonScript(): string {
  const path = import.meta.url.endsWith('.ts') ? '../daemon.ts' : './daemon.js';
  return fileURLToPath(new URL(path, import.meta.url));
}

function spawnDaemon(paths: HomePaths, script: string, isForeground: boolean): ChildProcess {
  const program = execOnlyInterpreter(paths).path;
  const argv = [...HARDENED_FLAGS, script, ...(isForeground ? ['--foreground'] : [])];
  // Descriptor 3 is taken in any case, or the daemon would write its line into something of Node's own.
  const nowhere = isForeground ? openSync('/dev/null', 'w') : null;
  try {
    return spawn(program, argv, {
      // The folder a command runs in may be deleted, or belong to a project that is not trusted.
      cwd: paths.home,
      env: { ...scrubbedEnvironment(process.env), KEYSTILE_HOME: paths.home },
      detached: !isForeground,
      stdio: nowhere === null ? ['ignore', 'ignore', 'ignore', 'pipe'] : ['inherit', 'inherit', 'inherit', nowhere],
    });
  } finally {
    if (nowhere !== null) closeSync(nowhere);
  }
}

async function untilReady(daemon: ChildProcess, signal: AbortSignal): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `pipe` above makes it one; absent if spawn failed
  const pipe = daemon.stdio[READY_DESCRIPTOR] as Readable | null | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = '';
  daemon.once('error', (cause) => reject(new Failure('machine/io', 'the daemon cannot be started', { cause })));
  signal.addEventListener('abort', () => reject(tooSlow()));
  pipe?.setEncoding('utf8');
  pipe?.on('data', (text: string) => {
    said = (said + text).slice(0, READY_BYTES_MAX);
    if (said.includes('\n')) settle(said.slice(0, said.indexOf('\n')), resolve, reject);
  });
  pipe?.once('close', () => reject(new Failure('daemon/unreachable', 'the daemon ended before it was ready', SEE_LOG)));
  pipe?.once('error', reject);
  try {
    await promise;
  } catch (error) {
    daemon.kill('SIGKILL');
    throw error;
  } finally {
    pipe?.destroy();
    daemon.unref();
  }
}

function settle(line: string, resolve: () => void, reject: (reason: Failure) => void): void {
  if (line === READY_LINE) {
    resolve();
    return;
  }
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own daemon wrote it, over a pipe that we made
    reject(Failure.fromDocument(JSON.parse(line) as FailureDocument));
  } catch {
    reject(new Failure('daemon/unreachable', 'the daemon did not start', SEE_LOG));
  }
}

async function untilItEnds(daemon: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A terminal sends its signals to both of us; a service manager may know only us.
  const forward = (signal: NodeJS.Signals): void => void daemon.kill(signal);
  process.on('SIGTERM', forward).on('SIGINT', forward).on('SIGHUP', forward);
  daemon.once('error', (cause) => reject(new Failure('machine/io', 'the daemon cannot be started', { cause })));
  daemon.once('exit', (code) => {
    if (code === 0) resolve();
    else reject(new Failure('daemon/unreachable', 'the daemon ended with an error', SEE_LOG));
  });
  try {
    await promise;
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', forward).off('SIGHUP', forward);
  }
}

const SEE_LOG = { hint: 'see keystile.log in the home, and keystile doctor' };

function tooSlow(): Failure {
  return new Failure('daemon/unreachable', `the daemon was not ready within ${START_WAIT_MS / 1000} s`, SEE_LOG);
}
