// How runs end. Each test leaves processes behind that try to outlive it, and looks for them by an argument only they have.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunOutcome } from '../../src/delivery/job.ts';
import { Runners } from '../../src/delivery/run.ts';
import type { RunningJob } from '../../src/delivery/run.ts';
import { processEntry, processTable } from '../../src/machine/processes.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { LAUNCHER, makeJob, processesWith, runOnce, script, uniqueNap, until } from './jobs.ts';

const CANARY = makeCanary();
let runners: Runners;

before(() => {
  runners = new Runners(LAUNCHER);
});

after(async () => {
  await runners.close();
});

/** Bash that leaves behind: a child, one in another session without an environment, and one whose parent is gone. */
function escapers(nap: string): string {
  const quiet = '>/dev/null 2>&1 </dev/null';
  return [
    `sleep ${nap} & `,
    `setsid env -i /bin/sleep ${nap} ${quiet} & `,
    `(setsid bash -c 'env -i setsid /bin/sleep ${nap} & exit' ${quiet} &) `,
    '',
  ].join('\n');
}

async function runnerOf(running: RunningJob): Promise<number> {
  const { pid } = await running.started;
  return processEntry(pid)?.parentPid ?? 0;
}

function why(outcome: RunOutcome): string {
  return outcome.kind === 'ended' ? outcome.why : outcome.failure.code;
}

function zombiesBelow(pid: number): number[] {
  return processTable().flatMap((entry) => (entry.parentPid === pid && entry.state === 'Z' ? [entry.pid] : []));
}

test('I6: nothing is left when the program ends, wherever it went (O26, T5)', async () => {
  const nap = uniqueNap();
  const text = `${escapers(nap)} until [ $(pgrep -fxc "(/bin/)?sleep ${nap}") = 3 ]; do :; done; echo all up`;
  const outcome = await runners.run(script(text)).ended;
  assert.equal(why(outcome), 'exited');
  assert.equal(outcome.kind === 'ended' ? outcome.stdout.toString() : '', 'all up\n');
  assert.deepEqual(processesWith(nap), []);
  await until(() => zombiesBelow(process.pid).length === 0, 'every zombie is collected');
});

test('I6: nothing is left after the time is up, and the reason is given (D08)', async () => {
  const nap = uniqueNap();
  const stubborn = `trap '' TERM HUP INT; ${escapers(nap)} echo begun; while :; do sleep ${nap}; done`;
  const outcome = await runners.run(script(stubborn, { timeoutMs: 700 })).ended;
  assert.ok(outcome.kind === 'ended');
  assert.deepEqual([outcome.why, outcome.timedOut, outcome.signal], ['timed_out', true, 'SIGKILL']);
  assert.equal(outcome.stdout.toString(), 'begun\n');
  assert.deepEqual(processesWith(nap), []);
});

test('I6: kill() ends a run in the middle of its output, and its tree with it', async () => {
  const nap = uniqueNap();
  const running = runners.run(script(`${escapers(nap)} while :; do echo x; sleep 0.001; done`));
  await until(() => processesWith(nap).length === 3, 'all have started');
  await running.kill();
  assert.deepEqual(processesWith(nap), []);
  const outcome = await running.ended;
  assert.equal(why(outcome), 'killed');
  assert.match(outcome.kind === 'ended' ? outcome.stdout.toString() : '', /^(?:x\n)*$/);
});

test('a run that is killed before it started never starts', async () => {
  const nap = uniqueNap();
  const running = runners.run(makeJob({ argv: ['/bin/sleep', nap] }));
  const failure = assert.rejects(running.started);
  await running.kill();
  await failure;
  assert.deepEqual(processesWith(nap), []);
});

test('I6: a stopped program, a stopped runner and a stopped tree are ended all the same', async () => {
  const nap = uniqueNap();
  const stopped = runners.run(script(`${escapers(nap)} kill -STOP $$`));
  await until(() => processesWith(nap).length === 3, 'all have started');
  await stopped.kill();
  const running = runners.run(script(`${escapers(nap)} sleep ${nap}`));
  const runner = await runnerOf(running);
  await until(() => processesWith(nap).length === 4, 'all have started');
  process.kill(runner, 'SIGSTOP');
  await running.kill();
  assert.equal(why(await running.ended), 'killed');
  assert.deepEqual(processesWith(nap), []);
});

test('I6: nothing is left when somebody kills the runner, and the next run works', async () => {
  const nap = uniqueNap();
  const running = runners.run(script(`${escapers(nap)} sleep ${nap}`, { values: { K: CANARY } }));
  const runner = await runnerOf(running);
  await until(() => processesWith(nap).length === 4, 'all have started');
  process.kill(runner, 'SIGKILL');
  const outcome = await running.ended;
  assert.equal(why(outcome), 'runner_died');
  assert.deepEqual(processesWith(nap), []);
  await until(() => zombiesBelow(process.pid).length === 0, 'every zombie is collected');
  assert.equal(why(await runners.run(makeJob({ argv: ['/bin/true'] })).ended), 'exited');
});

