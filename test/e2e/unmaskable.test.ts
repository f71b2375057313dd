// Values that masking cannot hide, from where they are stored to what an agent is told of their runs: by names, and never
// why.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { attack, ORDINARY } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, has, House, PASSPHRASE, structured } from '../house.ts';
import type { Client } from '../mcp-client.ts';

/** Predictable, and found nowhere by chance. */
const WEAK = '20470917';

describe('values that masking cannot hide', () => {
  const token = canary();
  let folder = '';
  let house: House;
  let agent: Client;
  let environmentId: string;
  const told: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keystile-unmaskable-'));
    chmodSync(folder, 0o755);
    const program = join(folder, 'op');
    writeFileSync(program, `#!/bin/sh\nprintf %s ${WEAK}\n`);
    chmodSync(program, 0o755);
    const settings = `[kdf]\nmemory_mib = 64\npasses = 3\nlanes = 4\n[sources.work]\nkind = "op"\nvault = "Real"\nprogram = "${program}"\n`;
    house = await House.open({ ...ORDINARY, settings });
    environmentId = await house.environment('shop', { API_TOKEN: token });
    agent = await house.agent();
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
    assertNoCanary(told.join('\n'), token);
    assert.ok(!told.join('\n').includes(WEAK), 'an agent was told the value');
    assert.doesNotMatch(told.join('\n'), /predictable|guessed|8 bytes/, 'an agent was told why');
  });

  const variablesOf = async (environment: string): Promise<Map<string, Record<string, unknown>>> => {
    const shown = await house.json<{ environment: { variables: Record<string, unknown>[] } }>([
      'environment',
      'show',
      environment,
    ]);
    return new Map(shown.environment.variables.map((variable) => [String(variable['name']), variable]));
  };
  const set = async (name: string, value: string, ...flags: string[]): Promise<string> => {
    const words = ['environment', 'set', 'shop', name, '--value-stdin', ...flags];
    const { code, stderr } = await house.keystile(words, value);
    assert.equal(code, 0, stderr);
    return stderr;
  };
  /** Runs as the agent; what the human was shown, and what the agent was told. */
  const run = async (argv: readonly string[], more: Record<string, unknown>, ...flags: string[]) => {
    const calling = agent.callTool({ name: 'run_with_credentials', arguments: { argv, reason: 'the test', ...more } });
    const requestId = await house.pending();
    const prompt = await house.ok(['requests', requestId]);
    await house.approve(...flags);
    const result = await calling;
    told.push(JSON.stringify(result));
    return { prompt, result: structured(result), requestId };
  };

  test('without a terminal such a value is a secret, and one line says so', async () => {
    assert.equal(await set('STRONG', canary()), '');
    const line = await set('WEAK', WEAK);
    assert.match(line, /^keystile: masking cannot hide WEAK: [^\n]*guessed[^\n]*\n$/);
    assert.ok(!line.includes(WEAK));
    const { kind, concealed, maskable, maskability } = (await variablesOf('shop')).get('WEAK') ?? {};
    assert.deepEqual([kind, concealed, maskable, maskability], ['literal', true, false, 'predictable']);
    const shown = await house.ok(['environment', 'show', 'shop']);
    assert.match(shown, /^WEAK +concealed +yes +no: predictable +its runs give agents a summary$/m);
    assert.match(shown, /^STRONG +concealed +yes +yes$/m);
    assert.match(await house.ok(['environment', 'list']), /^shop +env_\S+ +3 +all but 1 +redacted/m);
    const words = ['environment', 'set', 'shop', 'WEAK', '--value-stdin'];
    const said = await house.json<Record<string, unknown>>(words, WEAK);
    assert.deepEqual([said['kind'], said['maskability']], ['secret', 'predictable']);
  });

  test('what a generator makes is hidden, and where it is not, that is said', async () => {
    await house.ok(['environment', 'create', 'made']);
    for (let tries = 0; ; tries += 1) {
      assert.ok(tries < 200, 'of eight digits about a fifth are predictable');
      const made = await house.keystile(['environment', 'set', 'made', 'CODE', '--generate', 'digits,8']);
      assert.equal(made.code, 0, made.stderr);
      if ((await variablesOf('made')).get('CODE')?.['maskable'] === false) {
        assert.match(made.stderr, /^keystile: masking cannot hide these[^\n]*: CODE\n$/);
        break;
      } else assert.equal(made.stderr, '');
    }
  });

  test('a flag says what it is; a PIN is a secret whatever the flag says', async () => {
    assert.equal(await set('STAGE', 'production', '--unmaskable', 'plain'), '');
    assert.equal(await set('WORD', 'changeme', '--unmaskable', 'secret'), '');
    assert.match(await set('CARD_PIN', '4821', '--unmaskable', 'plain'), /kept as a secret/);
    const variables = await variablesOf('shop');
    const kinds = ['STAGE', 'WORD', 'CARD_PIN'].map((name) => variables.get(name));
    assert.deepEqual(
      kinds.map((variable) => [variable?.['kind'], variable?.['plain'], variable?.['maskability']]),
      [
        ['plain', 'production', undefined],
        ['literal', undefined, 'common'],
        ['literal', undefined, 'short'],
      ],
    );
  });

  test('O14: the human is told before the answer, and the agent gets a summary, the names and what to do', async () => {
    const { prompt, result, requestId } = await run(
      ['sh', '-c', 'echo $API_TOKEN $WEAK'],
      { environmentId, variables: ['API_TOKEN', 'WEAK'] },
      '--output',
      'redacted',
    );
    assert.match(prompt, /output +summary[^\n]*\n +!! +masking cannot hide these[^\n]*\n +WEAK\n/);
    assert.deepEqual([result['stdout'], result['outputMode'], result['stdoutLines']], ['', 'summary', 1]);
    assert.deepEqual(result['withheldFor'], ['WEAK']);
    assert.match(String(result['message']), /keystile release run_/);
    const shown = await house.human(['release', String(result['runId']), '--show', '--format', 'json']);
    assert.deepEqual((JSON.parse(shown.stdout) as { unmaskable: unknown }).unmaskable, ['WEAK']);
    const released = await house.human(['release', String(result['runId']), '--yes']);
    assert.equal(released.code, 0, released.stderr);
    const later = await agent.callTool({ name: 'check_request', arguments: { requestId } });
    told.push(JSON.stringify(later));
    const { stdout, withheldFor, message } = structured(later);
    assert.deepEqual([stdout, withheldFor], ['[REDACTED:API_TOKEN] [REDACTED:WEAK]\n', undefined]);
    assert.match(String(message), /hidden on purpose/);
  });

  test('a run without it gives back its output', async () => {
    const { prompt, result } = await run(['printenv', 'API_TOKEN'], { environmentId, variables: ['API_TOKEN'] });
    assert.doesNotMatch(prompt, /cannot hide|unless/);
    assert.deepEqual([result['stdout'], result['withheldFor']], ['[REDACTED:API_TOKEN]\n', undefined]);
  });

  test('what a source gives is judged when it is read, which the human is told before', async () => {
    const references = { FROM_SOURCE: 'op://work/db/password' };
    const { prompt, result } = await run(['sh', '-c', 'echo $FROM_SOURCE; exit 3'], { references });
    assert.match(prompt, /output +redacted[^\n]*\n +unless +masking cannot hide one of these[^!]*FROM_SOURCE\n/);
    assert.deepEqual([result['exitCode'], result['stdout'], result['outputMode']], [3, '', 'summary']);
    assert.deepEqual(result['withheldFor'], ['FROM_SOURCE']);
  });

  test('a field of an item is judged when it is stored; one that is no secret keeps nothing back', async () => {
    await house.ok(['vault', 'create', 'own']);
    const made = await house.keystile(
      ['item', 'create', '--vault', 'own', '--title', 'db', 'username=postgres', 'password=-'],
      WEAK,
    );
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /masking cannot hide password/);
    assert.match(await house.ok(['item', 'get', 'db']), /password +password +yes +no: predictable/);
    const words = ['item', 'create', '--vault', 'own', '--title', 'more', 'stage=-', '--unmaskable', 'plain'];
    assert.deepEqual((await house.keystile(words, 'production')).stderr, '');
    assert.match(await house.ok(['item', 'get', 'more']), /stage +text +yes +- /);
    const edited = await house.keystile(['item', 'edit', 'more', 'stage=-'], 'staging-2');
    assert.deepEqual([edited.code, edited.stderr], [0, ''], 'what is text is not asked about');
    const references = { DB_USER: 'op://own/db/username', DB_PASSWORD: 'op://own/db/password' };
    const { prompt, result } = await run(['sh', '-c', 'echo $DB_USER'], { references });
    assert.match(prompt, /!! +masking cannot hide these[^\n]*\n +DB_PASSWORD\n/);
    assert.deepEqual(result['withheldFor'], ['DB_PASSWORD']);
    const alone = await run(['sh', '-c', 'echo $DB_USER'], { references: { DB_USER: references.DB_USER } });
    assert.deepEqual([alone.result['stdout'], alone.result['outputMode']], ['postgres\n', 'redacted']);
  });

  test('a file of many says their names once', async () => {
    const path = join(house.project, 'many.env');
    const text = `ONE=changeme\nTWO=${WEAK}\nPORT=3000\nTHREE="${canary()}"\n`;
    assert.equal((await house.run('sh', ['-c', `umask 077; cat > ${path}`], text)).code, 0);
    const imported = await house.json<{ unmaskable: string[] }>(['environment', 'import', 'many', path]);
    assert.deepEqual(imported.unmaskable, ['ONE', 'TWO']);
    assert.match(
      await house.ok(['environment', 'import', 'again', path]),
      /^masking cannot hide these[^\n]*: ONE, TWO$/m,
    );
    const items = await house.ok(['import', path, '--vault', 'imported']);
    assert.match(items, /masking cannot hide these[^\n]*ONE[^\n]*TWO/);
    assert.doesNotMatch(items, /THREE/);
  });

  test("the human's own run is warned by name, once, and refused nothing", async () => {
    const words = [
      'run',
      '--passphrase-stdin',
      '--environment',
      'shop',
      '--',
      'sh',
      '-c',
      'echo $WEAK $API_TOKEN $STAGE',
    ];
    const { code, stdout, stderr } = await house.keystile(words, `${PASSPHRASE}\n`);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${WEAK} [REDACTED:API_TOKEN] production\n`);
    assert.match(stderr, /^keystile: masking cannot hide CARD_PIN, WEAK, WORD; [^\n]+\n$/);
  });

  test('a shell below an agent is told by the run what may be known, and nothing by the lists', async () => {
    const codex = join(house.root, 'codex');
    copyFileSync(realpathSync('/bin/sh'), codex);
    chmodSync(codex, 0o755);
    const underAgent = async (args: string, input = '') =>
      await attack(house, codex, ['-c', `${house.launcher} ${args}; exit $?`], { input });
    for (const args of [
      'environment show shop',
      'environment show shop --format json',
      'environment list --format json',
    ]) {
      const { code, stdout, stderr } = await underAgent(args);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stdout, /maskab|predictable|common|short|summary$/m);
      told.push(stdout);
    }
    const running = underAgent(`run --environment shop -- sh -c 'echo $WEAK'`);
    const requestId = await house.pending();
    for (const args of [`requests ${requestId}`, 'requests --format json', `requests ${requestId} --format json`]) {
      const { code, stdout } = await underAgent(args);
      assert.equal(code, 0);
      assert.match(stdout, /WEAK/);
      assert.doesNotMatch(stdout, /maskable|cannot hide/);
    }
    // A person may answer there too: what is not shown is no part of what is approved.
    const yes = await underAgent(`approve ${requestId} --once --passphrase-stdin`, `${PASSPHRASE}\n`);
    assert.equal(yes.code, 0, yes.stderr);
    const { stdout, stderr } = await running;
    assert.equal(stdout, '');
    assert.match(stderr, /masking cannot hide CARD_PIN, WEAK, WORD\n/);
    told.push(stderr);
    const listed = await agent.callTool({ name: 'list_variables', arguments: { environmentId } });
    assert.doesNotMatch(JSON.stringify(listed), /maskab|predictable/);
  });

  test('at a terminal the human is asked which of the two it is', { skip: !has('script') }, async () => {
    for (const [key, wanted] of [
      ['p', ['plain', undefined]],
      ['s', ['literal', 'predictable']],
      ['\r', ['literal', 'predictable']],
    ] as const) {
      const command = `${house.launcher} environment set shop TYPED; echo "exit=$?"`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        env: { ...house.env, SHELL: '/bin/sh', TERM: 'dumb' },
        ...(house.uid === undefined ? {} : { uid: house.uid, gid: house.uid }),
      });
      let seen = '';
      child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
      const see = async (text: RegExp) => await eventually(() => (text.test(seen) ? true : undefined), String(text));
      await see(/TYPED \(not shown\): /);
      child.stdin.write(`${WEAK}\n`);
      await see(/Masking cannot hide TYPED: [^\r\n]*guessed[\s\S]*\[S\/p\] $/);
      child.stdin.write(key);
      await see(/exit=0/);
      child.stdin.end();
      assert.ok(!seen.includes(WEAK), 'the value was shown');
      const { kind, maskability } = (await variablesOf('shop')).get('TYPED') ?? {};
      assert.deepEqual([kind, maskability], wanted);
    }
  });
});
