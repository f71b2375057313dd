// How reading ends: revoked, locked, killed, out of disk. Nobody hangs, and nothing is delivered after the end (F14, I2, I3).

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeOf } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { eventually, has, PASSPHRASE } from '../house.ts';
import { assertNothing, isThere, MountHouse, PLACES, type Read, type Reading } from '../programs/mount-house.ts';

/** Opens the file, says so, waits for a line, and only then reads. */
const SLOW = `const fs = require('fs');
const file = fs.openSync('.env');
process.stderr.write('open\\n');
process.stdin.once('data', () => {
  try {
    process.stdout.write(fs.readFileSync(file));
  } catch (error) {
    process.stderr.write(error.code + '\\n');
  }
  process.exit();
});
`;

/** Takes a little, says so, and takes the rest after a line. */
const HALF = `const fs = require('fs');
const file = fs.openSync('.env');
const some = Buffer.alloc(1000);
fs.readSync(file, some);
process.stderr.write('some\\n');
process.stdin.once('data', () => {
  let bytes = 1000;
  try {
    for (let read = 1; read > 0; bytes += read) read = fs.readSync(file, some);
  } catch (error) {
    process.stderr.write(error.code + '\\n');
  }
  process.stdout.write(String(bytes));
  process.exit();
});
`;

interface LeaseRow {
  readonly leaseId: string;
  readonly pid: number;
}

