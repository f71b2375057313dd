// Attacks on values for people, their items and their sources: what an agent's shell learns of names, what a yes is good for
// once things have moved, and what is still on its way when the vault is locked.

import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { attack, isRoot, ORDINARY, tryFile, until } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, eventually, has, House, PASSPHRASE, type Done } from '../house.ts';
import { fileItem, loginItem } from './items.ts';

/** A shell that is called as an agent is. */
function codexIn(house: House): string {
  const codex = join(house.root, 'codex');
  copyFileSync(realpathSync('/bin/sh'), codex);
  chmodSync(codex, 0o755);
  return codex;
}

async function under(house: House, codex: string, args: string, input = ''): Promise<Done> {
  return await attack(house, codex, ['-c', `${house.launcher} ${args}; exit $?`], { input });
}

describe('what an agent learns of names', () => {
  let house: House;
  let codex: string;

  before(async () => {
    house = await House.open(ORDINARY);
    await loginItem(house, 'Work', 'shop', 'app', canary());
    codex = codexIn(house);
  });
  after(async () => await house[Symbol.asyncDispose]());

  test('what a reference leads to is not in the list of requests that its own shell reads', async () => {
    for (const reference of ['op://Work/shop/password', 'op://Work/nothing/password']) {
      const reading = under(house, codex, `read ${reference}`);
      const requestId = await house.pending();
      const list = await under(house, codex, 'requests --format json');
      const shown = await under(house, codex, `requests ${requestId} --format json`);
      assert.deepEqual([list.code, list.stdout], [0, '{"requests":[],"held":[],"notices":[]}\n'], list.stderr);
      assert.equal(shown.code, 7, shown.stdout);
      assertNoCanary(shown.stdout, 'leads to');
      await house.ok(['deny', requestId]);
      await reading;
    }
  });

  test('nor in the log, where references stand by ids and items by name', async () => {
    const { code, stdout } = await under(house, codex, 'audit list --format json');
    assert.equal(code, 4, stdout);
    assertNoCanary(stdout, 'shop');
  });

  test('D04, I8: references without number are refused before one of them is looked up', async () => {
    const agent = await house.agent();
    const references = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, i) => [`N${i}`, 'op://Work/shop/password']),
    );
    const params = { argv: ['true'], references, cwd: house.project, reason: 'too many' };
    const result = await agent.callTool({ name: 'run_with_credentials', arguments: params });
    assert.equal(result.isError, true, JSON.stringify(result));
    const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
    assert.deepEqual(requests, []);
  });
});

describe('I5: a yes to what was shown, when things have moved', () => {
  let house: House;
  let codex: string;

  before(async () => {
    house = await House.open(ORDINARY);
    await loginItem(house, 'Work', 'shop', 'app', canary());
    codex = codexIn(house);
  });
  after(async () => await house[Symbol.asyncDispose]());

  test('what led nowhere when it was shown is not read when it leads somewhere after', async () => {
    const late = canary();
    const reading = under(house, codex, 'read op://Work/late/password --format json');
    const requestId = await house.pending();
    await loginItem(house, 'Work', 'late', 'app', late);
    await house.human(['approve', requestId]);
    const { code, stdout } = await reading;
    assert.equal(code, 7, stdout);
    assertNoCanary(stdout, late);
  });

  test('nor by a run, now or with the grant it got', async () => {
    const late = canary();
    const agent = await house.agent();
    const call = async () =>
      await agent.callTool({
        name: 'run_with_credentials',
        arguments: {
          argv: ['printenv', 'KEY'],
          references: { KEY: 'op://Work/later/password' },
          cwd: house.project,
          reason: 'to see it',
        },
      });
    const first = call();
    const requestId = await house.pending();
    await loginItem(house, 'Work', 'later', 'app', late);
    await house.human(['approve', requestId, '--until-lock']);
    assert.equal((await first).isError, true, JSON.stringify(await first));
    const second = call();
    const again = await house.pending();
    assert.match(await house.ok(['requests', again]), /Work \/ later \/ password/, 'it asks anew, by its name');
    await house.ok(['deny', again]);
    await second;
  });

  test('another item of that title, moved into its place, is not what is read', async () => {
    const [meant, planted] = [canary(), canary()];
    await loginItem(house, 'Work', 'target', 'app', meant);
    const reading = under(house, codex, 'read op://Work/target/password');
    const requestId = await house.pending();
    await house.ok(['item', 'edit', 'target', '--vault', 'Work', '--title', 'old target']);
    await loginItem(house, 'Work', 'target2', 'app', planted);
    await house.ok(['item', 'edit', 'target2', '--vault', 'Work', '--title', 'target']);
    await house.human(['approve', requestId]);
    const { code, stdout, stderr } = await reading;
    assert.deepEqual([code, stdout], [0, `${meant}\n`], stderr);
  });

  test('what was deleted meanwhile is not there, though its name is there again', async () => {
    await loginItem(house, 'Work', 'gone', 'app', canary());
    const reading = under(house, codex, 'read op://Work/gone/password');
    const requestId = await house.pending();
    await house.ok(['item', 'delete', 'gone', '--vault', 'Work']);
    const fresh = canary();
    await house.ok(['item', 'create', '--vault', 'Work', '--title', 'gone', 'password=-'], fresh);
    await house.human(['approve', requestId]);
    const { code, stdout } = await reading;
    assert.equal(code, 7);
    assertNoCanary(stdout, fresh);
  });
});

