// A large vault is unlocked before all of it was looked at. The rest is checked in the pauses between other work: what a
// lookup cannot see, a record that is gone and that nobody asks for, is found within seconds.

import { Failure } from '../core/failure.ts';
import type { Vault } from '../vault/vault.ts';

/** Work at a stretch, and the pause behind it: a call waits no longer than the one, and the daemon stays half idle. */
const WORK_MS = 5;
const PAUSE_MS = 5;

/** `onDamage` is called at most once, and not for a vault that was locked meanwhile. */
export function checkInPauses(vault: Vault, onDamage: (failure: Failure) => void): void {
  const steps = vault.verification();
  const go = (): void => {
    try {
      const until = performance.now() + WORK_MS;
      while (performance.now() < until) if (steps.next().done === true) return;
    } catch (error) {
      const failure = Failure.from(error);
      if (failure.code !== 'vault/locked') onDamage(failure);
      return;
    }
    setTimeout(go, PAUSE_MS).unref();
  };
  setImmediate(go);
}
