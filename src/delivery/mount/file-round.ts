// One round: everybody who waits in open() for the same file. They share its bytes, so either all of them were admitted
// and all get the whole, or nobody gets anything. Whatever is unclear ends with an empty file (I3).

import type { MountRefusal } from '../../core/mount.ts';
import { blockedOpeners, isProgramShown } from '../../machine/blocked-openers.ts';
import type { BlockedOpener, BlockedOpeners } from '../../machine/blocked-openers.ts';
import type { Holders } from '../../machine/file-holders.ts';
import type { Lookout } from '../../machine/lookout.ts';
import { processEntry } from '../../machine/processes.ts';
import type { ProcessName } from '../../machine/processes.ts';
import type { Doorkeeper } from './backend.ts';
import { Asked, sharedBytes } from './file-asked.ts';
import type { LeasedFile } from './file-leased.ts';
import { Serving } from './file-serving.ts';

/** While somebody is asked: how often to look who came later and who went away. */
const LOOK_AGAIN_MS = 200;
/** So often in a row the kernel may pass over a lease that is there. */
const MISSES_MAX = 20;

export interface RoundPowers {
  readonly doorkeeper: Doorkeeper;
  readonly openers: Lookout<BlockedOpeners>;
  readonly holders: Lookout<Holders>;
  /** How long an answer may take; shorter than the kernel's own patience. */
  readonly answerMs: number;
  /** How long a file may have bytes. */
  readonly servingMs: number;
  /** Whether so many more may wait. */
  readonly hasRoomFor: (count: number) => boolean;
}

export class Round {
  /** Settles when the file is empty and closed. Never rejects. */
  readonly over: Promise<void>;
  readonly #file: LeasedFile;
  readonly #powers: RoundPowers;
  readonly #over = Promise.withResolvers<void>();
  readonly #endsAt: number;
  /** By pid: several threads of one process are one opener. */
  readonly #asked = new Map<number, Asked>();
  #news = Promise.withResolvers<void>();
  #state: 'asking' | 'serving' | 'over' = 'asking';
  #serving: Serving | null = null;
  #wasSeen = false;
  /** Who has had a handle on the file since it lost its name; null while that is not known. */
  #holders: ReadonlySet<number> | null = null;
  #misses = 0;

  /** `file` was opened by somebody, and is not at the path any more. */
  constructor(file: LeasedFile, powers: RoundPowers) {
    this.#file = file;
    this.#powers = powers;
    this.over = this.#over.promise;
    this.#endsAt = performance.now() + powers.answerMs;
    void this.#run();
  }

  /** How many processes wait for an answer. */
  get waiting(): number {
    return this.#isAsking ? this.#asked.size : 0;
  }

  /** Refuses who waits, and takes back what was served. All of it before it returns. */
  close(): void {
    this.#refuse('revoked');
    this.#serving?.stop();
  }

