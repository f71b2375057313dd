// The import as a way into files that are nobody's business, and into the vault's names (F08, M02).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agentWith, needsRoot, type Calls } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually } from '../house.ts';
import { isThere, MountHouse, PLACES } from '../programs/mount-house.ts';

const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\n';

const place = PLACES.find(({ skip }) => skip === false) ?? assert.fail('no back end works here');

test('an agent that was not admitted learns nothing of names, files or mounts by it', async () => {
  await using mounted = await MountHouse.open(place);
  const path = mounted.write('guess.env', 'API_TOKEN=1\n');
  const stranger = await agentWith(mounted.house, mounted.environmentId, 'stranger');
  const asks = [
    async () => await stranger.call('import_env_file', { path, environmentName: 'shop', mount: false }),
    async () => await stranger.call('import_env_file', { path: '/nowhere', environmentName: 'x', mount: false }),
    async () => await stranger.call('remove_local_env_file', { mountPath: mounted.path }),
    async () => await stranger.call('remove_local_env_file', { mountPath: '/nowhere' }),
  ];
  const answers = asks.map(async (ask) => await ask());
  const view = await eventually(async () => (await mounted.requests())[0], 'to be admitted');
  assert.equal(view.action, 'Connect');
  await mounted.deny(view.requestId);
  const [first, ...others] = await Promise.all(answers);
  assert.equal(first?.['status'], 'denied');
  for (const other of others) assert.deepEqual(other, first, 'all the same');
  await stranger.client.close();
});

