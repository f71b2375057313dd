// Values that would be something else to whoever reads them (F16): through the vault, a mount and real readers, each is
// exactly what was set, or it is left out and said by name.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeOf, programOf } from '../attackers.ts';
import { ROOT } from '../house.ts';
import { MountHouse, PLACES } from '../programs/mount-house.ts';

const HOSTILE: Readonly<Record<string, string>> = {
  NEWLINE: 'first\nEVIL=1\nlast-of-the-lines',
  RETURN: 'before\r\nEVIL=2\rafter-the-return',
  DOUBLE: 'a "quoted" word\\" EVIL=3',
  SINGLE: "it's a 'quoted' word' EVIL=4",
  BOTH: `"both' of "them' EVIL=5`,
  COMMAND: '$(touch evil-command)',
  BACKTICK: '`touch evil-backtick`',
  EXPANDED: '${HOME} $HOME $$ $1 \\$HOME',
  HASH: 'value # not a comment',
  SPACES: '  leading and trailing  ',
  EQUALS: 'a=b=c export X=1',
  BACKSLASHES: 'C:\\new\\table\\\\server\\',
  UNICODE: 'ключ-密钥-🔑-\u2028-end',
  EXPORT: 'export EVIL=6',
  TILDE: '~/x *?[a]{b,c}!history',
  LONG: 'x'.repeat(60_000),
};

const hasPython = spawnSync('/usr/bin/python3', ['-c', 'import dotenv']).status === 0;

for (const place of PLACES) {
  describe(`hostile values (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    let leftOut: readonly string[];
    before(async () => {
      mounted = await MountHouse.open(place, HOSTILE);
      ({ leftOut } = await mounted.state());
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    const reads = async (program: string, args: readonly string[]): Promise<void> => {
      const read = await mounted.allow(mounted.start(program, args, { env: { BASH_ENV: '' } }));
      assert.equal(read.code, 0, read.stderr);
      const found = new Map(
        read.stdout
          .toString()
          .split('\0')
          .map((entry): [string, string] => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
      );
      let count = 0;
      for (const [name, value] of Object.entries(HOSTILE)) {
        if (leftOut.includes(name)) assert.equal(found.get(name), undefined, name);
        else assert.equal(found.get(name), value, name);
        count += leftOut.includes(name) ? 0 : 1;
      }
      assert.ok(count >= 8, `only ${count} of them can be in a file`);
      assert.equal(found.get('EVIL'), undefined, 'no variable more');
      assert.equal(found.get('API_TOKEN'), mounted.secret);
    };

    test('F16: what cannot be written so that every reader takes it alike is left out by name, and listed', async () => {
      for (const name of leftOut) assert.ok(name in HOSTILE, name);
      const table = await mounted.house.ok(['mounts']);
      for (const name of leftOut) assert.match(table, new RegExp(`without .*\\b${name}\\b`));
    });

    test('F16: bash', async () => {
      await reads('/bin/bash', ['--norc', '-c', `set -a; . ${mounted.path}; exec env -0`]);
    });

    test('F16: node --env-file', async () => {
      await reads(nodeOf(mounted.house), [
        `--env-file=${mounted.path}`,
        programOf(mounted.house, 'dotenv-environment.ts'),
      ]);
    });

    test('F16: npm dotenv', async () => {
      cpSync(join(ROOT, 'node_modules', 'dotenv'), join(mounted.house.root, 'node_modules', 'dotenv'), {
        recursive: true,
        dereference: true,
      });
      const script = mounted.write(
        'read.cjs',
        `require('dotenv').config({ path: process.argv[2], quiet: true });
        for (const [name, value] of Object.entries(process.env)) process.stdout.write(name + '=' + value + '\\0');`,
      );
      await reads(nodeOf(mounted.house), [script, mounted.path]);
    });

    test('F16: python-dotenv', { skip: hasPython ? false : 'python-dotenv is not installed' }, async () => {
      await reads('/usr/bin/python3', [programOf(mounted.house, 'mount-python.py'), mounted.path]);
    });

    test('F16: nothing was executed', async () => {
      const { stdout } = await mounted.start('/bin/ls', ['-A', mounted.house.project, mounted.house.root]).done;
      assert.doesNotMatch(stdout.toString(), /evil/);
    });
  });
}
