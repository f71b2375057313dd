// Who is in a round: everybody whom /proc shows with the pipe open, held against the number of those who opened it. Only
// when both agree is anybody asked about, so a reader whom nobody can see is noticed all the same (F04).

import { setTimeout as delay } from 'node:timers/promises';
import type { MountRefusal } from '../../core/mount.ts';
import { holdersOf, isSameOpenFile } from '../../machine/holders.ts';
import type { Holder } from '../../machine/holders.ts';
import { ANCESTORS_MAX, processEntry } from '../../machine/processes.ts';
import type { Pipe } from './fifo-pipe.ts';

/** A descriptor shows a little after the event, and a child that was just forked has it a little too long. */
const LOOKS_MS = [0, 1, 2, 4, 8, 16, 32, 64, 128] as const;

/** One open(2) of the pipe, and the process that did it. */
export interface Reader {
  readonly holder: Holder;
  /** Whether it has the descriptor for itself: a shell that redirects shares it with its child. */
  readonly isAlone: boolean;
}

export type Sight =
  | { readonly status: 'seen'; readonly readers: readonly Reader[]; readonly opened: number | null }
  /** `isForeign`: somebody else writes into it. `count`: how many have to be refused without a name. */
  | {
      readonly status: 'unclear';
      readonly why: MountRefusal;
      readonly count: number;
      readonly isForeign: boolean;
      readonly opened: number | null;
    };

/** Looks at the process table for all rounds of all mounts at once: a flood of openers costs no more than one look after the other. */
export class Lookout {
  #asked: { readonly pipe: Pipe; readonly tell: (holders: readonly Holder[]) => void }[] = [];

  async look(pipe: Pipe): Promise<readonly Holder[]> {
    return await new Promise((tell) => {
      if (this.#asked.length === 0) setImmediate(() => this.#lookForAll());
      this.#asked.push({ pipe, tell });
    });
  }

  #lookForAll(): void {
    const asked = this.#asked;
    this.#asked = [];
    const holders = holdersOf(asked.map(({ pipe }) => pipe));
    for (const { pipe, tell } of asked) tell(holders.get(pipe) ?? []);
  }
}

/** Looks until what is seen adds up, for a quarter of a second at most. */
export async function identify(pipe: Pipe, lookout: Lookout, isOver: () => boolean): Promise<Sight> {
  let holders: readonly Holder[] = [];
  let before = '';
  for (const waitMs of LOOKS_MS) {
    if (waitMs > 0) await delay(waitMs);
    if (isOver()) break;
    holders = await lookout.look(pipe);
    // The count after the look: who opened it since the look is missing among the holders.
    const { opened } = pipe;
    const readers = readersAmong(holders);
    const names = holders.map(({ pid, startedAt }) => `${pid}/${startedAt}`).join(' ');
    const adds = opened === null ? names === before : readers?.length === opened;
    if (readers !== null && readers.length > 0 && adds) return { status: 'seen', readers, opened };
    if (holders.length === 0 && pipe.isAbandoned()) return unclear('gone', pipe, []);
    before = names;
  }
  return unclear(reasonFor(pipe, holders), pipe, holders);
}

/**
 * Who opened the pipe, once each. Null when that is not clear: somebody can write or holds on to it (O_PATH), one process
 * opened it twice, or those who share one opening do not descend from one of them.
 */
export function readersAmong(holders: readonly Holder[]): Reader[] | null {
  const openings: Holder[][] = [];
  for (const holder of holders) {
    const [first] = holder.descriptors;
    if (first === undefined || !isOneReader(holder)) return null;
    const shared = openings.find(([one]) => one !== undefined && isShared(one, holder));
    if (shared === undefined) openings.push([holder]);
    else shared.push(holder);
  }
  const readers = openings.flatMap((group) => readerOf(group) ?? []);
  return readers.length === openings.length ? readers : null;
}

/** Whether all its descriptors are for reading and come from one open(2). */
export function isOneReader({ pid, descriptors }: Holder): boolean {
  const [first] = descriptors;
  return (
    first !== undefined &&
    descriptors.every(({ access }) => access === 'read') &&
    descriptors.slice(1).every(({ fd }) => isSameOpenFile({ pid, fd: first.fd }, { pid, fd }))
  );
}

function isShared(a: Holder, b: Holder): boolean {
  const [inA, inB] = [a.descriptors[0], b.descriptors[0]];
  return (
    inA !== undefined && inB !== undefined && isSameOpenFile({ pid: a.pid, fd: inA.fd }, { pid: b.pid, fd: inB.fd })
  );
}

/** Of those who share one opening, the one from which all others descend did it. */
function readerOf(group: readonly Holder[]): Reader | null {
  const [only] = group;
  if (only !== undefined && group.length === 1) return { holder: only, isAlone: true };
  const opener = group.find(({ pid }) => group.every((other) => other.pid === pid || isBelow(other.pid, pid)));
  return opener === undefined ? null : { holder: opener, isAlone: false };
}

function isBelow(pid: number, ancestor: number): boolean {
  let parentPid = processEntry(pid)?.parentPid ?? 0;
  for (let steps = 0; steps < ANCESTORS_MAX && parentPid > 0; steps += 1) {
    if (parentPid === ancestor) return true;
    parentPid = processEntry(parentPid)?.parentPid ?? 0;
  }
  return false;
}

function reasonFor({ opened }: Pipe, holders: readonly Holder[]): MountRefusal {
  const isHidden = holders.length === 0 || (opened !== null && holders.length < opened);
  return isHidden ? 'unidentified' : 'collided';
}

function unclear(why: MountRefusal, pipe: Pipe, holders: readonly Holder[]): Sight {
  const { opened } = pipe;
  const count = Math.max(holders.length, opened !== null && Number.isFinite(opened) ? opened : 1);
  const isWritten = holders.some(({ descriptors }) =>
    descriptors.some(({ access }) => access === 'write' || access === 'both'),
  );
  return { status: 'unclear', why, count, isForeign: isWritten || pipe.unread > 0, opened };
}
