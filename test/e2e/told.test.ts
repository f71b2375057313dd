// What is said about masking, and to whom: to the agent what was hidden and no more, to the human what a run left behind,
// what it looks like, and what it printed.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { processTable } from '../../src/machine/processes.ts';
import { isRunning } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { Sitting } from '../doors/sitting.ts';
import { canary, eventually, has, House, PASSPHRASE, structured } from '../house.ts';
import type { Client } from '../mcp-client.ts';

interface Event {
  readonly seq: number;
  readonly event: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly names?: Readonly<Record<string, unknown>>;
}

interface Listed {
  readonly held: readonly { runId: string }[];
  readonly notices: readonly { runId: string; kind: string }[];
}

const secret = canary();
let house: House;
let agent: Client;
let environmentId: string;
/** All that an agent got. */
const seen: string[] = [];

before(async () => {
  house = await House.open();
  environmentId = await house.environment('shop', { API_TOKEN: secret });
  agent = await house.agent();
  await letRunAnything();
});

after(async () => {
  const log = readFileSync(join(house.home, 'audit', 'events.jsonl'));
  await house[Symbol.asyncDispose]();
  assertNoCanary(Buffer.concat([Buffer.from(seen.join('\n')), log]), secret);
});

afterEach(() => {
  // Whatever a run left behind, its agent was told nothing of it.
  assert.doesNotMatch(seen.join('\n'), /tainted|suspicious|fragments|"hits"|"places"|"signs"/);
});

async function letRunAnything(): Promise<void> {
  const running = run('true');
  await house.approve('--until-lock', '--scope', 'environment');
  assert.equal((await running)['status'], 'completed');
}

async function call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const result = await agent.callTool({ name, arguments: args });
  seen.push(JSON.stringify(result));
  return structured(result);
}

async function run(script: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  return await call('run_with_credentials', { environmentId, argv: ['bash', '-c', script], reason: 'test', ...more });
}

async function events(): Promise<readonly Event[]> {
  return (await house.json<{ events: Event[] }>(['audit', 'list', '--limit', '1000'])).events;
}

async function eventOf(runId: unknown, event: string): Promise<Event> {
  return await eventually(
    async () => (await events()).find((one) => one.facts['runId'] === runId && one.event === event),
    `${event} of ${String(runId)}`,
  );
}

function placesOf({ names }: Event): readonly unknown[] {
  const places = names?.['places'];
  return Array.isArray(places) ? places : [];
}

describe('what the agent is told', () => {
  test('names, counts and forms of what was hidden, how far to trust that, and not to try', async () => {
    const { redactions, confidence, message, outputMode } = await run(
      'echo $API_TOKEN; printf $API_TOKEN | base64 -w0',
    );
    assert.deepEqual(redactions, [{ name: 'API_TOKEN', count: 2, forms: ['base64', 'raw'] }]);
    assert.equal(confidence, 'best-effort');
    assert.match(String(message), /hidden on purpose: do not try/);
    assert.equal(outputMode, 'redacted');
  });

  test('where nothing was hidden there is nothing to say about it', async () => {
    const answer = await run('echo hello');
    assert.deepEqual([answer['redactions'], answer['message'], answer['confidence']], [[], undefined, 'best-effort']);
  });
});

