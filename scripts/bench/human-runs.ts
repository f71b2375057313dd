// A person's `run -- true`, beside a script of Node that only starts `true`, and beside what others offer for the same.
// Until there is the command, a stand-in of it is built (run-stand-in.ts).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { House, ROOT } from '../../test/house.ts';
import { COMMON_OPTIONS, DOOR_OPTIONS, writeCompiled } from '../build/doors.ts';
import { limited, median, ms, progress, type Row, told } from './figures.ts';

const ROUNDS = 31;
const WARM_UPS = 3;
const TARGET = 1.35;
const COUNTS = [1, 20, 200] as const;

interface Kind {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export async function measureHumanRuns(): Promise<Row[]> {
  progress('making a vault, and the stand-in for run');
  await using house = await House.open();
  const launcher = await buildStandIn(join(house.root, 'program'));
  const kinds = new Map<string, Kind>();
  const bare = join(house.root, 'bare.cjs');
  writeFileSync(bare, "require('node:child_process').spawn('true', { stdio: 'inherit' }).on('exit', process.exit);");
  kinds.set('bare', { argv: [process.execPath, bare], env: house.env });
  kinds.set('node -e 0', { argv: [process.execPath, '-e', '0'], env: house.env });
  kinds.set('version', { argv: [house.launcher, 'version'], env: house.env });
  for (const count of COUNTS) {
    const env = { ...house.env, BENCH_SECRETS: String(count) };
    kinds.set(`keystile ${count}`, { argv: [launcher, 'run', '--', 'true'], env });
    kinds.set(`unmasked ${count}`, { argv: [launcher, 'run', '--no-masking', '--', 'true'], env });
    for (const [name, argv] of peersFor(house.root, count)) kinds.set(`${name} ${count}`, { argv, env: house.env });
  }
  progress(`run -- true: ${ROUNDS} rounds, interleaved`);
  return rowsOf(await measure(kinds, house.project));
}

/** A package of its own: our launcher, the built program, and in it another command line. */
async function buildStandIn(root: string): Promise<string> {
  const dist = join(root, 'dist');
  mkdirSync(root);
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, name), join(root, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const entryPoints = { cli: join(ROOT, 'scripts/bench/run-stand-in.ts') };
  await build({ ...COMMON_OPTIONS, ...DOOR_OPTIONS, outdir: dist, entryPoints });
  writeCompiled(relative(process.cwd(), dist));
  return join(root, 'bin', 'keystile');
}

/** Each reads the same dotenv file, which is not encrypted. */
function peersFor(root: string, count: number): [string, string[]][] {
  const folder = join(root, `dotenv-${count}`);
  mkdirSync(folder);
  const file = join(folder, '.env');
  writeFileSync(
    file,
    Array.from({ length: count }, (_none, i) => `SECRET_${i}=value-of-secret-${i}-0123456789\n`).join(''),
  );
  const bin = (name: string): string => join(ROOT, 'node_modules', '.bin', name);
  return [
    ['varlock', [bin('varlock'), 'run', '--path', `${folder}/`, '--', 'true']],
    ['dotenvx', [bin('dotenvx'), 'run', '--quiet', '-f', file, '--', 'true']],
    ['dotenv-cli', [bin('dotenv'), '-e', file, '--', 'true']],
    ['env-cmd', [bin('env-cmd'), '-f', file, 'true']],
  ];
}

async function measure(kinds: ReadonlyMap<string, Kind>, cwd: string): Promise<ReadonlyMap<string, number>> {
  const taken = new Map<string, number[]>([...kinds.keys()].map((name) => [name, []]));
  for (let round = -WARM_UPS; round < ROUNDS; round += 1) {
    for (const [name, { argv, env }] of kinds) {
      const [program = '', ...args] = argv;
      const startedAt = performance.now();
      const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.resume();
      await once(child, 'close');
      if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode}`);
      if (round >= 0) taken.get(name)?.push(performance.now() - startedAt);
    }
  }
  return new Map([...taken].map(([name, samples]) => [name, median(samples)]));
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
    return limited(
      `run -- true, ${count} secrets`,
      times(`keystile ${count}`),
      TARGET,
      '×',
      [...own, ...beside].join(', '),
    );
  });
  const start = of('version') / of('node -e 0');
  return [
    ...rows,
    told('keystile version', `${start.toFixed(2)} × node -e 0`, `${ms(of('version'))}, ${ms(of('node -e 0'))}`),
  ];
}
