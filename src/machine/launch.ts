// Starting a program with posix_spawn(3), and becoming one with execve(2). Arguments and environment are bytes, so that
// values never are strings that cannot be wiped; and it takes 1 ms where Node's own spawn takes 5.
// Linux is measured. macOS stands behind the same functions as its manual pages say, and has not been run.

import { Failure } from '../core/failure.ts';
import { cLibrary } from './libc.ts';

/** <spawn.h>, <signal.h>, <sys/wait.h>, <fcntl.h>, <errno.h>. */
const SPAWN = process.platform === 'darwin' ? { SETSIGDEF: 0x04, SETSID: 0x400 } : { SETSIGDEF: 0x04, SETSID: 0x80 };
const WNOHANG = 1;
const WUNTRACED = 2;
const O_RDWR = 2;
const SIG_DFL = 0;
const SIG_IGN = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = process.platform === 'darwin' ? 0x4 : 0o4000;
const ERRNO = { ENOENT: 2, E2BIG: 7, ENOEXEC: 8, EACCES: 13, ENOTDIR: 20 } as const;
const SIGCHLD = process.platform === 'darwin' ? 20 : 17;
/** Node ignores both, and what is ignored stays so in whatever is started. */
const NODE_IGNORES = [13, 25] as const;
/** Larger than any of posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t. */
const STRUCT_BYTES = 1024;

/** What a descriptor of the child is: one of ours, or a file that the child opens for reading and writing. */
export type Descriptor = number | { readonly open: string };

export interface Launch {
  /** A path; nothing is looked up. */
  readonly program: string;
  /** The first one is the name the program sees as its own. */
  readonly argv: readonly string[];
  /** `NAME=value` and a NUL byte, each. The caller wipes them. */
  readonly environment: readonly Buffer[];
}

export interface Start extends Launch {
  /** The child's descriptors 0, 1, 2 …, made in this order. */
  readonly descriptors: readonly Descriptor[];
  /** setsid(2). The first terminal that the child opens is then its own, as its controlling terminal. */
  readonly isOwnSession: boolean;
  /** Signals it ignores, as a bit mask (bit n - 1 for signal n) like SigIgn of proc_pid_status(5). */
  readonly ignored: bigint;
}

export type ChildState =
  | { readonly kind: 'running' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: number };

/**
 * Starts a program and gives its pid; whoever calls collects it with `childState`. A file without a first line that says
 * what runs it goes to /bin/sh, as with execvp(3). Throws `program/not_found`, `input/too_large` or `run/failed`.
 */
export function start(plan: Start): number {
  const library = loadLibrary();
  const actions = Buffer.alloc(STRUCT_BYTES);
  const attributes = Buffer.alloc(STRUCT_BYTES);
  library.posix_spawn_file_actions_init(actions);
  library.posix_spawnattr_init(attributes);
  try {
    for (const [fd, descriptor] of plan.descriptors.entries()) addDescriptor(library, actions, fd, descriptor);
    // Not SIGCHLD: the system would collect our children itself, and tell nobody how they ended.
    for (const signal of signalsOf(plan.ignored)) if (signal !== SIGCHLD) library.signal(signal, SIG_IGN);
    library.posix_spawnattr_setsigdefault(attributes, signalSet(NODE_IGNORES.filter((n) => !isIn(plan.ignored, n))));
    library.posix_spawnattr_setflags(attributes, SPAWN.SETSIGDEF | (plan.isOwnSession ? SPAWN.SETSID : 0));
    const pid = Buffer.alloc(8);
    const spawn = ({ program, argv, environment }: Launch): number =>
      library.posix_spawn(pid, text(program), actions, attributes, vector(argv.map(text)), vector(environment));
    let error = spawn(plan);
    if (error === ERRNO.ENOEXEC) error = spawn({ ...plan, ...asScript(plan) });
    if (error !== 0) throw startFailure(plan.program, error);
    return pid.readInt32LE(0);
  } finally {
    library.posix_spawn_file_actions_destroy(actions);
    library.posix_spawnattr_destroy(attributes);
  }
}

function addDescriptor(library: Library, actions: Buffer, fd: number, descriptor: Descriptor): void {
  const result =
    typeof descriptor === 'number'
      ? library.posix_spawn_file_actions_adddup2(actions, descriptor, fd)
      : library.posix_spawn_file_actions_addopen(actions, fd, text(descriptor.open), O_RDWR, 0);
  if (result !== 0) throw new Failure('run/failed', 'the descriptors of the program cannot be made');
}

/** What became of a child of ours that `start` started: collects it when it is over, so it is told only once. */
export function childState(pid: number): ChildState {
  const status = Buffer.alloc(4);
  if (loadLibrary().waitpid(pid, status, WNOHANG | WUNTRACED) !== pid) return { kind: 'running' };
  // <sys/wait.h>: the low seven bits are the signal that ended it, 0 for an exit and 0x7f for a stop.
  const word = status.readInt32LE(0);
  const low = word & 0x7f;
  if (low === 0x7f) return { kind: 'stopped' };
  if (low === 0) return { kind: 'exited', exitCode: (word >> 8) & 0xff };
  return { kind: 'killed', signal: low };
}