describe('an import that is an attack', () => {
  const value = canary();
  let mounted: MountHouse;
  let agent: Calls;
  before(async () => {
    mounted = await MountHouse.unmounted(place);
    agent = await agentWith(mounted.house, mounted.environmentId, 'importer');
  });
  after(async () => {
    await agent.client.close();
    await mounted[Symbol.asyncDispose]();
  });

  const raw = async (path: string, environmentName = 'loot', mount = true): Promise<string> =>
    JSON.stringify(await agent.raw('import_env_file', { path, environmentName, mount }));
  const refused = async (path: string, why: RegExp): Promise<string> => {
    for (const mount of [true, false]) {
      const text = await raw(path, 'loot', mount);
      assert.match(text, why, path);
      assert.match(text, /"isError":true/);
      assert.deepEqual(await mounted.requests(), [], 'nobody was asked');
    }
    return await raw(path);
  };

  test('F08: links, pipes, folders, devices and missing files are refused before anybody is asked', async () => {
    const listing = agent.call('list_environments');
    await mounted.house.approve();
    await listing;
    const key = mounted.write(join(mounted.house.root, 'id_rsa'), `${KEY}${value}\n`, 0o600);
    symlinkSync(key, mounted.path);
    await refused(mounted.path, /symbolic link/);
    rmSync(mounted.path);
    execFileSync('mkfifo', [mounted.path]);
    if (mounted.house.uid !== undefined) chownSync(mounted.path, mounted.house.uid, mounted.house.uid);
    await refused(mounted.path, /not a regular file/);
    rmSync(mounted.path);
    mkdirSync(mounted.path);
    await refused(mounted.path, /not a regular file|cannot be read/);
    rmSync(mounted.path, { recursive: true });
    await refused(mounted.path, /no such file/);
    for (const device of ['/dev/zero', '/dev/stdin', '/proc/self/environ', '/proc/self/mem'])
      await refused(device, /./);
    await refused('relative.env', /absolute/);
    await refused(`${mounted.house.project}/a/../b`, /absolute/);
    await refused(`${mounted.path}\n`, /absolute|control/);
  });

  test('F08: files of other users, and the vault itself, are refused', needsRoot, async () => {
    await refused('/etc/passwd', /another user/);
    await refused('/etc/shadow', /EACCES|another user/);
    for (const name of ['vault.db', 'device.key', 'config.toml', 'audit/events.jsonl']) {
      const text = await refused(join(mounted.house.home, name), /dotenv\/invalid|folder of keystile|too_large/);
      assert.doesNotMatch(text, /SQLite|memory_mib/);
    }
  });

  test('I4: a file that is no dotenv file is refused with a line and a column, and none of its bytes', async () => {
    const bodies = [
      `${KEY}${value}\n`,
      `A=1\n${value}\n`,
      `A='${value}\n`,
      `A=1\n =${value}\n`,
      `${value} = ${value}\n`,
      `A=${value}\0\n`,
    ];
    for (const body of bodies) {
      mounted.write('bad.env', body);
      const text = await raw(join(mounted.house.project, 'bad.env'));
      if (/approval_pending|"status":"completed"/.test(text)) assert.fail('it was taken');
      assert.match(text, /line \d+|name\/invalid/, JSON.stringify(body));
      assertNoCanary(text, value, 'the answer');
      assert.doesNotMatch(text, /BEGIN|OPENSSH/);
    }
    assert.deepEqual(await mounted.requests(), []);
  });

  test('I8: two mebibytes, and a file that grows without end, are refused', async () => {
    const path = mounted.write('large.env', `A=${'x'.repeat(2 * 1024 * 1024)}\n`);
    await refused(path, /too_large/);
    truncateSync(path, 2 ** 40);
    await refused(path, /too_large/);
    rmSync(path);
  });

  test('I5: a file that changed between the question and the yes is not imported', async () => {
    const path = mounted.write('later.env', `A=${value}\n`);
    for (const change of [
      () => mounted.write(path, `A=${value}\nEVIL=1\n`),
      () => {
        mounted.write(`${path}.new`, `B=${value}\n`);
        renameSync(`${path}.new`, path);
      },
      () => {
        rmSync(path);
        symlinkSync(mounted.write('target.env', `A=${value}\n`), path);
      },
    ]) {
      rmSync(path, { force: true });
      mounted.write(path, `A=${value}\n`);
      const importing = raw(path, 'later');
      const requestId = await mounted.house.pending();
      change();
      await mounted.approve(requestId);
      const text = await importing;
      assert.match(text, /operand_changed|symbolic link/);
      assertNoCanary(text, value, 'the answer');
      const { environments } = await mounted.house.json<{ environments: { name: string }[] }>(['environment', 'list']);
      assert.ok(!environments.some(({ name }) => name === 'later'), 'nothing was made');
      assert.ok(isThere(path), 'the file is where it was');
    }
  });

  test('F08: a file is restored to where it was, and not through a link that took the place of its folder', async () => {
    const folder = join(mounted.house.project, 'site');
    const elsewhere = join(mounted.house.root, 'elsewhere');
    const { uid = -1 } = mounted.house;
    for (const made of [folder, elsewhere]) {
      mkdirSync(made);
      chownSync(made, uid, uid);
    }
    const path = mounted.write(join(folder, '.env'), `RESTORED=${value}\n`);
    await mounted.house.ok(['environment', 'import', 'site', path, '--mount', '--backend', place.backend]);
    await mounted.house.ok(['unmount', path]);
    renameSync(folder, `${folder}.away`);
    symlinkSync(elsewhere, folder);
    const refusal = await mounted.house.human(['unmount', path, '--restore']);
    assert.notEqual(refusal.code, 0);
    assert.match(refusal.stderr, /symbolic link/);
    assert.ok(!isThere(join(elsewhere, '.env')));
    rmSync(folder);
    renameSync(`${folder}.away`, folder);
    writeFileSync(path, 'mine\n');
    assert.notEqual((await mounted.house.human(['unmount', path, '--restore'])).code, 0, 'nothing is replaced');
    assert.equal(readFileSync(path, 'utf8'), 'mine\n');
    rmSync(path);
    assert.equal((await mounted.house.human(['unmount', path, '--restore'])).code, 0);
    assert.equal(readFileSync(path, 'utf8'), `RESTORED=${value}\n`);
  });

  test('I4: nothing the agent has seen, and nothing the daemon keeps, holds a byte of a file', async () => {
    assert.ok(agent.transcript.length > 20);
    assertNoCanary(agent.transcript.join('\n'), [value, mounted.secret], 'what the agent has seen');
    assertNoCanary(await mounted.traces(), [value, mounted.secret], 'a trace');
  });
});
