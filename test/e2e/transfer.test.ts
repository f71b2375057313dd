// Import and export through the built program and a real daemon: there and back, byte for byte, and nothing twice.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ORDINARY, attack } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, House, PASSPHRASE } from '../house.ts';
import { item } from './items.ts';

describe('items come and go', () => {
  const password = canary();
  let house: House;
  let other: House;

  before(async () => {
    house = await House.open(ORDINARY);
    other = await House.open(ORDINARY);
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  const file = (name: string): string => join(house.project, name);

  test('a file of another manager is shown without its values, and stored with them', async () => {
    writeFileSync(file('browser.csv'), `name,url,username,password\nShop,https://shop.example,app,${password}\n`);
    const dry = await house.ok(['import', file('browser.csv'), '--vault', 'Work', '--dry-run']);
    assert.match(dry, /Shop \[login\].*password \(password\)/);
    assertNoCanary(dry, password);
    assert.equal((await house.keystile(['vault', 'get', 'Work'])).code, 7, 'a dry run makes nothing');
    const done = await house.ok(['import', file('browser.csv'), '--vault', 'Work']);
    assert.match(done, /^imported 1 item/m);
    assertNoCanary(done, password);
    assert.equal((await house.human(['read', 'op://Work/Shop/password'])).stdout, `${password}\n`);
    const again = await house.ok(['import', file('browser.csv'), '--vault', 'Work']);
    assert.match(again, /^imported 0 items/m);
    assert.match(again, /left out 1 item/);
  });

  test('a bundle holds all of it, opens with its identity alone, and comes back to the byte in another vault', async () => {
    const content = randomBytes(300_000);
    writeFileSync(file('key.bin'), content);
    await item(house, 'Keys', 'server', [`[file]=${file('key.bin')}`, 'note[notes]=-'], 'two\nlines, and é');
    const bundle = file('all.age');
    const exported = await house.human(['export', '--to', bundle, '--generate-identity', file('all.key')]);
    assert.equal(exported.code, 0, exported.stderr);
    assertNoCanary(readFileSync(bundle), password);
    assertNoCanary(exported.stdout + exported.stderr, password);
    assert.notEqual((await other.keystile(['import', bundle])).code, 0);
    await other.ok(['import', bundle, '--identity', file('all.key')]);
    assert.equal((await other.human(['read', 'op://Work/Shop/password'])).stdout, `${password}\n`);
    assert.equal((await other.human(['read', '-n', 'op://Keys/server/note'])).stdout, 'two\nlines, and é');
    const out = join(other.project, 'key.bin');
    assert.equal((await other.human(['read', '--out-file', out, 'op://Keys/server/key.bin'])).code, 0);
    assert.ok(readFileSync(out).equals(content));
  });

  test('an export takes the passphrase, and neither it nor an import is for a coding agent', async () => {
    const to = file('stolen.age');
    const words = ['export', '--to', to, '--generate-identity', file('stolen.key')];
    assert.equal((await house.keystile(words)).code, 4);
    assert.equal((await house.keystile([...words, '--passphrase-stdin'], 'not the passphrase\n')).code, 4);
    const shell = `exec -a codex sh -c '${house.launcher} ${words.join(' ')} --passphrase-stdin; exit $?'`;
    const { code, stdout, stderr } = await attack(house, 'bash', ['-c', shell], { input: `${PASSPHRASE}\n` });
    assert.equal(code, 4, stdout + stderr);
    assert.ok(!existsSync(to));
    assertNoCanary(stdout + stderr, password);
  });
});