  async #run(): Promise<void> {
    const tooLate = setTimeout(() => this.#refuse('too_late'), this.#powers.answerMs);
    try {
      while (this.#isAsking) await this.#step();
    } catch {
      // /proc/locks, or a call that never fails: whatever it is, nobody was let in yet.
      this.#refuse('broken');
    } finally {
      clearTimeout(tooLate);
    }
  }

  async #step(): Promise<void> {
    this.#news = Promise.withResolvers();
    const blocked = await this.#powers.openers.look();
    if (!this.#isAsking) return;
    this.#meet(blocked.get(this.#file.key));
    if (this.#isReady()) {
      if (this.#holders !== null) this.#admitAll();
      else return await this.#search();
    }
    if (!this.#isAsking) return;
    const again = setTimeout(this.#news.resolve, LOOK_AGAIN_MS);
    await this.#news.promise;
    clearTimeout(again);
  }

  get #isAsking(): boolean {
    return this.#state === 'asking';
  }

  #isReady(): boolean {
    const isAnswered = [...this.#asked.values()].every(({ isAdmitted }) => isAdmitted);
    return this.#isAsking && this.#asked.size > 0 && this.#misses === 0 && isAnswered;
  }

  /**
   * Who waits in open() has no descriptor yet. But a handle (O_PATH) can be taken of a file that waits, without breaking
   * its lease, and be opened when there are bytes. Nobody can take one of a file without a name, so one search will do.
   * It takes a while, so it is made only when everybody was admitted, and who waits is looked at again afterwards.
   */
  async #search(): Promise<void> {
    this.#holders = (await this.#powers.holders.look()).get(this.#file.key) ?? new Set();
  }

  /** Asks about who came, and forgets who went. */
  #meet(blocked: readonly BlockedOpener[] | undefined): void {
    if (blocked === undefined) {
      this.#misses += 1;
      if (this.#misses > MISSES_MAX) this.#refuse('broken');
      else this.#news.resolve();
      return;
    }
    this.#misses = 0;
    const names = namesOf(blocked);
    for (const asked of this.#asked.values()) {
      if (names.get(asked.pid)?.startedAt !== asked.startedAt) this.#part(asked, 'gone');
    }
    const newcomers = [...names.values()].filter(({ pid }) => !this.#asked.has(pid));
    // A file that is opened with O_NONBLOCK, or by somebody who gave up at once, has nobody waiting.
    if (blocked.length === 0 && !this.#wasSeen) this.#powers.doorkeeper.refused('unidentified', 1);
    this.#wasSeen = true;
    if (blocked.length === 0) this.#refuse('gone');
    else this.#receive(newcomers, blocked);
  }

  #receive(newcomers: readonly ProcessName[], blocked: readonly BlockedOpener[]): void {
    const hidden = this.#hiddenAmong(blocked);
    if (hidden.size > 0) {
      this.#powers.doorkeeper.refused('unidentified', hidden.size);
      this.#refuse('collided', newcomers.filter(({ pid }) => !hidden.has(pid)).length);
    } else if (blocked.some(({ isWriting }) => isWriting)) {
      // Nobody may write it, so this one may do anything (root), or changed the mode on purpose.
      this.#refuse('collided', newcomers.length);
    } else if (this.#powers.hasRoomFor(newcomers.length)) {
      for (const name of newcomers) this.#ask(name);
    } else {
      this.#refuse('busy', newcomers.length);
    }
  }

  /**
   * Who waits and is not shown by the system: another user's, one that may not be read, one that /proc hides (hidepid) or
   * that is in a pid namespace above ours. Who is dying just now is not shown either, but does not wait any more.
   */
  #hiddenAmong(blocked: readonly BlockedOpener[]): ReadonlySet<number> {
    const suspects = blocked.filter(({ pid }) => !this.#asked.has(pid) && !isProgramShown(pid));
    if (suspects.length === 0) return new Set();
    const still = blockedOpeners().get(this.#file.key) ?? suspects;
    const waiting = new Set(still.map(({ pid }) => pid));
    return new Set(suspects.map(({ pid }) => pid).filter((pid) => waiting.has(pid)));
  }

  #ask(name: ProcessName): void {
    const asked = new Asked(name, this.#powers.doorkeeper, {
      onYes: () => this.#news.resolve(),
      // The no is on the record; the others go down with it.
      onNo: () => {
        this.#asked.delete(name.pid);
        this.#refuse('collided');
      },
      onRevoked: () => this.#revoke(asked),
    });
    this.#asked.set(name.pid, asked);
  }

  /**
   * Everybody who waits was admitted. From here to the end of it nothing else runs in this process. The door is shut and
   * who waits looked at once more; what is left to a stranger is the time between that look and the release, and only
   * if it was past the check of the mode before. `Serving` looks for it afterwards.
   */
  #admitAll(): void {
    this.#file.shut();
    this.#meet(blockedOpeners().get(this.#file.key));
    if (!this.#isReady()) {
      if (this.#isAsking) this.#file.unshut();
      return;
    }
    if (performance.now() >= this.#endsAt) return this.#refuse('too_late');
    // Somebody gave it another name: they could open it when it has bytes.
    if (!this.#file.isNameless) return this.#refuse('collided');
    const strangers = [...(this.#holders ?? [])].filter((pid) => !this.#asked.has(pid)).length;
    if (strangers > 0) return this.#refuse('collided', strangers);
    const bytes = sharedBytes(this.#asked.values());
    if (bytes === null) return this.#refuse('collided');
    // A yes may have been taken back while another one's bytes were made.
    if (this.#isAsking) this.#serve(bytes);
    else bytes.fill(0);
  }

  #serve(bytes: Buffer): void {
    try {
      if (!this.#file.serve(bytes)) return this.#refuse('too_late');
    } catch {
      return this.#refuse('broken');
    } finally {
      bytes.fill(0);
    }
    this.#state = 'serving';
    const admitted = [...this.#asked.values()];
    this.#serving = new Serving(this.#file, admitted, {
      ...this.#powers,
      onStrangers: (count) => this.#powers.doorkeeper.refused('collided', count),
      onOver: () => this.#settleServed(),
    });
  }

  /** They could read it from the moment they were let in; how much of it they did before it was taken back nobody knows. */
  #settleServed(): void {
    this.#state = 'over';
    for (const asked of this.#asked.values()) asked.settle('delivered');
    this.#asked.clear();
    this.#over.resolve();
  }

  #revoke(asked: Asked): void {
    if (this.#state === 'serving') this.#serving?.stop();
    if (!this.#isAsking) return;
    this.#part(asked, 'revoked');
    this.#refuse('collided');
  }

  /** Nothing comes of this one; the round goes on without it. */
  #part(asked: Asked, fate: MountRefusal): void {
    this.#asked.delete(asked.pid);
    asked.settle(fate);
  }

  /** Nobody gets anything; whoever waits finds an empty file. `strangers` came and were not asked about. */
  #refuse(why: MountRefusal, strangers = 0): void {
    if (!this.#isAsking) return;
    this.#state = 'over';
    this.#file.close();
    const left = [...this.#asked.values()];
    // Who was asked about and had no answer yet is told here: there is no admission to settle.
    const unanswered = left.filter(({ isAdmitted }) => !isAdmitted).length;
    for (const asked of left) this.#part(asked, why);
    // Somebody opened it, or there were no round.
    const count = this.#wasSeen ? unanswered + strangers : 1;
    if (count > 0) this.#powers.doorkeeper.refused(why, count);
    this.#news.resolve();
    this.#over.resolve();
  }
}

/** The processes that wait, by pid. One that is gone already, or hidden, is not among them. */
function namesOf(blocked: readonly BlockedOpener[]): Map<number, ProcessName> {
  const pids = new Set(blocked.map(({ pid }) => pid));
  const entries = [...pids].flatMap((pid) => processEntry(pid) ?? []);
  return new Map(entries.map((entry) => [entry.pid, entry]));
}
