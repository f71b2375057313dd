// What mounts cost while nobody reads: processor time and memory of a daemon with many, beside one with none.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Row, limited, median, progress, told } from './figures.ts';
import { childrenOf, residentMb } from './memory.ts';
import { BACKENDS, type MountHouse } from './mount-house.ts';

const STARTS = 3;
/** What a daemon does after its start (a spare runner, the first collections) is over by then. */
const SETTLE_MS = 4_000;
const IDLE_MS = 20_000;
const CPU_PERCENT = 0.1;
const MORE_MB = 10;

type Kind = (typeof BACKENDS)[number] | 'none';

export async function measureIdle(houses: ReadonlyMap<Kind, MountHouse>, count: number): Promise<Row[]> {
  const resident = new Map<Kind, number[]>();
  let pids = new Map<Kind, number>();
  for (let start = 0; start < STARTS; start += 1) {
    progress(`idle: start ${start + 1} of ${STARTS}, ${count} mounts of each kind`);
    pids = new Map();
    for (const [kind, house] of houses) pids.set(kind, await house.restart());
    await delay(SETTLE_MS);
    for (const [kind, pid] of pids) resident.set(kind, [...(resident.get(kind) ?? []), residentMb(pid)]);
  }
  progress(`idle: ${IDLE_MS / 1_000} s`);
  const before = new Map([...pids].map(([kind, pid]) => [kind, treeMs(pid)]));
  const startedAt = performance.now();
  await delay(IDLE_MS);
  const took = performance.now() - startedAt;
  const percent = (kind: Kind): number => ((treeMs(pids.get(kind) ?? 0) - (before.get(kind) ?? 0)) / took) * 100;
  const mb = (kind: Kind): number => median(resident.get(kind) ?? []);
  const none = { percent: percent('none'), mb: mb('none') };
  const rows = BACKENDS.filter((kind) => houses.has(kind)).flatMap((kind) => [
    small(
      `${kind}, ${count} mounts: processor, idle`,
      percent(kind),
      CPU_PERCENT,
      `none: ${none.percent.toFixed(3)} %`,
    ),
    limited(
      `${kind}, ${count} mounts: resident over none`,
      mb(kind) - none.mb,
      MORE_MB,
      'MB',
      `${mb(kind).toFixed(1)} MB`,
    ),
  ]);
  return [...rows, told('daemon without a mount, resident', `${none.mb.toFixed(1)} MB`, `median of ${STARTS} starts`)];
}

function small(what: string, percent: number, most: number, beside: string): Row {
  return { what, target: `≤ ${most} %`, figure: `${percent.toFixed(3)} %`, isMet: percent <= most, beside };
}

/** Time on a processor of a process and its children, with all their threads: the first number of schedstat, in ns (Documentation/scheduler/sched-stats.rst). */
function treeMs(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + threadsMs(each), 0);
}

function threadsMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [onCpu = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return sum + Number(onCpu) / 1e6;
  }, 0);
}
