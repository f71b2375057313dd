// Stands for node:child_process in a test file that ./runner.ts loads. What bash or python3 prints for the same values does
// not depend on a mutant of ours, and starting them takes longer than everything else: each is started once a process.

import * as programs from 'node:child_process';
import { deserialize, serialize } from 'node:v8';

type Outcome = { readonly value: Buffer } | { readonly error: unknown };

export * from 'node:child_process';

const outcomes = new Map<string, Outcome>();

export const execFileSync = remembered(programs.execFileSync);
export const spawnSync = remembered(programs.spawnSync);

function remembered<T extends (...args: never[]) => unknown>(run: T): T {
  return ((...args: Parameters<T>) => {
    const key = `${run.name} ${serialize(args).toString('base64')}`;
    const outcome = outcomes.get(key) ?? outcomeOf(() => run(...args));
    outcomes.set(key, outcome);
    if ('error' in outcome) throw outcome.error;
    // Written down and read again: a test may write into what it was given.
    return deserialize(outcome.value) as unknown;
  }) as T;
}

function outcomeOf(run: () => unknown): Outcome {
  try {
    return { value: serialize(run()) };
  } catch (error) {
    return { error };
  }
}
