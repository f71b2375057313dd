// A process that waits in open() and was put before the doorkeeper: from the question to what became of it.

import type { MountRefusal } from '../../core/mount.ts';
import type { ProcessName } from '../../machine/processes.ts';
import type { Admission, Doorkeeper } from './backend.ts';

export interface AskedEvents {
  readonly onYes: () => void;
  readonly onNo: (asked: Asked) => void;
  /** A yes that was given is taken back; also after it was served. */
  readonly onRevoked: (asked: Asked) => void;
}

export class Asked implements ProcessName {
  readonly pid: number;
  readonly startedAt: string;
  readonly #gone = new AbortController();
  readonly #events: AskedEvents;
  #admission: Admission | null = null;
  /** Set when it is over: an admission that comes later is settled with it. */
  #fate: 'delivered' | MountRefusal | null = null;

  /** Asks about it. No event comes before this returns. */
  constructor({ pid, startedAt }: ProcessName, doorkeeper: Doorkeeper, events: AskedEvents) {
    this.pid = pid;
    this.startedAt = startedAt;
    this.#events = events;
    void this.#ask(doorkeeper);
  }

  get isAdmitted(): boolean {
    return this.#admission !== null;
  }

  /** The bytes for it, which the caller wipes. Null when the yes does not hold any more or they cannot be made. */
  open(): Buffer | null {
    try {
      const bytes = this.#admission?.open() ?? null;
      if (bytes === null) this.settle('revoked');
      return bytes;
    } catch {
      this.settle('broken');
      return null;
    }
  }

  /** This is what became of it. Only the first word counts. */
  settle(fate: 'delivered' | MountRefusal): void {
    if (this.#fate !== null) return;
    this.#fate = fate;
    if (this.#admission === null) this.#gone.abort();
    else this.#admission.settle(fate);
  }

  async #ask(doorkeeper: Doorkeeper): Promise<void> {
    const admission = await this.#admit(doorkeeper);
    if (this.#fate !== null) {
      admission?.settle(this.#fate);
    } else if (admission === null) {
      this.#events.onNo(this);
    } else {
      this.#admission = admission;
      admission.revoked.addEventListener('abort', () => this.#events.onRevoked(this), { once: true });
      if (admission.revoked.aborted) this.#events.onRevoked(this);
      else this.#events.onYes();
    }
  }

  async #admit(doorkeeper: Doorkeeper): Promise<Admission | null> {
    try {
      return await doorkeeper.admit({ pid: this.pid, startedAt: this.startedAt, gone: this.#gone.signal });
    } catch {
      return null;
    }
  }
}

/**
 * The bytes that all of them get, which the caller wipes; null when a yes does not hold any more, or when they would not
 * get the same: they share one file.
 */
export function sharedBytes(all: Iterable<Asked>): Buffer | null {
  let bytes: Buffer | null = null;
  for (const asked of all) {
    const own = asked.open();
    if (bytes === null && own !== null) {
      bytes = own;
      continue;
    }
    const isSame = own !== null && bytes?.equals(own) === true;
    own?.fill(0);
    if (isSame) continue;
    bytes?.fill(0);
    return null;
  }
  return bytes;
}
