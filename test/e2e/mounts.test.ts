// The ordinary life of a mounted file, from the command line and from an agent, on every back end.

import assert from 'node:assert/strict';
import { chmodSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agentWith, nodeOf, type Calls } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, PASSPHRASE } from '../house.ts';
import { assertNothing, isThere, MountHouse, PLACES, type Read, type Reading } from '../programs/mount-house.ts';

for (const place of PLACES) {
  describe(`the life of a mounted file (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    before(async () => {
      mounted = await MountHouse.open(place);
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    /** Answers the one reader that waits. */
    const answered = async (reading: Reading, ...flags: string[]): Promise<Read> => {
      await mounted.approve((await mounted.request(reading.pid)).requestId, ...flags);
      return await reading.done;
    };
    const unlock = async (): Promise<void> => {
      await mounted.house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    };

    test('it is listed with how it is served, and is no plain file', async () => {
      const { state, backend, readers, environmentName, hasBackup } = await mounted.state();
      assert.deepEqual(
        [state, backend, readers, environmentName, hasBackup],
        ['mounted', place.backend, 0, 'shop', false],
      );
      assert.equal(lstatSync(mounted.path).isFile(), false);
    });

    test('a yes for once lets one process read again and again, as one lease, and no other process', async () => {
      const script = mounted.write(
        'thrice.cjs',
        `for (let i = 0; i < 3; i += 1) process.stdout.write(require('fs').readFileSync('.env'));`,
      );
      const read = await answered(mounted.start(nodeOf(mounted.house), [script]));
      assert.equal(read.stdout.toString(), mounted.content.repeat(3), read.stderr);
      const ended = await mounted.recorded('ended', ({ facts }) => facts['mountId'] !== undefined);
      assert.equal(ended.facts['count'], 3);
      assert.equal((await mounted.events('leased')).length, 1);
      await mounted.refuse(mounted.start(nodeOf(mounted.house), [script]));
      await mounted.house.ok(['mounts', '--ask-again', mounted.path]);
    });

    test('a yes for 15 minutes counts for the program, and revoking it ends that', async () => {
      const read = await answered(mounted.cat(), '--for', '15m', '--scope', 'program');
      assert.equal(read.stdout.toString(), mounted.content);
      assert.equal((await mounted.read('/usr/bin/cat', [mounted.path])).stdout.toString(), mounted.content);
      const { grants } = await mounted.house.json<{ grants: { grantId: string; path: string }[] }>(['grants']);
      const grant = grants.find(({ path }) => path === mounted.path);
      await mounted.house.ok(['revoke', String(grant?.grantId)]);
      assertNothing(await mounted.refuse(mounted.cat()), mounted);
      await mounted.house.ok(['mounts', '--ask-again', mounted.path]);
    });

    test('the next reader has what was set last, and a variable without a value is left out by name', async () => {
      const other = canary();
      await mounted.house.ok(['environment', 'set', 'shop', 'OTHER', '--value-stdin'], other);
      const read = await answered(mounted.cat());
      assert.equal(read.stdout.toString(), `${mounted.content}OTHER=${other}\n`);
      await mounted.house.ok(['environment', 'unset', 'shop', 'OTHER']);
      assert.deepEqual((await mounted.state()).leftOut, []);
    });

    test('a yes until lock ends with the lock: the path is gone, and comes back with the unlock', async () => {
      const read = await answered(mounted.cat(), '--until-lock', '--scope', 'program');
      assert.equal(read.stdout.toString(), mounted.content);
      await mounted.house.ok(['lock']);
      assert.ok(!isThere(mounted.path));
      await unlock();
      assert.equal((await mounted.state()).state, 'mounted');
      assertNothing(await mounted.refuse(mounted.cat()), mounted);
      await mounted.house.ok(['lock']);
      await unlock();
      assert.equal((await answered(mounted.cat())).stdout.toString(), mounted.content, 'a no ends with the lock too');
    });

    test('a no for good outlives the daemon, until the human asks again', async () => {
      const reading = mounted.start('/usr/bin/head', [mounted.path]);
      await mounted.deny((await mounted.request(reading.pid)).requestId, '--block');
      assertNothing(await reading.done, mounted);
      assert.deepEqual((await mounted.state()).denied, ['/usr/bin/head']);
      await mounted.house.ok(['stop']);
      assert.ok(!isThere(mounted.path));
      await mounted.house.ok(['start']);
      await unlock();
      assertNothing(await mounted.read('/usr/bin/head', [mounted.path]), mounted);
      await mounted.house.ok(['mounts', '--ask-again', mounted.path]);
      assert.equal((await answered(mounted.start('/usr/bin/head', [mounted.path]))).stdout.toString(), mounted.content);
    });

    test('unmounting takes the path away', async () => {
      await mounted.house.ok(['unmount', mounted.path]);
      assert.ok(!isThere(mounted.path));
      assert.equal((await mounted.house.keystile(['unmount', mounted.path])).code, 7);
    });

    test('a plain file is imported, mounted in its place, and restored byte for byte with its mode', async () => {
      const value = canary();
      const text = `# mine\nexport IMPORTED='${value}'\r\nPORT=8080\n`;
      mounted.write('.env', text, 0o640);
      chmodSync(mounted.path, 0o640);
      await mounted.house.ok(['environment', 'import', 'site', mounted.path, '--mount', '--backend', place.backend]);
      assert.equal((await mounted.state()).hasBackup, true);
      const read = await answered(mounted.cat());
      assert.equal(read.stdout.toString(), `# Written by keystile\nIMPORTED=${value}\nPORT=8080\n`);
      const { code, stderr } = await mounted.house.human(['unmount', mounted.path, '--restore']);
      assert.equal(code, 0, stderr);
      assert.equal(readFileSync(mounted.path, 'utf8'), text);
      assert.equal(lstatSync(mounted.path).mode & 0o7777, 0o640);
      assertNoCanary(await mounted.traces(), [value, mounted.secret], 'a trace');
    });

    test('the copy of a file that was imported can be dropped for good, with the passphrase', async () => {
      await mounted.house.ok(['environment', 'import', 'shed', mounted.path, '--mount', '--backend', place.backend]);
      assert.equal((await mounted.house.keystile(['unmount', mounted.path, '--forget-backup'])).code, 4);
      assert.equal((await mounted.house.human(['unmount', mounted.path, '--forget-backup'])).code, 0);
      assert.equal((await mounted.state()).hasBackup, false);
      assert.equal((await mounted.house.human(['unmount', mounted.path, '--restore'])).code, 7);
    });

    test('a mount goes with its environment', async () => {
      await mounted.house.ok(['environment', 'delete', 'shed']);
      assert.ok(!isThere(mounted.path));
      assert.deepEqual((await mounted.house.json<{ mounts: unknown[] }>(['mounts'])).mounts, []);
      await mounted.house.ok(['audit', 'verify']);
    });
  });
}

