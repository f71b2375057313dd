// Handing the bytes over, to processes that were all admitted. What was true when they were asked about is looked at again
// right before the one write, and the pipe is watched until its bytes are taken.

import { setTimeout as delay } from 'node:timers/promises';
import { MOUNT_BYTES_MAX } from '../../core/mount.ts';
import type { MountRefusal } from '../../core/mount.ts';
import { holdersOf } from '../../machine/holders.ts';
import type { Guard } from './guard.ts';
import type { Bell } from './fifo-bell.ts';
import { openingsAmong } from './fifo-identify.ts';
import type { Member } from './fifo-member.ts';
import type { Pipe } from './fifo-pipe.ts';
import { Turns } from './fifo-turns.ts';

/**
 * Waits for room in the pipe, and for a shell that moves its descriptor. All pipes of a user share 64 MiB
 * (pipe-user-pages-soft), and readers give it back.
 */
const WRITE_WAITS_MS = [0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560] as const;
/**
 * One of several processes may be idle for this long before it has taken its copy and closed; the others are stopped
 * meanwhile, and would wait in read(2) otherwise. After it the slow one loses the rest, and the others get nothing.
 */
const TURN_MS_MAX = 30_000;
/** Everything that matters makes an event; this is for what does not, such as a descriptor that a child holds too. */
const LOOK_AGAIN_MS = 1_000;
const LOOK_AGAIN_IN_TURN_MS = 20;

type Outcome = 'delivered' | MountRefusal;

/** Those who share one descriptor get one copy. */
type Party = readonly Member[];

export interface ServingOptions {
  readonly pipe: Pipe;
  readonly bell: Bell;
  readonly guard: Guard;
  /** How many opened the pipe when everybody was identified; null when nobody counts. */
  readonly opened: number | null;
}

export class Serving {
  readonly #options: ServingOptions;
  #turns: Turns | null = null;
  #isAborted = false;
  #isStuck = false;
  #wasTakenBack = false;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** Takes back what nobody has read yet and lets everybody go on. Synchronous. */
  abort(): void {
    this.#isAborted = true;
    this.#takeBack();
    this.#turns?.end();
  }

  /** Settles each of them as it goes. */
  async serve(parties: readonly Party[]): Promise<void> {
    const [only] = parties;
    if (only !== undefined && parties.length === 1) {
      settle(only, await this.#handOver(only, Number.POSITIVE_INFINITY));
      return;
    }
    // Who shares a descriptor with others would have to be stopped with all of them.
    if (parties.some((party) => party.length > 1)) return;
    using turns = await Turns.of(parties.flat(), this.#options.guard, (turns) => (this.#turns = turns));
    if (turns === null) return;
    for (const party of parties) {
      this.#options.pipe.takeUp();
      const outcome = await this.#handOver(party, TURN_MS_MAX);
      settle(party, outcome);
      if (outcome === 'collided' || this.#isStuck || this.#isAborted) break;
    }
    // Whoever is left finds an empty pipe and its end, and must not find it open.
    this.#takeBack();
    this.#options.pipe.endOfFile();
  }

  async #handOver(party: Party, patienceMs: number): Promise<Outcome> {
    for (const waitMs of WRITE_WAITS_MS) {
      if (waitMs > 0) await delay(waitMs);
      const result = this.#obstacle(party) ?? this.#write(party);
      if (result === 'wait') continue;
      if (result !== 'written') return result;
      for (const member of party) this.#turns?.letGoOn(member);
      return await this.#untilTaken(party, patienceMs);
    }
    return 'busy';
  }

  /** The last look. From here to the write there is no `await`: what is true in the first line is true in the last. */
  #obstacle(party: Party): 'wait' | MountRefusal | null {
    if (this.#isAborted || party.some((member) => isTakenBack(member))) return 'revoked';
    const presences = party.map(({ presence }) => presence);
    if (presences.every((presence) => presence === 'gone')) return 'gone';
    if (presences.includes('gone') || !this.#isUnchanged(party)) return 'collided';
    return presences.includes('doubled') ? 'wait' : null;
  }

  #write(party: Party): 'written' | 'wait' | MountRefusal {
    const { pipe } = this.#options;
    const copies: Buffer[] = [];
    try {
      for (const { admission } of party) {
        const copy = admission?.open() ?? null;
        if (copy === null) return 'revoked';
        copies.push(copy);
      }
      const [payload] = copies;
      if (payload === undefined || payload.length > MOUNT_BYTES_MAX) return 'broken';
      if (!pipe.write(payload)) return 'wait';
      // One write holds everything: if this process is killed now, the reader still gets the whole (and then the end).
      pipe.endOfFile();
      return 'written';
    } catch {
      return 'broken';
    } finally {
      for (const copy of copies) copy.fill(0);
    }
  }

  #isUnchanged(party: Party): boolean {
    const { pipe, opened } = this.#options;
    if (pipe.opened !== opened || pipe.isDisturbed || pipe.unread > 0) return false;
    if (this.#turns !== null) return this.#turns.isOrderly;
    if (opened !== null) return true;
    const openings = openingsAmong(holdersOf([pipe]).get(pipe) ?? []);
    const now = openings?.length === 1 ? openings[0]?.map(({ pid }) => pid).join(' ') : null;
    return now === party.map(({ pid }) => pid).join(' ');
  }

  /** Until nothing is left in the pipe; in turn with others, until the process has closed it too. */
  async #untilTaken(party: Party, patienceMs: number): Promise<Outcome> {
    const { pipe, bell } = this.#options;
    const isInTurn = Number.isFinite(patienceMs);
    let givesUpAt = performance.now() + patienceMs;
    let unread = Number.POSITIVE_INFINITY;
    for (;;) {
      if (pipe.unread < unread) givesUpAt = performance.now() + patienceMs;
      unread = pipe.unread;
      const trouble = this.#troubleWith(party);
      if (trouble !== null) return trouble;
      const isGone = party.every((member) => !member.isThere);
      if (pipe.unread === 0 && (isGone || !isInTurn)) return 'delivered';
      if (isGone) {
        // It went away with less than everything, which is its own business. Nobody else gets the rest.
        pipe.drain();
        return 'delivered';
      }
      if (performance.now() > givesUpAt) {
        // It would take the copy of the next one too.
        this.#isStuck = true;
        return this.#takeBack() ? 'collided' : 'delivered';
      }
      await bell.wait(isInTurn ? LOOK_AGAIN_IN_TURN_MS : LOOK_AGAIN_MS);
    }
  }

  #troubleWith(party: Party): Outcome | null {
    const { pipe, opened } = this.#options;
    if (this.#isAborted) return this.#wasTakenBack ? 'revoked' : 'delivered';
    if (party.some((member) => isTakenBack(member))) return this.#takeBack() ? 'revoked' : 'delivered';
    const now = pipe.opened;
    if (opened === null || now === null || now <= opened) return null;
    // Somebody attached to it after the write: what is left is nobody's, and nobody else's turn comes.
    this.#isStuck = true;
    return this.#takeBack() ? 'collided' : 'delivered';
  }

  #takeBack(): boolean {
    const isLeft = this.#options.pipe.drain() > 0;
    this.#wasTakenBack ||= isLeft;
    return isLeft;
  }
}

function settle(party: Party, outcome: Outcome): void {
  for (const member of party) member.settle(outcome);
}

function isTakenBack({ admission }: Member): boolean {
  return admission === null || admission.revoked.aborted;
}
