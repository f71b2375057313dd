// Mounted files: what a reader waits, what an idle mount costs, how soon it ends. Three back ends, each in a house of its
// own, and a house without mounts.

import { Crowd } from './crowd.ts';
import { progress, type Row } from './figures.ts';
import { measureEnds, measureRevocations } from './mount-ends.ts';
import { BACKENDS, MountHouse } from './mount-house.ts';
import { measureIdle } from './mount-idle.ts';
import { Readers } from './mount-reads.ts';

const MOUNTS = 100;
const MANY_MOUNTS = 500;
const PROCESSES = 100;
const MANY_PROCESSES = 600;

export async function measureMounts(): Promise<Row[]> {
  await using houses = new AsyncDisposableStack();
  const open = async (backend: (typeof BACKENDS)[number] | null): Promise<MountHouse> => {
    progress(`a house with ${MOUNTS} mounts: ${backend ?? 'none'}`);
    const house = houses.use(await MountHouse.open(backend));
    await house.mount(MOUNTS);
    return house;
  };
  const none = await open(null);
  const all = new Map<(typeof BACKENDS)[number], MountHouse>();
  for (const backend of BACKENDS) all.set(backend, await open(backend));

  const idle = await measureIdle(new Map([...all, ['none', none]]), MOUNTS);
  const reads = await measureReads([...all.values()]);
  const ends: Row[] = [];
  for (const house of all.values())
    ends.push(...(await measureRevocations(house)), ...(await measureEnds(house, none, true)));
  for (const house of all.values()) {
    await house.mount(MANY_MOUNTS);
    ends.push(...(await measureEnds(house, none, false)));
  }
  return [...reads, ...idle, ...ends];
}

async function measureReads(houses: readonly MountHouse[]): Promise<Row[]> {
  const rows: Row[] = [];
  const readers: Readers[] = [];
  for (const house of houses) readers.push(await Readers.of(house));
  await using crowd = new Crowd();
  await crowd.grow(PROCESSES);
  for (const each of readers) rows.push(...(await each.measure()));
  await crowd.grow(MANY_PROCESSES);
  for (const each of readers) rows.push(...(await each.measure()));
  return rows;
}
