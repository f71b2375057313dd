// Values for a person's own commands: who is asked for the passphrase and who is not, what an agent's shell gets, and
// what is left of it all in the log.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { attack, ORDINARY } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, House, PASSPHRASE, structured, type Done } from '../house.ts';
import { item, loginItem } from './items.ts';

/** A shell on a terminal of its own, as a person has it. */
class Shell implements AsyncDisposable {
  readonly #child: ChildProcess;
  #seen = '';

  constructor(house: House) {
    this.#child = spawn('script', ['-qec', 'sh', '/dev/null'], {
      cwd: house.project,
      env: { ...house.env, PS1: '', TERM: 'dumb' },
      ...(house.uid === undefined ? {} : { uid: house.uid, gid: house.uid }),
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#seen += chunk.toString('utf8')));
  }

  /** What a command printed, and the passphrase typed when it is asked for. `asks` says whether it was. */
  async say(command: string): Promise<{ text: string; asks: boolean; code: number }> {
    const from = this.#seen.length;
    const isAsked = (): boolean => /Passphrase to [a-z ]+: $/.test(this.#seen.slice(from));
    this.#child.stdin?.write(`${command}; echo "end""=$?="\n`);
    let asks = false;
    const code = await eventually(
      () => {
        const seen = this.#seen.slice(from);
        if (!asks && isAsked()) {
          asks = true;
          this.#child.stdin?.write(`${PASSPHRASE}\n`);
        }
        const end = /end=(\d+)=/.exec(seen);
        return end === null ? undefined : Number(end[1]);
      },
      `the end of ${command} in ${this.#seen.slice(from)}`,
    );
    return { text: this.#seen.slice(from).replaceAll('\r', ''), asks, code };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((settle) => this.#child.once('close', settle));
    this.#child.stdin?.end('exit\n');
    await ended;
  }
}

describe('values for a person', () => {
  const password = canary();
  const token = canary();
  let house: House;

  before(async () => {
    house = await House.open(ORDINARY);
    await loginItem(house, 'Work', 'shop', 'app', password);
    await house.environment('shop', { API_TOKEN: token });
    await house.ok(['environment', 'set', 'shop', 'DB_PASSWORD', '--reference', 'op://Work/shop/password']);
  });
  after(async () => await house[Symbol.asyncDispose]());

  const run = async (...words: string[]): Promise<Done> =>
    await house.keystile(['run', '--passphrase-stdin', '--environment', 'shop', ...words], `${PASSPHRASE}\n`);

  test('without a terminal the passphrase is needed for each command', async () => {
    const { code, stderr } = await house.keystile(['read', 'op://Work/shop/password']);
    assert.equal(code, 4, stderr);
    const human = await house.human(['read', 'op://Work/shop/password']);
    assert.deepEqual([human.code, human.stdout], [0, `${password}\n`]);
    assert.equal((await house.keystile(['read', 'op://Work/shop/password'])).code, 4);
    const wrong = await house.keystile(
      ['read', '--passphrase-stdin', 'op://Work/shop/password'],
      'not the passphrase\n',
    );
    assert.equal(wrong.code, 4);
    assert.equal(wrong.stdout, '');
  });

  test('a terminal is asked once, and its own commands then get values; another terminal is asked again', async () => {
    await using shell = new Shell(house);
    const read = `${house.launcher} read op://Work/shop/password`;
    const first = await shell.say(read);
    assert.deepEqual([first.asks, first.code], [true, 0], first.text);
    assert.ok(first.text.includes(password));
    assert.equal((await shell.say(read)).asks, false);
    assert.equal((await shell.say(`sh -c '${read}'`)).asks, false, 'below its shell');
    await using other = new Shell(house);
    assert.equal((await other.say(read)).asks, true);
    await house.ok(['revoke', '--all']);
    assert.equal((await shell.say(read)).asks, true, 'until it is revoked');
  });

  test('S: a process that let go of the shell is not of that terminal any more', async () => {
    await using shell = new Shell(house);
    assert.equal((await shell.say(`${house.launcher} read op://Work/shop/username`)).code, 0);
    const out = join(house.project, 'stolen');
    const orphan = `(${house.launcher} read -n --format json op://Work/shop/password >${out} 2>&1 </dev/null &) ; sleep 0`;
    // With a terminal it may only ask there; without one it is refused.
    await shell.say(`setsid sh -c '${orphan}'`);
    const text = await eventually(async () => {
      const { stdout } = await house.run('cat', [out]);
      return stdout.includes('}') ? stdout : undefined;
    }, 'an answer');
    assert.match(text, /human\/needed/);
    assertNoCanary(text, password);
  });

  test('a run gets the variables of environments, references among them, and its output is masked', async () => {
    const { code, stdout, stderr } = await run('--', 'env');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^API_TOKEN=\[REDACTED:API_TOKEN\]$/m);
    assert.match(stdout, /^DB_PASSWORD=\[REDACTED:DB_PASSWORD\]$/m);
    assertNoCanary(stdout + stderr, [password, token]);
    const bare = await run('--no-masking', '--', 'printenv', 'DB_PASSWORD');
    assert.equal(bare.stdout, `${password}\n`);
  });

  test('who starts a coding agent with values is told what that means', async () => {
    const { stderr } = await run('--', 'codex', '--version');
    assert.match(stderr, /codex is a coding agent, and will have these values/);
  });

  test('a mounted file follows references too, and what they lead to now', async () => {
    await house.ok(['mount', 'shop', '.env', '--backend', 'fifo']);
    const read = async (): Promise<string> => {
      const reading = house.run('cat', ['.env']);
      await house.approve();
      return (await reading).stdout;
    };
    assert.match(await read(), new RegExp(`^DB_PASSWORD=["']?${password}["']?$`, 'm'));
    const next = canary();
    await item(house, 'Work', 'shop', ['password=-'], next);
    assert.match(await read(), new RegExp(`^DB_PASSWORD=["']?${next}["']?$`, 'm'));
    await item(house, 'Work', 'shop', ['password=-'], password);
    await house.ok(['unmount', '.env']);
  });

  test('a run on a vault that is locked, or without a daemon, is refused as any other command is', async () => {
    await using other = await House.open(ORDINARY);
    await other.environment('shop', { API_TOKEN: canary() });
    const words = ['run', '--environment', 'shop', '--', 'true'];
    await other.ok(['lock']);
    const locked = await other.keystile(words);
    assert.deepEqual([locked.code, /vault is locked/.test(locked.stderr)], [3, true], locked.stderr);
    assert.equal((await other.human(['stop'])).code, 0);
    const started = await other.keystile(words);
    assert.deepEqual([started.code, started.stdout], [3, ''], started.stderr);
    assert.equal((await other.keystile(['status'])).code, 0, 'it was started, and is locked');
  });

  test('a run at a terminal that was asked: the same with a terminal, pipes and files, once the first was allowed', async () => {
    await using shell = new Shell(house);
    const command = `${house.launcher} run --environment shop`;
    const script = `sh -c 'echo out $API_TOKEN; echo err $API_TOKEN >&2; exit 7'`;
    const first = await shell.say(`${command} -- true`);
    assert.deepEqual([first.asks, first.code], [true, 0], first.text);
    const again = await shell.say(`${command} -- ${script}`);
    assert.deepEqual([again.asks, again.code], [false, 7], again.text);
    assert.match(again.text, /out \[REDACTED:API_TOKEN\]\n[^]*err \[REDACTED:API_TOKEN\]/);
    const piped = await shell.say(`${command} -- ${script} 2>&1 </dev/null | cat`);
    assert.match(piped.text, /out \[REDACTED:API_TOKEN\]\nerr \[REDACTED:API_TOKEN\]/);
    const lengthOnly = await shell.say(`${command} --no-masking -- sh -c 'echo $(printf %s "$API_TOKEN" | wc -c)'`);
    assert.match(lengthOnly.text, new RegExp(`\\b${token.length}\\b`));
    assertNoCanary(first.text + again.text + piped.text + lengthOnly.text, [password, token]);
    const wrong = await shell.say(`${command}x -- true`);
    assert.deepEqual([wrong.asks, wrong.code], [false, 7], wrong.text);
  });

  test('what is not there is said by name to the person: nothing, more than one, no value', async () => {
    const nothing = await house.human(['read', 'op://Work/shop/nothing', '--format', 'json']);
    assert.equal(nothing.code, 7, nothing.stdout);
    await item(house, 'Work', 'twin', ['a.key[password]=-'], canary());
    await item(house, 'Work', 'twin', ['b.key[password]=-'], canary());
    const twice = await house.human(['read', 'op://Work/twin/key']);
    assert.equal(twice.code, 8, twice.stderr);
    assert.match(twice.stderr, /field_\w+ \(section a\), field_\w+ \(section b\)/);
    assert.equal((await house.human(['read', 'op://Work/twin/a/key'])).code, 0);
    await house.ok(['environment', 'create', 'unfinished']);
  });

  test('the log says what was read, by whom it was allowed, and no value', async () => {
    await house.human(['read', 'op://Work/shop/password']);
    const log = await house.ok(['audit', 'list', '--format', 'json']);
    const { events } = JSON.parse(log) as { events: { event: string; names?: Record<string, unknown> }[] };
    const revealed = events.filter(({ event }) => event === 'revealed');
    assert.ok(revealed.some(({ names }) => JSON.stringify(names?.['references'])?.includes('op://Work/shop/password')));
    assertNoCanary(log, [password, token]);
    assert.equal((await house.keystile(['audit', 'verify'])).code, 0);
  });

  test('a locked vault gives nothing, and says how to go on', async () => {
    await house.ok(['lock']);
    const { code, stderr } = await house.human(['read', 'op://Work/shop/password']);
    assert.equal(code, 3);
    assert.match(stderr, /keystile unlock/);
    assert.equal((await run('--', 'true')).code, 3);
    await house.human(['unlock']);
  });
});

describe('the same commands below an agent', () => {
  const password = canary();
  const token = canary();
  let house: House;
  let codex: string;

  before(async () => {
    house = await House.open(ORDINARY);
    await loginItem(house, 'Work', 'shop', 'app', password);
    await house.environment('shop', { API_TOKEN: token });
    codex = join(house.root, 'codex');
    copyFileSync(realpathSync('/bin/sh'), codex);
    chmodSync(codex, 0o755);
  });
  after(async () => await house[Symbol.asyncDispose]());

  const underAgent = async (args: string, input = ''): Promise<Done> =>
    await attack(house, codex, ['-c', `${house.launcher} ${args}; exit $?`], { input });

  test('read asks, shows what it leads to, and gives the value once after a yes', async () => {
    const reading = underAgent('read op://Work/shop/password');
    const requestId = await house.pending();
    const { requests } = await house.json<{ requests: { action: string; request: { work: unknown } }[] }>(['requests']);
    assert.equal(requests[0]?.action, 'Reveal');
    assert.match(JSON.stringify(requests[0]?.request.work), /Work \/ shop \/ password \(item_/);
    assert.match(await house.ok(['requests']), /Reveal .* keystile read op:\/\/Work\/shop\/password /);
    assert.equal((await house.human(['approve', requestId, '--for', '5m'])).code, 2, 'once, and nothing longer');
    assert.equal((await house.human(['approve', requestId])).code, 0);
    assert.deepEqual(await reading.then(({ code, stdout }) => [code, stdout]), [0, `${password}\n`]);
    const again = underAgent('read op://Work/shop/password');
    await house.ok(['deny', await house.pending()]);
    const { code, stdout, stderr } = await again;
    assert.equal(code, 4, stderr);
    assertNoCanary(stdout + stderr, password);
  });

  test('the passphrase on standard input does not help an agent', async () => {
    const reading = underAgent('read op://Work/shop/password --passphrase-stdin', `${PASSPHRASE}\n`);
    await house.ok(['deny', await house.pending()]);
    const { code, stdout } = await reading;
    assert.equal(code, 4);
    assertNoCanary(stdout, password);
  });

  test('an agent cannot find out which references lead somewhere', async () => {
    for (const reference of [
      'op://Work/shop/nothing',
      'op://Work/nothing/password',
      'op://Nothing/a/b',
      'op://Work/shop/username',
    ]) {
      const reading = underAgent(`read ${reference} --format json`);
      await house.ok(['deny', await house.pending()]);
      const { code, stdout } = await reading;
      assert.deepEqual([code, (JSON.parse(stdout) as { error: { code: string } }).error.code], [4, 'request/denied']);
    }
  });

  test('run becomes a run of the agent: asked, masked, done by the daemon', async () => {
    writeFileSync(join(house.project, '.env'), 'DB_PASSWORD=op://Work/shop/password\nSTAGE=test\n');
    const running = underAgent(`run --environment shop --env-file ${join(house.project, '.env')} -- env`);
    await house.approve();
    const { code, stdout, stderr } = await running;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^API_TOKEN=\[REDACTED:API_TOKEN\]$/m);
    assert.match(stdout, /^DB_PASSWORD=\[REDACTED:DB_PASSWORD\]$/m);
    assert.match(stdout, /^STAGE=test$/m);
    assertNoCanary(stdout + stderr, [password, token]);
  });

  test('run exits as the program does, and without masking or with a value inside a text it is refused', async () => {
    const failing = underAgent(`run --environment shop -- sh -c 'exit 41'`);
    await house.approve();
    assert.equal((await failing).code, 41);
    assert.equal((await underAgent('run --environment shop --no-masking -- env')).code, 4);
    const file = join(house.project, 'whole.env');
    writeFileSync(file, 'URL="postgres://{{ op://Work/shop/password }}@db"\n');
    const { code, stderr } = await underAgent(`run --env-file ${file} -- env`);
    assert.equal(code, 4);
    assert.match(stderr, /URL/);
    assertNoCanary(stderr, password);
  });

  test('inject writes nothing before a yes, and the whole file after it', async () => {
    const [from, to] = [join(house.project, 'a.tpl'), join(house.project, 'a.out')];
    writeFileSync(from, 'password={{ op://Work/shop/password }}\n');
    const injecting = underAgent(`inject -i ${from} -o ${to}`);
    const requestId = await house.pending();
    assert.ok(!existsSync(to));
    await house.human(['approve', requestId]);
    assert.equal((await injecting).code, 0);
    assert.equal((await house.run('cat', [to])).stdout, `password=${password}\n`);
  });

  test('a tool call may name references, which the human is shown by name', async () => {
    const agent = await house.agent();
    const params = {
      argv: ['sh', '-c', 'echo "$DB_PASSWORD"'],
      references: { DB_PASSWORD: 'op://Work/shop/password' },
      cwd: house.project,
      reason: 'to see it',
    };
    const calling = agent.callTool({ name: 'run_with_credentials', arguments: params });
    const requestId = await house.pending();
    const shown = await house.ok(['requests', '--format', 'json']);
    assert.match(shown, /Work \/ shop \/ password \(item_/);
    await house.human(['approve', requestId]);
    const result = structured(await calling);
    assert.equal(result['status'], 'completed', JSON.stringify(result));
    assert.equal(result['stdout'], '[REDACTED:DB_PASSWORD]\n');
    assertNoCanary(JSON.stringify(result) + shown, [password, token]);
  });
});
