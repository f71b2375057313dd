// Waiting after wrong passphrases. The count is in the vault file, so that a restart does not forget it.

import { Failure } from '../core/failure.ts';
import type { Attempts, VaultStore } from './store.ts';

type AttemptStore = Pick<VaultStore, 'readAttempts' | 'writeAttempts'>;

/** Wrong passphrases that cost nothing but the key derivation. */
export const TRIES_FREE = 5;
export const WAIT_SECONDS_MAX = 300;

/** How long after the last try the next may come: 0 for the first five, then 1 s, 2 s, 4 s … 300 s. */
export function waitMs(failures: number): number {
  if (failures < TRIES_FREE) return 0;
  return Math.min(2 ** (failures - TRIES_FREE), WAIT_SECONDS_MAX) * 1000;
}

/**
 * Counts a try before it is made: killing the daemon during the key derivation, or trying twice at once, wins nothing.
 * `now` is wall clock, ms. A clock that was set back starts the present wait again, at most 300 s of it.
 * Throws `vault/back_off` while it is too early.
 */
export function chargeAttempt(store: AttemptStore, now: number): void {
  const attempts = withoutFuture(store, now);
  const left = attempts.lastAt + waitMs(attempts.failures) - now;
  if (left > 0) {
    const seconds = Math.ceil(left / 1000);
    const message = `too many wrong passphrases; wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
    throw new Failure('vault/back_off', message);
  }
  store.writeAttempts({ failures: attempts.failures + 1, lastAt: now });
}

/** The passphrase was right. */
export function forgiveAttempts(store: AttemptStore): void {
  store.writeAttempts({ failures: 0, lastAt: 0 });
}

function withoutFuture(store: AttemptStore, now: number): Attempts {
  const attempts = store.readAttempts();
  if (attempts.lastAt <= now) return attempts;
  const moved = { failures: attempts.failures, lastAt: now };
  store.writeAttempts(moved);
  return moved;
}
