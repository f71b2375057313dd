// 256 MiB of log text through `keystile run`, from pipe to pipe, beside a bare Node pipe, which is the floor for anything
// made of Node, and beside what others offer; and how much of it each holds when nobody takes it.

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { House, ROOT } from '../../test/house.ts';
import { atLeast, limited, median, progress, type Row } from './figures.ts';
import { onTerminal } from './on-terminal.ts';
import { installPeers } from './peers.ts';
import { logText, secretsOf } from './texts.ts';

const MIB = 256;
const BYTES = MIB * 1024 * 1024;
const BLOCK_BYTES = 64 * 1024;
const ROUNDS = 7;
const WARM_UPS = 1;
const SECRETS = 20;
const MANY_SECRETS = 200;
/** Of the floor's throughput. */
const TARGET = 0.7;
const STALLED_MB_TARGET = 150;
const PEERS = ['varlock', 'dotenvx', 'perl'] as const;

/** Writes the same 64 KiB again and again: the fastest program there is. */
const BLOCKS = `open(F, $ARGV[0]); read(F, $block, ${BLOCK_BYTES}); syswrite(STDOUT, $block) for 1 .. ${BYTES / BLOCK_BYTES}`;

const BARE = `const { spawn } = require('node:child_process');
const [command, ...words] = process.argv.slice(2);
const child = spawn(command, words, { stdio: ['inherit', 'pipe', 'inherit'] });
child.stdout.pipe(process.stdout);
child.on('exit', (code) => { process.exitCode = code; });
`;

/** A shell line that prints the text. */
interface Kind {
  readonly name: string;
  readonly line: string;
}

export async function measurePipes(): Promise<Row[]> {
  progress(`making a vault with ${SECRETS} and ${MANY_SECRETS} secrets`);
  await using house = await House.open();
  const kinds = await kindsOf(house);
  progress(`${MIB} MiB from pipe to pipe: ${ROUNDS} rounds, interleaved`);
  const counted = kinds.map(({ name, line }) => ({
    name,
    argv: ['sh', '-c', `${line} | wc -c >>${fileOf(house, name)}`],
  }));
  const taken = onTerminal(house, approval(house), counted, { rounds: ROUNDS, warmUps: WARM_UPS });
  for (const { name } of kinds) refuseUnlessWhole(name, readFileSync(fileOf(house, name), 'utf8'));
  progress('the same, with a reader that stalls');
  const reader = `${process.execPath} ${join(ROOT, 'scripts/bench/stalled-reader.ts')}`;
  const stalled = kinds.map(({ name, line }) => ({
    name,
    argv: ['sh', '-c', `${line} | ${reader} ${fileOf(house, name)}`],
  }));
  onTerminal(house, approval(house), stalled, { rounds: 1, warmUps: 0 });
  const peaks = new Map(kinds.map(({ name }) => [name, Number(readFileSync(fileOf(house, name), 'utf8'))]));
  return [...speedRows(taken), stalledRow(peaks)];
}

function fileOf(house: House, name: string): string {
  return join(house.root, `taken-${name.replaceAll(' ', '-')}`);
}

/** There is no secret in the text: whoever is measured has to hand on all of it, in every round. */
function refuseUnlessWhole(name: string, counts: string): void {
  const lengths = counts.trim().split('\n').map(Number);
  if (lengths.length !== ROUNDS + WARM_UPS || lengths.some((length) => length !== BYTES)) {
    throw new Error(`${name} handed on ${lengths.join(', ')} bytes of ${BYTES}`);
  }
}

function approval(house: House): readonly string[] {
  return [house.launcher, 'run', '--passphrase-stdin', '--environment', 'some', '--', 'true'];
}

async function kindsOf(house: House): Promise<Kind[]> {
  const [bare, block, all] = ['bare.cjs', 'block.txt', 'all.txt'].map((name) => join(house.root, name));
  writeFileSync(bare!, BARE);
  const text = logText(BLOCK_BYTES);
  writeFileSync(block!, text);
  for (let done = 0; done < BYTES; done += BLOCK_BYTES) appendFileSync(all!, text);
  const some = secretsOf(SECRETS);
  await house.environment('some', some);
  await house.environment('many', secretsOf(MANY_SECRETS));
  const [cat, blocks] = [`cat ${all}`, `perl -e '${BLOCKS}' ${block}`];
  const run = `${house.launcher} run --environment`;
  return [
    { name: 'bare', line: `${process.execPath} ${bare} ${cat}` },
    { name: 'keystile', line: `${run} some -- ${cat}` },
    { name: 'keystile many', line: `${run} many -- ${cat}` },
    { name: 'bare blocks', line: `${process.execPath} ${bare} ${blocks}` },
    { name: 'keystile blocks', line: `${run} some -- ${blocks}` },
    ...peersFor(house, some, cat),
  ];
}

function peersFor(house: House, secrets: Readonly<Record<string, string>>, program: string): Kind[] {
  const folder = join(house.root, 'peers');
  mkdirSync(folder);
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, '.env.schema'), `# ---\n${lines.map((line) => `# @sensitive\n${line}`).join('\n')}`);
  writeFileSync(join(folder, 'x.env'), lines.join(''));
  const bin = (name: string): string => join(installPeers(), '.bin', name);
  return [
    { name: 'varlock', line: `${bin('varlock')} run --path ${folder}/ -- ${program}` },
    { name: 'dotenvx', line: `${bin('dotenvx')} run --quiet --redact -f ${join(folder, 'x.env')} -- ${program}` },
    { name: 'perl', line: `${program} | perl -pe 's/${Object.values(secrets).join('|')}/[REDACTED]/g'` },
  ];
}

function speedRows(taken: ReadonlyMap<string, readonly number[]>): Row[] {
  const speed = (name: string): string => `${(BYTES / 1e3 / median(taken.get(name) ?? [])).toFixed(0)} MB/s`;
  /** Of rounds that were next to each other, since the machine is another's too. */
  const ratio = (name: string, floor: string): number =>
    median((taken.get(name) ?? []).map((ms, round) => (taken.get(floor)?.[round] ?? Number.NaN) / ms));
  const row = (what: string, name: string, floor: string, target: number | null, others: readonly string[]): Row => {
    const beside = [speed(name), `a bare Node pipe ${speed(floor)}`, ...others].join(', ');
    return atLeast(`${MIB} MiB through run, ${what}`, ratio(name, floor), target, '×', beside);
  };
  const peers = PEERS.map((name) => `${name} ${ratio(name, 'bare').toFixed(2)} × (${speed(name)})`);
  return [
    row(`${SECRETS} secrets`, 'keystile', 'bare', TARGET, peers),
    row(`${SECRETS} secrets, in blocks of 64 KiB`, 'keystile blocks', 'bare blocks', TARGET, []),
    row(`${MANY_SECRETS} secrets`, 'keystile many', 'bare', null, []),
  ];
}

function stalledRow(peaks: ReadonlyMap<string, number>): Row {
  const held = ['keystile many', 'bare', ...PEERS].map((name) => `${name} ${peaks.get(name)?.toFixed(0)} MB`);
  const what = 'run, peak memory when its reader stalls';
  return limited(what, peaks.get('keystile') ?? Number.NaN, STALLED_MB_TARGET, 'MB', held.join(', '));
}
