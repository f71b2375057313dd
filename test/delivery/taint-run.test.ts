// The taint scan as the last work of a real runner: later than the answer, and never in its way.

import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Runners } from '../../src/delivery/run.ts';
import { isSameProcessAlive, processTable } from '../../src/machine/processes.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { LAUNCHER, script, until } from './jobs.ts';

const CANARY = makeCanary();
let cwd = '';
let runners: Runners;

beforeEach(() => {
  cwd = mkdtempSync(join(realpathSync(tmpdir()), 'keystile-taint-run-'));
  runners = new Runners(LAUNCHER, 0);
});

afterEach(async () => {
  await runners.close();
  rmSync(cwd, { recursive: true, force: true });
});

const wishes = () => ({ values: { K: CANARY }, cwd, findsTaint: true });

/** As much to look through as the limits allow. */
function fillWithWork(): void {
  for (let i = 0; i < 10; i += 1) {
    writeFileSync(join(cwd, `work${i}`), 'x');
    truncateSync(join(cwd, `work${i}`), 2 ** 30);
  }
}

/** Changes them, so that they are looked through. */
const TOUCH = 'for f in work*; do printf x >> $f; done';

function runnerPids(): number[] {
  return processTable().flatMap(({ pid, parentPid }) => (parentPid === process.pid ? [pid] : []));
}

test('what a run wrote is found after its answer; what lay there before is not', async () => {
  writeFileSync(join(cwd, 'old'), CANARY);
  const since = Date.now() + 50;
  await until(() => Date.now() > since, 'the clock of files to go on');
  const running = runners.run(
    script('printf "a\\n%s" "$K" > new; printf %s "$K" | base64 -w0 > b64; echo done', wishes()),
  );
  const outcome = await running.ended;
  assert.ok(outcome.kind === 'ended' && outcome.stdout.toString() === 'done\n');
  const taint = await running.tainted;
  assertNoCanary(JSON.stringify(taint), CANARY);
  assert.deepEqual(taint?.limits, []);
  assert.deepEqual(
    new Set(taint?.hits.map(({ name, file, line }) => `${name} ${file} ${line}`)),
    new Set(['K new 2', 'K b64 1']),
  );
  await until(() => runnerPids().length === 0, 'the runner to end');
});

test('a job that does not ask is not looked behind, and one that was refused has nothing behind it', async () => {
  assert.equal(await runners.run(script('echo "$K" > x', { ...wishes(), findsTaint: false })).tainted, null);
  const refused = runners.run(script('true', { ...wishes(), program: '/nowhere/at/all' }));
  assert.equal((await refused.ended).kind, 'refused');
  assert.equal(await refused.tainted, null);
});

test('a folder that the run removed is no error', async () => {
  const running = runners.run(script('rmdir "$PWD"', wishes()));
  assert.equal((await running.ended).kind, 'ended');
  assert.deepEqual(await running.tainted, { hits: [], limits: ['unread'], files: 0 });
});

test('the answer does not wait for the scan, which a lock ends, and its runner with it', async () => {
  fillWithWork();
  const running = runners.run(script(TOUCH, wishes()));
  let isScanned = false;
  void running.tainted.then(() => (isScanned = true));
  const outcome = await running.ended;
  assert.ok(outcome.kind === 'ended' && outcome.exitCode === 0);
  assert.equal(isScanned, false);
  await runners.endScans();
  assert.deepEqual(await running.tainted, { hits: [], limits: ['ended'], files: 0 });
  assert.deepEqual(runnerPids(), []);
});

test('of many runs that are over, only the latest are still looked behind', async () => {
  fillWithWork();
  const runs = Array.from({ length: 5 }, () => runners.run(script(TOUCH, wishes())));
  await Promise.all(runs.map(({ ended }) => ended));
  const taints = await Promise.all(runs.map(({ tainted }) => tainted));
  const ended = taints.filter((taint) => taint?.limits.includes('ended'));
  assert.ok(ended.length >= 1, JSON.stringify(taints));
  assert.ok(taints.every((taint) => taint !== null));
});

test('a scan ends when the runners are closed', async () => {
  fillWithWork();
  const running = runners.run(script(TOUCH, wishes()));
  await running.ended;
  const [pid = 0] = runnerPids();
  const entry = processTable().find((candidate) => candidate.pid === pid);
  await runners.close();
  assert.ok(entry === undefined || !isSameProcessAlive(entry));
});
