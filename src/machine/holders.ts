// Which processes have a file open, as far as /proc shows it (I7), and how one of them is made to wait. What belongs to
// another user, or is not dumpable, is not shown.

import { closeSync, existsSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { cLibrary } from './libc.ts';
import { pidfdOpen } from './native.ts';

/** The two low bits of the flags in /proc/PID/fdinfo/N, octal there, and O_PATH. <fcntl.h> on Linux. */
const ACCESS_MASK = 0o3;
const O_PATH = 0o10000000;
const SYS_PIDFD_SEND_SIGNAL = 424;
/** Of <asm/unistd.h>: x86-64 has a table of its own. KCMP_FILE of <linux/kcmp.h>. */
const SYS_KCMP = process.arch === 'x64' ? 312 : 272;
const KCMP_FILE = 0;
const SIGCONT = 18;
const SIGSTOP = 19;
/** What the kernel puts behind the path of a file that has no name any more (proc_pid_fd(5)). */
const NAMELESS = ' (deleted)';

/** `path`: it holds on to the file (O_PATH) without having it open. */
export type Access = 'read' | 'write' | 'both' | 'path';

export interface Holder {
  readonly pid: number;
  readonly startedAt: string;
  /** Its descriptors of the file, and what each may do. Never empty. */
  readonly descriptors: readonly { readonly fd: string; readonly access: Access }[];
}

/** One descriptor of one process. */
export interface DescriptorName {
  readonly pid: number;
  readonly fd: string;
}

/** How a process stands, from /proc/PID/stat (proc_pid_stat(5)). */
export interface Standing {
  readonly startedAt: string;
  /** R, S, D, T (stopped), t (traced), Z, X. */
  readonly state: string;
  /** Whether it has a controlling terminal, and so perhaps a shell that notices when it stops. */
  readonly hasTerminal: boolean;
}

/** Names a file that has no name any more: device and inode as decimal text. */
export interface InodeName {
  readonly dev: string;
  readonly ino: string;
}

/**
 * Everybody who has one of these nameless files open, but not this process. One look for all of them: who opens one
 * meanwhile may be missed. Measured: 1 ms at 80 processes, 11 ms at 580; most of it is the kernel's readlink.
 */
export function holdersOf<T extends InodeName>(inodes: readonly T[]): Map<T, Holder[]> {
  const found = new Map(inodes.map((inode): [T, Holder[]] => [inode, []]));
  const byKey = new Map(inodes.map((inode) => [keyOf(inode), inode]));
  for (const name of readdirSync('/proc')) {
    if (!/^[1-9]\d*$/.test(name) || Number(name) === process.pid) continue;
    for (const [key, holder] of holdings(Number(name), new Set(byKey.keys()))) {
      const inode = byKey.get(key);
      if (inode !== undefined) found.get(inode)?.push(holder);
    }
  }
  return found;
}

/** The same of one process and file; null when it has not, is gone or is not shown. */
export function holderOf(pid: number, inode: InodeName): Holder | null {
  const key = keyOf(inode);
  return holdings(pid, new Set([key])).get(key) ?? null;
}

/** Whether one of these descriptors is still what it was; a cheap look for what usually does not change. */
export function stillHolds({ pid, startedAt, descriptors }: Holder, inode: InodeName): boolean {
  if (standingOf(pid)?.startedAt !== startedAt) return false;
  return descriptors.some(({ fd }) => namelessKey(`/proc/${pid}/fd/${fd}`) === keyOf(inode));
}

/**
 * Whether two descriptors come from one and the same open(2), handed on by fork, dup or a socket (kcmp(2)). False when the
 * kernel does not say.
 */
export function isSameOpenFile(a: DescriptorName, b: DescriptorName): boolean {
  return syscalls().kcmp(SYS_KCMP, a.pid, b.pid, KCMP_FILE, Number(a.fd), Number(b.fd)) === 0;
}

/** Null when there is no such process. */
export function standingOf(pid: number): Standing | null {
  return standingFrom(`/proc/${pid}/stat`);
}

/** Whether every thread of the process has stopped: a signal reaches one that is inside a system call a little later. */
export function isStopped(pid: number): boolean {
  const threads = listed(`/proc/${pid}/task`);
  return (
    threads.length > 0 && threads.every((thread) => standingFrom(`/proc/${pid}/task/${thread}/stat`)?.state === 'T')
  );
}

/** A process that can be made to wait and to go on, named for ever: its descriptor, not its number. */
export class Pausable implements Disposable {
  readonly #pidfd: number;

  private constructor(pidfd: number) {
    this.#pidfd = pidfd;
  }

  /** Null when that very process is gone. Throws `machine/unsupported`. */
  static of({ pid, startedAt }: { readonly pid: number; readonly startedAt: string }): Pausable | null {
    const pidfd = pidfdOpen(pid);
    if (pidfd === null) return null;
    // The descriptor names whoever has the number now, and the start time says whether that is still the one we mean.
    if (standingOf(pid)?.startedAt === startedAt) return new Pausable(pidfd);
    closeSync(pidfd);
    return null;
  }

  /** SIGSTOP. False when it is gone or may not be stopped by us. */
  pause(): boolean {
    return this.#send(SIGSTOP);
  }

  /** SIGCONT. */
  goOn(): boolean {
    return this.#send(SIGCONT);
  }

  [Symbol.dispose](): void {
    closeSync(this.#pidfd);
  }

  #send(signal: number): boolean {
    return syscalls().signal(SYS_PIDFD_SEND_SIGNAL, this.#pidfd, signal, null, 0) === 0;
  }
}

function holdings(pid: number, keys: ReadonlySet<string>): Map<string, Holder> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = new Map<string, string[]>();
  // An exception costs ten times as much as this look, and other users' processes are many.
  for (const fd of existsSync(`${folder}/.`) ? listed(folder) : []) {
    const key = namelessKey(`${folder}/${fd}`);
    if (key !== null && keys.has(key)) descriptors.set(key, [...(descriptors.get(key) ?? []), fd]);
  }
  const holders = new Map<string, Holder>();
  for (const [key, fds] of descriptors) {
    const startedAt = standingOf(pid)?.startedAt;
    const open = fds.flatMap((fd) => {
      const access = accessOf(pid, fd);
      return access === null ? [] : { fd, access };
    });
    // A pid that was given to another process meanwhile would not have the file open.
    if (startedAt !== undefined && open.length > 0) holders.set(key, { pid, startedAt, descriptors: open });
  }
  return holders;
}

function keyOf({ dev, ino }: InodeName): string {
  return `${dev}:${ino}`;
}

function namelessKey(link: string): string | null {
  try {
    if (!readlinkSync(link).endsWith(NAMELESS)) return null;
    const found = statSync(link, { bigint: true });
    return `${found.dev}:${found.ino}`;
  } catch {
    return null;
  }
}

function accessOf(pid: number, fd: string): Access | null {
  const digits = /^flags:\s*([0-7]+)/m.exec(textOf(`/proc/${pid}/fdinfo/${fd}`) ?? '')?.[1];
  if (digits === undefined) return null;
  const flags = Number.parseInt(digits, 8);
  if ((flags & O_PATH) !== 0) return 'path';
  return (['read', 'write', 'both', 'both'] as const)[flags & ACCESS_MASK] ?? 'both';
}

function standingFrom(path: string): Standing | null {
  const line = textOf(path);
  if (line === null) return null;
  // The second field is the command in parentheses, and the command may hold spaces and parentheses itself.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, , , , terminal] = fields;
  const startedAt = fields[19];
  if (state === undefined || startedAt === undefined) return null;
  return { startedAt, state, hasTerminal: terminal !== '0' };
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

interface Syscalls {
  readonly signal: (number: number, pidfd: number, signal: number, info: null, flags: number) => number;
  readonly kcmp: (number: number, a: number, b: number, type: number, inA: number, inB: number) => number;
}

let loaded: Syscalls | null = null;

function syscalls(): Syscalls {
  loaded ??= load();
  return loaded;
}

function load(): Syscalls {
  const { funcOn } = cLibrary();
  return {
    signal: funcOn('linux', 'long syscall(long number, long pidfd, long signal, void *info, ulong flags)'),
    kcmp: funcOn('linux', 'long syscall(long number, long a, long b, long type, ulong inA, ulong inB)'),
  };
}
