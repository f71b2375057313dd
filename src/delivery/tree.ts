// The end of a whole process tree. A process can leave its group, its session and its parent and clear its environment;
// it cannot leave the reaper above it: orphans of a run become children of the runner, and of the daemon after that (T5).

import { setTimeout as delay } from 'node:timers/promises';
import { reapChild } from '../machine/native.ts';
import { descendantsOf, hasChildren, processEntry } from '../machine/processes.ts';
import type { ProcessEntry } from '../machine/processes.ts';

/** Between SIGTERM and SIGKILL. A revocation has 100 ms in all. */
const GRACE_MS = 40;
const GRACE_STEP_MS = 4;
/** Between two rounds of SIGKILL: the kernel needs a moment to take a process apart. */
const KILL_STEP_MS = 1;
/** A process in an uninterruptible wait (a dead network disk) outlasts SIGKILL; nobody waits for it for ever (I8). */
const KILL_MS_MAX = 5_000;

export interface Prey {
  /** Which processes are to end, zombies included. Asked again for every round. */
  readonly find: () => ProcessEntry[];
  /** Children that Node itself waits for: nobody else may collect them. */
  readonly waitedFor: ReadonlySet<number>;
}

/** All that a runner started, whatever became of it. */
export function everythingBelow(): ProcessEntry[] {
  return hasChildren() ? descendantsOf(process.pid) : [];
}

interface Sight {
  readonly left: readonly ProcessEntry[];
  /** Nothing left, and nothing died since the last look: what dies may have forked just before. */
  readonly isQuiet: boolean;
}

/**
 * Ends all prey: SIGTERM, a short grace if anything is left, then SIGKILL until nothing is. True when nothing is left.
 * Zombies among our own children are collected on the way, or they would stay for as long as this process does.
 */
export async function endTree(prey: Prey): Promise<boolean> {
  let { left, isQuiet } = look(prey);
  for (const { pid } of left) signal(pid, 'SIGTERM');
  const graceEndsAt = performance.now() + GRACE_MS;
  while (left.length > 0 && performance.now() < graceEndsAt) {
    await delay(GRACE_STEP_MS);
    ({ left, isQuiet } = look(prey));
  }
  return isQuiet || (await killTree(prey));
}

/** The second half of `endTree`, for what deserves no grace. */
export async function killTree(prey: Prey): Promise<boolean> {
  const ownGroup = processEntry(process.pid)?.groupId;
  const givesUpAt = performance.now() + KILL_MS_MAX;
  for (let sight = look(prey); !sight.isQuiet; sight = look(prey)) {
    if (performance.now() > givesUpAt) return false;
    const groups = new Set(sight.left.map(({ groupId }) => groupId));
    // A group dies in one stroke, between two forks: that is what ends a fork bomb. 0 and 1 would mean others.
    for (const group of groups) if (group > 1 && group !== ownGroup) signal(-group, 'SIGKILL');
    for (const { pid } of sight.left) signal(pid, 'SIGKILL');
    if (sight.left.length > 0) await delay(KILL_STEP_MS);
  }
  return true;
}

/** One look at the table. Whoever lived when it began is seen, alive or as a zombie of ours, however fast it forks. */
function look({ find, waitedFor }: Prey): Sight {
  let collected = 0;
  const left = find().filter(({ pid, parentPid, state }) => {
    if (state === 'X') return false;
    if (state !== 'Z') return true;
    // Node collects these when its loop turns; a first thread that ended while others run looks the same until then.
    if (waitedFor.has(pid)) return true;
    if (parentPid !== process.pid) return false;
    if (!reapChild(pid)) return true;
    collected += 1;
    return false;
  });
  return { left, isQuiet: left.length === 0 && collected === 0 };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already, or it runs as another user (a setuid program) and is out of reach for any of us.
  }
}
