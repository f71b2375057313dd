// Where a file may be mounted: F08 (links on the way), F10 (something there already), folders others can write.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkMountPath, isSameFolder } from '../../src/machine/mount-path.ts';

function withFolder(use: (folder: string) => void): void {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keystile-path-')));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const codeOf = (path: string, home = '/nowhere'): string => {
  try {
    checkMountPath(path, home);
    return 'ok';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
};

test('a path in a folder of ours is taken, and the folder is known again', () => {
  withFolder((folder) => {
    const checked = checkMountPath(join(folder, '.env'), '/nowhere');
    assert.equal(checked.path, folder);
    assert.ok(isSameFolder(checked));
    renameSync(folder, `${folder}.moved`);
    mkdirSync(folder);
    assert.equal(isSameFolder(checked), false, 'another folder at the same path');
    rmSync(`${folder}.moved`, { recursive: true });
  });
});

test('F10: nothing is mounted over a file, a folder or a link, not even one that leads nowhere', () => {
  withFolder((folder) => {
    writeFileSync(join(folder, 'file'), 'x');
    mkdirSync(join(folder, 'folder'));
    symlinkSync('nowhere', join(folder, 'link'));
    for (const name of ['file', 'folder', 'link']) assert.equal(codeOf(join(folder, name)), 'mount/exists', name);
  });
});

test('F08: a path that leads through a link is refused, wherever the link is', () => {
  withFolder((folder) => {
    mkdirSync(join(folder, 'real', 'deep'), { recursive: true });
    symlinkSync('real', join(folder, 'link'));
    assert.equal(codeOf(join(folder, 'link', '.env')), 'mount/unsafe');
    assert.equal(codeOf(join(folder, 'link', 'deep', '.env')), 'mount/unsafe');
    assert.equal(codeOf(join(folder, 'real', 'deep', '.env')), 'ok');
  });
});

test('a folder that others can write, or that is not ours, is refused', { skip: process.geteuid?.() !== 0 }, () => {
  withFolder((folder) => {
    chmodSync(folder, 0o777);
    assert.equal(codeOf(join(folder, '.env')), 'mount/unsafe');
    chmodSync(folder, 0o700);
    mkdirSync(join(folder, 'below'));
    chownSync(folder, 1002, 1002);
    assert.equal(codeOf(join(folder, 'below', '.env')), 'mount/unsafe', 'below a folder of another user');
    assert.equal(codeOf(join(folder, '.env')), 'mount/unsafe');
    chownSync(folder, 0, 0);
  });
});

test('our own folder, a folder that is not there, and texts that are no clean path are refused', () => {
  withFolder((folder) => {
    mkdirSync(join(folder, 'run'));
    assert.equal(codeOf(join(folder, 'run', '.env'), folder), 'mount/unsafe');
    assert.equal(codeOf(join(folder, '.env'), folder), 'mount/unsafe');
    assert.equal(codeOf(join(folder, 'missing', '.env')), 'mount/unsafe');
    for (const path of [
      '.env',
      `${folder}/../.env`,
      `${folder}/`,
      `${folder}/a\nb`,
      `${folder}/a\u2028b`,
      `${folder}/a\0b`,
      '/',
      `${folder}/.`,
    ])
      assert.equal(codeOf(path), 'input/invalid', JSON.stringify(path));
    assert.equal(codeOf(join(folder, 'x'.repeat(4096))), 'input/invalid');
  });
});
