// Who stands where the daemon should: an impostor on its sockets, a second daemon, and a home that others could reach.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { agentWith, attack, isRunning, ORDINARY, OTHER_USER, startProgram, until } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, House, PASSPHRASE, structured } from '../house.ts';

describe('an impostor on the socket', () => {
  for (const mode of ['silent', 'junk', 'forged']) {
    test(`S03: a ${mode} one is refused by the command line and the MCP server, and never hears the passphrase`, async () => {
      await using house = await House.open(ORDINARY);
      const secret = canary();
      const environmentId = await house.environment('shop', { API_TOKEN: secret });
      const pid = await house.daemonPid();
      const heard = join(house.project, 'heard');
      const run = join(house.home, 'run');
      const impostor = await startProgram(house, 'attack-impostor.ts', [
        mode,
        heard,
        join(run, 'control.sock'),
        join(run, 'agent.sock'),
      ]);
      try {
        const [unlock, status, run, read, agent] = await Promise.all([
          house.human(['unlock', '--format', 'json']),
          house.keystile(['status', '--format', 'json']),
          house.keystile(['run', '--environment', 'shop', '--format', 'json', '--', 'true']),
          house.human(['read', 'op://Work/shop/password', '--format', 'json']),
          agentWith(house, environmentId),
        ]);
        for (const done of [unlock, status, run, read]) {
          assert.equal(done.code, 9, done.stderr);
          assert.equal(JSON.parse(done.stderr || done.stdout).error.code, 'daemon/impostor');
        }
        const answer = structured(await agent.raw('list_environments'));
        assert.equal(answer['status'], 'approver_unavailable');
        assert.match(String(answer['message']), /doctor|human/i);
        await agent.client.close();
        const bytes = readFileSync(heard);
        assert.ok(bytes.length > 0, 'it was spoken to');
        assertNoCanary(bytes, [PASSPHRASE, secret], 'what the impostor heard');
        assert.ok(!bytes.includes('shop'), 'nor what was to be read');
      } finally {
        impostor.stdin?.end();
        await attack(house, 'kill', ['-KILL', String(pid)]);
        await until('the daemon to end', () => !isRunning(pid));
      }
    });
  }
});

describe('two daemons on one home are impossible', () => {
  test('X06: five starts at once make one daemon, also over the sockets that a killed one left', async () => {
    await using house = await House.open(ORDINARY);
    const first = await house.daemonPid();
    await attack(house, 'kill', ['-KILL', String(first)]);
    await until('the daemon to end', () => !isRunning(first));
    assert.ok(existsSync(join(house.home, 'run', 'control.sock')), 'a stale socket lies there');
    const starts = await Promise.all(
      Array.from({ length: 5 }, async () => await house.keystile(['start', '--format', 'json'])),
    );
    for (const { code, stderr } of starts) assert.equal(code, 0, stderr);
    const pids = [...new Set(starts.map(({ stdout }) => JSON.parse(stdout).pid as number))];
    assert.equal(pids.length, 1);
    await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    await house.ok(['audit', 'verify']);
  });

  test('X06: one that is started by hand refuses, and the sockets of the first stay', async () => {
    await using house = await House.open(ORDINARY);
    const pid = await house.daemonPid();
    const inode = lstatSync(join(house.home, 'run', 'control.sock')).ino;
    const { code, stderr } = await house.keystile(['start', '--foreground']);
    assert.equal(code, 1);
    assert.match(stderr, /runs on this home/);
    const flags = ['--disable-sigusr1', '--disable-proto=delete', '--no-global-search-paths'];
    const script = join(house.launcher, '..', '..', 'dist', 'daemon.js');
    const clean = { PATH: house.env['PATH'] ?? '', HOME: house.root, KEYSTILE_HOME: house.home };
    const second = await attack(
      house,
      join(house.home, 'bin', 'node'),
      [...flags, '--disable-warning=ExperimentalWarning', script],
      { env: clean },
    );
    assert.equal(second.code, 1);
    assert.match(second.stderr, /another daemon runs on this home/);
    assert.equal(await house.daemonPid(), pid);
    assert.equal(lstatSync(join(house.home, 'run', 'control.sock')).ino, inode);
  });
});

describe('a home that is not fit', () => {
  const init = async (house: House, home: string) =>
    await attack(house, house.launcher, ['init', '--passphrase-stdin'], {
      env: { KEYSTILE_HOME: home },
      input: `${PASSPHRASE}\n`,
    });

  test('S13: a socket path of 107 bytes works, one of 108 is a clear error', async () => {
    await using house = await House.open({ ...ORDINARY, isEmpty: true });
    // <home>/run/control.sock
    const room = 107 - '/run/control.sock'.length - house.project.length - 1;
    const [fits, long] = [join(house.project, 'h'.repeat(room)), join(house.project, 'h'.repeat(room + 1))];
    const done = await init(house, fits);
    assert.equal(done.code, 0, done.stderr);
    await attack(house, house.launcher, ['stop'], { env: { KEYSTILE_HOME: fits } });
    const refused = await init(house, long);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /108 bytes long; the system allows 107; set KEYSTILE_HOME to .* at least 1 bytes shorter/,
    );
    assert.equal(existsSync(long), false);
  });

  test('S02: a link, a folder of another user, and one that others can write are refused and left empty', async () => {
    await using house = await House.open({ ...ORDINARY, isEmpty: true });
    const make = (name: string, mode: number): string => {
      const path = join(house.project, name);
      mkdirSync(path, { mode });
      chmodSync(path, mode);
      if (house.uid !== undefined) chownSync(path, house.uid, house.uid);
      return path;
    };
    const target = make('target', 0o700);
    const link = join(house.project, 'link');
    symlinkSync(target, link);
    if (house.uid !== undefined) lchownSync(link, house.uid, house.uid);
    const group = make('group', 0o770);
    const world = make('world', 0o707);
    const foreign = make('foreign', 0o700);
    if (house.uid !== undefined) chownSync(foreign, OTHER_USER, OTHER_USER);
    const parent = make('parent', 0o777);
    const cases: [string, RegExp][] = [
      [link, /symbolic link/],
      [group, /chmod 700/],
      [world, /chmod 700/],
      [join(parent, 'home'), /.*/],
      ...(house.uid === undefined ? [] : [[foreign, /belongs to another user|cannot/] satisfies [string, RegExp]]),
    ];
    for (const [home, why] of cases) {
      const { code, stderr } = await init(house, home);
      assert.equal(code, 1, home);
      assert.match(stderr, why, home);
      assert.deepEqual(existsSync(home) ? readdirSync(home) : [], [], home);
    }
    const file = join(house.project, 'file');
    writeFileSync(file, '');
    assert.notEqual((await init(house, file)).code, 0);
  });
});
