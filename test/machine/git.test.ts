// What git thinks of a path, asked in repositories that try to run something.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { excludeFromGit, gitFacts, untrackCommands } from '../../src/machine/git.ts';

const hasGit = spawnSync('git', ['--version']).status === 0;
const skip = hasGit ? false : 'git is not installed';

async function withRepository(use: (root: string) => Promise<void>): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'keystile-git-')));
  try {
    run(root, 'init', '-q');
    await use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function run(root: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  const { status, stdout, stderr } = spawnSync('git', ['-C', root, ...identity, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

async function repositoryAt(path: string) {
  const facts = await gitFacts(path);
  assert.ok(facts.kind === 'repository');
  return facts;
}

test('a path in no repository is in none', { skip }, async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keystile-git-')));
  assert.deepEqual(await gitFacts(join(folder, '.env')), { kind: 'none' });
  rmSync(folder, { recursive: true });
});

test(
  'F10: a tracked path is known as such, also when its file is gone, and the commands given take it out',
  { skip },
  async () => {
    await withRepository(async (root) => {
      mkdirSync(join(root, "it's"));
      const path = join(root, "it's", '.env');
      writeFileSync(path, 'A=1\n');
      run(root, 'add', '-f', '.');
      run(root, 'commit', '-qm', 'a');
      assert.equal((await repositoryAt(path)).isTracked, true);
      rmSync(path);
      const facts = await repositoryAt(path);
      assert.equal(facts.isTracked, true);
      const commands = untrackCommands(facts)
        .replace(/^run: /, '')
        .replace('git commit', 'git -c user.name=t -c user.email=t@t commit');
      const done = spawnSync('sh', ['-c', commands], { encoding: 'utf8' });
      assert.equal(done.status, 0, `${commands}\n${done.stderr}`);
      const after = await repositoryAt(path);
      assert.deepEqual([after.isTracked, after.isIgnored], [false, true]);
    });
  },
);

test('a path that nothing ignores is excluded once, exactly it and nothing else', { skip }, async () => {
  await withRepository(async (root) => {
    mkdirSync(join(root, 'app'));
    for (const name of ['.env', '!odd #name[*]? ', 'plain']) {
      const path = join(root, 'app', name);
      const before = await repositoryAt(path);
      assert.deepEqual([before.isTracked, before.isIgnored], [false, false]);
      excludeFromGit(before);
      excludeFromGit(before);
      writeFileSync(path, 'x');
      assert.equal((await repositoryAt(path)).isIgnored, true, name);
    }
    writeFileSync(join(root, '.env'), 'x');
    assert.equal((await repositoryAt(join(root, '.env'))).isIgnored, false, 'the one at the top is another one');
    const lines = readFileSync(join(root, '.git', 'info', 'exclude'), 'utf8').split('\n');
    assert.equal(lines.filter((line) => line === '/app/.env').length, 1);
  });
});

test('F08: a link in the place of .git/info is not followed', { skip }, async () => {
  await withRepository(async (root) => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    rmSync(join(root, '.git', 'info'), { recursive: true });
    symlinkSync(elsewhere, join(root, '.git', 'info'));
    const facts = await repositoryAt(join(root, '.env'));
    assert.throws(() => excludeFromGit(facts), { code: 'machine/io' });
    assert.equal(existsSync(join(elsewhere, 'exclude')), false);
  });
});

test('nothing of a repository runs while git is asked about it', { skip }, async () => {
  await withRepository(async (root) => {
    const proof = join(root, 'proof');
    const evil = join(root, 'evil.sh');
    writeFileSync(evil, `#!/bin/sh\ntouch '${proof}'\n`);
    chmodSync(evil, 0o755);
    mkdirSync(join(root, '.git', 'hooks'), { recursive: true });
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'reference-transaction'])
      writeFileSync(join(root, '.git', 'hooks', hook), readFileSync(evil), { mode: 0o755 });
    for (const [name, value] of [
      ['core.fsmonitor', evil],
      ['core.pager', evil],
      ['core.sshCommand', evil],
      ['alias.ls-files', `!${evil}`],
      ['filter.x.clean', evil],
      ['core.hooksPath', join(root, '.git', 'hooks')],
    ] as const)
      run(root, 'config', name, value);
    writeFileSync(join(root, '.gitattributes'), '* filter=x\n');
    await repositoryAt(join(root, '.env'));
    assert.equal(existsSync(proof), false);
  });
});
