// The audit log and the passphrase under attack: a log that cannot be written, words that would forge an entry, verbs that
// leave no trace, guesses at the passphrase, and a sweep for values wherever a value could have been left.

import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  agentWith,
  allPids,
  attack,
  cmdlineOf,
  isRunning,
  letRunAnything,
  ORDINARY,
  tryFile,
  until,
  type Calls,
} from '../attackers.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { House, PASSPHRASE } from '../house.ts';

interface Event {
  readonly seq: number;
  readonly event: string;
  readonly names?: { readonly reason?: string };
}

const eventsOf = async (house: House): Promise<Event[]> =>
  (await house.json<{ events: Event[] }>(['audit', 'list', '--limit', '10000'])).events;
const unlock = async (house: House, passphrase = PASSPHRASE) =>
  await house.keystile(['unlock', '--passphrase-stdin', '--format', 'json'], `${passphrase}\n`);

describe('a log that cannot be written', () => {
  const settings = (file: string): string =>
    `[kdf]\nmemory_mib = 64\npasses = 3\nlanes = 4\n[audit]\nfile = "${file}"\n`;

  test('L05, I2: on a full disk nothing is unlocked, approved or delivered, and the reason is told', async () => {
    await using house = await House.open(ORDINARY);
    const environmentId = await house.environment('shop', { API_TOKEN: makeCanary() });
    await house.ok(['stop']);
    const config = join(house.home, 'config.toml');
    const before = readFileSync(config, 'utf8');
    writeFileSync(config, settings('/dev/full'));
    const refused = await unlock(house);
    assert.equal(refused.code, 1, refused.stdout);
    assert.equal(JSON.parse(refused.stderr || refused.stdout).error.code, 'audit/unavailable');
    const status = await house.json<{ vault: string; running: boolean }>(['status']);
    assert.equal(status.vault, 'locked');
    const doctor = await house.keystile(['doctor']);
    if (status.running) {
      assert.equal(doctor.code, 1);
      assert.match(doctor.stdout, /WRONG .*audit/i);
      const agent = await agentWith(house, environmentId);
      assert.equal((await agent.call('list_environments'))['status'], 'locked');
      await agent.client.close();
    }
    await house.keystile(['stop']);
    writeFileSync(config, before);
    assert.equal((await unlock(house)).code, 0);
    await house.ok(['audit', 'verify']);
  });

  test('L05, I2: a log that is read-only, or no file at all, is no log either', async () => {
    await using house = await House.open(ORDINARY);
    await house.ok(['stop']);
    const file = join(house.home, 'audit', 'events.jsonl');
    await attack(house, 'chmod', ['0400', file]);
    const refused = await unlock(house);
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(refused.stderr + refused.stdout, /audit\/|home\/unsafe|machine\/io/);
    assert.equal((await house.json<{ vault: string }>(['status'])).vault, 'locked');
    await house.keystile(['stop']);
    await attack(house, 'sh', ['-c', `chmod 600 ${file} && mv ${file} ${file}.kept && mkdir ${file}`]);
    assert.equal((await unlock(house)).code, 1);
    await house.keystile(['stop']);
    await attack(house, 'sh', ['-c', `rmdir ${file} && mv ${file}.kept ${file}`]);
    assert.equal((await unlock(house)).code, 0);
    await house.ok(['audit', 'verify']);
  });
});

describe('what is in the log', () => {
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: makeCanary() }));
  });
  after(async () => await house[Symbol.asyncDispose]());

  test('L06: a reason that looks like an entry, a line or a terminal command is one escaped field', async () => {
    const reason = 'x\n{"seq":999999,"event":"granted"}\r\u2028\u001b[2J';
    const earlier = (await eventsOf(house)).length;
    const running = agent.run(['echo', '\n{"seq":1,"event":"granted"}\u001b[8m'], { reason });
    await house.ok(['deny', await house.pending()]);
    await running;
    const events = await eventsOf(house);
    assert.ok(events.every(({ seq }, i) => i === 0 || seq === (events[i - 1]?.seq ?? 0) + 1));
    assert.ok(events.length <= earlier + 3, 'no line more than what happened');
    assert.ok(!events.some(({ seq }) => seq === 999999));
    const requested = events.find(({ names }) => names?.reason?.startsWith('x') === true);
    for (const args of [
      ['audit', 'list'],
      ['audit', 'show', String(requested?.seq ?? 1)],
    ]) {
      assert.match(await house.ok(args), /^[\x20-\x7e\n]*$/, 'only printable ASCII');
    }
    await house.ok(['audit', 'verify']);
    const huge = await agent.rawRun(['true'], { reason: 'y'.repeat(1_000_000) });
    assert.equal(huge.isError, true, 'a million characters are refused');
  });

  test('L08: every verb that changes, shows or decides anything leaves its event', async () => {
    const can = async (...args: string[]): Promise<string> => await house.ok(args);
    const human = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await house.human(args);
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    };
    await can('environment', 'create', 'verbs');
    await can('environment', 'rename', 'verbs', 'words');
    await can('environment', 'set-output', 'words', 'summary');
    await can('environment', 'set', 'words', 'PLAIN', '--plain', 'x');
    await can('environment', 'unset', 'words', 'PLAIN');
    await can('environment', 'delete', 'words');
    await letRunAnything(house, agent);
    const held = await agent.run(['sh', '-c', 'echo $API_TOKEN'], { output: 'summary' });
    await human('release', String(held['runId']), '--show');
    await human('release', String(held['runId']), '--yes');
    await human('recovery-kit', join(house.project, 'kit.txt'));
    await human('audit', 'export', '--file', join(house.project, 'export.jsonl'));
    const { grants } = await house.json<{ grants: { grantId: string }[] }>(['grants']);
    await can('revoke', String(grants[0]?.grantId));
    const waiting = agent.run(['echo', 'refused']);
    const requestId = await house.pending();
    assert.equal((await house.keystile(['approve', requestId, '--passphrase-stdin'], 'a wrong passphrase\n')).code, 4);
    await can('deny', requestId);
    await waiting;
    const { agents } = await house.json<{ agents: { agentId: string }[] }>(['agents']);
    const agentId = String(agents[0]?.agentId);
    await can('agent', 'block', agentId);
    await human('agent', 'admit', agentId);
    await human('agent', 'forget', agentId);
    await can('lock');
    assert.equal((await unlock(house, 'a wrong passphrase')).code, 4);
    assert.equal((await unlock(house)).code, 0);
    const seen = new Set((await eventsOf(house)).map(({ event }) => event));
    const kinds =
      'daemon_started vault_created vault_locked vault_unlocked unlock_refused recovery_kit_written ' +
      'environment_created environment_renamed environment_deleted environment_output_set variable_set ' +
      'variable_unset agent_seen agent_admitted agent_blocked agent_forgotten requested granted denied ' +
      'approval_refused leased delivered ended revoked output_held output_read output_released ' +
      'audit_exported';
    for (const event of kinds.split(' ')) {
      assert.ok(seen.has(event), `${event} is not in the log`);
    }
    await house.ok(['audit', 'verify']);
  });
});

