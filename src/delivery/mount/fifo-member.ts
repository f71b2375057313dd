// One process in a round: asked about once, told when it left, and settled once, whatever happens.

import type { MountRefusal } from '../../core/mount.ts';
import { holderOf, stillHolds } from '../../machine/holders.ts';
import type { Holder, InodeName } from '../../machine/holders.ts';
import type { Admission, Doorkeeper } from './backend.ts';
import { isOneReader } from './fifo-identify.ts';

export class Member {
  readonly pid: number;
  readonly startedAt: string;
  readonly #gone = new AbortController();
  readonly #holder: Holder;
  readonly #inode: InodeName;
  readonly #onAnswer: () => void;
  #answer: 'pending' | 'no' | Admission = 'pending';
  #outcome: 'delivered' | MountRefusal | null = null;

  /** Asks the doorkeeper at once. `onAnswer` is called when there is an answer, and when a yes is taken back. */
  constructor(holder: Holder, inode: InodeName, doorkeeper: Doorkeeper, onAnswer: () => void) {
    this.pid = holder.pid;
    this.startedAt = holder.startedAt;
    this.#holder = holder;
    this.#inode = inode;
    this.#onAnswer = onAnswer;
    void this.#ask(doorkeeper);
  }

  get isAnswered(): boolean {
    return this.#answer !== 'pending';
  }

  get isRefused(): boolean {
    return this.#answer === 'no';
  }

  /** The yes, while it stands open. */
  get admission(): Admission | null {
    return typeof this.#answer === 'string' || this.#outcome !== null ? null : this.#answer;
  }

  /**
   * Whether that very process still has the pipe open. `doubled`: opened more than once, or the kernel cannot say.
   */
  get presence(): 'there' | 'doubled' | 'gone' {
    const holder = holderOf(this.pid, this.#inode);
    if (holder === null || holder.startedAt !== this.startedAt) return 'gone';
    return isOneReader(holder) ? 'there' : 'doubled';
  }

  /** The same, at a glance. */
  get isThere(): boolean {
    return stillHolds(this.#holder, this.#inode) || this.presence !== 'gone';
  }

  /** Nobody has to be asked for it any more. A yes that comes all the same is settled the same way. */
  settle(outcome: 'delivered' | MountRefusal): void {
    if (this.#outcome !== null) return;
    const { admission } = this;
    this.#outcome = outcome;
    this.#gone.abort();
    admission?.settle(outcome);
  }

  async #ask(doorkeeper: Doorkeeper): Promise<void> {
    const { pid, startedAt } = this;
    try {
      this.#answer = (await doorkeeper.admit({ pid, startedAt, gone: this.#gone.signal })) ?? 'no';
    } catch {
      // It never rejects; if it does, that is no yes (I3).
      this.#answer = 'no';
    }
    if (typeof this.#answer !== 'string') {
      if (this.#outcome !== null) this.#answer.settle(this.#outcome);
      else this.#answer.revoked.addEventListener('abort', this.#onAnswer, { once: true });
    }
    this.#onAnswer();
  }
}
