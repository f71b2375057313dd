import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import test from 'node:test';
import { Failure } from '../../src/core/failure.ts';
import { homePaths } from '../../src/machine/paths.ts';

void test('KEYSTILE_HOME wins over XDG_DATA_HOME, and that over HOME', () => {
  const all = { KEYSTILE_HOME: '/k', XDG_DATA_HOME: '/x', HOME: '/h' };
  assert.equal(homePaths(all, 'linux').home, '/k');
  assert.equal(homePaths({ ...all, KEYSTILE_HOME: undefined }, 'linux').home, '/x/keystile');
  assert.equal(homePaths({ HOME: '/h' }, 'linux').home, '/h/.local/share/keystile');
  assert.equal(homePaths({ HOME: '/h' }, 'darwin').home, '/h/Library/Application Support/keystile');
});

void test('a variable that is set but empty counts as unset', () => {
  assert.equal(
    homePaths({ KEYSTILE_HOME: '', XDG_DATA_HOME: '', HOME: '/h' }, 'linux').home,
    '/h/.local/share/keystile',
  );
});

void test('without HOME the home folder on record is used, and a user without one is told so', () => {
  let onRecord: string;
  try {
    onRecord = userInfo().homedir;
  } catch {
    assert.throws(() => homePaths({}, 'linux'), /this user has no home folder/);
    return;
  }
  assert.equal(homePaths({}, 'linux').home, `${onRecord}/.local/share/keystile`);
});

void test('everything lies below the home', () => {
  const { home, ...others } = homePaths({ KEYSTILE_HOME: '/a b/k/' }, 'linux');
  assert.equal(home, '/a b/k');
  for (const path of Object.values(others)) assert.ok(path.startsWith('/a b/k/'), path);
  assert.equal(others.agentSocket, '/a b/k/run/agent.sock');
  assert.equal(others.controlSocket, '/a b/k/run/control.sock');
});

for (const name of ['KEYSTILE_HOME', 'XDG_DATA_HOME', 'HOME']) {
  void test(`a relative ${name} is refused by name`, () => {
    assert.throws(
      () => homePaths({ [name]: 'folder' }, 'linux'),
      (error) => error instanceof Failure && error.code === 'home/unsafe' && error.message.includes(name),
    );
  });
}

void test('S13: a socket path of 107 bytes is taken, of 108 is refused with both numbers', () => {
  const tail = '/run/control.sock'.length;
  const fits = `/${'é'.repeat((107 - tail - 2) / 2)}x`;
  assert.equal(Buffer.byteLength(homePaths({ KEYSTILE_HOME: fits }, 'linux').controlSocket), 107);
  assert.throws(
    () => homePaths({ KEYSTILE_HOME: `${fits}x` }, 'linux'),
    (error) => error instanceof Failure && error.code === 'home/path_too_long' && /108 bytes.*107/.test(error.message),
  );
  assert.throws(() => homePaths({ KEYSTILE_HOME: fits }, 'darwin'), /103/);
});