describe('a suspicious run', () => {
  const FRAGMENTS = 'for i in 3 4 5; do echo "${API_TOKEN:$i:14}"; done';

  test('is on the record before its answer, with counts and names, and listed for the human', async () => {
    const { runId, status } = await run(FRAGMENTS);
    assert.equal(status, 'completed');
    const all = await events();
    const suspicious = all.find(({ event, facts }) => event === 'run_suspicious' && facts['runId'] === runId);
    const ended = all.find(({ event, facts }) => event === 'ended' && facts['runId'] === runId);
    assert.ok(suspicious !== undefined && ended !== undefined && suspicious.seq < ended.seq);
    const { fragments, scattered, decoded, why } = suspicious.facts;
    assert.deepEqual([fragments, scattered, decoded, why], [3, 0, 0, 'fragments']);
    assert.deepEqual(suspicious.names?.['variables'], ['API_TOKEN']);
    assert.match(
      await house.ok(['requests']),
      new RegExp(`!! ${String(runId)} of test-agent .*3 parts of secrets of API_TOKEN`),
    );
  });

  test('two parts, or many whole values, are not suspicious', async () => {
    const { runId } = await run(
      'for i in 3 4; do echo "${API_TOKEN:$i:14}"; done; for i in 1 2 3 4 5; do echo $API_TOKEN; done',
    );
    await eventOf(runId, 'ended');
    assert.ok((await events()).every(({ event, facts }) => event !== 'run_suspicious' || facts['runId'] !== runId));
  });

  test('is not told to a command of the agent', async () => {
    await run(FRAGMENTS);
    const { stdout } = await run(`KEYSTILE_HOME=${house.home} ${house.launcher} requests --format json`);
    const listed = JSON.parse(String(stdout)) as Listed;
    assert.deepEqual([listed.held, listed.notices], [[], []]);
    assert.ok((await house.json<Listed>(['requests'])).notices.length > 0);
  });
});

describe('what a run leaves behind', () => {
  test('is named to the human with file and line, and never to the agent', async () => {
    const { runId, stdout } = await run(
      String.raw`printf 'a\n%s\n' "$API_TOKEN" > notes.txt; echo x > $'evil\e[2J\n'"$API_TOKEN"; echo ok`,
    );
    assert.equal(stdout, 'ok\n');
    const tainted = await eventOf(runId, 'run_tainted');
    assert.equal(tainted.facts['count'], 2);
    const places = placesOf(tainted);
    assert.deepEqual(
      new Set(places),
      new Set([
        'API_TOKEN in notes.txt:2',
        String.raw`API_TOKEN in the name of evil\u{1b}[2J\u{a}[REDACTED:API_TOKEN]`,
      ]),
    );
    assert.equal(readFileSync(join(house.project, 'notes.txt'), 'utf8'), `a\n${secret}\n`, 'nothing is changed');
    for (const command of [['requests'], ['audit', 'list', '--limit', '1000']]) {
      const text = await house.ok(command);
      assert.match(text, /API_TOKEN in notes\.txt:2/, command.join(' '));
      assert.ok(!text.includes('\u001b'));
      assertNoCanary(text, secret);
    }
    await house.ok(['audit', 'verify']);
  });

  test('in the objects of git is found, also when the file is gone', { skip: !has('git') && 'needs git' }, async () => {
    const { runId } = await run(
      'mkdir repo; cd repo; git init -q .; echo $API_TOKEN > x; git add x; rm x; git status --short',
    );
    const places = placesOf(await eventOf(runId, 'run_tainted'));
    assert.match(String(places[0]), /^API_TOKEN in repo\/\.git\/objects\/..\/[0-9a-f]{38}:1$/);
  });

  test('and a run that leaves nothing is not mentioned', async () => {
    const { runId } = await run('echo hello > hello.txt');
    const { runId: next } = await run('echo $API_TOKEN > again.txt');
    await eventOf(next, 'run_tainted');
    assert.ok((await events()).every(({ event, facts }) => facts['runId'] !== runId || !/taint/.test(event)));
  });

  test('is not looked for where the setting says so', async () => {
    const settings = `${readFileSync(join(house.home, 'config.toml'), 'utf8')}[runs]\nfind_taint = false\n`;
    await using quiet = await House.open({ settings });
    const token = canary();
    const id = await quiet.environment('shop', { API_TOKEN: token });
    const other = await quiet.agent();
    const running = other.callTool({
      name: 'run_with_credentials',
      arguments: { environmentId: id, argv: ['sh', '-c', 'echo $API_TOKEN > x'], reason: 'x' },
    });
    await quiet.approve();
    await running;
    await quiet.ok(['lock']);
    assert.doesNotMatch(await quiet.ok(['audit', 'list', '--format', 'json']), /taint/);
  });
});

