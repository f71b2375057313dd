// Takes the time of commands that a person types: started by `script`, so that they have a terminal whose shell was given
// the passphrase, as a person's have. Reads a plan and writes what each took (on-terminal.ts).

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';

export interface Plan {
  /** Run once, first. */
  readonly approve: { readonly argv: readonly string[]; readonly input: string };
  readonly kinds: readonly { readonly name: string; readonly argv: readonly string[] }[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly rounds: number;
  readonly warmUps: number;
}

const [, , planFile = '', outFile = ''] = process.argv;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by on-terminal.ts a moment ago
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
try {
  writeFileSync(outFile, JSON.stringify(await measure(plan)));
} catch (error) {
  writeFileSync(outFile, JSON.stringify({ error: String(error) }));
}

/** Interleaved, so that whatever else the machine does hits all alike. Milliseconds by name. */
async function measure({ approve, kinds, env, cwd, rounds, warmUps }: Plan): Promise<Record<string, number[]>> {
  const [program = '', ...words] = approve.argv;
  const approved = spawnSync(program, words, { env, cwd, input: approve.input, encoding: 'utf8' });
  if (approved.status !== 0) throw new Error(approved.stderr);
  const taken = new Map<string, number[]>(kinds.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const { name, argv } of kinds) {
      const [command = '', ...args] = argv;
      const startedAt = performance.now();
      const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.resume();
      child.stderr.resume();
      await once(child, 'close');
      if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode}`);
      if (round >= 0) taken.get(name)?.push(performance.now() - startedAt);
    }
  }
  return Object.fromEntries(taken);
}
