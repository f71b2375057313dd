// A run of `true` under a standing grant, from the tool call to its answer, with every event of it on the disk.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { House } from '../../test/house.ts';
import { type Peers, timed } from './calls.ts';
import { limited, median, progress, type Row, spread, told } from './figures.ts';

const RUNS = 30;
/** Between two runs, as agents make it: a model thinks longer. A spare runner is ready again after it. */
const PAUSE_MS = 400;
const WARM_UPS = 3;
const TARGET_MS = 15;
const LINE_BYTES = 600;

export async function measureRuns(
  house: House,
  peers: Peers,
  environments: Record<'one' | 'twenty', string>,
): Promise<Row[]> {
  for (const environmentId of Object.values(environments)) await grant(house, peers, environmentId);
  progress(`run_with_credentials: ${RUNS} runs with a pause between`);
  const samples = { one: [] as number[], twenty: [] as number[], bare: [] as number[], takescake: [] as number[] };
  for (let i = -WARM_UPS; i < RUNS; i += 1) {
    for (const kind of ['one', 'twenty'] as const) {
      await delay(PAUSE_MS);
      const sample = await timed(async () => await run(peers, environments[kind]));
      if (i >= 0) samples[kind].push(sample);
    }
    samples.bare.push(await timed(async () => await peers.bare.callTool('run', { argv: ['true'] })));
    const { takescake } = peers;
    samples.takescake.push(await timed(async () => await takescake.callTool('op_run', { argv: ['true'] })));
  }
  progress('run_with_credentials: back to back');
  const hurried: number[] = [];
  for (let i = 0; i < RUNS / 2; i += 1) hurried.push(await timed(async () => await run(peers, environments.one)));
  const others = [`bare ${spread(samples.bare)}`];
  others.push(`takescake ${spread(samples.takescake)}`);
  return [
    limited(
      'run of `true`, p50, spare runner ready',
      median(samples.one),
      TARGET_MS,
      'ms',
      `${spread(samples.one)}; ${others.join('; ')}`,
    ),
    told('the same with 20 secrets', spread(samples.twenty)),
    told('the same back to back: no spare is ready, each waits for its runner', spread(hurried)),
    told('one write and fdatasync on this disk; a run has three', spread(syncs(house.root))),
  ];
}

async function run(peers: Peers, environmentId: string): Promise<void> {
  const args = { environmentId, argv: ['true'], reason: 'the benchmark' };
  const result = await peers.ours.callTool('run_with_credentials', args);
  const text = JSON.stringify(result);
  if (!text.includes('"exitCode":0')) throw new Error(`a run failed: ${text}`);
}

/** The first one is approved for a while. */
async function grant(house: House, peers: Peers, environmentId: string): Promise<void> {
  const first = run(peers, environmentId);
  await house.approve('--for', '1h');
  await first;
}

/** What the disk takes for what the audit log does. */
function syncs(folder: string): number[] {
  const file = openSync(join(folder, 'sync'), 'a', 0o600);
  const bytes = Buffer.alloc(LINE_BYTES, 'x');
  const samples: number[] = [];
  for (let i = 0; i < 100; i += 1) {
    const startedAt = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    samples.push(performance.now() - startedAt);
  }
  closeSync(file);
  return samples;
}
