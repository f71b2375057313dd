// Where a file is mounted: links and swapped folders, what is put in its place later, and what git knows of it (F08 to F10).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { attack, needsRoot } from '../attackers.ts';
import { eventually, has, type Done } from '../house.ts';
import { isThere, MountHouse, PLACES } from '../programs/mount-house.ts';
import { mountOver } from '../programs/mount-over.ts';

const needsGit = { skip: has('git') ? false : 'git is not installed' };

for (const place of PLACES) {
  describe(`the path of a mounted file (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    let project: string;
    before(async () => {
      mounted = await MountHouse.unmounted(place);
      project = mounted.house.project;
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    const folder = (name: string): string => {
      const path = join(mounted.house.root, name);
      mkdirSync(path, { mode: 0o700 });
      const { uid } = mounted.house;
      if (uid !== undefined) chownSync(path, uid, uid);
      return path;
    };
    const add = async (path: string): Promise<Done> =>
      await mounted.house.keystile(['mount', 'shop', path, '--backend', place.backend, '--format', 'json']);
    const refused = async (path: string, code: RegExp): Promise<void> => {
      const done = await add(path);
      assert.notEqual(done.code, 0, path);
      assert.match(done.stdout + done.stderr, code);
    };

    test('F08: no link is followed, at the path or on the way to it, and what it leads to is untouched', async () => {
      const target = mounted.write(join(mounted.house.root, 'bashrc'), 'alias x=y\n');
      symlinkSync(target, mounted.path);
      await refused(mounted.path, /mount\/exists/);
      unlinkSync(mounted.path);
      symlinkSync(join(mounted.house.root, 'nowhere'), mounted.path);
      await refused(mounted.path, /mount\/exists/);
      unlinkSync(mounted.path);
      symlinkSync(project, join(mounted.house.root, 'link'));
      await refused(join(mounted.house.root, 'link', '.env'), /mount\/unsafe/);
      assert.equal(readFileSync(target, 'utf8'), 'alias x=y\n');
      assert.ok(!isThere(join(mounted.house.root, 'nowhere')));
      assert.ok(!isThere(mounted.path));
    });

    test('F08: a folder of others, one they can write, and our own are refused', needsRoot, async () => {
      const theirs = folder('theirs');
      chownSync(theirs, 1002, 1002);
      await refused(join(theirs, '.env'), /mount\/unsafe/);
      const open = folder('open');
      await attack(mounted.house, 'chmod', ['0777', open]);
      await refused(join(open, '.env'), /mount\/unsafe/);
      await refused(join(mounted.house.home, '.env'), /mount\/unsafe/);
      await refused(join(project, 'not-there', '.env'), /mount\/unsafe/);
    });

    test('F08: a folder that is swapped for a link while it is mounted gets no mount in another place', async () => {
      const real = folder('swapped');
      const elsewhere = folder('elsewhere');
      const path = join(real, '.env');
      const over = new AbortController();
      const swapping = (async () => {
        while (!over.signal.aborted) {
          renameSync(real, `${real}.away`);
          symlinkSync(elsewhere, real);
          await new Promise((settle) => setImmediate(settle));
          unlinkSync(real);
          renameSync(`${real}.away`, real);
          await new Promise((settle) => setImmediate(settle));
        }
      })();
      let made = 0;
      for (let i = 0; i < 5; i += 1) {
        const { code } = await add(path);
        if (code !== 0) continue;
        made += 1;
        await mounted.house.keystile(['unmount', path]);
      }
      over.abort();
      await swapping;
      await mounted.house.keystile(['unmount', path]);
      assert.ok(!isThere(join(elsewhere, '.env')), `${made} were made in the right place`);
    });

    test('F10: a file that is there is not replaced, whatever it is', async () => {
      mounted.write('.env', 'A=1\n');
      await refused(mounted.path, /mount\/exists.*import/s);
      assert.equal(readFileSync(mounted.path, 'utf8'), 'A=1\n');
      unlinkSync(mounted.path);
      mkdirSync(mounted.path);
      await refused(mounted.path, /mount\/exists/);
      rmSync(mounted.path, { recursive: true });
    });

    test(
      'F10: what git tracks is refused, with commands that put it right; what it does not is ignored',
      needsGit,
      async () => {
        const repository = folder('repository');
        const git = async (...args: string[]): Promise<string> => {
          const done = await attack(mounted.house, 'git', ['-c', 'user.name=x', '-c', 'user.email=x', ...args], {
            cwd: repository,
          });
          assert.equal(done.code, 0, done.stderr);
          return done.stdout;
        };
        const path = join(repository, '.env');
        await git('init', '-q');
        mounted.write(path, 'A=1\n');
        await git('add', '.env');
        await git('commit', '-qm', 'a mistake');
        unlinkSync(path);
        const done = await add(path);
        assert.notEqual(done.code, 0);
        const { error } = JSON.parse(done.stdout || done.stderr) as { error: { code: string; hint: string } };
        assert.equal(error.code, 'mount/tracked');
        const commands = /^run: (.*)$/s.exec(error.hint)?.[1] ?? '';
        await git('config', 'user.email', 'x@example.org');
        await git('config', 'user.name', 'x');
        const fixed = await attack(mounted.house, '/bin/sh', ['-c', commands], { cwd: '/' });
        assert.equal(fixed.code, 0, fixed.stderr);
        assert.equal((await add(path)).code, 0);
        assert.equal((await git('status', '--porcelain', '--untracked-files=all')).includes('.env'), false);
        await mounted.house.ok(['unmount', path]);

        const other = join(repository, 'other.env');
        assert.equal((await add(other)).code, 0);
        assert.match(readFileSync(join(repository, '.git', 'info', 'exclude'), 'utf8'), /^\/other\.env$/m);
        assert.equal((await git('status', '--porcelain', '--untracked-files=all')).includes('other.env'), false);
        await mounted.house.ok(['unmount', other]);
      },
    );
  });

  describe(`what is put in the place of a mounted file (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    let path: string;
    let served: string;
    before(async () => {
      mounted = await MountHouse.unmounted(place);
      path = mounted.path;
    });
    after(async () => await mounted[Symbol.asyncDispose]());
    afterEach(async () => await mounted.house.keystile(['unmount', path]));

    const isTampered = async (): Promise<void> => {
      await eventually(async () => ((await mounted.state(path)).state === 'tampered' ? true : undefined), 'tampering');
    };

    /** A reader is allowed, the path is tampered with, and then nobody is served and one event tells of it. */
    const tampered = async (tamper: () => void): Promise<void> => {
      await mounted.mount();
      assert.equal((await mounted.allow(mounted.cat())).stdout.toString(), mounted.content);
      const events = (await mounted.events('mount_tampered')).length;
      tamper();
      const at = performance.now();
      await isTampered();
      served = `${Math.round(performance.now() - at)} ms`;
      assert.match((await mounted.state()).note, /something else stands at the path/);
      await mounted.recorded('mount_tampered', ({ facts }) => facts['mountId'] !== undefined);
      assert.equal((await mounted.events('mount_tampered')).length, events + 1);
      assert.deepEqual((await mounted.house.json<{ grants: unknown[] }>(['grants'])).grants, []);
    };

    test('F09: a file in its place is noticed, told once, not touched, and not served', async (t) => {
      await tampered(() => {
        unlinkSync(path);
        mounted.write(path, 'API_TOKEN=fake\n');
      });
      t.diagnostic(`noticed after ${served}`);
      assert.equal(readFileSync(path, 'utf8'), 'API_TOKEN=fake\n');
      await mounted.house.ok(['unmount', path]);
      assert.equal(readFileSync(path, 'utf8'), 'API_TOKEN=fake\n', 'unmounting leaves it too');
      unlinkSync(path);
    });

    test('F09: a named pipe of the attacker is noticed, and nothing is written to it', async () => {
      await tampered(() => {
        unlinkSync(path);
        execFileSync('mkfifo', [path]);
      });
      assert.ok(lstatSync(path).isFIFO());
      const reader = mounted.start('/usr/bin/timeout', ['1', '/usr/bin/cat', path], { uid: 0 });
      assert.equal((await reader.done).stdout.toString(), '');
      unlinkSync(path);
    });

    test('F09: a link of the attacker is noticed, and stays', async () => {
      const fake = mounted.write('fake.env', 'API_TOKEN=fake\n');
      await tampered(() => {
        unlinkSync(path);
        symlinkSync(fake, path);
      });
      assert.equal(readlinkSync(path), fake);
      unlinkSync(path);
    });

    test('F09: a renamed folder, and one above it, are noticed', async () => {
      const { project, root, uid = -1 } = mounted.house;
      const [above, folder] = [join(project, 'a'), join(project, 'a', 'b')];
      for (const made of [above, folder]) {
        mkdirSync(made);
        chownSync(made, uid, uid);
      }
      path = join(folder, '.env');
      for (const renamed of [folder, above]) {
        await mounted.mount(path);
        renameSync(renamed, join(root, 'away'));
        await isTampered();
        await mounted.house.ok(['unmount', path]);
        renameSync(join(root, 'away'), renamed);
        // Where it went to nobody could say; it leads nowhere.
        rmSync(path, { force: true });
      }
      path = mounted.path;
    });

    test('F09: what was moved away serves nobody any more', async () => {
      await mounted.mount();
      const away = `${path}.away`;
      renameSync(path, away);
      await isTampered();
      const read = await mounted.start('/usr/bin/timeout', ['20', '/usr/bin/cat', away]).done;
      assert.notEqual(read.code, 124, 'it does not wait');
      assert.equal(read.stdout.toString(), '');
      rmSync(away, { force: true });
    });

    test('F09: after the fake is gone, the human mounts again and is asked again', async () => {
      await tampered(() => {
        unlinkSync(path);
        mounted.write(path, 'API_TOKEN=fake\n');
      });
      unlinkSync(path);
      assert.equal((await mounted.state()).state, 'tampered', 'it does not come back by itself');
      await mounted.mount();
      assert.equal((await mounted.allow(mounted.cat())).stdout.toString(), mounted.content);
    });
  });
}

