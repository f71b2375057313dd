// A program of the same user attacks the daemon as a process: it looks into it, signals it, traces it, and plants
// things in the environment it will be started from.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  agentWith,
  attack,
  isRoot,
  isRunning,
  letRunAnything,
  needsRoot,
  ORDINARY,
  runnersOf,
  socketsOf,
  until,
  type Calls,
} from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, has, House, PASSPHRASE } from '../house.ts';

/** What /proc shows of a process to nobody but itself, when it is not dumpable (proc(5)). */
const CLOSED = ['environ', 'mem', 'maps', 'smaps', 'auxv', 'pagemap', 'syscall', 'stack', 'io', 'personality'];
const CLOSED_FOLDERS = ['fd', 'fdinfo', 'map_files', 'cwd/', 'root/'];

describe('the daemon and its runners are closed to programs of the same user', () => {
  const secret = canary();
  let house: House;
  let agent: Calls;
  let pid: number;
  let running: Promise<unknown>;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: secret }));
    await letRunAnything(house, agent);
    pid = await house.daemonPid();
    const started = join(house.project, 'started');
    running = agent.run(['sh', '-c', `: > ${started}; exec sleep 600`]);
    await until('the run to start', () => existsSync(started));
  });

  after(async () => {
    await house.ok(['revoke', '--all']);
    await running;
    await house[Symbol.asyncDispose]();
  });

  const victims = (): [string, number][] => [
    ['the daemon', pid],
    ...runnersOf(pid).map((runner): [string, number] => ['a runner', runner]),
  ];

  test('N03: /proc shows nothing of them', async () => {
    assert.ok(victims().length >= 2, 'a run is under way, so there is a runner');
    for (const [who, victim] of victims()) {
      for (const name of CLOSED) {
        const { code, stdout } = await attack(house, 'head', ['-c', '1', `/proc/${victim}/${name}`]);
        assert.notEqual(code, 0, `${name} of ${who} can be read`);
        assert.equal(stdout, '', `${name} of ${who}`);
      }
      for (const name of CLOSED_FOLDERS) {
        const { code, stdout } = await attack(house, 'ls', [`/proc/${victim}/${name}`]);
        assert.notEqual(code, 0, `${name} of ${who} can be listed`);
        assert.equal(stdout, '', `${name} of ${who}`);
      }
      const link = await attack(house, 'readlink', [`/proc/${victim}/exe`]);
      assert.notEqual(link.code, 0, `exe of ${who}`);
      const write = await attack(house, 'sh', [
        '-c',
        `echo x > /proc/${victim}/mem || echo y > /proc/${victim}/oom_score_adj`,
      ]);
      assert.notEqual(write.code, 0, `mem of ${who} can be written`);
    }
  });

  test('N03: what everybody may see of them holds no value', async () => {
    for (const [who, victim] of victims()) {
      for (const name of ['cmdline', 'comm', 'stat', 'status', 'limits', 'sched', 'wchan', 'cgroup']) {
        const { stdout } = await attack(house, 'cat', [`/proc/${victim}/${name}`]);
        assertNoCanary(stdout, [secret, PASSPHRASE], `${name} of ${who}`);
      }
    }
  });

  test('N03: gdb cannot attach', { skip: has('gdb') ? false : 'there is no gdb here' }, async () => {
    for (const [who, victim] of victims()) {
      const { stdout, stderr } = await attack(house, 'gdb', ['-batch', '-p', String(victim), '-ex', 'info registers']);
      assert.match(stdout + stderr, /not permitted/i, who);
      assert.doesNotMatch(stdout, /\brip\b|\bpc\b/, who);
    }
  });

  test('N03: strace cannot attach', { skip: has('strace') ? false : 'there is no strace here' }, async () => {
    for (const [who, victim] of victims()) {
      const { code, stderr } = await attack(house, 'strace', ['-p', String(victim)]);
      assert.notEqual(code, 0, who);
      assert.match(stderr, /not permitted/i, who);
    }
  });

  test('N01: SIGUSR1 opens no inspector', async () => {
    for (const [, victim] of victims()) await attack(house, 'kill', ['-USR1', String(victim)]);
    // A signal that is handled is handled before the next answer.
    const answered = await house.keystile(['status', '--format', 'json']);
    assert.equal(answered.code, 0, answered.stderr);
    const listening = readFileSync('/proc/net/tcp', 'utf8') + readFileSync('/proc/net/tcp6', 'utf8');
    // 9229 in hexadecimal, in the state LISTEN.
    assert.doesNotMatch(listening, /:240D [0-9A-F:]+ 0A/);
    assert.equal(JSON.parse(answered.stdout).pid, pid, 'the same daemon still answers');
  });

  test('S15: it listens on its two sockets and on nothing else', needsRoot, () => {
    const inodes = socketsOf(pid);
    // unix(7): the flag 0x10000 is __SO_ACCEPTCON, a socket that listens.
    const listening = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , flags, , , inode]) => flags === '00010000' && inodes.has(inode ?? ''))
      .map((fields) => String(fields[7]));
    assert.deepEqual(
      listening.toSorted((a, b) => a.localeCompare(b)),
      [join(house.home, 'run', 'agent.sock'), join(house.home, 'run', 'control.sock')],
    );
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'packet', 'netlink']) {
      const lines = existsSync(`/proc/net/${table}`) ? readFileSync(`/proc/net/${table}`, 'utf8').split('\n') : [];
      const own = lines.filter((line) =>
        line
          .trim()
          .split(/\s+/)
          .some((field) => inodes.has(field)),
      );
      assert.deepEqual(own, [], table);
    }
  });
});

