// Who is in a round: everybody whom /proc shows with the pipe open, held against the number of those who opened it. Only
// when both agree is anybody asked about, so a reader whom nobody can see is noticed all the same (F04).

import { setTimeout as delay } from 'node:timers/promises';
import type { MountRefusal } from '../../core/mount.ts';
import { holdersOf, isSameOpenFile } from '../../machine/holders.ts';
import type { Holder } from '../../machine/holders.ts';
import type { Pipe } from './fifo-pipe.ts';

/** A descriptor shows a little after the event, and a child that was just forked has it a little too long. */
const LOOKS_MS = [0, 1, 2, 4, 8, 16, 32, 64, 128] as const;

/** One open(2) of the pipe, and all who have its descriptor: a shell that redirects shares it with its child. Never empty. */
export type Opening = readonly Holder[];

export type Sight =
  | { readonly status: 'seen'; readonly openings: readonly Opening[]; readonly opened: number | null }
  /** `isForeign`: somebody else writes into it. `count`: how many have to be refused without a name. */
  | {
      readonly status: 'unclear';
      readonly why: MountRefusal;
      readonly count: number;
      readonly isForeign: boolean;
      readonly opened: number | null;
    };

/** Looks at the process table for all rounds at once: a flood of openers costs one look after the other, and not one each. */
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
    const openings = openingsAmong(holders);
    const names = holders.map(({ pid, startedAt }) => `${pid}/${startedAt}`).join(' ');
    const adds = opened === null ? names === before : openings?.length === opened;
    if (openings !== null && openings.length > 0 && adds) return { status: 'seen', openings, opened };
    if (holders.length === 0 && pipe.isAbandoned()) return unclear('gone', pipe, []);
    before = names;
  }
  return unclear(reasonFor(pipe, holders), pipe, holders);
}

/** Null when that is not clear: somebody can write or holds on to it (O_PATH), or one process opened it twice. */
export function openingsAmong(holders: readonly Holder[]): Opening[] | null {
  const openings: Holder[][] = [];
  for (const holder of holders) {
    if (!isOneReader(holder)) return null;
    const shared = openings.find(([one]) => one !== undefined && isShared(one, holder));
    if (shared === undefined) openings.push([holder]);
    else shared.push(holder);
  }
  return openings;
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