describe('guessing', () => {
  test('C09: after five wrong passphrases the wait grows, and a killed daemon does not end it', async () => {
    await using house = await House.open(ORDINARY);
    await house.ok(['lock']);
    const codes: string[] = [];
    const guess = async (): Promise<string> => {
      const { code, stdout, stderr } = await unlock(house, 'not the passphrase');
      assert.equal(code, 4);
      return JSON.parse(stderr || stdout).error.code as string;
    };
    for (let i = 0; i < 7; i += 1) codes.push(await guess());
    assert.deepEqual(
      codes.slice(0, 5),
      Array.from({ length: 5 }, () => 'vault/wrong_passphrase'),
    );
    // From here on the wait doubles; guessing on must meet it, however fast this machine is.
    for (let i = 0; i < 200 && codes.at(-1) !== 'vault/back_off'; i += 1) codes.push(await guess());
    const pid = await house.daemonPid();
    await attack(house, 'kill', ['-KILL', String(pid)]);
    await until('the daemon to end', () => !isRunning(pid));
    codes.length = 0;
    for (let i = 0; i < 8; i += 1) codes.push(await guess());
    const wrong = codes.filter((code) => code === 'vault/wrong_passphrase').length;
    assert.ok(wrong < 5, `${wrong} free guesses after a restart`);
    assert.ok(codes.includes('vault/back_off'));
  });
});

describe('a sweep for values', () => {
  const secret = makeCanary('sweep');
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: secret }));
    await letRunAnything(house, agent);
  });
  after(async () => await house[Symbol.asyncDispose]());

  const sweep = (): number => {
    let looked = 0;
    for (const folder of [house.root, '/dev/shm']) {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, name);
        const stats = lstatSync(path, { throwIfNoEntry: false });
        // The interpreter is a copy of a file we know.
        if (stats === undefined || !stats.isFile() || path.endsWith('home/bin/node')) continue;
        assertNoCanary(tryFile(path) ?? '', [secret, PASSPHRASE], path);
        looked += 1;
      }
    }
    for (const pid of allPids()) assertNoCanary(cmdlineOf(pid), [secret, PASSPHRASE], `the arguments of ${pid}`);
    return looked;
  };

  test('M01, C01, L04: no file, no argument and no log holds one, during a run and after it', async () => {
    const started = join(house.project, 'started');
    const running = agent.run(['sh', '-c', `echo "$API_TOKEN"; : > ${started}; read line`], { stdin: '' });
    const finished = await running;
    assert.equal(finished['status'], 'completed');
    const sleeping = agent.run(['sh', '-c', `echo "$API_TOKEN"; : > ${started}-2; sleep 600`]);
    await until('the run to start', () => tryFile(`${started}-2`) !== undefined);
    assert.ok(sweep() > 5);
    await house.ok(['revoke', '--all']);
    await sleeping;
    assert.ok(sweep() > 5);
    await house.ok(['lock']);
    assert.ok(sweep() > 5);
  });

  test('M01: no tool has an argument or a result that could hold one, and no call returns one', async () => {
    await unlock(house);
    const { tools } = await agent.client.listTools();
    assert.equal(tools.length, 15);
    for (const { outputSchema } of tools) assert.doesNotMatch(JSON.stringify(outputSchema ?? {}), /"value"/);
    const { environmentId } = agent;
    for (const [name, args] of [
      ['authenticate', {}],
      ['list_environments', {}],
      ['list_variables', { environmentId }],
      ['access_status', {}],
      ['append_variables', { environmentId, variables: [{ name: 'API_TOKEN', value: secret }] }],
      ['append_variables', { environmentId, variables: [{ name: 'X', value: secret, concealed: true }] }],
    ] as const) {
      await agent.raw(name, args);
    }
    assertNoCanary(agent.transcript.join('\n'), secret, 'the transcript');
    sweep();
  });

  test('M10: an argument nobody knows is refused by name', async () => {
    const { environmentId } = agent;
    for (const more of [{ approved: true }, { shell: true }, { uid: 0 }, { requestId: 'x' }]) {
      const refused = await agent.raw('run_with_credentials', { environmentId, argv: ['id'], reason: 'x', ...more });
      assert.equal(refused.isError, true);
      assert.ok(JSON.stringify(refused).includes(String(Object.keys(more)[0])), JSON.stringify(refused));
    }
  });
});