describe('signals that dump core', () => {
  for (const signal of ['ABRT', 'SEGV']) {
    test(`N06: after SIG${signal} there is no core, no report and no heap anywhere, and the next daemon starts`, async () => {
      await using house = await House.open(ORDINARY);
      const pid = await house.daemonPid();
      assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
      const before = new Set(readdirSync(tmpdir()));
      await attack(house, 'kill', [`-${signal}`, String(pid)]);
      await until('the daemon to end', () => !isRunning(pid));
      const suspicious = /core|report\.|heapsnapshot|heapprofile|\.dmp/;
      const left = [house.home, house.project, house.root].flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }),
      );
      assert.deepEqual(
        left.filter((name) => suspicious.test(name)),
        [],
      );
      assert.deepEqual(
        readdirSync(tmpdir()).filter((name) => !before.has(name) && suspicious.test(name)),
        [],
      );
      await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
      assert.notEqual(await house.daemonPid(), pid);
      await house.ok(['audit', 'verify']);
    });
  }
});

describe('an environment that was prepared by somebody else', () => {
  let house: House;
  let marker: string;
  let hostile: Record<string, string>;

  before(async () => {
    house = await House.open(ORDINARY);
    await house.ok(['stop']);
    marker = join(house.project, 'pwned');
    const plant = (name: string, text: string): string => {
      const path = join(house.root, name);
      writeFileSync(path, text, { mode: 0o644 });
      return path;
    };
    const script = plant(
      'plant.cjs',
      `require('fs').appendFileSync(${JSON.stringify(marker)}, process.argv.join(' '))\n`,
    );
    const shell = plant('plant.sh', `echo "$0" >> ${marker}\n`);
    mkdirSync(join(house.project, 'node_modules', 'koffi'), { recursive: true });
    writeFileSync(join(house.project, 'node_modules', 'koffi', 'index.js'), readFileSync(script, 'utf8'));
    writeFileSync(join(house.project, '.npmrc'), `node-options=--require ${script}\nscript-shell=${shell}\n`);
    hostile = {
      NODE_OPTIONS: `--inspect=127.0.0.1:0 --require ${script} --no-disable-sigusr1`,
      NODE_PATH: join(house.project, 'node_modules'),
      NODE_EXTRA_CA_CERTS: script,
      NODE_V8_COVERAGE: join(house.project, 'coverage'),
      NODE_DEBUG: 'net,fs',
      NODE_REPL_EXTERNAL_MODULE: script,
      BASH_ENV: shell,
      ENV: shell,
      npm_config_node_options: `--require ${script}`,
      npm_config_script_shell: shell,
      npm_execpath: script,
      PYTHONSTARTUP: script,
      PERL5OPT: '-Mplanted',
      GIT_CONFIG_COUNT: '1',
      AWS_SECRET_ACCESS_KEY: 'someone-elses-secret-key',
      EVIL: '1',
    };
  });

  after(async () => await house[Symbol.asyncDispose]());

  const keystile = async (args: string[], input = '') =>
    await attack(house, house.launcher, args, { env: hostile, input });
  const kept = /^(?:HOME|PATH|LANG|LC_[A-Z]+|TERM|TZ|USER|LOGNAME|SHELL|TMPDIR|XDG_DATA_HOME|KEYSTILE_HOME)=/;

  test('N02, E06: nothing of it reaches the command line or the daemon that it starts', async () => {
    const started = await keystile(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    assert.equal(started.code, 0, started.stderr);
    assert.equal(started.stderr, '');
    assert.equal(existsSync(marker), false, 'planted code ran');
    assert.equal(existsSync(join(house.project, 'coverage')), false);
    if (!isRoot) return;
    const pid = await house.daemonPid();
    for (const victim of [pid, ...runnersOf(pid)]) {
      const names = readFileSync(`/proc/${victim}/environ`, 'utf8').split('\0').filter(Boolean);
      assert.deepEqual(
        names.filter((line) => !kept.test(line)),
        [],
      );
    }
  });

  test('N02: nor the MCP server', async () => {
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello });
    const { stdout } = await keystile(['mcp'], `${line}\n`);
    assert.equal(JSON.parse(stdout).id, 1, 'every byte of standard output is the protocol');
    assert.equal(existsSync(marker), false, 'planted code ran');
  });

  test('E06, E13: nor the program of a run, which gets three descriptors and a short list of variables', async () => {
    const secret = canary();
    const agent = await agentWith(house, await house.environment('shop', { API_TOKEN: secret }));
    await letRunAnything(house, agent);
    const { stdout } = await agent.run(['env']);
    const names = String(stdout).split('\n').filter(Boolean);
    assert.deepEqual(
      names.filter((text) => !kept.test(text) && !/^(?:API_TOKEN|KEYSTILE_RUN)=/.test(text)),
      [],
    );
    assert.doesNotMatch(String(stdout), /KEYSTILE_HOME/);
    const fds = await agent.run(['ls', '/proc/self/fd']);
    assert.equal(fds['stdout'], '0\n1\n2\n3\n', 'the fourth is the folder that ls reads');
    assert.equal(existsSync(marker), false, 'planted code ran');
  });
});
