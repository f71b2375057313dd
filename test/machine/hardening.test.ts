import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import * as fs from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HardeningReport } from '../../src/machine/harden.ts';
import { HARDENED_FLAGS, scrubbedEnvironment } from '../../src/machine/interpreter.ts';

const OTHER_USER = 1001;
const CANARY = 'canary-Hq7-environment';
const isRoot = process.geteuid?.() === 0;
const user = isRoot ? { uid: OTHER_USER, gid: OTHER_USER } : {};
const program = fileURLToPath(new URL('../programs/machine-hardened.ts', import.meta.url));
const interpreterModule = new URL('../../src/machine/interpreter.ts', import.meta.url).href;

interface Answer {
  readonly report?: HardeningReport;
  readonly code?: string;
  readonly message?: string;
}

type Target = ChildProcessByStdio<Writable, Readable, null>;

let folder = '';
let interpreter = '';

before(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile-hardening-'));
  if (isRoot) fs.chownSync(folder, OTHER_USER, OTHER_USER);
  interpreter = join(folder, 'bin', 'node');
});

after(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What `execOnlyInterpreter` answers to an ordinary user. */
function obtain(execPath = process.execPath, path = interpreter): { path: string; isExecOnly: boolean } {
  const code = `import(${JSON.stringify(interpreterModule)}).then((m) =>
    console.log(JSON.stringify(m.execOnlyInterpreter({ interpreter: process.argv[1] }))))`;
  const { stdout } = spawnSync(execPath, ['-e', code, path], { ...user, encoding: 'utf8', cwd: '/' });
  return JSON.parse(stdout);
}

async function start(path: string, flags: readonly string[], env: NodeJS.ProcessEnv): Promise<[Target, Answer]> {
  const child = spawn(path, [...flags, program], { ...user, env, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) return [child, JSON.parse(String(chunk))];
  throw new Error('it said nothing');
}

async function end(child: Target): Promise<void> {
  const isOver = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.end();
  await isOver;
}

function attack(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { ...user, encoding: 'utf8', cwd: '/' });
  return stdout + stderr;
}

function read(path: string): string {
  const code = `try { console.log(require('fs')[process.argv[1].endsWith('fd') ? 'readdirSync' : 'readFileSync'](process.argv[1])
    .toString()) } catch (error) { console.log(error.code) }`;
  return attack(process.execPath, ['-e', code, path]).trim();
}

void test('the interpreter is copied once, may be executed and not read, and starts', () => {
  assert.deepEqual(obtain(), { path: interpreter, isExecOnly: true });
  const first = fs.statSync(interpreter);
  assert.equal(first.mode & 0o7777, 0o111);
  assert.deepEqual(obtain(), { path: interpreter, isExecOnly: true });
  assert.equal(fs.statSync(interpreter).ino, first.ino);
  assert.deepEqual(obtain(interpreter), { path: interpreter, isExecOnly: true });
  assert.deepEqual(fs.readdirSync(join(folder, 'bin')).toSorted(), ['node', 'node.source']);
});

void test('a copy that was made readable, or is of another Node, is made again', () => {
  obtain();
  const first = fs.statSync(interpreter).ino;
  fs.chmodSync(interpreter, 0o755);
  assert.equal(obtain().isExecOnly, true);
  const second = fs.statSync(interpreter).ino;
  assert.notEqual(second, first);
  fs.writeFileSync(`${interpreter}.source`, '{}');
  assert.equal(obtain().isExecOnly, true);
  assert.notEqual(fs.statSync(interpreter).ino, second);
});

void test('where no copy can be had the running interpreter is used and said to be readable', () => {
  fs.writeFileSync(join(folder, 'file'), '');
  assert.deepEqual(obtain(process.execPath, join(folder, 'file', 'node')), {
    path: process.execPath,
    isExecOnly: false,
  });
});

void test('N01 N03: another process of the same user cannot look into a hardened one, trace it or open its inspector', async () => {
  obtain();
  const [child, answer] = await start(interpreter, HARDENED_FLAGS, { LANG: CANARY });
  const report = answer.report ?? [];
  assert.deepEqual(
    report.filter((line) => !line.isOk),
    [],
  );
  assert.equal(report.length, 8);
  for (const file of ['environ', 'mem', 'maps', 'fd']) assert.equal(read(`/proc/${child.pid}/${file}`), 'EACCES', file);
  assert.match(attack('strace', ['-p', String(child.pid)]), /Operation not permitted/);
  // Somebody's own inspector may be open on this machine.
  const before = await inspectorAnswers();
  process.kill(Number(child.pid), 'SIGUSR1');
  assert.equal(await inspectorAnswers(), before);
  // The signal was sent before this read, so a process that it opened or ended would show by now.
  assert.match(fs.readFileSync(`/proc/${child.pid}/status`, 'latin1'), /^State:\s+[SR]/m);
  await end(child);
});

void test('the same attack reads the canary from a process that is not hardened', async () => {
  const child = spawn(process.execPath, ['-e', "console.log('up'); process.stdin.resume()"], {
    ...user,
    env: { LANG: CANARY },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const _ of child.stdout) break;
  assert.match(read(`/proc/${child.pid}/environ`), new RegExp(CANARY));
  await end(child);
});

void test('an interpreter nobody may read is closed before its first instruction', async () => {
  obtain();
  const child = spawn(interpreter, ['-e', "console.log('up'); process.stdin.resume()"], {
    ...user,
    env: { LANG: CANARY },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const _ of child.stdout) break;
  assert.equal(read(`/proc/${child.pid}/environ`), 'EACCES');
  await end(child);
});

for (const [what, flags, env, message] of [
  ['another flag', ['--title=x', ...HARDENED_FLAGS], {}, /fixed_flags/],
  ['SIGUSR1 left on', HARDENED_FLAGS.slice(1), {}, /no_sigusr1/],
  [
    'NODE_OPTIONS',
    HARDENED_FLAGS,
    { NODE_OPTIONS: '--no-warnings' },
    /clean_environment: foreign variables NODE_OPTIONS/,
  ],
  ['a preloaded library', HARDENED_FLAGS, { LD_AUDIT: '' }, /LD_AUDIT/],
  ['an inspector', HARDENED_FLAGS, { NODE_OPTIONS: '--inspect=127.0.0.1:0' }, /no_inspector/],
  ['npm', HARDENED_FLAGS, { npm_config_script_shell: '/bin/sh' }, /npm_config_script_shell/],
] as const) {
  void test(`N02 N05: a daemon started with ${what} refuses and names it`, async () => {
    const [child, answer] = await start(process.execPath, flags, env);
    await end(child);
    assert.equal(answer.code, 'machine/not_hardened');
    assert.match(answer.message ?? '', message);
    assert.ok(!answer.message?.includes('/bin/sh'));
  });
}

void test('E06 E11: a scrubbed environment keeps an allow-list and has no prototype', () => {
  const kept = { HOME: '/h', PATH: '/bin', LC_ALL: 'C', KEYSTILE_HOME: '/k', XDG_DATA_HOME: '/x' };
  const dropped = {
    NODE_OPTIONS: 'x',
    npm_config_x: 'x',
    LD_PRELOAD: 'x',
    AWS_SECRET_ACCESS_KEY: CANARY,
    LC_: 'x',
    pATH: 'x',
  };
  const environment = scrubbedEnvironment({ ...kept, ...dropped });
  assert.deepEqual({ ...environment }, kept);
  assert.equal(Object.getPrototypeOf(environment), null);
});

/** Asks the inspector's usual port until it answers or said often that nobody is there. */
async function inspectorAnswers(): Promise<boolean> {
  for (let i = 0; i < 50; i += 1) {
    const answered = await new Promise<boolean>((resolve) => {
      get('http://127.0.0.1:9229/json', (response) => resolve(response.resume() !== undefined)).once('error', () =>
        resolve(false),
      );
    });
    if (answered) return true;
  }
  return false;
}
