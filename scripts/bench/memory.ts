// Resident memory of processes, as the kernel counts it (VmRSS of proc(5), in MB of 1,000,000 bytes).

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { limited, type Row } from './figures.ts';

const DAEMON_MB = 120;
const SETTLE_MS = 1_500;

export function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

export async function measureDaemon(pid: number, when: string): Promise<Row[]> {
  await delay(SETTLE_MS);
  const spares = childrenOf(pid).map((child) => `${residentMb(child).toFixed(0)} MB`);
  const beside = `its spare runner ${spares.join(', ') || 'is not there'}`;
  return [limited(`daemon, resident ${when}`, residentMb(pid), DAEMON_MB, 'MB', beside)];
}

export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