/**
 * This process becomes the program: nothing of ours is left, and our descriptors beyond standard error are closed.
 * Returns only by throwing, as `start` does; until then nothing but `ignored` was changed.
 */
export function become(plan: Launch & { readonly ignored: bigint }): never {
  const library = loadLibrary();
  for (const fd of [0, 1, 2]) {
    // Node keeps these from its own children, and makes a pipe non-blocking that it has written to.
    library.fcntl(fd, F_SETFD, 'int', 0);
    const flags = library.fcntl(fd, F_GETFL, 'int', 0);
    if (flags >= 0 && (flags & O_NONBLOCK) !== 0) library.fcntl(fd, F_SETFL, 'int', flags & ~O_NONBLOCK);
  }
  for (const signal of NODE_IGNORES) library.signal(signal, SIG_DFL);
  for (const signal of signalsOf(plan.ignored)) library.signal(signal, SIG_IGN);
  const exec = ({ program, argv, environment }: Launch): number => {
    library.execve(text(program), vector(argv.map(text)), vector(environment));
    return library.errno();
  };
  let error = exec(plan);
  if (error === ERRNO.ENOEXEC) error = exec({ ...plan, ...asScript(plan) });
  throw startFailure(plan.program, error);
}

/**
 * Ends this process at once. Node would first give each terminal among its first three descriptors the settings it found
 * there at its start, and by now they may be those of somebody else: of `run -- a | less`, less's.
 */
export function leave(exitCode: number): never {
  loadLibrary()._exit(exitCode);
  throw new TypeError('a process that has ended goes on');
}

function signalsOf(mask: bigint): number[] {
  return Array.from({ length: 64 }, (_none, i) => i + 1).filter((signal) => isIn(mask, signal));
}

function isIn(mask: bigint, signal: number): boolean {
  return ((mask >> BigInt(signal - 1)) & 1n) === 1n;
}

function signalSet(signals: readonly number[]): Buffer {
  const set = Buffer.alloc(STRUCT_BYTES);
  loadLibrary().sigemptyset(set);
  for (const signal of signals) loadLibrary().sigaddset(set, signal);
  return set;
}

function asScript({ program, argv }: Launch): Pick<Launch, 'program' | 'argv'> {
  return { program: '/bin/sh', argv: [argv[0] ?? program, program, ...argv.slice(1)] };
}

/** A string of C. Throws `input/invalid` for one with a NUL byte, which would end it early. */
function text(string: string): Buffer {
  if (string.includes('\0')) throw new Failure('input/invalid', 'an argument has a NUL byte in it');
  return Buffer.from(`${string}\0`);
}

function vector(strings: readonly Buffer[]): (Buffer | null)[] {
  return [...strings, null];
}

function startFailure(program: string, error: number): Failure {
  switch (error) {
    case ERRNO.ENOENT:
    case ERRNO.ENOTDIR:
      return new Failure('program/not_found', `there is no program ${program}, or what runs it is missing`);
    case ERRNO.EACCES:
      return new Failure('program/not_found', `${program} may not be executed`, { hint: 'make it executable' });
    case ERRNO.E2BIG:
      return new Failure('input/too_large', 'arguments and environment together are too large');
    default:
      return new Failure('run/failed', `${program} could not be started (error ${error})`);
  }
}

type Library = ReturnType<typeof load>;
let loaded: Library | null = null;

function loadLibrary(): Library {
  loaded ??= load();
  return loaded;
}

function load() {
  const { func, errno } = cLibrary();
  return {
    posix_spawn: func('int posix_spawn(void *pid, void *path, void *actions, void *attr, void **argv, void **envp)'),
    posix_spawn_file_actions_init: func('int posix_spawn_file_actions_init(void *actions)'),
    posix_spawn_file_actions_destroy: func('int posix_spawn_file_actions_destroy(void *actions)'),
    posix_spawn_file_actions_adddup2: func('int posix_spawn_file_actions_adddup2(void *actions, int fd, int as)'),
    posix_spawn_file_actions_addopen: func(
      'int posix_spawn_file_actions_addopen(void *actions, int fd, void *path, int flags, uint mode)',
    ),
    posix_spawnattr_init: func('int posix_spawnattr_init(void *attributes)'),
    posix_spawnattr_destroy: func('int posix_spawnattr_destroy(void *attributes)'),
    posix_spawnattr_setflags: func('int posix_spawnattr_setflags(void *attributes, short flags)'),
    posix_spawnattr_setsigdefault: func('int posix_spawnattr_setsigdefault(void *attributes, void *signals)'),
    sigemptyset: func('int sigemptyset(void *signals)'),
    sigaddset: func('int sigaddset(void *signals, int signal)'),
    signal: func('intptr_t signal(int signal, intptr_t handler)'),
    execve: func('int execve(void *path, void **argv, void **envp)'),
    fcntl: func('int fcntl(int fd, int command, ...)'),
    _exit: func('void _exit(int status)'),
    waitpid: func('int waitpid(int pid, void *status, int options)'),
    errno,
  };
}
