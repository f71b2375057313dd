// One round: everybody who opened one pipe before it left its path. They are identified, each is put before the doorkeeper,
// and either all of them are served or nobody gets a byte.

import type { MountRefusal } from '../../core/mount.ts';
import { EVENT } from '../../machine/inotify.ts';
import type { Holder } from '../../machine/holders.ts';
import type { Doorkeeper } from './backend.ts';
import { Bell } from './fifo-bell.ts';
import type { Graves } from './fifo-graves.ts';
import { identify } from './fifo-identify.ts';
import type { Lookout, Opening, Sight } from './fifo-identify.ts';
import { Member } from './fifo-member.ts';
import type { Pipe } from './fifo-pipe.ts';
import { Serving } from './fifo-serve.ts';
import type { Guard } from './guard.ts';

/** An opener that goes away closes the pipe, which makes an event, unless a child of it has the descriptor too. */
const LOOK_AGAIN_MS = 1_000;

/** What a round needs of its mount. */
export interface Stage {
  readonly doorkeeper: Doorkeeper;
  readonly guard: Guard;
  readonly graves: Graves;
  readonly lookout: Lookout;
  /** Takes one of the places for those who wait; false when there is none. */
  enter(): boolean;
  leave(): void;
  /** Somebody else writes into the file. */
  onForeign(): void;
}

export class Round {
  /** Never rejects. */
  readonly done: Promise<void>;
  readonly #pipe: Pipe;
  readonly #stage: Stage;
  readonly #bell = new Bell();
  readonly #members = new Map<string, Member>();
  #serving: Serving | null = null;
  #wasOpened = false;
  /** Openers who were asked about or refused; whoever comes beyond them is too late. */
  #known: number | null = null;
  #isAborted = false;

  /** The pipe is not at its path any more, and sealed. */
  constructor(pipe: Pipe, stage: Stage) {
    this.#pipe = pipe;
    this.#stage = stage;
    pipe.onEvent = (mask) => {
      if ((mask & EVENT.opened) !== 0) this.#wasOpened = true;
      this.#bell.ring();
    };
    this.done = this.#run();
  }

  /** Nobody gets anything any more. What can be done at once is done at once. */
  abort(): void {
    this.#isAborted = true;
    this.#serving?.abort();
    this.#pipe.endOfFile();
    // What is being served is settled there: it knows what was read already.
    if (this.#serving === null) for (const member of this.#members.values()) member.settle('revoked');
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    let why: MountRefusal = 'collided';
    try {
      why = (await this.#gather()) ?? 'collided';
    } catch {
      why = 'broken';
    }
    // Each was settled when it was served; this is for everybody else.
    for (const member of this.#members.values()) {
      member.settle(this.#isAborted ? 'revoked' : why);
      this.#stage.leave();
    }
    const { doorkeeper, graves } = this.#stage;
    try {
      graves.bury(this.#pipe, this.#known, (count) => doorkeeper.refused('collided', count));
    } catch {
      // No descriptor left to hold on to it.
      this.#pipe.close();
    }
  }

  /** Why nobody, or nobody else, gets anything; null when all was done. */
  async #gather(): Promise<MountRefusal | null> {
    for (;;) {
      this.#wasOpened = false;
      const sight = await identify(this.#pipe, this.#stage.lookout, () => this.#isAborted);
      if (this.#isAborted) return 'revoked';
      this.#known = sight.opened;
      if (sight.status === 'unclear') return this.#turnAway(sight);
      const parties = this.#ask(sight.openings);
      if (parties === null) return 'busy';
      const verdict = await this.#answers(parties.flat(), sight.opened);
      if (verdict === 'again') continue;
      if (verdict !== 'served') return verdict;
      const { guard } = this.#stage;
      this.#serving = new Serving({ pipe: this.#pipe, bell: this.#bell, guard, opened: sight.opened });
      await this.#serving.serve(parties);
      return null;
    }
  }

  #turnAway({ why, count, isForeign }: Extract<Sight, { status: 'unclear' }>): MountRefusal {
    if (isForeign) this.#stage.onForeign();
    // Who was asked about is settled by itself.
    const nameless = count - this.#members.size;
    if (nameless > 0) this.#stage.doorkeeper.refused(why, nameless);
    return this.#members.size > 0 ? 'collided' : why;
  }

  /** Puts everybody new before the doorkeeper. Null when there are too many. */
  #ask(openings: readonly Opening[]): Member[][] | null {
    const parties = openings.map((opening) => opening.flatMap((holder) => this.#member(holder) ?? []));
    const missing = openings.flat().length - parties.flat().length;
    if (missing > 0) this.#stage.doorkeeper.refused('busy', missing);
    return missing > 0 ? null : parties;
  }

  #member(holder: Holder): Member | null {
    const name = `${holder.pid}/${holder.startedAt}`;
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    if (!this.#stage.enter()) return null;
    const member = new Member(holder, this.#pipe, this.#stage.doorkeeper, () => this.#bell.ring());
    this.#members.set(name, member);
    return member;
  }

  /** Waits for every answer. `again`: somebody else has opened the pipe meanwhile. */
  async #answers(members: readonly Member[], opened: number | null): Promise<'served' | 'again' | MountRefusal> {
    for (;;) {
      if (this.#isAborted) return 'revoked';
      if (members.some((member) => member.isRefused)) return 'collided';
      if (opened === null ? this.#wasOpened : this.#pipe.opened !== opened) return 'again';
      const left = members.filter((member) => !member.isThere);
      for (const member of left) member.settle('gone');
      // One that left may have handed its descriptor to somebody who does not show: the others get nothing either.
      if (left.length > 0) return left.length === members.length ? 'gone' : 'collided';
      if (members.every((member) => member.isAnswered)) return 'served';
      await this.#bell.wait(LOOK_AGAIN_MS);
    }
  }
}
