// Who has a file open that has no name any more, by a look through /proc/PID/fd (proc_pid_fd(5)). Also a handle that
// cannot be read from (O_PATH) is seen. Not seen: other users, processes that are not dumpable, and who maps a file
// without a descriptor.

import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { leaseKey } from './blocked-openers.ts';

/**
 * The loop turns after so much looking: a desktop has thousands of descriptors, at some microseconds each, and who opens
 * a mounted file meanwhile waits in the same round as whoever opened it just before.
 */
const SLICE_MS = 1;

/** Pids, by the `leaseKey` of what they hold. */
export type Holders = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * The nameless files that lay below a folder of this name (its last part; no other folder is called so), and the
 * processes other than this one that hold them. Takes 2 ms for 100 small processes, in slices.
 */
export async function holdersBelow(folder: string): Promise<Holders> {
  const found = new Map<string, Set<number>>();
  let sliceEndsAt = performance.now() + SLICE_MS;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    for (const key of heldBy(pid, `/${folder}/`)) found.set(key, (found.get(key) ?? new Set()).add(pid));
    if (performance.now() < sliceEndsAt) continue;
    await breathe();
    sliceEndsAt = performance.now() + SLICE_MS;
  }
  return found;
}

function heldBy(pid: number, part: string): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    // What cannot be read would cost a thrown error each. A process that is not dumpable belongs to root here.
    if (!canRead(pid)) return [];
    return readdirSync(folder).flatMap((fd) => keyOf(`${folder}/${fd}`, part) ?? []);
  } catch {
    return [];
  }
}

function canRead(pid: number): boolean {
  const uid = process.geteuid?.();
  return uid === 0 || statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid;
}

function keyOf(link: string, part: string): string | null {
  try {
    // The name first: to stat a file of a dead network disk would wait for it.
    const path = readlinkSync(link);
    return path.endsWith(' (deleted)') && path.includes(part) ? leaseKey(statSync(link, { bigint: true })) : null;
  } catch {
    return null;
  }
}
