import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ownEnvironment } from '../../src/doors/cli/run/own-environment.ts';

const launcher = fileURLToPath(new URL('../../bin/keystile', import.meta.url));
const REPORT = `console.log(JSON.stringify({ node: process.execPath, flags: process.execArgv, args: process.argv.slice(2),
  env: { ...process.env } }))`;
let folder = '';
let root = '';

interface Report {
  readonly node: string;
  readonly flags: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A package as npm lays it out, below a folder with a space, whose CLI reports what it was started with. */
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'keystile launcher-'));
  root = join(folder, 'lib', 'node_modules', 'keystile');
  for (const path of ['bin', 'dist']) fs.mkdirSync(join(root, path), { recursive: true });
  fs.copyFileSync(launcher, join(root, 'bin', 'keystile'));
  fs.writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  fs.writeFileSync(join(root, 'dist', 'keystile.cjs'), REPORT);
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function putNode(path: string, target = process.execPath): string {
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.symlinkSync(target, path);
  return path;
}

function start(path: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Report {
  const { stdout, stderr, status } = spawnSync(path, args, {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

void test('it starts the Node of its own package, with fixed flags and the arguments as they are', () => {
  putNode(join(root, 'node_modules', 'node', 'bin', 'node'));
  const report = start(join(root, 'bin', 'keystile'), ['run', '--', 'a b', '', '*', '$HOME', '-e']);
  assert.equal(report.node, process.execPath);
  assert.equal(report.flags[0], '--disable-sigusr1');
  assert.deepEqual(report.args, ['run', '--', 'a b', '', '*', '$HOME', '-e']);
});

void test('it finds its package through links, absolute and relative, and the Node npm put beside it', () => {
  putNode(join(folder, 'lib', 'node_modules', 'node', 'bin', 'node'));
  fs.mkdirSync(join(folder, 'bin'));
  fs.symlinkSync('../lib/node_modules/keystile/bin/keystile', join(folder, 'bin', 'keystile'));
  fs.symlinkSync(join(folder, 'bin', 'keystile'), join(folder, 'ks'));
  assert.deepEqual(start(join(folder, 'ks'), ['x']).args, ['x']);
  const found = spawnSync('sh', ['-c', 'keystile y'], {
    encoding: 'utf8',
    cwd: '/',
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
  });
  assert.deepEqual(JSON.parse(found.stdout).args, ['y'], found.stderr);
});

void test('without its own it takes a Node from PATH that is new enough, and says what to do about an old one', () => {
  putNode(join(folder, 'new', 'node'));
  assert.equal(
    start(join(root, 'bin', 'keystile'), [], { PATH: `${join(folder, 'new')}:/usr/bin:/bin` }).node,
    process.execPath,
  );
  fs.mkdirSync(join(folder, 'old'));
  fs.writeFileSync(join(folder, 'old', 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const { status, stderr } = spawnSync(join(root, 'bin', 'keystile'), {
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'old')}:/usr/bin:/bin` },
  });
  assert.equal(status, 1);
  assert.match(stderr, /^keystile: Node 24\.12 or newer is needed; install it/);
});

void test('N02: variables that change what Node does are gone, those people need are kept', () => {
  putNode(join(root, 'node_modules', 'node', 'bin', 'node'));
  const evil = join(folder, 'evil.cjs');
  fs.writeFileSync(evil, "console.log('evil'); process.exit(0)");
  const hostile = {
    NODE_OPTIONS: `--require "${evil}"`,
    NODE_PATH: folder,
    NODE_V8_COVERAGE: folder,
    LD_LIBRARY_PATH: folder,
    OPENSSL_CONF: evil,
  };
  const needed = { HOME: '/h', TERM: 'xterm', NO_COLOR: '1', KEYSTILE_HOME: '/k', LC_ALL: 'C' };
  const report = start(join(root, 'bin', 'keystile'), [], { ...hostile, ...needed });
  for (const name of Object.keys(hostile)) assert.ok(!(name in report.env), name);
  for (const [name, value] of Object.entries(needed)) assert.equal(report.env[name], value);
});

void test('for a run, and only for it, what was taken away is kept under another name', () => {
  putNode(join(root, 'node_modules', 'node', 'bin', 'node'));
  const env = { NODE_OPTIONS: '--title "a b"', LD_LIBRARY_PATH: '', SSL_CERT_DIR: "$(exit 1)';`x`" };
  for (const args of [['run'], ['--format', 'json', 'run', '--', 'x']]) {
    const report = start(join(root, 'bin', 'keystile'), args, env);
    for (const [name, value] of Object.entries(env)) {
      assert.ok(!(name in report.env), name);
      assert.equal(report.env[`KEYSTILE_KEPT_${name}`], value);
    }
    assert.ok(!('KEYSTILE_KEPT_NODE_PATH' in report.env));
    assert.match(report.env['KEYSTILE_IGNORED_SIGNALS'] ?? '', /^[0-9a-f]{16}$/);
    assert.deepEqual(
      { ...ownEnvironment(report.env), PWD: '', OLDPWD: '', _: '' },
      {
        PATH: '/usr/bin:/bin',
        ...env,
        PWD: '',
        OLDPWD: '',
        _: '',
      },
    );
  }
  const common = Object.fromEntries(
    ['name', 'value', 'word', 'link', 'self', 'root', 'node', 'scrubbed'].map((name) => [name, `mine: ${name}`]),
  );
  const { env: seen } = start(join(root, 'bin', 'keystile'), ['run'], common);
  for (const [name, value] of Object.entries(common)) assert.equal(seen[name], value, name);
  for (const args of [[], ['mcp'], ['status', 'run']]) {
    const names = Object.keys(start(join(root, 'bin', 'keystile'), args, env).env);
    assert.deepEqual(
      names.filter((name) => name.startsWith('KEYSTILE_')),
      [],
    );
  }
});
