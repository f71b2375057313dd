// Several admitted processes on one pipe: all are stopped, and one after the other goes on when a whole copy is in the pipe
// for it. Only processes without a controlling terminal are ever stopped: no shell and no person sees those stop.

import { setTimeout as delay } from 'node:timers/promises';
import { Pausable, isStopped, standingOf } from '../../machine/holders.ts';
import type { Guard } from './guard.ts';
import type { Member } from './fifo-member.ts';

/** A process inside a system call that cannot be interrupted does not stop in time; then nobody is served. */
const STOP_MS_MAX = 1_000;
const STOP_STEP_MS = 1;

/** Processes that are made to wait. */
export class Turns implements Disposable {
  readonly #guard: Guard;
  readonly #paused = new Map<Member, Pausable>();

  private constructor(guard: Guard) {
    this.#guard = guard;
  }

  /**
   * Stops all of them and waits until they have stopped. Null when one of them must not be stopped or does not stop; they
   * all go on then. `onMade` gets the turns before the first await, so that they can be ended at any time.
   */
  static async of(members: readonly Member[], guard: Guard, onMade: (turns: Turns) => void): Promise<Turns | null> {
    if (!members.every((member) => mayBeStopped(member))) return null;
    const turns = new Turns(guard);
    onMade(turns);
    try {
      if (members.every((member) => turns.#stop(member)) && (await turns.#haveStopped(members))) return turns;
    } catch {
      // No descriptors left, or a system without them.
    }
    turns.end();
    return null;
  }

  /** Whether everybody whose turn did not come yet still waits. Somebody else may have let one go on. */
  get isOrderly(): boolean {
    return [...this.#paused.keys()].every(({ pid }) => isStopped(pid) || standingOf(pid) === null);
  }

  letGoOn(member: Member): void {
    const pausable = this.#paused.get(member);
    if (pausable === undefined) return;
    this.#paused.delete(member);
    pausable.goOn();
    pausable[Symbol.dispose]();
    this.#guard.continued(member.pid, member.startedAt);
  }

  /** Everybody goes on. Synchronous. */
  end(): void {
    for (const member of this.#paused.keys()) this.letGoOn(member);
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #stop(member: Member): boolean {
    const pausable = Pausable.of(member);
    if (pausable === null) return false;
    this.#paused.set(member, pausable);
    // The guard first: if this process is killed between the two lines, it lets go on who was never stopped.
    return this.#guard.stopping(member.pid, member.startedAt) && pausable.pause();
  }

  async #haveStopped(members: readonly Member[]): Promise<boolean> {
    const givesUpAt = performance.now() + STOP_MS_MAX;
    while (!members.every(({ pid }) => isStopped(pid))) {
      // Ended from outside meanwhile: they run again.
      if (this.#paused.size < members.length || performance.now() > givesUpAt) return false;
      await delay(STOP_STEP_MS);
    }
    return this.#paused.size === members.length;
  }
}

/** Not in sight of a shell's job control, and not stopped by somebody else: it would be let go on by us. */
function mayBeStopped({ pid, startedAt }: Member): boolean {
  const standing = standingOf(pid);
  return (
    standing !== null &&
    standing.startedAt === startedAt &&
    !standing.hasTerminal &&
    standing.state !== 'T' &&
    standing.state !== 't'
  );
}
