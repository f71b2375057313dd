import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Failure } from '../../src/core/failure.ts';
import { DEFAULT_SETTINGS, parseSettings, readSettings } from '../../src/machine/settings.ts';

void test('an absent or empty file means the defaults', () => {
  assert.deepEqual(readSettings({ settings: join(tmpdir(), 'keystile-no-such-file') }), DEFAULT_SETTINGS);
  assert.deepEqual(parseSettings(''), DEFAULT_SETTINGS);
});

void test('every setting is read, and the others keep their defaults', () => {
  const text =
    'lock_after_idle_minutes = 0\n[kdf]\nmemory_mib = 64\n[audit]\nfile = "/dev/full"\n[requests]\nexpire_after_seconds = 60\n[mounts]\nallow_uncounted_pipes = true\n';
  assert.deepEqual(parseSettings(text), {
    kdf: { ...DEFAULT_SETTINGS.kdf, memoryMib: 64 },
    auditFile: '/dev/full',
    requestSeconds: 60,
    lockAfterIdleMinutes: 0,
    allowUncountedPipes: true,
    sources: new Map(),
  });
});

for (const [text, expected] of [
  ['[kdf]\npasses = 3\nmemory = 64', 'config.toml, line 3: "kdf.memory" is not a setting'],
  ['approval_minutes = 3', 'config.toml, line 1: "approval_minutes" is not a setting'],
  ['[kdf.inner]\nx = 1', '"kdf.inner" is not a setting'],
  ['\n[nonsense]', 'line 2: "nonsense" is not a setting'],
  ['__proto__ = 1', '"__proto__" is not a setting'],
  ['kdf = 3', '"kdf" has to be a table'],
  ['kdf = [1]', '"kdf" has to be a table'],
  ['kdf = 2020-01-01', '"kdf" has to be a table'],
  ['[kdf]\nlanes = 1.5', '"kdf.lanes" has to be a whole number from 1 to 64'],
  ['[kdf]\nlanes = "4"', '"kdf.lanes" has to be a whole number'],
  ['lock_after_idle_minutes = -1', 'from 0 to 10080'],
  ['[audit]\nfile = "events"', '"audit.file" has to be an absolute path'],
  ['x = ', 'config.toml, line 1'],
  ['[kdf]\nlanes = 1\nlanes = 2', 'config.toml, line 3'],
] as const) {
  void test(`a mistake is named with its place: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseSettings(text),
      (error) => error instanceof Failure && error.code === 'home/settings' && error.message.includes(expected),
      expected,
    );
  });
}

void test('settings others can read or write are refused', () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'keystile-settings-'));
  const settings = join(folder, 'config.toml');
  fs.writeFileSync(settings, 'lock_after_idle_minutes = 5');
  fs.chmodSync(settings, 0o644);
  assert.throws(() => readSettings({ settings }), /other users have access/);
  fs.chmodSync(settings, 0o600);
  assert.equal(readSettings({ settings }).lockAfterIdleMinutes, 5);
  fs.rmSync(folder, { recursive: true });
});
