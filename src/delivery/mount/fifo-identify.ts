// Who is in a round: everybody whom /proc shows with the pipe open, held against the number of those who opened it. Only
// when both agree is anybody asked about, so a reader whom nobody can see is noticed all the same (F04).

import { setTimeout as delay } from 'node:timers/promises';
import type { MountRefusal } from '../../core/mount.ts';
import { holdersOf } from '../../machine/holders.ts';
import type { Holder } from '../../machine/holders.ts';
import type { Pipe } from './fifo-pipe.ts';

/** A descriptor shows a little after the event, and a child that was just forked has it a little too long. */
const LOOKS_MS = [0, 1, 2, 4, 8, 16, 32, 64, 128] as const;

export type Sight =
  | { readonly status: 'seen'; readonly holders: readonly Holder[]; readonly opened: number | null }
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
    const names = holders.map(({ pid, startedAt }) => `${pid}/${startedAt}`).join(' ');
    const adds = opened === null ? names === before : holders.length === opened;
    if (holders.length > 0 && adds && holders.every((holder) => isPlainReader(holder)))
      return { status: 'seen', holders, opened };
    if (holders.length === 0 && pipe.isAbandoned()) return unclear('gone', pipe, []);
    before = names;
  }
  return unclear(reasonFor(pipe, holders), pipe, holders);
}

/** One descriptor, for reading. Two in one process cannot be told apart, and who can write is no reader. */
function isPlainReader({ accesses }: Holder): boolean {
  return accesses.length === 1 && accesses[0] === 'read';
}

function reasonFor({ opened }: Pipe, holders: readonly Holder[]): MountRefusal {
  if (opened !== null && holders.length < opened) return 'unidentified';
  return holders.length === 0 ? 'unidentified' : 'collided';
}

function unclear(why: MountRefusal, pipe: Pipe, holders: readonly Holder[]): Sight {
  const { opened } = pipe;
  const count = Math.max(holders.length, opened !== null && Number.isFinite(opened) ? opened : 1);
  const isWritten = holders.some(({ accesses }) => accesses.some((access) => access === 'write' || access === 'both'));
  return { status: 'unclear', why, count, isForeign: isWritten || pipe.unread > 0, opened };
}
