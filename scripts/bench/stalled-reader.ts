// A reader that stops in the middle: takes a little of its standard input, waits, and takes the rest. Writes to the file of
// its argument how much memory all other processes of its pipeline had at their peaks together, in MB.

import { readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const BUFFER = Buffer.alloc(1024 * 1024);
const FIRST_BYTES = 1024 * 1024;
const STALL_MS = 2_000;
const LOOK_MS = 100;
/** While the rest is taken, a look for so many reads. */
const READS = 256;

const peaks = new Map<number, number>();
for (let taken = 0, last = 1; taken < FIRST_BYTES && last > 0; taken += last) last = readSync(0, BUFFER);
for (let waited = 0; waited < STALL_MS; waited += LOOK_MS) {
  await delay(LOOK_MS);
  look();
}
for (let reads = 0; readSync(0, BUFFER) > 0; reads += 1) if (reads % READS === 0) look();
const peak = [...peaks.values()].reduce((sum, own) => sum + own, 0);
writeFileSync(process.argv[2] ?? '', String(peak));

/** What the system remembers as the most each process ever had (VmHWM, proc_pid_status(5)). */
function look(): void {
  for (const pid of below(process.ppid)) {
    if (pid !== process.pid) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakOf(pid)));
  }
}

function below(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
    return children.flatMap((child) => [child, ...below(child)]);
  } catch {
    return [];
  }
}

function peakOf(pid: number): number {
  try {
    const [, kib = '0'] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return (Number(kib) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