describe('held output', () => {
  const hold = async (script: string) => await run(script, { output: 'summary' });
  const check = async (requestId: unknown) => await call('check_request', { requestId, waitSeconds: 0 });

  test('is read by the human harmlessly, released with one answer, and fetched by the agent', async () => {
    const { runId, requestId, message, stdout, redactions } = await hold(
      String.raw`printf 'one \e[2J%s\n' "$API_TOKEN"; echo err >&2`,
    );
    assert.deepEqual([stdout, redactions], ['', []]);
    assert.match(String(message), /The human has the output.*check_request/);
    assert.equal((await check(requestId))['stdout'], '');
    assert.match(
      await house.ok(['requests']),
      new RegExp(`${String(runId)} of .* bytes of output wait for you: keystile release`),
    );
    const short = String(runId).slice(0, 12);
    const released = await house.human(['release', short]);
    assert.equal(released.code, 0, released.stderr);
    assert.match(released.stderr, /\| one \\u\{1b\}\[2J\[REDACTED:API_TOKEN\]/);
    assert.ok(!released.stderr.includes('\u001b'));
    const fetched = await check(requestId);
    assert.equal(fetched['stdout'], 'one \u001b[2J[REDACTED:API_TOKEN]\n');
    assert.equal(fetched['stderr'], 'err\n');
    assert.deepEqual(fetched['redactions'], [{ name: 'API_TOKEN', count: 1, forms: ['raw'] }]);
    const order = (await events()).filter(
      ({ event, facts }) => event.startsWith('output_') && facts['runId'] === runId,
    );
    assert.deepEqual(
      order.map(({ event }) => event),
      ['output_held', 'output_read', 'output_released'],
    );
    assert.notEqual((await house.human(['release', String(runId)])).code, 0, 'there is nothing left');
  });

  test('is not read by a command of the agent, whatever it says', async () => {
    const { runId } = await hold('echo $API_TOKEN held');
    const command = `echo '${PASSPHRASE}' | KEYSTILE_HOME=${house.home} ${house.launcher} release ${String(runId)} --show --passphrase-stdin`;
    const { stdout, stderr, exitCode } = await run(`${command}; exit $?`);
    assert.equal(exitCode, 4, String(stderr));
    assert.doesNotMatch(String(stdout), /held/);
  });

  test('is gone after a lock, and after a daemon that was killed', async () => {
    const { runId } = await hold('echo locked away');
    await house.ok(['lock']);
    await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    assert.equal((await house.human(['release', String(runId), '--show'])).code, 7);
    assert.deepEqual((await house.json<Listed>(['requests'])).held, []);
    await letRunAnything();
    // Files with holes, and so much to look through: a runner is still at it when its daemon ends.
    const next = await hold('for i in 0 1 2 3 4 5 6 7; do truncate -s 1G huge$i; done; echo lost');
    const pid = await house.daemonPid();
    const runners = processTable().flatMap((entry) => (entry.parentPid === pid ? [entry.pid] : []));
    assert.ok(runners.length > 0);
    process.kill(pid, 'SIGKILL');
    await eventually(() => (isRunning(pid) ? undefined : true), 'the daemon to be gone');
    await eventually(() => (runners.some(isRunning) ? undefined : true), 'its runners to be gone');
    await house.ok(['start']);
    await house.ok(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    assert.equal((await house.human(['release', String(next['runId']), '--show'])).code, 7);
    agent = await house.agent();
    await letRunAnything();
  });
});

describe('release at a terminal', { skip: !has('script') && 'needs script' }, () => {
  test('shows what it is about, asks one question, and takes anything but y for a no', async () => {
    const { runId, requestId } = await run('echo $API_TOKEN shown', { output: 'summary' });
    for (const [answer, code, given] of [
      ['n', '4', ''],
      ['y', '0', '[REDACTED:API_TOKEN] shown\n'],
    ] as const) {
      const sitting = new Sitting(house, ['release', String(runId)]);
      await sitting.see(/Passphrase to see held output: /);
      sitting.type(`${PASSPHRASE}\r`);
      await sitting.see(/ {2}\| \[REDACTED:API_TOKEN\] shown\n[^]*Release this to the agent\? \[y\/N\] $/);
      assert.doesNotMatch(sitting.seen, /masking cannot hide/);
      sitting.type(answer);
      assert.equal(await sitting.end(), code);
      assert.equal((await call('check_request', { requestId, waitSeconds: 0 }))['stdout'], given);
    }
  });
});

describe('a watch', { skip: !has('script') && 'needs script' }, () => {
  const watch = async (): Promise<Sitting> => {
    const sitting = new Sitting(house, ['watch']);
    await sitting.see(/Passphrase to watch and answer: /);
    sitting.type(`${PASSPHRASE}\r`);
    await sitting.see(/Nothing waits yet/);
    return sitting;
  };

  test('shows a suspicious run as it ends, and revokes everything of its agent with one key', async () => {
    const sitting = await watch();
    const { runId } = await run('for i in 3 4 5 6; do echo "${API_TOKEN:$i:14}"; done');
    await sitting.see(
      new RegExp(`!! ${String(runId)} of test-agent .*4 parts of secrets[^]*r revokes everything of test-agent`),
    );
    assert.notEqual((await house.json<{ grants: unknown[] }>(['grants'])).grants.length, 0);
    await sitting.press('r', /test-agent: revoked 1 grant/);
    assert.equal((await house.json<{ grants: unknown[] }>(['grants'])).grants.length, 0);
    sitting.type('q');
    assert.equal(await sitting.end(), '0');
    assertNoCanary(sitting.seen, secret);
    await letRunAnything();
  });

  test('shows what a run left in files', async () => {
    const sitting = await watch();
    mkdirSync(join(house.project, 'deep'));
    writeFileSync(join(house.project, 'deep', 'old.txt'), 'one\n');
    const { runId } = await run('echo "$API_TOKEN" >> deep/old.txt');
    await sitting.see(
      new RegExp(`!! ${String(runId)} of test-agent .*left secrets in files\n +API_TOKEN in deep/old\\.txt:2`),
    );
    sitting.type('q');
    assert.equal(await sitting.end(), '0');
    assertNoCanary(sitting.seen, secret);
  });

  test('reads held output with one key, page by page, and releases it with another', async () => {
    const sitting = await watch();
    const { runId, requestId } = await run('seq 100; echo $API_TOKEN', { output: 'summary' });
    await sitting.see(new RegExp(`${String(runId)} of .*bytes of output wait for you; o reads it`));
    await sitting.press('o', /\| 1\n[^]*more: space goes on/);
    sitting.type('y');
    await sitting.see(/Read to the end first/);
    await sitting.press(' ', /\| \[REDACTED:API_TOKEN\]\n[^]*Release this to the agent\? y yes/);
    await sitting.press('y', new RegExp(`${String(runId)}: released`));
    assert.match(String((await call('check_request', { requestId }))['stdout']), /\n100\n\[REDACTED:API_TOKEN\]\n$/);
    sitting.type('q');
    assert.equal(await sitting.end(), '0');
    assertNoCanary(sitting.seen, secret);
  });

  test('a request that waits is shown again, from its first line, after held output was read', async () => {
    await run('echo x', { output: 'summary' });
    const sitting = await watch();
    await sitting.see(/wait for you; o reads it/);
    await house.ok(['revoke', '--all']);
    const waiting = run('echo waits');
    await sitting.see(/more: space goes on/);
    await sitting.press('o', /Release this to the agent/);
    const before = sitting.seen.length;
    await sitting.press('n', /: not released\n/);
    await eventually(
      () => (/more: space goes on/.test(sitting.seen.slice(before)) ? true : undefined),
      'the request again',
    );
    await sitting.press('d', /req_\w+: no\n/);
    assert.equal((await waiting)['status'], 'denied');
    sitting.type('q');
    assert.equal(await sitting.end(), '0');
  });
});
