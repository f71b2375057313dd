// From sending a revocation to the moment the last process of the run is gone.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { homePaths } from '../../src/machine/paths.ts';
import { connect, type Connection } from '../../src/wire/client.ts';
import { eventually, type House } from '../../test/house.ts';
import { type Peers, timed } from './calls.ts';
import { limited, median, ms, progress, type Row, told } from './figures.ts';

const ROUNDS = 20;
const TARGET_MS = 100;
const PAUSE_MS = 300;
const POLL_MS = 1;

export async function measureRevoke(house: House, peers: Peers, environmentId: string): Promise<Row[]> {
  progress(`revoke: ${ROUNDS} trees of three processes`);
  const file = join(house.project, 'tree');
  // A shell, a child of it, and one in a session of its own.
  const script = `sleep 600 & a=$!; setsid sleep 600 & echo $$ $a $! > ${file}.new; mv ${file}.new ${file}; wait`;
  const args = { environmentId, argv: ['sh', '-c', script], reason: 'the benchmark' };
  using control = await connect({ paths: homePaths(house.env), socket: 'control', clientName: 'bench' });
  const dead: number[] = [];
  const answered: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    rmSync(file, { force: true });
    const running = peers.ours.callTool('run_with_credentials', args);
    if (i === 0) await house.approve('--for', '1h');
    const pids = await eventually(() => treeIn(file), 'the tree');
    const sample = await revoke(control, pids);
    dead.push(sample.dead);
    answered.push(sample.answered);
    await running;
    await delay(PAUSE_MS);
  }
  const most = `max ${ms(Math.max(...dead))}`;
  return [
    limited('revoke → tree of 3 dead, median of 20', median(dead), TARGET_MS, 'ms', most),
    limited('revoke → tree of 3 dead, worst of 20', Math.max(...dead), TARGET_MS, 'ms'),
    told('revoke → its answer', `median ${ms(median(answered))}, max ${ms(Math.max(...answered))}`),
  ];
}

async function revoke(control: Connection, pids: readonly number[]): Promise<{ dead: number; answered: number }> {
  const { result } = await control.call('lease.list', {});
  const [lease] = result.leases;
  if (lease === undefined) throw new Error('nothing runs');
  const startedAt = performance.now();
  const answered = timed(async () => await control.call('revoke', { what: 'id', id: lease.leaseId }));
  while (pids.some((pid) => existsSync(`/proc/${pid}`))) await delay(POLL_MS);
  const dead = performance.now() - startedAt;
  return { dead, answered: await answered };
}

/** The pids, once each of them runs what it is to run. */
function treeIn(file: string): number[] | undefined {
  try {
    const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    const names = pids.map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
    return names.slice(1).every((name) => name === 'sleep') ? pids : undefined;
  } catch {
    return undefined;
  }
}
