// Leases: the kernel holds whoever opens a leased file until the holder lets go (fcntl(2), "Leases"). Linux only. A lease
// belongs to the open file; closing it, or dying, gives it up.

import { readFileSync } from 'node:fs';
import { cLibrary, unsupported } from './libc.ts';

/** <fcntl.h> on Linux. */
const F_SETLEASE = 1024;
const F_GETLEASE = 1025;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** <errno.h> on Linux. */
const EAGAIN = 11;

interface Library {
  fcntl: (fd: number, command: number, kind: number) => number;
  errno: () => number;
}

/**
 * Takes the lease that any other open() breaks, of a file that this process has open and owns; false when it is open
 * elsewhere (F_WRLCK is granted to the only one who has it open, and that is also how to know that all others closed).
 * From here on a SIGIO can come, so one is listened for first: its default would end this process (signal(7)).
 * Throws `machine/unsupported`: not Linux, a file system without leases, /proc/sys/fs/leases-enable is 0.
 */
export function takeLease(fd: number): boolean {
  if (!isListening) onLeaseBroken(() => undefined);
  const { fcntl, errno } = library();
  if (fcntl(fd, F_SETLEASE, F_WRLCK) === 0) return true;
  if (errno() === EAGAIN) return false;
  throw unsupported('a lease on a file (F_SETLEASE)');
}

/** Whether the lease is held and nobody waits. False from the moment somebody opens the file. */
export function isLeaseWhole(fd: number): boolean {
  return library().fcntl(fd, F_GETLEASE, 0) === F_WRLCK;
}

/** Lets everybody in who waits. False when there was no lease any more: then they were in already. */
export function releaseLease(fd: number): boolean {
  return library().fcntl(fd, F_SETLEASE, F_UNLCK) === 0;
}

/**
 * Calls `listener` when some lease of this process may have been broken; the signal does not say which. Returns how to
 * stop. The process goes on ignoring SIGIO after that: anybody of the same user can send one.
 */
export function onLeaseBroken(listener: () => void): () => void {
  if (!isListening) process.on('SIGIO', () => undefined);
  isListening = true;
  process.on('SIGIO', listener);
  return () => void process.removeListener('SIGIO', listener);
}

/** After this many milliseconds the kernel lets a waiting opener in by itself; null for never (proc_sys_fs(5)). */
export function leaseBreakMs(): number | null {
  const seconds = Number(readFileSync('/proc/sys/fs/lease-break-time', 'latin1'));
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds * 1_000 : null;
}

let isListening = false;
let loaded: Library | null = null;

function library(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const { funcOn, errno } = cLibrary();
  return { fcntl: funcOn('linux', 'int fcntl(int fd, int command, int kind)'), errno };
}
