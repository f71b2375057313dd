// Who reads a mounted file: nobody whom the human did not see, under whatever name and in whatever company (F01, F02, F04).

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProgram } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { has } from '../house.ts';
import { assertNothing, MountHouse, PLACES, readerOf } from '../programs/mount-house.ts';

const needsUnshare = { skip: has('unshare') ? false : 'unshare is not installed' };

for (const place of PLACES) {
  describe(`readers of a mounted file (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    let codex: string;
    before(async () => {
      mounted = await MountHouse.open(place);
      codex = join(mounted.house.root, 'codex');
      copyFileSync('/bin/sh', codex);
      chmodSync(codex, 0o755);
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    test('F01: an unapproved reader waits, is shown as the system sees it, and gets nothing after a no', async () => {
      const reading = mounted.cat();
      const view = await mounted.request();
      const reader = readerOf(view);
      assert.equal(reader?.process.pid, reading.pid);
      assert.equal(reader.process.program, '/usr/bin/cat');
      assert.deepEqual(reader.process.argv, ['/usr/bin/cat', mounted.path]);
      assert.match(reader.process.startedAt, /^\d+$/);
      assert.match(reader.programDigest, /^[0-9a-f]{64}$/);
      assert.equal(view.request.agent.ancestors[0]?.pid, process.pid);
      await mounted.deny(view.requestId);
      assertNothing(await reading.done, mounted);
      const denied = await mounted.recorded('denied', ({ facts }) => facts['requestId'] === view.requestId);
      assert.equal(denied.facts['pid'], reading.pid);
      assert.deepEqual(await mounted.events('delivered'), []);
    });

    test('F01: what was refused is refused again without another question, and counted in the log', async () => {
      assertNothing(await mounted.read('/usr/bin/cat', [mounted.path]), mounted);
      await mounted.recorded('refused', ({ facts }) => facts['why'] === 'denied');
    });

    test('F02: a second reader that comes while the first one waits is a question of its own, and gets nothing of its answer', async () => {
      const first = mounted.start('/usr/bin/head', ['-c', '64', mounted.path]);
      const asked = await mounted.request(first.pid);
      const thief = mounted.start('/usr/bin/dd', [`if=${mounted.path}`]);
      const other = await mounted.request(thief.pid);
      await mounted.approve(asked.requestId);
      assert.equal((await first.done).stdout.toString(), mounted.content.slice(0, 64));
      await mounted.deny(other.requestId);
      assertNothing(await thief.done, mounted);
    });

    test('F02: readers that come together are let in all or none, and who was refused is never among them', async () => {
      const allowed = await mounted.allow(mounted.start('/usr/bin/head', ['-c', '64', mounted.path]));
      assert.equal(allowed.stdout.length, 64);
      const readers = Array.from({ length: 10 }, (_, i) =>
        i % 2 === 0
          ? mounted.start('/usr/bin/head', ['-c', '64', mounted.path])
          : mounted.start('/usr/bin/dd', [`if=${mounted.path}`]),
      );
      const reads = await Promise.all(readers.map(async ({ done }) => await done));
      for (const [i, read] of reads.entries()) {
        if (i % 2 === 1) assertNothing(read, mounted);
        else assert.ok([0, 64].includes(read.stdout.length), 'whole or nothing');
        if (i % 2 === 0 && place.backend === 'fuse') assert.equal(read.stdout.length, 64);
      }
    });

    test(
      'F02: who held on to what stood at the path (O_PATH) gets nothing when another one is let in',
      { skip: place.backend === 'fuse' ? 'every open is a question of its own' : false },
      async () => {
        const thief = await startProgram(mounted.house, 'mount-thief.ts', [mounted.path]);
        const stolen: Buffer[] = [];
        thief.stdout?.on('data', (chunk: Buffer) => stolen.push(chunk));
        const over = new Promise((settle) => thief.once('close', settle));
        const reading = mounted.start('/bin/sh', ['-c', `exec 3<${mounted.path}; sleep 1; cat <&3`]);
        const view = await mounted.requestOf(reading);
        if (view !== null) await mounted.approve(view.requestId);
        const { stdout } = await reading.done;
        assert.ok(['', mounted.content].includes(stdout.toString()), 'whole or nothing');
        thief.stdin?.end();
        await over;
        assertNoCanary(Buffer.concat(stolen), mounted.secret, 'the hands of the thief');
        await mounted.recorded('refused', ({ facts }) => ['collided', 'unidentified'].includes(String(facts['why'])));
      },
    );

    test('F04: a program that nobody may read, and so nobody can tell, is refused without a question', async () => {
      const closed = join(mounted.house.root, 'closed-cat');
      await mounted.start('/bin/sh', ['-c', `cp /bin/cat ${closed}; chmod 0111 ${closed}`], { uid: 0 }).done;
      const read = await mounted.read(closed, [mounted.path]);
      assertNothing(read, mounted);
      await mounted.recorded('refused', ({ facts }) => facts['why'] === 'unidentified');
    });

    test(
      'F04: a reader in a pid namespace that no agent made is refused without a question',
      needsUnshare,
      async () => {
        const earlier = (await mounted.events('refused')).length;
        const read = await mounted.read('unshare', ['-Urpf', '--kill-child', '/usr/bin/tac', mounted.path]);
        assertNothing(read, mounted);
        // One of a kind is counted for ten seconds before it is on the record again.
        await mounted.recorded('refused', ({ seq }) => seq > 0 && earlier > 0);
      },
    );

    test('F04: one below a coding agent is known by the agent, and asked about', needsUnshare, async () => {
      const script = `unshare -Urpf --kill-child /usr/bin/tac ${mounted.path}; true`;
      const reading = mounted.start(codex, ['-c', script]);
      const view = await mounted.request();
      assert.equal(view.request.agent.process.pid, reading.pid);
      assert.equal(view.request.agent.process.program, codex);
      assert.equal(readerOf(view)?.isUnderAgent, true);
      const prompt = await mounted.house.ok(['requests', view.requestId]);
      assert.match(prompt, /started by +a coding agent/);
      assert.ok(prompt.includes(codex));
      await mounted.approve(view.requestId);
      assert.match((await reading.done).stdout.toString(), new RegExp(mounted.secret));
    });

    test('F01: another user gets nothing, root included', async () => {
      const folder = mounted.house.project;
      chmodSync(folder, 0o755);
      chmodSync(mounted.house.root, 0o755);
      for (const uid of [0, 1002]) {
        const read = await mounted.read('/usr/bin/cat', [mounted.path], { uid, cwd: '/' });
        assert.equal(read.stdout.toString(), '', `user ${uid}`);
      }
    });

    test('no trace of the daemon holds a value', async () => {
      assertNoCanary(await mounted.traces(), mounted.secret, 'a trace');
      await mounted.house.ok(['audit', 'verify']);
    });
  });
}
