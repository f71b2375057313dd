// Beginnings and ends: how long an unlock waits for its mounts, and how soon a lock or a revocation has taken away what
// stood at a path or lay open in a program.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Connection } from '../../src/wire/client.ts';
import { timed } from './calls.ts';
import { type Row, limited, median, ms, progress, told } from './figures.ts';
import { isThere, type MountHouse } from './mount-house.ts';

const HOLDER = fileURLToPath(new URL('mount-holder.mjs', import.meta.url));
const ROUNDS = 7;
const REVOCATIONS = 10;
const TARGET_MS = 100;
const POLL_MS = 1;

/** `without` is a daemon with no mount, on the same machine. `isTarget`: the target is about this many mounts. */
export async function measureEnds(mounts: MountHouse, without: MountHouse, isTarget: boolean): Promise<Row[]> {
  const { backend, paths } = mounts;
  progress(`${backend}: lock and unlock with ${paths.length} mounts, ${ROUNDS} times`);
  using control = await mounts.control();
  using other = await without.control();
  const gone: number[] = [];
  const unlocked: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    gone.push(await lock(control, paths));
    unlocked.push(await timed(async () => await mounts.unlock(control)));
    if (!paths.every((path) => isThere(path))) throw new Error('a mount did not come back');
    await other.call('vault.lock', {});
    bare.push(await timed(async () => await without.unlock(other)));
  }
  const what = `${backend}, ${paths.length} mounts`;
  const none = median(bare);
  const atMost = (row: string, value: number, beside: string): Row =>
    isTarget ? limited(row, value, TARGET_MS, 'ms', beside) : told(row, ms(value), beside);
  return [
    atMost(`${what}: lock → every path gone, worst of ${ROUNDS}`, Math.max(...gone), `median ${ms(median(gone))}`),
    told(
      `${what}: unlock`,
      ms(median(unlocked)),
      `without mounts ${ms(none)}: ${ms((median(unlocked) - none) / paths.length)} a mount`,
    ),
  ];
}

/** Milliseconds from sending the lock until nothing stands at any path. */
async function lock(control: Connection, paths: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const answered = control.call('vault.lock', {});
  let left = [...paths];
  while (left.length > 0) {
    await delay(POLL_MS);
    left = left.filter((path) => isThere(path));
  }
  const took = performance.now() - startedAt;
  await answered;
  return took;
}

/** A program has a file open and has read a byte of it. When the revocation is answered it gets nothing more. */
export async function measureRevocations(mounts: MountHouse): Promise<Row[]> {
  const { house, backend, path } = mounts;
  progress(`${backend}: revoke with an open handle, ${REVOCATIONS} times`);
  using control = await mounts.control();
  const samples: number[] = [];
  for (let i = 0; i < REVOCATIONS; i += 1) {
    const holder = spawn(process.execPath, [HOLDER, path], {
      cwd: house.project,
      env: house.env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: holder.stdout })[Symbol.asyncIterator]();
    const opened = lines.next();
    if (i === 0) await house.approve('--for', '1h');
    if ((await opened).value !== 'open') throw new Error('an approved reader was not let in');
    const { result } = await control.call('lease.list', {});
    const lease = result.leases.find(({ pid }) => pid === holder.pid);
    if (lease === undefined) throw new Error('a reader has no lease');
    samples.push(await timed(async () => await control.call('revoke', { what: 'id', id: lease.leaseId })));
    holder.stdin.write('go on\n');
    const rest = await lines.next();
    if (rest.value !== '0') throw new Error(`${rest.value} bytes were read after the revocation`);
  }
  return [
    limited(
      `${backend}: revoke → nothing more to read by an open handle, worst of ${REVOCATIONS}`,
      Math.max(...samples),
      TARGET_MS,
      'ms',
      `median ${ms(median(samples))}, until the answer, which comes after the audit log`,
    ),
  ];
}