test('I6: nothing is left when the daemon is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keystile-daemon-'));
  const nap = uniqueNap();
  writeFileSync(join(folder, 'script'), `${escapers(nap)} trap '' TERM; sleep ${nap}; sleep ${nap}`);
  const program = fileURLToPath(new URL('../programs/delivery-daemon.ts', import.meta.url));
  const daemon = spawn(process.execPath, [program, join(folder, 'script')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line]: unknown[] = await once(daemon.stdout, 'data');
  const runner = processEntry(Number(String(line)))?.parentPid ?? 0;
  await until(() => processesWith(nap).length === 4, 'all have started');
  daemon.kill('SIGKILL');
  await until(() => processesWith(nap).length === 0, 'the whole run is gone');
  await until(() => (processEntry(runner)?.state ?? 'Z') === 'Z', 'the runner is gone');
  rmSync(folder, { recursive: true });
});

test('a grandchild that holds the output open does not hold the answer back (D08)', async () => {
  const nap = uniqueNap();
  const outcome = await runners.run(script(`setsid env -i /bin/sleep ${nap} & echo done`)).ended;
  assert.ok(outcome.kind === 'ended');
  assert.equal(outcome.stdout.toString(), 'done\n');
  assert.deepEqual(processesWith(nap), []);
});

test('a fork bomb in a group and in sessions of its own ends with its run (D03)', async () => {
  const nap = uniqueNap();
  // Bounded, so that a failure of this test does not take the machine down.
  const bomb = `bomb() { [ $1 -gt 0 ] && { bomb $(($1 - 1)) & setsid -w sleep ${nap} & bomb $(($1 - 1)) & }; wait; }; bomb 5`;
  const running = runners.run(script(bomb));
  await until(() => processesWith(nap).length > 20, 'it has grown');
  await running.kill();
  assert.deepEqual(processesWith(nap), []);
});

test('memory stays flat under a flood', async () => {
  const running = runners.run(makeJob({ argv: ['/usr/bin/yes', 'a line of a flood that does not end by itself'] }));
  const runner = await runnerOf(running);
  let highest = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${runner}/status`, 'latin1');
      highest = Math.max(highest, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It is gone.
    }
  }, 10);
  assert.equal(why(await running.ended), 'flooded');
  clearInterval(timer);
  assert.ok(highest > 0 && highest < 200 * 1024, `the runner grew to ${highest} KiB`);
});

test('a runner shows nothing of its job in its arguments or environment', async () => {
  const running = runners.run(script('read -t 20 < <(sleep 20)', { values: { K: CANARY } }));
  const runner = await runnerOf(running);
  const cmdline = readFileSync(`/proc/${runner}/cmdline`);
  assert.ok(cmdline.includes('runner'));
  assertNoCanary(cmdline, CANARY);
  try {
    const environ = readFileSync(`/proc/${runner}/environ`);
    assert.equal(environ.length, 0);
  } catch (error) {
    // Not dumpable: its own user may not even look. Root may.
    assert.match(String(error), /EACCES/);
  }
  await running.kill();
});

test('a Ctrl-C that reaches the runner too does not end the run behind the daemon', async () => {
  const running = runners.run(script('kill -INT $PPID; kill -HUP $PPID; kill -TERM $PPID; echo still here; exit 5'));
  const outcome = await running.ended;
  assert.ok(outcome.kind === 'ended');
  assert.deepEqual([outcome.exitCode, outcome.stdout.toString()], [5, 'still here\n']);
});

test('one runner is kept ready, a lost one is replaced, and one that cannot start is an answer', async () => {
  await until(() => runners.isSpareReady, 'a spare is ready');
  const broken = { ...LAUNCHER, interpreter: '/nonexistent/node' };
  const outcome = await runOnce(makeJob({ argv: ['/bin/true'] }), broken);
  assert.equal(why(outcome), 'run/failed');
  const failing = { ...LAUNCHER, script: '/nonexistent/runner.js' };
  assert.equal(why(await runOnce(makeJob({ argv: ['/bin/true'] }), failing)), 'run/failed');
});

test('I3: what is asked of runners that are closing is refused', async () => {
  const closed = new Runners(LAUNCHER);
  const running = closed.run(makeJob({ argv: ['/bin/sleep', '1000'] }));
  await running.started;
  await closed.close();
  assert.equal(why(await running.ended), 'killed');
  assert.equal(why(await closed.run(makeJob({ argv: ['/bin/true'] })).ended), 'run/failed');
});

test('runs side by side keep their values and outputs apart', async () => {
  const results = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const outcome = await runners.run(script(`echo run ${i}; printenv K`, { values: { K: `${CANARY}${i}` } })).ended;
      return outcome.kind === 'ended' ? outcome.stdout.toString() : why(outcome);
    }),
  );
  assert.deepEqual(
    results,
    Array.from({ length: 6 }, (_, i) => `run ${i}\n[REDACTED:K]\n`),
  );
});