describe('a source that takes its time', () => {
  const value = canary();
  let house: House;
  let folder: string;

  before(async () => {
    const settingsOf = (program: string) =>
      `[kdf]\nmemory_mib = 64\npasses = 3\nlanes = 4\n[sources.slow]\nkind = "op"\nprogram = "${program}"\n`;
    house = await House.open({ ...ORDINARY, isEmpty: true, settings: settingsOf('/opt/none') });
    folder = join(house.root, 'bin');
    mkdirSync(folder);
    const program = join(folder, 'op');
    // Says who it is, waits for somebody to open the other end of the pipe, then answers.
    writeFileSync(
      program,
      `#!/bin/sh\necho $$ > ${house.project}/asked\nread -r go < ${house.project}/gate\nprintf %s ${value}\n`,
    );
    chmodSync(program, 0o755);
    writeFileSync(join(house.home, 'config.toml'), settingsOf(program), { mode: 0o600 });
    await house.ok(['init', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    await house.run('mkfifo', [join(house.project, 'gate')]);
  });
  after(async () => await house[Symbol.asyncDispose]());

  const asked = async (): Promise<number> =>
    await eventually(
      () => Number(tryFile(join(house.project, 'asked'))?.toString().trim()) || undefined,
      'the source to be asked',
    );
  const isGone = async (pid: number): Promise<void> =>
    await until('the program of the source to be ended', () => tryFile(`/proc/${pid}/cmdline`) === undefined);

  test('ends when the vault is locked, and gives nothing though it is unlocked again', async () => {
    const reading = house.human(['read', 'op://slow/db/password']);
    const pid = await asked();
    await house.ok(['lock']);
    await house.human(['unlock']);
    await isGone(pid);
    const { code, stdout, stderr } = await reading;
    assert.equal(code, 3, stderr);
    assertNoCanary(stdout + stderr, value);
    await house.run('rm', ['-f', join(house.project, 'asked')]);
  });

  test('ends when all is revoked, and when the command is broken off', async () => {
    const reading = house.human(['read', 'op://slow/db/password']);
    const pid = await asked();
    await house.ok(['revoke', '--all']);
    await isGone(pid);
    assert.equal((await reading).stdout, '');
    await house.run('rm', ['-f', join(house.project, 'asked')]);
    const script = `echo '${PASSPHRASE}' | ${house.launcher} read op://slow/db/password --passphrase-stdin & while ! [ -s asked ]; do :; done; kill -KILL $!`;
    const done = await house.run('sh', ['-c', script]);
    await isGone(await asked());
    assertNoCanary(done.stdout, value);
  });
});

describe('a terminal, shared with what does not belong to it', () => {
  /**
   * Argument 0 is a script for a shell that is the first process of a container and leads a session of its own at a terminal;
   * the passphrase is typed there once, and a wrong one when it is asked for again.
   */
  const CONTAINER = `
import os, sys
master, slave = os.openpty()
if os.fork() == 0:
    os.execvp('unshare', ['unshare', '-pf', 'setsid', 'sh', '-c',
        'exec <>"$0" >&0 2>&0; ' + sys.argv[1], os.ttyname(slave)])
seen, said = b'', [sys.argv[2], 'a guess']
while b'the end' not in seen:
    seen += os.read(master, 4096)
    if said and seen.endswith(b': ') and b'Passphrase to ' in seen.splitlines()[-1]:
        os.write(master, said.pop(0).encode() + b'\\n')
sys.stdout.buffer.write(seen)
`;
  const isContained = isRoot && has('python3') && has('unshare');

  test(
    'S: what an agent let go of in a container falls to its first process, and is not of the terminal all the same',
    { skip: isContained ? false : 'needs root, python3 and unshare' },
    async () => {
      await using house = await House.open();
      const password = canary();
      await loginItem(house, 'Work', 'shop', 'app', password);
      const codex = codexIn(house);
      await house.run('mkfifo', [join(house.project, 'gate')]);
      const read = `${house.launcher} read op://Work/shop/password`;
      const orphan = `${codex} -c 'sh ./orphan &'`;
      writeFileSync(join(house.project, 'orphan'), `read go < gate; ${read} > out 2>&1 </dev/null; echo over >> out`);
      const script = `${read}; ${orphan}; echo go > gate; i=0; while ! grep -q over out && [ $i -lt 3000 ]; do i=$((i+1)); done; echo the end`;
      const { stdout, stderr } = await attack(house, 'python3', ['-c', CONTAINER, script, PASSPHRASE]);
      assert.ok(stdout.includes(password), `the passphrase is worth something: ${stdout}${stderr}`);
      const out = readFileSync(join(house.project, 'out'), 'utf8');
      assertNoCanary(out, password);
      assert.match(out, /passphrase/);
    },
  );
});

describe('files of a hostile project', () => {
  const password = canary();
  let house: House;
  let codex: string;

  before(async () => {
    house = await House.open(ORDINARY);
    await loginItem(house, 'Work', 'shop', 'app', password);
    codex = codexIn(house);
  });
  after(async () => await house[Symbol.asyncDispose]());

  /** Before the words of a program, and not behind them. */
  const asHuman = async ([command = '', ...words]: readonly string[]): Promise<Done> =>
    await house.keystile([command, '--passphrase-stdin', ...words], `${PASSPHRASE}\n`);

  test('a link where the value is to be written is never followed', async () => {
    const [link, target] = [join(house.project, 'link'), join(house.project, 'target')];
    writeFileSync(target, 'before');
    symlinkSync(target, link);
    const refused = await house.human(['read', 'op://Work/shop/password', '--out-file', link]);
    assert.notEqual(refused.code, 0);
    chmodSync(house.project, 0o777);
    const forced = await house.human(['read', 'op://Work/shop/password', '--out-file', link, '--force']);
    assert.equal(forced.code, 0, forced.stderr);
    assert.ok(lstatSync(link).isFile());
    assert.equal(lstatSync(link).mode & 0o777, 0o600);
    assert.equal(readFileSync(target, 'utf8'), 'before');
  });

  test('the links of the system are not replaced', async () => {
    for (const path of ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1']) {
      const { code, stdout } = await house.human(['read', 'op://Work/shop/password', '--out-file', path, '--force']);
      assert.equal(code, 1, path);
      assertNoCanary(stdout, password);
    }
    assert.ok(lstatSync('/dev/stdout').isSymbolicLink());
  });

  test('A03: nothing of its names or its lines moves the cursor of who is told that they are wrong', async () => {
    const name = '\u001b]0;owned\u0007\u001b[2J';
    const file = join(house.project, `${name}.env`);
    writeFileSync(file, `${name}=op://Work/shop/password\nA="{{ op://${name} }}"\n`);
    writeFileSync(join(house.project, 'b.env'), `A="{{ op://Work/${name}/x }}"\n`);
    for (const words of [
      ['run', '--env-file', file, '--', 'true'],
      ['run', '--env-file', 'b.env', '--', 'true'],
      ['inject', '-i', file],
      ['read', `op://Work/${name}/x`],
      ['read', 'op://Work/shop/password', '-o', join(house.project, name, 'x')],
      ['run', '--env-file', 'absent', '--', name],
      ['run', '--', name],
    ]) {
      const { code, stdout, stderr } = await asHuman(words);
      assert.notEqual(code, 0, words.join(' '));
      assert.ok(!(stdout + stderr).includes('\u001b'), JSON.stringify(stderr));
    }
    const reading = under(house, codex, `read op://Work/shop/password -o "$(printf '\\033[2Jx')"`);
    const requestId = await house.pending();
    const shown = await house.ok(['requests', requestId]);
    assert.ok(!shown.includes('\u001b'), JSON.stringify(shown));
    await house.ok(['deny', requestId]);
    await reading;
  });

  test('E07: an env file of an agent sets no variable that decides what code runs or where credentials go', async () => {
    for (const line of [
      'LD_PRELOAD=/tmp/evil.so',
      'PATH=/tmp/evil',
      'BASH_ENV=/tmp/evil',
      'LD_PRELOAD=op://Work/shop/username',
      'HTTPS_PROXY=op://Work/shop/username',
    ]) {
      writeFileSync(join(house.project, 'agent.env'), `KEY=op://Work/shop/password\n${line}\n`);
      const { code, stdout, stderr } = await under(house, codex, 'run --env-file agent.env -- true');
      assert.notEqual(code, 0, line);
      assertNoCanary(stdout + stderr, password);
      const { requests } = await house.json<{ requests: unknown[] }>(['requests']);
      assert.deepEqual(requests, [], line);
    }
  });

  test("E07: an env file does not choose the program of a person's run", async () => {
    const evil = join(house.project, 'evil');
    mkdirSync(evil);
    writeFileSync(join(evil, 'env'), '#!/bin/sh\necho stolen\n', { mode: 0o755 });
    writeFileSync(join(house.project, 'path.env'), `KEY=op://Work/shop/password\nPATH=${evil}:/usr/bin:/bin\n`);
    const { stdout, stderr } = await asHuman(['run', '--env-file', 'path.env', '--', 'env']);
    assert.match(stdout, /^KEY=\[REDACTED:KEY\]$/m, stderr);
  });

  test('I8: the values of one command have an end, however often one is asked for', async () => {
    await fileItem(house, 'Work', 'big', 'files', 'blob', 'x'.repeat(20 * 1024 * 1024));
    const reference = 'op://Work/big/files/blob';
    const { code, stderr } = await house.human(['inject'], `{{ ${reference} }}{{ op://Work/big/blob }}`);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /at most/);
    assert.equal((await house.ok(['status', '--format', 'json'])).includes('"unlocked"'), true);
  });
});
