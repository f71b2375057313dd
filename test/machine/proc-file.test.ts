import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readProcFile } from '../../src/machine/proc-file.ts';

const skip = process.platform === 'linux' ? false : 'there is no /proc';

void test('files of /proc are read whole, whatever their length', { skip }, async () => {
  for (const bytes of [0, 1, 4_000, 8_100, 8_192, 20_000, 120_000]) {
    const child = spawn('sleep', ['60'], { env: { TEXT: 'x'.repeat(bytes) } });
    await once(child, 'spawn');
    const path = `/proc/${child.pid}/environ`;
    assert.deepEqual(readProcFile(path), readFileSync(path));
    assert.equal(readProcFile(path).length, `TEXT=\0`.length + bytes);
    child.kill();
    await once(child, 'close');
  }
});

void test('what was read stays the same when something else is read', { skip }, () => {
  const first = readProcFile('/proc/self/cmdline');
  const copy = Buffer.from(first);
  readProcFile('/proc/self/status');
  assert.deepEqual(first, copy);
});

void test('a process that is not there throws as Node does', { skip }, () => {
  assert.throws(() => readProcFile('/proc/0/environ'), { code: 'ENOENT' });
});
