// Who is told about requests. A watch was opened with the passphrase and stands in for it until it idles (CONTRACT §2).

import type { ServedConnection } from '../wire/calls.ts';
import type { WatchEvent } from '../wire/methods.ts';

export const WATCH_IDLE_MINUTES = 10;

export class Watchers {
  /** Connection → when its session ends, on the monotonic clock. */
  readonly #sessions = new Map<ServedConnection, number>();

  open(connection: ServedConnection, nowMs: number): void {
    connection.session = this;
    this.#sessions.set(connection, nowMs + WATCH_IDLE_MINUTES * 60_000);
    connection.closed.addEventListener('abort', () => this.#sessions.delete(connection), { once: true });
  }

  /** Whether this connection may answer without the passphrase; using it counts as activity. */
  use(connection: ServedConnection, nowMs: number): boolean {
    this.closeIdle(nowMs);
    if (!this.#sessions.has(connection)) return false;
    this.#sessions.set(connection, nowMs + WATCH_IDLE_MINUTES * 60_000);
    return true;
  }

  tell(event: WatchEvent): void {
    for (const connection of this.#sessions.keys()) connection.sendEvent(event);
  }

  closeIdle(nowMs: number): void {
    for (const [connection, until] of this.#sessions) {
      if (until > nowMs) continue;
      connection.sendEvent({ event: 'closed', why: 'idle' });
      this.#close(connection);
    }
  }

  closeAll(): void {
    this.tell({ event: 'closed', why: 'locked' });
    for (const connection of this.#sessions.keys()) this.#close(connection);
  }

  #close(connection: ServedConnection): void {
    connection.session = null;
    this.#sessions.delete(connection);
  }
}
