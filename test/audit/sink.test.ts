// I2: what cannot be recorded must not happen. Places a log cannot be written to, and one that fills up.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { numbered, Place } from './house.ts';

const run = promisify(execFile);
const APPENDER = join(import.meta.dirname, '../programs/audit-appender.ts');
const REFUSED = 'audit/unavailable';

for (const device of ['/dev/full', '/dev/null', '/dev/zero']) {
  test(`I2: nothing is acknowledged when the log is ${device}`, async () => {
    using place = new Place();
    const log = place.openUnlocked({ files: { folder: place.folder, events: device } });
    assert.equal(log.status.isAvailable, false);
    for (let i = 0; i < 3; i += 1) await assert.rejects(log.append(numbered(i)), { code: REFUSED });
    log.lock();
    await log.close();
  });
}

test('I2: nothing is acknowledged when the file is read-only for an ordinary user', async () => {
  using place = new Place();
  mkdirSync(place.folder, { mode: 0o700 });
  writeFileSync(place.events, '');
  const user = asOrdinaryUser(place.folder, place.events, join(place.folder, '..'));
  chmodSync(place.events, 0o400);
  const { stdout } = await run(process.execPath, [APPENDER, place.folder, place.events, 'run_1', '5'], user);
  assert.deepEqual(stdout.trim().split('\n'), [REFUSED, REFUSED, REFUSED]);
  assert.equal(readFileSync(place.events, 'utf8'), '');
});

test('I2: nothing is acknowledged while the folder of the file is gone, and all is well when it is back', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  await log.append(numbered(0));
  renameSync(place.folder, `${place.folder}.gone`);
  for (let i = 0; i < 3; i += 1) await assert.rejects(log.append(numbered(i)), { code: REFUSED });
  assert.equal(log.status.isAvailable, false);
  renameSync(`${place.folder}.gone`, place.folder);
  await log.append(numbered(1));
  assert.equal(log.status.isAvailable, true);
  assert.deepEqual(
    (await log.events()).map(({ facts }) => facts.count),
    [0, 1],
  );
  await log.close();
  assert.equal((await place.verify()).ok, true);
});

test('I2: nothing is acknowledged through a link, or in a file others can read', async () => {
  using place = new Place();
  mkdirSync(place.folder, { mode: 0o700 });
  symlinkSync('/dev/null', place.events);
  const log = place.open();
  await assert.rejects(log.append(numbered(0)), { code: REFUSED });
  rmSync(place.events);
  writeFileSync(place.events, '', { mode: 0o644 });
  await assert.rejects(log.append(numbered(0)), { code: REFUSED });
  chmodSync(place.events, 0o600);
  await log.append(numbered(0));
  await log.close();
});

test('I2: when the disk is full the events so far stay, no other is acknowledged, and no half line is left', async () => {
  using place = new Place();
  // A limit on the size of files stands for the full disk: the last write is a short one, then all fail.
  const script = 'ulimit -f 16 && exec "$0" "$@"';
  const child = [process.execPath, APPENDER, place.folder, place.events, 'run_1', '1000'];
  const { stdout } = await run('/bin/sh', ['-c', script, ...child]);
  const answers = stdout.trim().split('\n');
  const acknowledged = answers.slice(0, -3).map(Number);
  assert.deepEqual(answers.slice(-3), [REFUSED, REFUSED, REFUSED]);
  assert.deepEqual(
    acknowledged,
    acknowledged.map((_, i) => i),
  );
  assert.ok(acknowledged.length > 3);
  const log = place.openUnlocked();
  await log.append(numbered(9_999));
  const counts = (await log.events()).filter(({ event }) => event === 'requested').map(({ facts }) => facts.count);
  assert.deepEqual(counts.slice(0, acknowledged.length), acknowledged);
  assert.equal(counts.at(-1), 9_999);
  await log.close();
  assert.equal((await place.verify()).ok, true);
});

test('I2: a closed log acknowledges nothing', async () => {
  using place = new Place();
  const log = place.openUnlocked();
  await log.close();
  await assert.rejects(log.append(numbered(0)), { code: REFUSED });
});

/** Root may write everywhere, so the test is not about root: another user owns the files and runs the child. */
function asOrdinaryUser(...paths: readonly string[]): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  for (const path of paths) chownSync(path, 1001, 1001);
  return { uid: 1001, gid: 1001 };
}
