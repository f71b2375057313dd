// One thousand small calls to each server, in turns.

import { limited, median, progress, quantile, type Row, spread } from './figures.ts';
import { residentMb } from './memory.ts';
import type { StdioPeer } from './stdio-peer.ts';

const WARM_UPS = 100;
const TURNS = 10;
const CALLS = 100;
const P50_MS = 1.5;
const P99_MS = 5;
const SERVER_MB = 80;

export interface Peers {
  readonly ours: StdioPeer;
  readonly bare: StdioPeer;
  readonly takescake: StdioPeer;
}

/** `ours` is admitted. */
export async function measureCalls(peers: Peers, environmentId: string): Promise<Row[]> {
  progress(`list_variables: ${TURNS * CALLS} calls`);
  const list = async (): Promise<unknown> => await peers.ours.callTool('list_variables', { environmentId });
  const floor = async (): Promise<unknown> => await peers.bare.callTool('list_variables', { environmentId });
  const kinds = new Map<string, { call: () => Promise<unknown>; samples: number[] }>([
    ['ours', { call: list, samples: [] }],
    ['bare', { call: floor, samples: [] }],
  ]);
  const { takescake } = peers;
  kinds.set('takescake', { call: async () => await takescake.request('tools/list', {}), samples: [] });
  for (const { call } of kinds.values()) for (let i = 0; i < WARM_UPS; i += 1) await call();
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const { call, samples } of kinds.values()) for (let i = 0; i < CALLS; i += 1) samples.push(await timed(call));
  }
  const samples = kinds.get('ours')?.samples ?? [];
  const others = [...kinds]
    .filter(([kind]) => kind !== 'ours')
    .map(([kind, { samples }]) => `${kind} ${spread(samples)}`);
  return [
    limited('`list_variables` p50', median(samples), P50_MS, 'ms', others.join('; ')),
    limited('`list_variables` p99', quantile(samples, 0.99), P99_MS, 'ms'),
    limited('MCP server, resident after 1,000 calls', residentMb(peers.ours.pid), SERVER_MB, 'MB', besideMb(peers)),
  ];
}

function besideMb({ bare, takescake }: Peers): string {
  const others = [`takescake ${residentMb(takescake.pid).toFixed(0)} MB`];
  return [`bare ${residentMb(bare.pid).toFixed(0)} MB`, ...others].join(', ');
}

export async function timed(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await call();
  return performance.now() - startedAt;
}
