// npm run test:package: the package as people get it. It is packed, installed into an empty prefix with the npm and Node
// of this system, looked through, and used. Ends with the line `N passed, N failed`.

import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const PASSPHRASE = 'correct horse battery';
const COMMAND_MS_MAX = 300_000;
/** What a newcomer waits for; a dependency that slipped into the package would show here. */
const PACKED_BYTES_MAX = 2 * 1024 * 1024;
const TOOLS = 15;

const folder = mkdtempSync(join(tmpdir(), 'keystile-package-'));
const prefix = join(folder, 'prefix');
const keystile = join(prefix, 'bin', 'keystile');
/** Without the folders that `npm run` puts in front: the Node that is found is the one of the system. */
const PATH = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .join(delimiter);
const env = { PATH, HOME: folder, KEYSTILE_HOME: join(folder, 'home'), LANG: 'C.UTF-8' };

/** npm itself keeps what this user set for it, such as a registry or a certificate, but nothing of an `npm run` above. */
const npmEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:npm_(?!config_)|npm_config_.*prefix$|INIT_CWD$)/.test(name)),
);

let passed = 0;
let failed = 0;
let tarball = '';

function check(title: string, body: () => void): void {
  try {
    body();
    passed += 1;
    process.stdout.write(`ok    ${title}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`WRONG ${title}\n${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function run(program: string, args: readonly string[], input = ''): SpawnSyncReturns<string> {
  return spawnSync(program, args, { cwd: folder, env, input, encoding: 'utf8', timeout: COMMAND_MS_MAX });
}

function npm(args: readonly string[], cwd = folder): SpawnSyncReturns<string> {
  const options = { cwd, env: { ...npmEnv, PATH }, encoding: 'utf8', timeout: COMMAND_MS_MAX } as const;
  return spawnSync('npm', args, options);
}

function ok(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = run(keystile, args, input);
  assert.equal(status, 0, `keystile ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

check('it packs', () => {
  const packed = npm(['pack', '--json', '--pack-destination', folder], process.cwd());
  assert.equal(packed.status, 0, packed.stderr);
  tarball = globSync(join(folder, '*.tgz'))[0] ?? assert.fail('no tarball was written');
  const bytes = statSync(tarball).size;
  process.stdout.write(`      ${Math.round(bytes / 1024)} KiB packed\n`);
  assert.ok(bytes < PACKED_BYTES_MAX, `${bytes} bytes`);
});

check('it holds what is needed, and no test, source map or path of this machine', () => {
  const files = run('tar', ['-tzf', tarball]).stdout.split('\n').filter(Boolean);
  for (const needed of [
    'bin/keystile',
    'dist/keystile.cjs',
    'dist/keystile.js',
    'dist/values.cjs',
    'dist/daemon.js',
    'dist/runner.js',
    'README.md',
    'LICENSE',
  ]) {
    assert.ok(files.includes(`package/${needed}`), `${needed} is missing`);
  }
  assert.deepEqual(
    files.filter((file) => /\.map$|\.ts$|(?:^|\/)(?:test|scripts|src|node_modules)\//.test(file)),
    [],
  );
  const text = run('sh', ['-c', `tar -xzOf '${tarball}'`]).stdout;
  assert.ok(text.length > 0);
  assert.ok(!text.includes(process.cwd()), 'a path of this machine is in it');
  assert.ok(!text.includes('sourceMappingURL=data:'), 'a source map is in it');
});

check('it has no install scripts of its own', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const names = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'];
  assert.deepEqual(
    names.filter((name) => name in manifest.scripts),
    [],
  );
});

check('it installs into an empty prefix, as npm does when nothing is set', () => {
  const found = run('node', ['--version']).stdout.trim();
  process.stdout.write(`      node ${found}, npm ${npm(['--version']).stdout.trim()}\n`);
  const installed = npm(['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', tarball]);
  assert.equal(installed.status, 0, installed.stderr);
});

check('it says its version', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.ok(ok(['--version']).includes(version));
});

check('it makes a vault', () => {
  ok(['init', '--passphrase-stdin'], `${PASSPHRASE}\n`);
  assert.match(ok(['status']), /unlocked/);
});

check('it keeps an environment', () => {
  ok(['environment', 'create', 'shop']);
  ok(['environment', 'set', 'shop', 'TOKEN', '--generate', 'hex:32']);
  const { environments } = JSON.parse(ok(['environment', 'list', '--format', 'json'])) as {
    environments: { name: string }[];
  };
  assert.deepEqual(
    environments.map(({ name }) => name),
    ['shop'],
  );
});

check('it answers an agent', () => {
  const clientInfo = { name: 'package-test', version: '1' };
  const messages = [
    { id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/list' },
  ];
  const input = messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join('');
  const lines = ok(['mcp'], input).trim().split('\n');
  const answers = lines.map((line) => JSON.parse(line) as { id: number; result: { tools?: unknown[] } });
  assert.equal(answers.find(({ id }) => id === 2)?.result.tools?.length, TOOLS);
});

check('its daemon is hardened, as doctor sees it', () => {
  const { status, stdout } = run(keystile, ['doctor']);
  assert.equal(status, 0, stdout);
});

check('it stops', () => {
  ok(['stop']);
  assert.match(ok(['status']), /not running/);
});

run(keystile, ['stop']);
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
