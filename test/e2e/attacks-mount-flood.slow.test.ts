// Reading without end, from many processes and by many programs (F12, F02): one question, whole copies or none, nothing grows.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { nodeOf, residentKiB } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { eventually } from '../house.ts';
import { MountHouse, PLACES } from '../programs/mount-house.ts';

const READS = 500;
const REREADS = 1_000;
const READERS = 200;
const ROUNDS = 5;
/**
 * What all floods together may add to the memory of the daemon, and a flood when the same one was before: the collector
 * is not in a hurry, and stays at some 250 MiB however many come.
 */
const GROWTH_KIB_MAX = 512 * 1024;
const AGAIN_KIB_MAX = 128 * 1024;

for (const place of PLACES) {
  describe(`floods of readers (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    let pid: number;
    let log: string;
    let quietKiB: number;
    before(async () => {
      mounted = await MountHouse.open(place);
      pid = await mounted.house.daemonPid();
      quietKiB = residentKiB(pid);
      log = join(mounted.house.home, 'audit', 'events.jsonl');
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const lines = (): number => readFileSync(log, 'utf8').split('\n').length;
    /** Runs a flood, and looks at what it left. Gives how much larger the daemon is, in KiB. */
    const flood = async (t: TestContext, what: string, run: () => Promise<void>): Promise<number> => {
      const [memory, fds, events, at] = [residentKiB(pid), descriptors(), lines(), performance.now()];
      await run();
      await eventually(() => (descriptors() <= fds + 8 ? true : undefined), 'descriptors to be closed');
      const grown = residentKiB(pid) - memory;
      const total = residentKiB(pid) - quietKiB;
      const seconds = ((performance.now() - at) / 1_000).toFixed(1);
      t.diagnostic(
        `${what}: ${seconds} s, ${grown} KiB more, ${descriptors() - fds} descriptors more, ${lines() - events} lines`,
      );
      assert.ok(total < GROWTH_KIB_MAX, `${total} KiB more than at the start`);
      return grown;
    };
    const loop = async (program: string, count: number): Promise<string> => {
      const script = `i=0; while [ $i -lt ${count} ]; do ${program} ${mounted.path} 2>/dev/null; i=$((i+1)); done`;
      const reading = mounted.start('/bin/sh', ['-c', script]);
      return (await reading.done).stdout.toString();
    };

    test('F12: a program that was allowed reads again and again after one question', async (t) => {
      await mounted.allow(mounted.cat());
      await flood(t, `${READS} processes`, async () => {
        const text = await loop('/usr/bin/cat', READS);
        assert.equal(text.replaceAll(mounted.content, ''), '', 'whole copies');
        // A mount that is served by rounds may refuse one that comes too close; it says so.
        assert.ok(
          text.length >= mounted.content.length * READS * 0.99,
          `${text.length / mounted.content.length} copies`,
        );
      });
      assert.equal((await mounted.events('requested')).length, 1);
    });

    test('F12: one process that reads again and again is one lease with a count', async (t) => {
      const code = `for (let i = 0; i < ${REREADS}; i += 1) if (require('fs').readFileSync('.env').length === 0) process.exit(1);`;
      mounted.write('loop.cjs', code);
      await flood(t, `${REREADS} readings`, async () => {
        const reading = mounted.start(nodeOf(mounted.house), ['loop.cjs']);
        const read = await mounted.allow(reading);
        assert.equal(read.code, 0, read.stderr);
        const ended = await mounted.recorded('ended', ({ facts }) => facts['pid'] === reading.pid);
        assert.equal(ended.facts['count'], REREADS);
        const events = (await mounted.events()).filter(({ facts }) => facts['pid'] === reading.pid);
        assert.deepEqual(events.map(({ event }) => event).toSorted(), [
          'delivered',
          'ended',
          'granted',
          'leased',
          'requested',
        ]);
      });
    });

    test('F12: a program that was denied asks for nothing, and does not fill the log', async (t) => {
      await mounted.refuse(mounted.start('/usr/bin/tac', [mounted.path]));
      await flood(t, `${READS} denied`, async () => {
        const [events, at] = [lines(), performance.now()];
        assert.equal(await loop('/usr/bin/tac', READS), '');
        // One for each ten seconds, the first at once; and what ended meanwhile.
        const most = (performance.now() - at) / 10_000 + 10;
        assert.ok(lines() - events <= most, `${lines() - events} lines`);
      });
      assert.equal((await mounted.requests()).length, 0);
    });

    test('F12: of thirty programs at once as many wait as a human is asked, the others are refused', async () => {
      const folder = join(mounted.house.root, 'programs');
      mkdirSync(folder);
      chmodSync(folder, 0o755);
      const readings = Array.from({ length: 30 }, (_, i) => {
        const program = join(folder, `reader-${i}`);
        copyFileSync('/usr/bin/cat', program);
        chmodSync(program, 0o755);
        return mounted.start(program, [mounted.path]);
      });
      // On one pipe or file several share the answer: the first one that is refused takes the others with it.
      const waiting = await eventually(async () => {
        const requests = await mounted.requests();
        assert.ok(requests.length <= 20, `${requests.length} wait`);
        const left = readings.filter(({ process }) => process.exitCode === null);
        return requests.length === left.length ? requests : undefined;
      }, 'everybody to wait or to be refused');
      if (place.backend === 'fuse') assert.equal(waiting.length, 20);
      await mounted.house.ok(['revoke', '--all']);
      for (const { done } of readings) assert.equal((await done).stdout.toString(), '');
      assert.deepEqual(await mounted.requests(), []);
    });

    test('F02: a thousand readers, two hundred at a time: each has a whole copy or nothing, and none hangs', async (t) => {
      await mounted.allow(mounted.cat());
      const out = join(mounted.house.project, 'out');
      let [whole, nothing] = [0, 0];
      const thousand = async (): Promise<void> => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const script = `rm -rf out; mkdir out; i=0; while [ $i -lt ${READERS} ]; do /usr/bin/cat ${mounted.path} >out/$i 2>/dev/null & i=$((i+1)); done; wait`;
          await mounted.start('/bin/sh', ['-c', script]).done;
          for (const name of readdirSync(out)) {
            const text = readFileSync(join(out, name), 'utf8');
            assert.ok(text === '' || text === mounted.content, `${text.length} bytes are torn`);
            if (text === '') nothing += 1;
            else whole += 1;
          }
        }
      };
      await flood(t, `${READERS * ROUNDS} readers`, thousand);
      const again = await flood(t, `${READERS * ROUNDS} readers again`, thousand);
      assert.ok(again < AGAIN_KIB_MAX, `${again} KiB more each time`);
      t.diagnostic(`${whole} whole, ${nothing} refused`);
      assert.equal(whole + nothing, 2 * READERS * ROUNDS);
      assert.ok(whole > 0);
      if (nothing > 0) {
        const refused = await mounted.events('refused');
        assert.ok(refused.length > 0, 'the log says why');
      }
      if (place.backend === 'fuse') assert.equal(nothing, 0);
    });

    test('I2: the log is whole after all that, and holds no value', async () => {
      await mounted.house.ok(['audit', 'verify']);
      assert.ok(statSync(log).size > 0);
      assertNoCanary(await mounted.traces(), mounted.secret, 'a trace');
    });
  });
}