describe('the folder that a link leads to', { skip: PLACES.find(({ backend }) => backend === 'fuse')?.skip }, () => {
  test('F09: a file system that is mounted over ours is noticed, and nobody is led to it any more', async () => {
    // As the user of this test: it has to mount as the daemon does.
    await using mounted = await MountHouse.open({ backend: 'fuse', options: {}, skip: false });
    const target = readlinkSync(mounted.path);
    const inner = dirname(target);
    const leave = await mountOver(dirname(inner), basename(inner), basename(target), Buffer.from('API_TOKEN=fake\n'));
    try {
      await eventually(async () => ((await mounted.state()).state === 'tampered' ? true : undefined), 'tampering');
      assert.ok(!isThere(mounted.path), 'the link is gone');
      assert.equal((await mounted.events('mount_tampered')).length, 1);
      assert.notEqual((await mounted.house.keystile(['mount', 'shop', mounted.path])).code, 0);
    } finally {
      await leave();
    }
  });

  test('F09: and so is one that was unmounted', async () => {
    await using mounted = await MountHouse.open({ backend: 'fuse', options: {}, skip: false });
    const folder = dirname(dirname(readlinkSync(mounted.path)));
    assert.equal((await mounted.start('fusermount3', ['-u', '-z', folder]).done).code, 0);
    await eventually(async () => ((await mounted.state()).state === 'tampered' ? true : undefined), 'tampering');
    assert.ok(!isThere(mounted.path), 'the link is gone');
    await mounted.house.ok(['unmount', mounted.path]);
    await mounted.mount();
    assert.equal((await mounted.allow(mounted.cat())).stdout.toString(), mounted.content);
  });
});
