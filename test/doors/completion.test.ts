// Completion as people have it: real shells on a terminal, the built program, a real daemon. A function called `keystile`
// says what was completed; the scripts ask the program behind it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { allCommands } from '../../src/doors/cli/commands.ts';
import { completionScript, SHELLS, type Shell } from '../../src/doors/cli/completion.ts';
import { eventually, has, House } from '../house.ts';

/** An agent may have chosen the name of an environment; each of these would run something, were it read as code. */
const HOSTILE = ['$(touch owned)', '`touch owned`', '; touch owned', 'q"uo\'te * ?', '-flag', 'zwei Wörter'];

/** How each shell is started without the files of a user, and taught. */
const START: Readonly<Record<Shell, (script: string) => string>> = {
  bash: (script) => `bash --rcfile ${script} -i`,
  zsh: () => 'zsh -i',
  fish: (script) => `fish --no-config -i -C 'source ${script}'`,
};
const SAYS: Readonly<Record<Shell, string>> = {
  bash: `keystile() { printf 'GOT<%s>' "$@"; echo; }; PS1='ready> '; bind 'set bell-style none'`,
  zsh: `keystile() { printf 'GOT<%s>' "$@"; echo; }; PS1='ready> '; setopt no_beep no_prompt_sp`,
  fish: `function keystile; printf 'GOT<%s>' $argv; echo; end; function fish_prompt; echo 'ready> '; end; function fish_greeting; end`,
};

let house: House;

before(async () => {
  house = await House.open();
  for (const name of ['production', ...HOSTILE]) {
    const { code, stderr } = await house.keystile([
      'environment',
      'create',
      ...(name.startsWith('-') ? ['--'] : []),
      name,
    ]);
    assert.equal(code, 0, stderr);
  }
  await house.ok(['mount', 'production', 'a mounted.env', '--backend', 'fifo']);
  // By its name on the search path, as installed.
  for (const shell of SHELLS) {
    const script = completionScript(shell, await allCommands());
    const start = shell === 'zsh' ? 'autoload -Uz compinit; compinit -u -D\n' : '';
    writeFileSync(join(house.root, `rc.${shell}`), `${start}${script}${SAYS[shell]}\n`);
  }
  copyFileSync(join(house.root, 'rc.zsh'), join(house.root, '.zshrc'));
});
after(async () => await house[Symbol.asyncDispose]());

const environment = () => ({
  ...house.env,
  PATH: `${dirname(house.launcher)}:${process.env['PATH'] ?? ''}`,
  TERM: 'xterm',
  LANG: 'C.UTF-8',
  SHELL: '/bin/sh',
});

/** Types each text, which ends with a tab, waits until the shell has completed it, and gives what the command was given. */
async function completed(shell: Shell, texts: readonly string[]): Promise<string[]> {
  const command = START[shell](join(house.root, `rc.${shell}`));
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: environment(), cwd: house.project });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
  const ended = new Promise((settle) => child.once('close', settle));
  const given: string[] = [];
  try {
    await eventually(() => (seen.includes('ready> ') ? true : undefined), `a prompt of ${shell}: ${seen}`);
    for (const text of texts) {
      child.stdin.write(`${text}\t\r`);
      // The word that was completed is the last of those that the command was given.
      const answers = () => [...seen.matchAll(/GOT<([^<>\r\n]*)>\r?\n/g)].map(([, word = '']) => word);
      const word = await eventually(() => answers()[given.length], `${shell} to complete ${text}`);
      given.push(word);
    }
    child.stdin.write('exit\r');
    await ended;
  } finally {
    child.kill('SIGKILL');
  }
  return given;
}

for (const shell of SHELLS) {
  describe(shell, { skip: has(shell) && has('script') ? false : `${shell} or script is not installed` }, () => {
    test('names of environments and paths of mounts are completed where they are wanted', async () => {
      assert.deepEqual(
        await completed(shell, [
          'keystile environment show prod',
          'keystile environment set --reference op://a/b/c prod',
          'keystile revoke --environment prod',
          `keystile unmount ${house.project}/a`,
          'keystile setup cur',
          'keystile approve req_x --scope env',
        ]),
        ['production', 'production', 'production', `${house.project}/a mounted.env`, 'cursor', 'environment'],
      );
    });

    test(
      'behind the equals sign of a flag too',
      { skip: shell === 'zsh' ? 'zsh takes that for a flag' : false },
      async () => {
        assert.deepEqual(
          (await completed(shell, ['keystile revoke --environment=prod']))[0]?.replace(/^.*=/, ''),
          'production',
        );
      },
    );

    test('a name is a name, whatever is in it', async () => {
      const typed = ['\\$', '\\`', '\\;', 'q', 'zw'];
      const wanted = ['$(touch owned)', '`touch owned`', '; touch owned', 'q"uo\'te * ?', 'zwei Wörter'];
      const got = await completed(
        shell,
        typed.map((start) => `keystile environment show ${start}`),
      );
      assert.deepEqual(got, wanted);
      assert.ok(!existsSync(join(house.project, 'owned')));
    });
  });
}

test('only the kinds there are have names, and a command that is not alone is no command', async () => {
  assert.equal(await house.ok(['completion-words', 'nothing']), '');
  assert.equal(await house.ok(['completion-words', 'toString']), '');
  assert.equal(await house.ok(['completion-words', 'vault']), '');
  assert.equal(await house.ok(['completion-words', 'mount']), `${house.project}/a mounted.env\n`);
  assert.equal(await house.ok(['completion-words', 'request']), '');
  assert.equal((await house.keystile(['completion-words'])).code, 2);
  assert.equal((await house.keystile(['completion-words', 'mount', 'more'])).code, 2);
});

test('an item is completed by its title, of all vaults and not of the archive', async () => {
  for (const vault of ['one', 'two']) await house.ok(['vault', 'create', vault]);
  for (const [vault, title] of [
    ['one', 'Stripe'],
    ['two', 'Stripe'],
    ['two', 'Bank account'],
    ['two', 'Old'],
  ] as const) {
    await house.ok(['item', 'create', '--vault', vault, '--title', title]);
  }
  await house.ok(['item', 'archive', 'Old']);
  const titles = (await house.ok(['completion-words', 'item'])).split('\n').filter((title) => title !== '');
  assert.deepEqual(titles.toSorted(), ['Bank account', 'Stripe']);
});

test('an agent that asks as a shell would is told nothing', async () => {
  const asks = 'keystile completion-words environment';
  const run = (env: Record<string, string>, program: string) =>
    spawnSync('/bin/sh', ['-c', program], { env: { ...environment(), ...env }, encoding: 'utf8' }).stdout;
  assert.match(run({}, asks), /^production$/m);
  assert.equal(run({ CLAUDECODE: '1' }, asks), '');
  const named = join(house.root, 'codex');
  copyFileSync('/bin/sh', named);
  spawnSync('chmod', ['755', named]);
  assert.equal(run({}, `${named} -c '${asks}; true'`), '');
});

test('a locked vault, a home without a daemon and one without a vault have no names, and nothing is started', async () => {
  await house.ok(['lock']);
  assert.equal(await house.ok(['completion-words', 'environment']), '');
  await house.ok(['stop']);
  assert.equal(await house.ok(['completion-words', 'environment']), '');
  assert.ok(!existsSync(join(house.home, 'run', 'control.sock')));
  await using empty = await House.open({ isEmpty: true });
  assert.equal(await empty.ok(['completion-words', 'environment']), '');
  assert.ok(!existsSync(join(empty.home, 'run')));
});
