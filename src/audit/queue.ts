// Events that wait for the disk. Those that come while a write is under way share the next one: one sync for all.

import type { AuditEvent } from '../core/event.ts';
import { Failure } from '../core/failure.ts';

/** I8: calls that wait, and events one write takes (more only when one call brings more). */
const PENDING_MAX = 10_000;
const GROUP_MAX = 256;

/** An event with the moment it was handed in. */
export interface Stamped {
  readonly event: AuditEvent;
  readonly at: string;
  readonly mono: number;
}

interface Pending {
  readonly events: readonly Stamped[];
  resolve(): void;
  reject(failure: Failure): void;
}

export class Queue {
  readonly #commit: (events: readonly Stamped[]) => Promise<void>;
  #pending: Pending[] = [];
  #draining: Promise<void> | null = null;

  /** `commit` rejects with a Failure when nothing of what it was given counts. It is never called twice at a time. */
  constructor(commit: (events: readonly Stamped[]) => Promise<void>) {
    this.#commit = commit;
  }

  /** Resolves or rejects as the commit does that the events were part of; all of them are in one. */
  add(events: readonly Stamped[]): Promise<void> {
    if (this.#pending.length >= PENDING_MAX) {
      return Promise.reject(new Failure('audit/unavailable', 'too many events wait for the audit log'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.push({ events, resolve, reject });
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#commit(group.flatMap((waiting) => waiting.events));
        for (const waiting of group) waiting.resolve();
      } catch (error) {
        const failure = Failure.from(error);
        for (const waiting of group) waiting.reject(failure);
      }
    }
    this.#draining = null;
  }

  #takeGroup(): Pending[] {
    let count = 0;
    let events = 0;
    for (const waiting of this.#pending) {
      events += waiting.events.length;
      if (count > 0 && events > GROUP_MAX) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }
}
