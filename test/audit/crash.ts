// Children that append until they are killed, and what must then be true of their log.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Place } from './house.ts';

const APPENDER = join(import.meta.dirname, '../programs/audit-appender.ts');

/** Kills `times` children, each after another number of acknowledged events, and checks that all of them are there. */
export async function crash(times: number): Promise<void> {
  using place = new Place();
  const acknowledged: number[] = [];
  for (let child = 0; child < times; child += 1) acknowledged.push(await killAfter(place, child, (child * 7) % 23));
  const log = place.openUnlocked();
  await log.append({ event: 'daemon_started', facts: {} });
  const events = await log.events();
  await log.close();
  for (const [child, count] of acknowledged.entries()) {
    const theirs = events.filter(({ facts }) => facts.runId === `run_${child}`).map(({ facts }) => facts.count);
    assert.ok(theirs.length >= count, `child ${child}: ${count} acknowledged, ${theirs.length} there`);
    assert.deepEqual(
      theirs,
      theirs.map((_, i) => i),
    );
  }
  assert.equal(events.filter(({ event }) => event === 'audit_damaged').length, 0);
  const { ok, firstBad } = await place.verify();
  assert.deepEqual([ok, firstBad], [true, null]);
}

/** Resolves to how many events the child said were written; it is killed once these are at least `atLeast`. */
async function killAfter(place: Place, label: number, atLeast: number): Promise<number> {
  const args = [APPENDER, place.folder, place.events, `run_${label}`, '1000000'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > atLeast + 1) child.kill('SIGKILL');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.deepEqual([code, signal], [null, 'SIGKILL'], text.slice(-200));
  const lines = text.split('\n').slice(0, -1);
  assert.deepEqual(
    lines,
    lines.map((_, i) => String(i)),
  );
  return lines.length;
}
