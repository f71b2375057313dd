// Named pipes, and the calls for pipes that Node does not have (Linux).

import { constants, lstatSync, openSync, unlinkSync } from 'node:fs';
import { Failure } from '../core/failure.ts';
import { cLibrary, unsupported } from './libc.ts';
import type { CLibrary } from './libc.ts';

/** Of <fcntl.h>, <asm-generic/ioctls.h>, <poll.h> and <linux/fs.h> on Linux. */
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const FIONREAD = 0x541b;
const POLLERR = 0x8;
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
const EEXIST = 17;
/** Opens nothing, only holds on to it. Not among the constants of Node. */
const O_PATH = 0o10000000;

/** Makes a named pipe. Throws `mount/exists` when there is something, `machine/io` otherwise. */
export function makeFifo(path: string, mode: number): void {
  const { mkfifo, errno } = library();
  if (mkfifo(path, mode) === 0) return;
  if (errno() === EEXIST) throw new Failure('mount/exists', 'there is something at that path already');
  throw new Failure('machine/io', 'a named pipe could not be made', {
    hint: 'choose a folder of yours on a local file system',
  });
}

/**
 * Makes room for `bytes` in the pipe of either end, so that one write takes them all. False when the system does not
 * give that much now: all pipes of a user share an allowance (pipe-user-pages-soft, pipe(7)).
 */
export function makeRoom(fd: number, bytes: number): boolean {
  const { fcntl } = library();
  if (fcntl(fd, F_GETPIPE_SZ, 0) >= bytes) return true;
  return fcntl(fd, F_SETPIPE_SZ, bytes) >= bytes;
}

/** Bytes that were written into the pipe and not read yet. */
export function unreadBytes(fd: number): number {
  const count: [number] = [0];
  if (library().ioctl(fd, FIONREAD, count) !== 0) throw unsupported('what is in a pipe (FIONREAD)');
  return count[0];
}

/** Whether anybody holds the reading end of the pipe that `writeFd` writes to, this process included. */
export function hasReaders(writeFd: number): boolean {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(writeFd, 0);
  if (library().poll(entry, 1, 0) < 0) throw unsupported('whether a pipe has readers (poll)');
  return (entry.readInt16LE(6) & POLLERR) === 0;
}

/** Opens what `fd` has open once more, wherever its path has gone. Throws what open(2) says, among it ENXIO. */
export function reopen(fd: number, flags: number): number {
  return openSync(`/proc/self/fd/${fd}`, flags);
}

/** A descriptor that holds on to the file of `fd` and is neither reader nor writer. */
export function holdOn(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, O_PATH);
}

/** The writing end, or null when nobody has the reading end (ENXIO of fifo(7)). Never waits. */
export function openWriter(path: string): number | null {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENXIO') return null;
    throw error;
  }
}

/** Device and inode, as decimal text. */
export interface InodeFacts {
  readonly dev: string;
  readonly ino: string;
}

/** What stands at a path itself, a link not followed; null when there is nothing. */
export function inodeAt(path: string): (InodeFacts & { readonly isFifo: boolean }) | null {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : { dev: `${found.dev}`, ino: `${found.ino}`, isFifo: found.isFIFO() };
}

/**
 * Puts `fresh` where `path` is, if `isOurs` says so of what stood there, and takes that away. What is not ours is put
 * back: both names are swapped in one step (renameat2(2)), so nothing is overwritten. False when it was not ours.
 * Throws `machine/unsupported` where a file system cannot swap.
 */
export function replaceOurs(fresh: string, path: string, isOurs: (inode: InodeFacts) => boolean): boolean {
  swap(fresh, path);
  const old = inodeAt(fresh);
  if (old !== null && isOurs(old)) {
    unlinkSync(fresh);
    return true;
  }
  swap(fresh, path);
  return false;
}

function swap(a: string, b: string): void {
  if (library().renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) !== 0) throw unsupported('swapping two files');
}

interface PipeLibrary extends Pick<CLibrary, 'errno'> {
  readonly mkfifo: (path: string, mode: number) => number;
  readonly fcntl: (fd: number, command: number, value: number) => number;
  readonly ioctl: (fd: number, request: number, value: [number]) => number;
  readonly poll: (entries: Buffer, count: number, waitMs: number) => number;
  readonly renameat2: (fromFolder: number, from: string, toFolder: number, to: string, flags: number) => number;
}

let loaded: PipeLibrary | null = null;

function library(): PipeLibrary {
  loaded ??= load();
  return loaded;
}

function load(): PipeLibrary {
  const { funcOn, errno } = cLibrary();
  return {
    mkfifo: funcOn('linux', 'int mkfifo(str path, uint mode)'),
    fcntl: funcOn('linux', 'int fcntl(int fd, int command, int value)'),
    ioctl: funcOn('linux', 'int ioctl(int fd, ulong request, _Inout_ int *value)'),
    poll: funcOn('linux', 'int poll(void *entries, ulong count, int waitMs)'),
    renameat2: funcOn('linux', 'int renameat2(int fromFolder, str from, int toFolder, str to, uint flags)'),
    errno,
  };
}
