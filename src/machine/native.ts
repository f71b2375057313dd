// The few calls Node does not have: who is at the other end of a socket, whether a process still lives, and what keeps
// other processes out of this one. Loaded on first use.
// Linux is measured. macOS stands behind the same functions as its manual pages say, and has not been run.

import { readdirSync } from 'node:fs';
import { cLibrary, unsupported } from './libc.ts';

/** Numbers of <sys/socket.h>, <sys/un.h>, <linux/prctl.h>, <sys/resource.h>, <sys/file.h>, <poll.h>, <signal.h>. */
const LINUX = { SOL_SOCKET: 1, SO_PEERCRED: 17, SO_PEERPIDFD: 77, RLIMIT_CORE: 4, SYS_PIDFD_OPEN: 434 } as const;
const PRCTL = { SET_DUMPABLE: 4, GET_DUMPABLE: 3, SET_CHILD_SUBREAPER: 36 } as const;
const DARWIN = { SOL_LOCAL: 0, LOCAL_PEERPID: 2, RLIMIT_CORE: 4, PT_DENY_ATTACH: 31 } as const;
const LOCK_EX_NB = 2 | 4;
const POLLIN = 1;
const SIGPIPE = 13;
const SIGXFSZ = 25;
/** The next three of <fcntl.h> on Linux; WNOHANG of <sys/wait.h> everywhere. */
const O_CLOEXEC = 0o2000000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const WNOHANG = 1;
/** The same numbers on Linux and macOS. */
const EWOULDBLOCK = process.platform === 'darwin' ? 35 : 11;
const ESRCH = 3;

/** Who connected a Unix socket, as the kernel recorded it at connect(). */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** A descriptor of the process itself, for ever free of pid reuse; null where the kernel has none (Linux < 6.5). */
  readonly pidfd: number | null;
}

interface Library {
  getsockopt: (fd: number, level: number, option: number, value: Buffer, length: [number]) => number;
  getrlimit: (resource: number, limit: Buffer) => number;
  setrlimit: (resource: number, limit: Buffer) => number;
  flock: (fd: number, operation: number) => number;
  poll: (entries: Buffer, count: number, waitMs: number) => number;
  signal: (signal: number, handler: number) => number;
  prctl: (operation: number, a: number, b: number, c: number, d: number) => number;
  syscall: (number: number, a: number, b: number, c: number, d: number) => number;
  getpeereid: (fd: number, uid: Buffer, gid: Buffer) => number;
  ptrace: (request: number, pid: number, address: number, data: number) => number;
  pipe: (ends: Buffer) => number;
  pipe2: (ends: Buffer, flags: number) => number;
  fcntl: (fd: number, command: number, flags: number) => number;
  waitpid: (pid: number, status: null, options: number) => number;
  errno: () => number;
}

/**
 * Who is at the other end of the connected Unix socket `fd` (I7). The caller owns `pidfd` and closes it.
 * Throws `machine/unsupported` when the kernel does not say.
 */
export function peerOf(fd: number): Peer {
  if (process.platform === 'darwin') return peerOnDarwin(fd);
  const credentials = socketOption(fd, LINUX.SOL_SOCKET, LINUX.SO_PEERCRED, 12);
  if (credentials === null) throw unsupported('who connected (SO_PEERCRED)');
  const pidfd = socketOption(fd, LINUX.SOL_SOCKET, LINUX.SO_PEERPIDFD, 4);
  return {
    pid: credentials.readInt32LE(0),
    uid: credentials.readUInt32LE(4),
    gid: credentials.readUInt32LE(8),
    pidfd: pidfd === null ? null : pidfd.readInt32LE(0),
  };
}

/** A descriptor of process `pid`, or null when there is no such process. The caller closes it. Linux only. */
export function pidfdOpen(pid: number): number | null {
  const { syscall, errno } = library();
  const pidfd = syscall(LINUX.SYS_PIDFD_OPEN, pid, 0, 0, 0);
  if (pidfd >= 0) return pidfd;
  if (errno() === ESRCH) return null;
  throw unsupported('a descriptor of a process (pidfd_open)');
}

/** Whether the process behind `pidfd` still runs. A zombie does not. */
export function pidfdIsAlive(pidfd: number): boolean {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(pidfd, 0);
  entry.writeInt16LE(POLLIN, 4);
  const ready = library().poll(entry, 1, 0);
  if (ready < 0) throw unsupported('whether a process lives (poll)');
  return ready === 0;
}

/** Takes the lock of an open file for this process until it closes the file or ends; false when another one has it. */
export function lockExclusive(fd: number): boolean {
  const { flock, errno } = library();
  if (flock(fd, LOCK_EX_NB) === 0) return true;
  if (errno() === EWOULDBLOCK) return false;
  throw unsupported('locking a file (flock)');
}

/** No other process of this user may read this one's memory, environment or descriptors, or trace it, from here on. */
export function setNonDumpable(): void {
  const { prctl, ptrace } = library();
  const result =
    process.platform === 'darwin' ? ptrace(DARWIN.PT_DENY_ATTACH, 0, 0, 0) : prctl(PRCTL.SET_DUMPABLE, 0, 0, 0, 0);
  if (result !== 0) throw unsupported('keeping other processes out (PR_SET_DUMPABLE)');
}

