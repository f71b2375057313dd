// What was compiled when the program was built is taken by the Node and the flags that bin/keystile starts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOORS, launcherFlags } from '../../scripts/build/doors.ts';
import { ROOT } from '../house.ts';

const ASK = `
  const { readFileSync } = require('node:fs');
  const { Script } = require('node:vm');
  const [path] = process.argv.slice(1);
  const source = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(path, 'utf8') + '\\n})';
  const cachedData = readFileSync(path + '.' + process.platform + '-' + process.arch + '-' + process.version);
  process.stdout.write(String(new Script(source, { filename: path, cachedData }).cachedDataRejected));
`;

for (const [name, { compiled }] of Object.entries(DOORS)) {
  if (compiled === 'nothing') continue;
  void test(`${name}.cjs is not compiled again`, () => {
    const argv = [...launcherFlags(), '-e', ASK, join(ROOT, 'dist', `${name}.cjs`)];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    assert.equal(stdout, 'false', stderr);
  });
}
