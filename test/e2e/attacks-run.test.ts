// An agent that may run anything with a credential tries to get it out of the run, and to get more into the run than the
// human saw.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agentWith, attack, isRunning, letRunAnything, ORDINARY, nodeOf, tryFile, type Calls } from '../attackers.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { House, PASSPHRASE } from '../house.ts';

describe('a value does not come out of a run', () => {
  /** With quotes, spaces and letters of two bytes: every shell and tool spells it otherwise. */
  const secret = makeCanary('out');
  /** No spelling changes these, so they betray any spelling that was missed. */
  const core = /[0-9a-f]{24}/.exec(secret)?.[0] ?? assert.fail('the canary has changed');
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: secret }));
    await letRunAnything(house, agent);
  });
  after(async () => {
    assertNoCanary(agent.transcript.join('\n'), secret, 'the transcript');
    await house[Symbol.asyncDispose]();
  });

  const outputOf = async (argv: readonly string[], more: Record<string, unknown> = {}): Promise<string> => {
    const { stdout, stderr } = await agent.run(argv, more);
    const text = `${String(stdout)}${String(stderr)}`;
    assertNoCanary(text, secret, argv.join(' '));
    assert.ok(!text.includes(core), `${argv.join(' ')} shows a part of the value`);
    return text;
  };

  for (const argv of [
    ['env'],
    ['env', '-0'],
    ['printenv', 'API_TOKEN'],
    ['cat', '/proc/self/environ'],
    ['bash', '-c', 'declare -p; export -p; set'],
    ['sh', '-c', 'export -p; set'],
    ['bash', '-c', 'printf %q "$API_TOKEN"; echo "${API_TOKEN@Q}${API_TOKEN@A}"'],
  ]) {
    test(`O01: ${argv.join(' ')}`, async () => {
      assert.match(await outputOf(argv), /API_TOKEN/);
    });
  }

  for (const shell of ['bash', 'sh']) {
    test(`O02: ${shell} -x shows the value in its own quotes, and they are masked`, async () => {
      const code = 'curl -sH "Authorization: Bearer $API_TOKEN" http://127.0.0.1:9; : "$API_TOKEN"; echo "a$API_TOKEN"';
      assert.match(await outputOf([shell, '-xc', code]), /Bearer/);
    });
  }

  test('O05: written byte by byte, to both streams in turn, it is masked as if written at once', async () => {
    const whole = await agent.run(['sh', '-c', 'printf %s "$API_TOKEN"']);
    const bytes = 'n=0; printf %s "$API_TOKEN" | while IFS= read -r -N1 c; do printf %s "$c"; sleep 0.001; done';
    const split = await agent.run(['bash', '-c', `LC_ALL=C; ${bytes}`]);
    assert.equal(split['stdout'], whole['stdout']);
    assert.doesNotMatch(String(split['stdout']), /\ufffd/);
    await outputOf(['bash', '-c', `${bytes} >&2`]);
  });

  test('O28: a run is no oracle for the values of another environment', async () => {
    const other = makeCanary('other');
    await house.environment('vault of others', { OTHER_TOKEN: other });
    const { stdout, redactions } = await agent.run(['echo', other]);
    assert.equal(stdout, `${other}\n`, 'a guess looks the same whether it is right or wrong');
    assert.deepEqual(redactions, []);
  });

  test('O26: nothing is written after the run has ended, not even from a session of its own', async () => {
    const late = join(house.project, 'late');
    const pids = join(house.project, 'late-pids');
    const linger = `sh -c 'echo $$ >> ${pids}; sleep 2; echo $API_TOKEN > ${late}'`;
    const { exitCode } = await agent.run(['sh', '-c', `${linger} & setsid ${linger} & nohup ${linger} & sleep 0.3`]);
    assert.equal(exitCode, 0);
    const left = String(tryFile(pids)).trim().split('\n').map(Number);
    assert.equal(left.length, 3);
    assert.deepEqual(left.filter(isRunning), []);
    assert.equal(existsSync(late), false);
  });

  test('O30: a program that crashes leaves no core and no value', async () => {
    await outputOf(['bash', '-c', 'ulimit -c unlimited; echo "$API_TOKEN" >&2; kill -SEGV $$']);
    const { signal } = await agent.run(['bash', '-c', 'ulimit -c; kill -ABRT $$']);
    assert.equal(signal, 'SIGABRT');
    const thrown = await outputOf([
      nodeOf(house),
      '--abort-on-uncaught-exception',
      '-e',
      'throw process.env.API_TOKEN',
    ]);
    assert.match(thrown, /Uncaught/);
    assert.deepEqual(
      readdirSync(house.project).filter((name) => name.startsWith('core')),
      [],
    );
  });

  test('exit codes and signals are told as they were', async () => {
    assert.equal((await agent.run(['sh', '-c', 'exit 7']))['exitCode'], 7);
    const killed = await agent.run(['sh', '-c', 'kill -USR2 $$']);
    assert.deepEqual([killed['exitCode'], killed['signal']], [null, 'SIGUSR2']);
    assert.equal((await agent.run(['sh', '-c', 'echo x; exec >&-; exit 255']))['exitCode'], 255);
  });

  test('M04, M05: a reference is not resolved in an argument', async () => {
    const refused = await agent.rawRun(['echo', 'op://shop/item/field']);
    assert.equal(refused.isError, true);
    assert.match(JSON.stringify(refused), /reference_in_argv/);
  });
});

