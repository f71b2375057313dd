// The command line told from outside, without a daemon: what it understands, what it refuses and how it says so.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allCommands } from '../../src/doors/cli/commands.ts';
import { completionScript, SHELLS } from '../../src/doors/cli/completion.ts';
import { CHAPTERS, commandHelp } from '../../src/doors/cli/help.ts';
import { createKit, readKit, refuseKitInHome } from '../../src/doors/cli/kit.ts';
import { findCommand, nearest, parseCommand } from '../../src/doors/cli/parse.ts';
import { assertNoCanary } from '../canaries.ts';

const COMMANDS = await allCommands();

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MANY = fileURLToPath(new URL('../programs/cli-many.ts', import.meta.url));
const CANARY = 'canary-Wq7-value-on-the-line';
let folder = '';
let home = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'keystile-cli-'));
  home = join(folder, 'home');
});

after(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function keystile(...args: string[]): Done {
  const env = { PATH: process.env.PATH, HOME: folder, KEYSTILE_HOME: home };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8', input: '' });
  return { code: status, stdout, stderr };
}

/** The same for many command lines, in one process. */
function keystileEach(lines: readonly (readonly string[])[]): Done[] {
  const env = { PATH: process.env.PATH, HOME: folder, KEYSTILE_HOME: home };
  const { stdout, stderr } = spawnSync(process.execPath, [MANY, JSON.stringify(lines)], {
    env,
    encoding: 'utf8',
    input: '',
  });
  const [out, err] = [stdout.split('\0'), stderr.split('\0')];
  assert.equal(out.length, 2 * lines.length + 1, stderr);
  return lines.map((_line, i) => ({ stdout: out[2 * i]!, stderr: err[2 * i]!, code: Number(out[2 * i + 1]) }));
}

const ERROR_LINE = /^keystile: [^\n]+; [^\n]+\n$/;

void test('an unknown command exits 2 and names the nearest one', () => {
  const { code, stdout, stderr } = keystile('enviroment', 'list');
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(stderr, 'keystile: there is no command "enviroment"; did you mean "keystile environment"?\n');
});

void test('with --format json an error is one document on standard output, and nothing else', () => {
  const { code, stdout, stderr } = keystile('environment', 'lst', '--format', 'json');
  assert.deepEqual([code, stderr], [2, '']);
  const { error } = JSON.parse(stdout) as { error: Record<string, string> };
  assert.deepEqual(Object.keys(error).toSorted(), ['code', 'hint', 'message']);
  assert.equal(error['code'], 'usage/invalid');
  assert.equal(error['hint'], 'did you mean "keystile environment list"?');
});

void test('a value as an argument is refused with the reason, and not repeated', () => {
  const { code, stdout, stderr } = keystile('environment', 'set', 'staging', 'TOKEN', CANARY);
  assert.equal(code, 2);
  assert.match(stderr, ERROR_LINE);
  assert.match(stderr, /arguments are visible to every program/);
  assert.match(stderr, /--value-stdin/);
  assertNoCanary(Buffer.from(stdout + stderr), CANARY);
});

void test('a value typed into an unknown flag is not repeated', () => {
  const { code, stdout, stderr } = keystile('environment', 'set', 'staging', 'TOKEN', `--valu=${CANARY}`);
  assert.equal(code, 2);
  assertNoCanary(Buffer.from(stdout + stderr), CANARY);
});

void test('status without a daemon starts none, says so, and exits 0', () => {
  const { code, stdout } = keystile('status', '--format', 'json');
  assert.equal(code, 0);
  const { running, vault, home: found } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([running, vault, found], [false, 'absent', home]);
  assert.ok(!existsSync(home));
  const [said, stopped] = keystileEach([['status'], ['stop']]);
  assert.match(said?.stdout ?? '', /not running/);
  assert.equal(stopped?.code, 0);
  assert.ok(!existsSync(home));
});

void test('every usage error exits 2 before a daemon is started', () => {
  const wrong = [
    ['approve'],
    ['approve', 'req_1', 'req_2'],
    ['approve', 'req_1', '--for', '15'],
    ['approve', 'req_1', '--for', '900m'],
    ['approve', 'req_1', '--for', '5m', '--once'],
    ['approve', 'req_1', '--scope', 'everything'],
    ['deny', 'req_1', '--blok'],
    ['environment'],
    ['environment', 'set', 'staging'],
    ['environment', 'set', 'staging', 'X', '--plain', 'a', '--generate'],
    ['environment', 'set', 'staging', 'X', '--generate=hex:1'],
    ['environment', 'set-output', 'staging', 'everything'],
    ['revoke'],
    ['revoke', 'grant_1', '--all'],
    ['audit', 'list', '--limit', 'many'],
    ['audit', 'show', '0'],
    ['completion', 'tcsh'],
    ['status', '--format', 'xml'],
    ['setup', 'emacs'],
    ['watch', '--format', 'json'],
    ['mcp', '--format', 'text'],
  ];
  for (const [i, { code, stdout, stderr }] of keystileEach(wrong).entries()) {
    const args = wrong[i] ?? [];
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    if (args.includes('json')) assert.match(stdout, /^\{"error":\{.*\}\}\n$/);
    else assert.match(stderr, ERROR_LINE, args.join(' '));
  }
  assert.ok(!existsSync(home));
});

void test('help of every command has its usage, its flags and an example', () => {
  assert.ok(COMMANDS.length > 30);
  for (const command of COMMANDS) {
    const help = commandHelp(command);
    const name = `keystile ${command.path.join(' ')}`;
    assert.ok(help.startsWith(`usage: ${name}`), name);
    assert.match(help, /\nexample\n {2}\S/, name);
    assert.ok(command.example.includes(name), `the example of ${name} shows it`);
    for (const flag of Object.keys(command.flags ?? {})) assert.ok(help.includes(`--${flag}`), `${name} --${flag}`);
  }
});

void test('help is where people look for it, and needs no daemon', () => {
  const asked = [
    ['--help'],
    [],
    ['help'],
    ['-h'],
    ['environment', '--help'],
    ['help', 'environment', 'set'],
    ['watch', '-h'],
  ];
  for (const [i, { code, stdout, stderr }] of keystileEach(asked).entries()) {
    const args = asked[i] ?? [];
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.match(stdout, /^example$/m, args.join(' '));
  }
  assert.match(keystile('--version').stdout, /^keystile \S+\n$/);
});

void test('an empty argument or flag is refused as such, except where it means something', () => {
  const empty = [
    ['import', ''],
    ['read', ''],
    ['run', '--env-file', '', '--', 'true'],
    ['export', '--to='],
  ];
  for (const [i, { code, stderr }] of keystileEach(empty).entries()) {
    assert.equal(code, 2, empty[i]?.join(' '));
    assert.match(stderr, /^keystile: (?:FILE|REF|--env-file|--to) is empty; if it comes from a variable/);
  }
  const [set, list] = COMMANDS.filter(({ path }) => /^(?:environment set|item list)$/.test(path.join(' ')));
  assert.ok(set !== undefined && list !== undefined);
  assert.equal(parseCommand(set, ['shop', 'A', '--plain', '']).flags.get('plain'), '');
});

void test('help fits on 80 columns, but for examples, which are not broken', () => {
  const asked = [[], ...COMMANDS.map(({ path }) => path), ['environment'], ['item'], ['item', 'file']];
  for (const [i, { stdout }] of keystileEach(asked.map((path) => [...path, '--help'])).entries()) {
    const [text = ''] = stdout.split('\nexample\n');
    const wide = text.split('\n').filter((line) => line.length > 80 && line.includes(' ', 3));
    assert.deepEqual(wide, [], asked[i]?.join(' '));
  }
});

void test('the first page of help has every command, once', () => {
  const words = CHAPTERS.flatMap((chapter) => chapter.words);
  assert.deepEqual(words.toSorted(), [...new Set(COMMANDS.map(({ path }) => path[0] ?? ''))].toSorted());
});

void test('every example can be parsed', () => {
  for (const command of COMMANDS) {
    for (const line of command.example.split('\n')) {
      const words = line.slice(line.indexOf('keystile ')).split(' ').slice(1);
      const end = words.findIndex((word) => word === '>>' || word === '|');
      const found = findCommand(COMMANDS, end === -1 ? words : words.slice(0, end));
      assert.ok(found.kind === 'command' && found.command === command, line);
      parseCommand(command, found.rest);
    }
  }
});

void test('flags may stand anywhere, --generate takes a recipe or none', () => {
  const parse = (...argv: string[]): { args: object; flags: object } => {
    const found = findCommand(COMMANDS, argv);
    assert.ok(found.kind === 'command');
    const { args, flags } = parseCommand(found.command, found.rest);
    return { args: Object.fromEntries(args), flags: Object.fromEntries(flags) };
  };
  const args = { ENV: 'staging', NAME: 'SEED' };
  const set = ['environment', 'set'];
  assert.deepEqual(parse(...set, 'staging', 'SEED', '--generate'), { args, flags: { generate: 'hex:32' } });
  assert.deepEqual(parse(...set, '--generate', 'staging', 'SEED'), { args, flags: { generate: 'hex:32' } });
  assert.deepEqual(parse(...set, 'staging', '--generate', 'uuid', 'SEED'), { args, flags: { generate: 'uuid' } });
  assert.deepEqual(parse(...set, 'staging', 'SEED', '--generate=password:30'), {
    args,
    flags: { generate: 'password:30' },
  });
  assert.deepEqual(parse('--format', 'json', '--passphrase-stdin', ...set, 'staging', 'SEED'), {
    args,
    flags: { format: 'json', 'passphrase-stdin': true },
  });
  assert.deepEqual(parse(...set, 'staging', 'SEED', '--plain=--x'), { args, flags: { plain: '--x' } });
  assert.deepEqual(parse(...set, '--', 'staging', 'SEED').args, args);
});

void test('the nearest name is near, or none', () => {
  const names = ['approve', 'deny', 'requests', 'release', 'revoke'];
  assert.equal(nearest('aprove', names), 'approve');
  assert.equal(nearest('req', names), 'requests');
  assert.equal(nearest('xyzzy', names), null);
  assert.equal(nearest('stdin', ['plain', 'passphrase-stdin', 'value-stdin']), 'value-stdin');
});

for (const shell of SHELLS) {
  void test(`the completion script for ${shell} is accepted and complete`, (t) => {
    const script = completionScript(shell, COMMANDS);
    for (const { path } of COMMANDS) for (const word of path) assert.ok(script.includes(word), word);
    const file = join(folder, `completion.${shell}`);
    writeFileSync(file, script);
    const { error, status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    if (error !== undefined) return t.skip(`${shell} is not installed`);
    assert.equal(status, 0, stderr);
    return undefined;
  });
}

void test('bash completes commands, nouns and flags', () => {
  const file = join(folder, 'completion.bash');
  writeFileSync(file, completionScript('bash', COMMANDS));
  const complete = (...words: string[]): string[] => {
    const script = `source "$1"; shift; COMP_WORDS=(keystile "$@"); COMP_CWORD=$#; _keystile; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', file, ...words], { encoding: 'utf8' });
    return stdout.split('\n').filter((word) => word !== '');
  };
  assert.deepEqual(complete('env'), ['environment']);
  assert.deepEqual(complete('environment', 'un'), ['unset']);
  assert.deepEqual(complete('environment', 'set', 'staging', '--val'), ['--value-stdin']);
  assert.deepEqual(complete('completion', 'z'), ['zsh']);
});

void test('a recovery kit is a new private file, gone when it was not filled', () => {
  const path = join(folder, 'kit.txt');
  {
    using _kit = createKit(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }
  assert.ok(!existsSync(path));
  {
    using kit = createKit(path);
    kit.fill('vault_x', Buffer.from('ABCDEFG-HJKMNPQ'), new Date(0));
  }
  assert.equal(readKit(path).toString(), 'ABCDEFG-HJKMNPQ');
  assert.throws(() => createKit(path), { code: 'input/invalid' });
});

void test('a recovery kit beside the vault is refused', () => {
  assert.throws(() => refuseKitInHome(join(folder, 'kit.txt'), folder), { code: 'input/invalid' });
  refuseKitInHome(join(folder, 'kit.txt'), join(folder, 'elsewhere'));
});
