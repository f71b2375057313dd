// Commands of a person, timed on a terminal of their own where the passphrase was typed: that is how a person runs them.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type House, PASSPHRASE, ROOT } from '../../test/house.ts';
import type { Plan } from './on-terminal-driver.ts';

/** Milliseconds from start to end of each kind, round by round, by its name. `approve` is given the passphrase. */
export function onTerminal(
  house: House,
  approve: readonly string[],
  kinds: Plan['kinds'],
  { rounds, warmUps }: Pick<Plan, 'rounds' | 'warmUps'>,
): ReadonlyMap<string, readonly number[]> {
  const plan: Plan = {
    approve: { argv: approve, input: `${PASSPHRASE}\n` },
    kinds,
    env: house.env,
    cwd: house.project,
    rounds,
    warmUps,
  };
  const [planFile, outFile] = [join(house.root, 'plan.json'), join(house.root, 'out.json')];
  writeFileSync(planFile, JSON.stringify(plan));
  const words = [process.execPath, join(ROOT, 'scripts/bench/on-terminal-driver.ts'), planFile, outFile];
  const { status } = spawnSync('script', ['-qec', words.join(' '), '/dev/null'], { stdio: 'ignore', env: house.env });
  if (status !== 0) throw new Error(`the driver ended with ${status}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our driver
  const taken = JSON.parse(readFileSync(outFile, 'utf8')) as Record<string, number[]>;
  if ('error' in taken) throw new Error(String(taken['error']));
  return new Map(Object.entries(taken));
}
