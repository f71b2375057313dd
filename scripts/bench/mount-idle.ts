// What mounts cost while nobody reads: processor time and memory of a daemon with many, beside one with none.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Row, limited, median, progress } from './figures.ts';
import { childrenOf, residentMb } from './memory.ts';
import { BACKENDS, type MountHouse } from './mount-house.ts';

const STARTS = 3;
/** A daemon that has done nothing has not even collected its garbage once, which takes 11 MB: so both do a little first. */
const CALLS = 300;
/** What comes after a start, such as a spare runner, is over by then. */
const SETTLE_MS = 3_000;
const IDLE_MS = 20_000;
const CPU_PERCENT = 0.1;
const MORE_MB = 10;

type Kind = (typeof BACKENDS)[number] | 'none';
type Sizes = Record<'fresh' | 'used', number[]>;

export async function measureIdle(houses: ReadonlyMap<Kind, MountHouse>, count: number): Promise<Row[]> {
  const sizes = new Map([...houses.keys()].map((kind): [Kind, Sizes] => [kind, { fresh: [], used: [] }]));
  let pids = new Map<Kind, number>();
  for (let start = 0; start < STARTS; start += 1) {
    progress(`idle: start ${start + 1} of ${STARTS}, ${count} mounts of each kind`);
    pids = new Map();
    for (const [kind, house] of houses) pids.set(kind, await house.restart());
    await delay(SETTLE_MS);
    for (const [kind, pid] of pids) sizes.get(kind)?.fresh.push(residentMb(pid));
    for (const house of houses.values()) await use(house);
    await delay(SETTLE_MS);
    for (const [kind, pid] of pids) sizes.get(kind)?.used.push(residentMb(pid));
  }
  progress(`idle: ${IDLE_MS / 1_000} s`);
  const before = new Map([...pids].map(([kind, pid]) => [kind, treeMs(pid)]));
  const startedAt = performance.now();
  await delay(IDLE_MS);
  const took = performance.now() - startedAt;
  const percents = new Map(
    [...pids].map(([kind, pid]) => [kind, ((treeMs(pid) - (before.get(kind) ?? 0)) / took) * 100]),
  );
  const percent = (kind: Kind): number => percents.get(kind) ?? Number.NaN;
  const mb = (kind: Kind, when: keyof Sizes): number => median(sizes.get(kind)?.[when] ?? []);
  const over = (kind: Kind, when: keyof Sizes): number => mb(kind, when) - mb('none', when);
  return BACKENDS.flatMap((kind) => [
    small(`${kind}, ${count} mounts: processor while idle`, percent(kind), `none: ${percent('none').toFixed(3)} %`),
    limited(
      `${kind}, ${count} mounts: resident over none`,
      over(kind, 'used'),
      MORE_MB,
      'MB',
      `${mb(kind, 'used').toFixed(0)} MB, none ${mb('none', 'used').toFixed(0)} MB; right after the start ${over(kind, 'fresh').toFixed(0)} MB over`,
    ),
  ]);
}

async function use(house: MountHouse): Promise<void> {
  using control = await house.control();
  for (let i = 0; i < CALLS; i += 1) await control.call('environment.list', {});
}

function small(what: string, percent: number, beside: string): Row {
  const isMet = percent <= CPU_PERCENT;
  return { what, target: `≤ ${CPU_PERCENT} %`, figure: `${percent.toFixed(3)} %`, isMet, beside };
}

/**
 * Time on a processor of a process and its children, with all their threads: the first number of schedstat, in ns
 * (Documentation/scheduler/sched-stats.rst). It is what utime and stime are made of, which count in steps of 10 ms.
 */
function treeMs(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + threadsMs(each), 0);
}

function threadsMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [onCpu = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return sum + Number(onCpu) / 1e6;
  }, 0);
}