describe('what an agent sets must not change what runs', () => {
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open({ ...ORDINARY, isEmpty: true });
    const init = await attack(house, house.launcher, ['init', '--passphrase-stdin'], {
      env: { PATH: `./bin::bin:.:${String(process.env['PATH'])}` },
      input: `${PASSPHRASE}\n`,
    });
    assert.equal(init.code, 0, init.stderr);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: makeCanary() }));
    await letRunAnything(house, agent);
  });
  after(async () => await house[Symbol.asyncDispose]());

  const groups = {
    E01: 'LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES GLIBC_TUNABLES GCONV_PATH',
    E02:
      'NODE_OPTIONS NODE_PATH BASH_ENV ENV BASH_FUNC_ls%% PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5OPT PERL5LIB RUBYOPT ' +
      'JAVA_TOOL_OPTIONS DOTNET_STARTUP_HOOKS PHP_INI_SCAN_DIR LUA_INIT ZDOTDIR R_PROFILE PATH HOME SHELL IFS PS4 ' +
      'KEYSTILE_RUN KEYSTILE_HOME',
    E03:
      'GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GIT_CONFIG_GLOBAL GIT_SSH_COMMAND GIT_ASKPASS ' +
      'GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_PAGER',
    E04:
      'HTTPS_PROXY https_proxy ALL_PROXY NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED SSL_CERT_FILE ' +
      'REQUESTS_CA_BUNDLE SSLKEYLOGFILE AWS_ENDPOINT_URL OPENAI_BASE_URL',
  };
  for (const [id, list] of Object.entries(groups)) {
    const names = list.split(' ');
    test(`${id}: ${names.slice(0, 3).join(', ')} … are refused by name`, async () => {
      for (const name of names) {
        const refused = await agent.rawRun(['true'], { env: { [name]: '/planted' } });
        assert.equal(refused.isError, true, name);
        assert.match(JSON.stringify(refused), /input\/environment_refused/, name);
        assert.ok(JSON.stringify(refused).includes(`env.${name}`), name);
      }
    });
  }

  test('E09: nor can an environment hold them', async () => {
    for (const name of ['PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'HOME', 'A=B', '', 'A B', 'A\nB']) {
      const { code } = await house.keystile(['environment', 'set', 'shop', name, '--value-stdin'], 'x'.repeat(20));
      assert.equal(code, 2, JSON.stringify(name));
    }
  });

  test('E07: the first program of that name on the PATH of the agent is not the one that runs', async () => {
    const marker = join(house.project, 'hijacked');
    mkdirSync(join(house.project, 'bin'));
    for (const path of ['bin/true', 'true', 'bin/printenv']) {
      const evil = join(house.project, path);
      writeFileSync(evil, `#!/bin/sh\n: > ${marker}\n`);
      chmodSync(evil, 0o755);
      if (house.uid !== undefined) chownSync(evil, house.uid, house.uid);
    }
    assert.equal((await agent.run(['true']))['exitCode'], 0);
    const { stdout } = await agent.run(['sh', '-c', 'true; echo "$PATH"']);
    assert.equal(existsSync(marker), false, 'the planted program ran');
    for (const folder of String(stdout).trim().split(':')) assert.match(folder, /^\//);
  });

  test('A11, E07: a program or folder that is not there is named, and nothing else is tried', async () => {
    for (const [argv, more, code] of [
      [['no-such-program'], {}, 'program/not_found'],
      [['./no-such-program'], {}, 'program/not_found'],
      [['true'], { cwd: join(house.project, 'gone') }, 'input/invalid'],
      [['true'], { cwd: 'relative' }, 'input/invalid'],
    ] as const) {
      const refused = await agent.rawRun(argv, more);
      assert.equal(refused.isError, true);
      assert.ok(JSON.stringify(refused).includes(code), JSON.stringify(refused));
    }
  });
});