describe('an agent mounts files', () => {
  const place = PLACES.find(({ skip }) => skip === false) ?? assert.fail('no back end works here');
  const imported = canary();
  let mounted: MountHouse;
  let agent: Calls;
  before(async () => {
    mounted = await MountHouse.unmounted(place);
    agent = await agentWith(mounted.house, mounted.environmentId, 'mounter');
  });
  after(async () => {
    await agent.client.close();
    await mounted[Symbol.asyncDispose]();
    assertNoCanary(agent.transcript.join('\n'), [mounted.secret, imported], 'what the agent has seen');
  });

  test('mounting asks the human, who sees the path and the names', async () => {
    const making = agent.call('create_local_env_file', {
      environmentId: mounted.environmentId,
      mountPath: mounted.path,
    });
    const [view] = await eventually(async () => {
      const requests = await mounted.requests();
      return requests.length > 0 ? requests : undefined;
    }, 'a request');
    assert.equal(view?.action, 'Mount');
    assert.equal(view.path, mounted.path);
    assert.deepEqual(view.variables, ['API_TOKEN']);
    assert.ok(!isThere(mounted.path), 'nothing is made before');
    await mounted.approve(view.requestId);
    assert.deepEqual([(await making)['status'], (await making)['mountPath']], ['completed', mounted.path]);
  });

  test('it lists what is mounted, by environment, and learns no value', async () => {
    const { files } = await agent.call('list_local_env_files', {});
    assert.deepEqual(files, [{ mountPath: mounted.path, environmentId: mounted.environmentId, state: 'mounted' }]);
    const elsewhere = { environmentId: 'env_0123456789abcdefghjk' };
    assert.deepEqual((await agent.call('list_local_env_files', elsewhere))['files'], []);
  });

  test('each program that opens it is a question to the human, the same as for a mount of theirs', async () => {
    const read = await mounted.allow(mounted.cat());
    assert.equal(read.stdout.toString(), mounted.content);
  });

  test('it takes its own mount away without a question, and that of the human only with one', async () => {
    const removed = await agent.call('remove_local_env_file', { mountPath: mounted.path });
    assert.equal(removed['status'], 'completed');
    assert.ok(!isThere(mounted.path));
    await mounted.mount();
    const removing = agent.call('remove_local_env_file', { mountPath: mounted.path });
    const requestId = await mounted.house.pending();
    assert.ok(isThere(mounted.path));
    await mounted.deny(requestId);
    assert.equal((await removing)['status'], 'denied');
    assert.ok(isThere(mounted.path));
    await mounted.house.ok(['unmount', mounted.path]);
  });

  test('it imports a file with a yes, and has names', async () => {
    mounted.write('.env', `IMPORTED=${imported}\nPORT=1\n`, 0o600);
    const importing = agent.call('import_env_file', { path: mounted.path, environmentName: 'of the agent' });
    await mounted.house.approve();
    const { status, variableNames } = await importing;
    assert.deepEqual([status, variableNames], ['completed', ['IMPORTED', 'PORT']]);
    assert.equal((await mounted.state()).hasBackup, true);
    const plain = join(mounted.house.project, 'plain.env');
    mounted.write(plain, `IMPORTED=${imported}\n`, 0o600);
    const other = agent.call('import_env_file', { path: plain, environmentName: 'other', mount: false });
    await mounted.house.approve();
    assert.equal((await other)['status'], 'completed');
    assert.equal(readFileSync(plain, 'utf8'), `IMPORTED=${imported}\n`, 'the file stays');
  });

  test('what the daemon keeps of all that holds no value', async () => {
    assertNoCanary(await mounted.traces(), [mounted.secret, imported], 'a trace');
  });
});
