// Who waits in open() for a leased file. The kernel says so itself, in /proc/locks (proc_locks(5), locks_show() in
// fs/locks.c): below each broken lease, the processes that wait for it.
//
//   1: LEASE  BREAKING  READ 4170 00:1b:23 0 EOF
//   1: -> LEASE  BREAKER   READ 4189 <none>:0 0 EOF
//
// That list needs no right to look into the opener, is exact for one file at one moment, and costs the same however many
// processes there are. It takes a lock of the kernel that sleeps for some milliseconds (8 at HZ=250, measured), and next
// to nothing when it was taken a moment ago.

import { readFileSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { readFile } from 'node:fs/promises';

const LOCKS = '/proc/locks';

/** Somebody in open(). `pid` is 0 for a process in a pid namespace that cannot be seen from here. */
export interface BlockedOpener {
  readonly pid: number;
  /** It wants to write. */
  readonly isWriting: boolean;
}

/** Who waits for which leased file, by `leaseKey`. Threads of one process are entries of their own. */
export type BlockedOpeners = ReadonlyMap<string, readonly BlockedOpener[]>;

/** How /proc/locks names the file with these `stats`. */
export function leaseKey({ dev, ino }: BigIntStats): string {
  // gnu_dev_major() and gnu_dev_minor() of <sys/sysmacros.h>.
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

/**
 * Everybody who waits for a leased file now. A file with a lease that nobody waits for has an empty list; one without an
 * entry has no lease, or was passed over, because the kernel lists in pieces while others come and go: look again.
 */
export function blockedOpeners(): BlockedOpeners {
  return parseLocks(readFileSync(LOCKS, 'latin1'));
}

/** The same, in a thread, so that nothing else waits for the kernel. */
export async function readBlockedOpeners(): Promise<BlockedOpeners> {
  return parseLocks(await readFile(LOCKS, 'latin1'));
}

/** The leases of a text as /proc/locks gives it. */
export function parseLocks(text: string): BlockedOpeners {
  const found = new Map<string, BlockedOpener[]>();
  let waiting: BlockedOpener[] | null = null;
  for (const line of text.split('\n')) {
    const [, id, fields = ''] = /^(\d+):\s+(.*)$/.exec(line) ?? [];
    if (id === undefined) continue;
    const words = fields.split(/\s+/);
    if (words[0] !== '->') {
      waiting = words[0] === 'LEASE' ? entryOf(found, words[4]) : null;
    } else if (words[2] === 'BREAKER') {
      // A writer waits behind the readers, one level further in; that is the same file.
      waiting?.push({ pid: Number(words[4]), isWriting: words[3] !== 'READ' });
    }
  }
  return found;
}

/**
 * Whether the system shows which program `pid` runs. Of another user's process it does not, nor of one that is not
 * dumpable: a program that may be executed and not read, or one that runs as somebody else (PR_SET_DUMPABLE(2const)).
 */
export function isProgramShown(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== '';
  } catch {
    return false;
  }
}

function entryOf(found: Map<string, BlockedOpener[]>, key = ''): BlockedOpener[] {
  // The kernel lists in pieces, and what moves meanwhile may come twice: then both lists count.
  const entry = found.get(key) ?? [];
  found.set(key, entry);
  return entry;
}

function hex(number: bigint): string {
  return number.toString(16).padStart(2, '0');
}
