// A person's `run -- true`, beside a script of Node that only starts `true`, and beside what others offer for the same.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { House } from '../../test/house.ts';
import { limited, median, ms, progress, type Row, told } from './figures.ts';
import type { Plan } from './on-terminal-driver.ts';
import { onTerminal } from './on-terminal.ts';
import { installPeers } from './peers.ts';
import { secretsOf } from './texts.ts';

const ROUNDS = 31;
const WARM_UPS = 3;
const TARGET = 1.35;
const COUNTS = [1, 20, 200] as const;

export async function measureHumanRuns(): Promise<Row[]> {
  progress('making a vault with 1, 20 and 200 secrets');
  await using house = await House.open();
  const bare = join(house.root, 'bare.cjs');
  writeFileSync(bare, "require('node:child_process').spawn('true', { stdio: 'inherit' }).on('exit', process.exit);");
  const kinds: Plan['kinds'][number][] = [
    { name: 'bare', argv: [process.execPath, bare] },
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'version', argv: [house.launcher, 'version'] },
  ];
  for (const count of COUNTS) {
    await house.environment(`with-${count}`, secretsOf(count));
    const run = [house.launcher, 'run', '--environment', `with-${count}`];
    kinds.push({ name: `keystile ${count}`, argv: [...run, '--', 'true'] });
    kinds.push({ name: `unmasked ${count}`, argv: [...run, '--no-masking', '--', 'true'] });
    for (const [name, argv] of peersFor(house.root, count)) kinds.push({ name: `${name} ${count}`, argv });
  }
  progress(`run -- true: ${ROUNDS} rounds, interleaved`);
  const approve = [house.launcher, 'run', '--passphrase-stdin', '--environment', 'with-1', '--', 'true'];
  const taken = onTerminal(house, approve, kinds, { rounds: ROUNDS, warmUps: WARM_UPS });
  return rowsOf(new Map([...taken].map(([name, samples]) => [name, median(samples)])));
}

/** Each reads a dotenv file with as many values, which is not encrypted. */
function peersFor(root: string, count: number): [string, string[]][] {
  const folder = join(root, `dotenv-${count}`);
  mkdirSync(folder);
  const file = join(folder, '.env');
  writeFileSync(
    file,
    Object.entries(secretsOf(count))
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const bin = (name: string): string => join(installPeers(), '.bin', name);
  return [
    ['varlock', [bin('varlock'), 'run', '--path', `${folder}/`, '--', 'true']],
    ['dotenvx', [bin('dotenvx'), 'run', '--quiet', '-f', file, '--', 'true']],
    ['dotenv-cli', [bin('dotenv'), '-e', file, '--', 'true']],
    ['env-cmd', [bin('env-cmd'), '-f', file, 'true']],
  ];
}

function rowsOf(medians: ReadonlyMap<string, number>): Row[] {
  const of = (name: string): number => medians.get(name) ?? Number.NaN;
  const times = (name: string): number => of(name) / of('bare');
  const peers = ['varlock', 'dotenvx', 'dotenv-cli', 'env-cmd'];
  const rows = COUNTS.map((count) => {
    const beside = peers.map((name) => `${name} ${times(`${name} ${count}`).toFixed(2)} ×`);
    const own = [
      `a script of Node that starts it ${ms(of('bare'))}`,
      `--no-masking ${times(`unmasked ${count}`).toFixed(2)} ×`,
    ];
    const what = `run -- true, ${count} secrets`;
    return limited(what, times(`keystile ${count}`), TARGET, '×', [...own, ...beside].join(', '));
  });
  const start = of('version') / of('node -e 0');
  return [
    ...rows,
    told('keystile version', `${start.toFixed(2)} × node -e 0`, `${ms(of('version'))}, ${ms(of('node -e 0'))}`),
  ];
}