for (const place of PLACES) {
  describe(`the end of reading (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    before(async () => {
      mounted = await MountHouse.open(place);
      mounted.write('slow.cjs', SLOW);
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    /** A reader whose input stays open until it is told to go on. */
    const waiting = (
      script: string,
    ): Reading & { readonly goOn: () => void; readonly said: (word: string) => Promise<true> } => {
      const child = mounted.start(nodeOf(mounted.house), [script], { keepsInput: true });
      let words = '';
      child.process.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
      return {
        ...child,
        goOn: () => child.process.stdin?.end('\n'),
        said: async (word) => await eventually(() => (words.includes(word) ? true : undefined), `"${word}"`),
      };
    };
    const leaseOf = async ({ pid }: Reading): Promise<string> => {
      const lease = await eventually(async () => {
        const { leases } = await mounted.house.json<{ leases: LeaseRow[] }>(['leases']);
        return leases.find((candidate) => candidate.pid === pid);
      }, 'a lease');
      return lease.leaseId;
    };
    const isDeliveredAfter = async (leaseId: string): Promise<boolean> => {
      const events = await mounted.events();
      const revoked = events.findLast(({ event }) => event === 'revoked')?.seq ?? assert.fail('nothing was revoked');
      return events.some(
        ({ seq, event, facts }) => seq > revoked && event === 'delivered' && facts['leaseId'] === leaseId,
      );
    };

    test('F14: what was opened and not read is not read any more once revoke has answered', async (t) => {
      const reading = waiting('slow.cjs');
      await mounted.approve((await mounted.request(reading.pid)).requestId);
      await reading.said('open');
      const leaseId = await leaseOf(reading);
      await mounted.house.ok(['revoke', leaseId]);
      const at = performance.now();
      reading.goOn();
      const { stdout } = await reading.done;
      t.diagnostic(`refused and ended ${Math.round(performance.now() - at)} ms after the answer to revoke`);
      assert.equal(stdout.toString(), '');
      assert.equal(await isDeliveredAfter(leaseId), false);
      // How much of a regular file was read nobody can tell: there it counts as delivered.
      const kind = place.backend === 'file' ? 'delivered' : 'refused';
      await mounted.recorded(kind, ({ facts }) => facts['leaseId'] === leaseId);
    });

    test('F14: after a revoked yes the next reading is a question again, and has nothing', async (t) => {
      assert.equal((await mounted.allow(mounted.cat())).stdout.toString(), mounted.content);
      await mounted.house.ok(['revoke', '--all']);
      const at = performance.now();
      const again = mounted.cat();
      const { requestId } = await mounted.request(again.pid);
      t.diagnostic(`asked again ${Math.round(performance.now() - at)} ms after the answer to revoke`);
      await mounted.deny(requestId);
      assertNothing(await again.done, mounted);
    });

    test('F14: locking ends everybody who waits, and takes the path away', async (t) => {
      const readers = ['head', 'tail', 'tac', 'nl', 'od'].map((name) =>
        mounted.start(`/usr/bin/${name}`, [mounted.path]),
      );
      await eventually(async () => ((await mounted.requests()).length >= 4 ? true : undefined), 'readers to wait');
      await mounted.house.ok(['lock']);
      const at = performance.now();
      assert.ok(!isThere(mounted.path));
      for (const reading of readers) assert.doesNotMatch((await reading.done).stdout.toString(), /API_TOKEN/);
      t.diagnostic(`the last of them ended ${Math.round(performance.now() - at)} ms after the answer to lock`);
      await mounted.house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
      assert.equal((await mounted.state()).state, 'mounted');
    });

    test('F14: revoked while it is on its way, again and again: whole or nothing, and the log agrees', async () => {
      // A yes and its end race for the same reader; whoever wins, the log agrees with what was read.
      for (let i = 0; i < 6; i += 1) {
        const reading = mounted.start('/usr/bin/sort', [mounted.path]);
        const { requestId } = await mounted.request(reading.pid);
        const revoking = mounted.house.keystile(['revoke', '--all']);
        await mounted.house.human(['approve', requestId]);
        await revoking;
        await mounted.house.ok(['revoke', '--all']);
        const { stdout } = await reading.done;
        assert.ok([0, mounted.content.length].includes(stdout.length), `${stdout.length} bytes`);
        const delivered = (await mounted.events('delivered')).filter(({ facts }) => facts['pid'] === reading.pid);
        assert.equal(delivered.length, stdout.length === 0 ? 0 : 1);
      }
    });

    test(
      'I2: on a full disk no reader gets a byte, and none hangs',
      { skip: has('prlimit') ? false : 'prlimit is not installed' },
      async () => {
        const allowed = await mounted.allow(mounted.start('/usr/bin/rev', [mounted.path]));
        assert.ok(allowed.stdout.length > 0);
        const pid = String(await mounted.house.daemonPid());
        const { size } = statSync(join(mounted.house.home, 'audit', 'events.jsonl'));
        const limit = async (bytes: string): Promise<void> => {
          const done = await mounted.start('prlimit', ['--pid', pid, `--fsize=${bytes}:unlimited`]).done;
          assert.equal(done.code, 0, done.stderr);
        };
        await limit(String(size));
        for (const program of ['/usr/bin/rev', '/usr/bin/cat', '/usr/bin/od']) {
          const read = await mounted.start('/usr/bin/timeout', ['-k1', '30', program, mounted.path]).done;
          assert.notEqual(read.code, 124, `${program} hangs`);
          assert.doesNotMatch(read.stdout.toString(), /[A-Z]/, program);
        }
        await limit('unlimited');
        await mounted.house.keystile(['stop']);
        await mounted.house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
        assert.equal((await mounted.allow(mounted.cat())).stdout.toString(), mounted.content);
        await mounted.house.ok(['audit', 'verify']);
      },
    );

    test('no trace holds a value', async () => assertNoCanary(await mounted.traces(), mounted.secret, 'a trace'));
  });

  describe(`a daemon that is killed (${place.backend})`, { skip: place.skip }, () => {
    test('I3: while a reader waits and another one is in the middle of 300 KB, both end, and the path goes', async () => {
      const large = Object.fromEntries(['A', 'B', 'C', 'D', 'E'].map((name) => [name, name.repeat(60_000)]));
      await using mounted = await MountHouse.open(place, large);
      mounted.write('half.cjs', HALF);
      const half = mounted.start(nodeOf(mounted.house), ['half.cjs'], { keepsInput: true });
      let words = '';
      half.process.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
      await mounted.approve((await mounted.request(half.pid)).requestId);
      await eventually(() => (words.includes('some') ? true : undefined), 'the first bytes');
      const waiting = mounted.cat();
      await mounted.request(waiting.pid);
      process.kill(await mounted.house.daemonPid(), 'SIGKILL');
      await eventually(() => (isThere(mounted.path) ? undefined : true), 'the path to go');
      half.process.stdin?.end('\n');
      const ends: readonly Read[] = await Promise.all([half.done, waiting.done]);
      assert.equal(ends[1]?.stdout.toString(), '');
      // A pipe or a file was full already; the file system of FUSE is gone.
      assert.ok(place.backend !== 'fuse' || Number(ends[0]?.stdout.toString()) < 300_000);
      await mounted.house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
      assert.equal((await mounted.state()).state, 'mounted');
      const read = await mounted.allow(mounted.cat());
      assert.ok(read.stdout.length > 300_000);
      await mounted.house.ok(['audit', 'verify']);
    });
  });
}