/** Whether other processes of this user may look into this one. macOS has no way to ask: true, to be on the safe side. */
export function isDumpable(): boolean {
  return process.platform === 'darwin' || library().prctl(PRCTL.GET_DUMPABLE, 0, 0, 0, 0) !== 0;
}

/** No core dump of this process or its children, and no way to raise the limit again. */
export function limitCoreToZero(): void {
  const none = Buffer.alloc(16);
  const resource = process.platform === 'darwin' ? DARWIN.RLIMIT_CORE : LINUX.RLIMIT_CORE;
  if (library().setrlimit(resource, none) !== 0) throw unsupported('switching core dumps off (RLIMIT_CORE)');
}

/** The hard limit on core dumps in bytes; 0 means none can be written. */
export function coreLimit(): bigint {
  const limit = Buffer.alloc(16);
  const resource = process.platform === 'darwin' ? DARWIN.RLIMIT_CORE : LINUX.RLIMIT_CORE;
  if (library().getrlimit(resource, limit) !== 0) throw unsupported('the limit on core dumps (RLIMIT_CORE)');
  return limit.readBigUInt64LE(8);
}

/** Orphans among our descendants become our children, so that none escapes. Linux only; elsewhere it does nothing. */
export function setChildSubreaper(): void {
  if (process.platform !== 'linux') return;
  if (library().prctl(PRCTL.SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw unsupported('PR_SET_CHILD_SUBREAPER');
}

/**
 * A pipe: what Node makes for a child is a socket, and a socket cannot be opened as /dev/stdin or /dev/stdout. The caller
 * closes both ends. They do not reach a child unless they are handed over (on macOS libuv sees to that).
 */
export function makePipe(): { readonly readFd: number; readonly writeFd: number } {
  const ends = Buffer.alloc(8);
  const { pipe, pipe2 } = library();
  const result = process.platform === 'darwin' ? pipe(ends) : pipe2(ends, O_CLOEXEC);
  if (result !== 0) throw unsupported('a pipe');
  return { readFd: ends.readInt32LE(0), writeFd: ends.readInt32LE(4) };
}

/**
 * No descriptor beyond standard error reaches a child from here on, also none that this process was itself given by
 * whoever started it: Node closes those below 16 and misses the rest. macOS needs no such care.
 */
export function keepDescriptors(): void {
  if (process.platform !== 'linux') return;
  const { fcntl } = library();
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    // The descriptor of the listing itself is gone by now, and fails here.
    if (fd > 2) fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

/** Collects one zombie child that came to us as an orphan. Never for a child that Node started: Node waits for those. */
export function reapChild(pid: number): boolean {
  return library().waitpid(pid, null, WNOHANG) === pid;
}

/** Node ignores SIGPIPE and SIGXFSZ, and `process.execve` would hand that on. Call it just before. */
export function restoreDefaultSignals(): void {
  const { signal } = library();
  signal(SIGPIPE, 0);
  signal(SIGXFSZ, 0);
}

/** getpeereid(3) and LOCAL_PEERPID of unix(4). Not run. */
function peerOnDarwin(fd: number): Peer {
  const uid = Buffer.alloc(4);
  const gid = Buffer.alloc(4);
  const pid = socketOption(fd, DARWIN.SOL_LOCAL, DARWIN.LOCAL_PEERPID, 4);
  if (pid === null || library().getpeereid(fd, uid, gid) !== 0) throw unsupported('who connected (getpeereid)');
  return { pid: pid.readInt32LE(0), uid: uid.readUInt32LE(0), gid: gid.readUInt32LE(0), pidfd: null };
}

function socketOption(fd: number, level: number, option: number, bytes: number): Buffer | null {
  const value = Buffer.alloc(bytes);
  return library().getsockopt(fd, level, option, value, [bytes]) === 0 ? value : null;
}

let loaded: Library | null = null;

function library(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const { func, funcOn, errno } = cLibrary();
  return {
    getsockopt: func('int getsockopt(int fd, int level, int option, void *value, _Inout_ uint *length)'),
    getrlimit: func('int getrlimit(int resource, void *limit)'),
    setrlimit: func('int setrlimit(int resource, void *limit)'),
    flock: func('int flock(int fd, int operation)'),
    poll: func('int poll(void *entries, ulong count, int waitMs)'),
    signal: func('intptr_t signal(int signal, intptr_t handler)'),
    prctl: funcOn('linux', 'int prctl(int op, ulong a, ulong b, ulong c, ulong d)'),
    syscall: funcOn('linux', 'long syscall(long n, long a, long b, long c, long d)'),
    getpeereid: funcOn('darwin', 'int getpeereid(int fd, void *uid, void *gid)'),
    ptrace: funcOn('darwin', 'int ptrace(int request, int pid, intptr_t address, int data)'),
    pipe: funcOn('darwin', 'int pipe(void *ends)'),
    pipe2: funcOn('linux', 'int pipe2(void *ends, int flags)'),
    fcntl: funcOn('linux', 'int fcntl(int fd, int command, int flags)'),
    waitpid: func('int waitpid(int pid, void *status, int options)'),
    errno,
  };
}
