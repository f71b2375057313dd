// What happened in runs that a human should look at: kept until the lock, for whoever begins to watch later.

import type { NoticeView } from '../wire/views.ts';

/** The oldest goes first (I8). */
const NOTICES_MAX = 20;

export class Notices {
  #notices: readonly NoticeView[] = [];

  add(notice: NoticeView): void {
    this.#notices = [...this.#notices, notice].slice(-NOTICES_MAX);
  }

  get all(): readonly NoticeView[] {
    return this.#notices;
  }

  clear(): void {
    this.#notices = [];
  }
}
