// password-store as a source, with the real `pass` and `gpg`, a key without a passphrase and a store of its own.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { makeCanary } from '../canaries.ts';
import { has } from '../house.ts';
import { fails, SourceHouse, valueOf, valuesOf } from './house.ts';

const isInstalled = has('pass') && has('gpg');
const skip = isInstalled ? false : 'pass and gpg are not installed';
const canary = makeCanary();
const user = makeCanary('user');
const OTP = 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP';
let house: SourceHouse;
let toml: string;

before(() => {
  house = new SourceHouse();
  if (!isInstalled) return;
  const gnupg = join(house.root, 'g');
  mkdirSync(gnupg, { mode: 0o700 });
  toml = `kind = "pass"\nprefix = "work"\nstore = "${house.root}/store"\nenvironment = { GNUPGHOME = "${gnupg}" }\n`;
  run('gpg', [
    '--batch',
    '--pinentry-mode',
    'loopback',
    '--passphrase',
    '',
    '--quick-generate-key',
    'team@keystile.test',
    'future-default',
    'default',
    'never',
  ]);
  run('pass', ['init', 'team@keystile.test']);
  insert(
    'work/db',
    `${canary}\nuser: ${user}\nUser: other\nurl:\thttps://db.test  \n  user: indented\n${OTP}\ntwice: 1\ntwice: 2\nempty:\n`,
  );
  insert('work/db/replica', `${canary}-replica`);
  insert('work/windows', `${canary}\r\nuser: ${user}\r\n`);
  insert('work/blank', '\nuser: x\n');
  insert('other', 'above the prefix');
});

after(() => {
  if (isInstalled) spawnSync('gpgconf', ['--kill', 'all'], { env: environment() });
  house[Symbol.dispose]();
});

function environment(): Record<string, string> {
  return {
    HOME: house.root,
    PATH: '/usr/bin:/bin',
    GNUPGHOME: join(house.root, 'g'),
    PASSWORD_STORE_DIR: join(house.root, 'store'),
  };
}

function run(program: string, args: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync(program, args, { env: environment(), encoding: 'utf8', input });
  assert.equal(status, 0, stderr);
}

function insert(entry: string, text: string): void {
  run('pass', ['insert', '--multiline', entry], text);
}

test('the first line is the password; lines with a name are fields, whose case counts', { skip }, async () => {
  const source = house.source(toml);
  assert.equal(await valueOf(source, 'op://team/db/password'), canary);
  assert.equal(await valueOf(source, 'op://team/db/user'), user);
  assert.equal(await valueOf(source, 'op://team/db/User'), 'other');
  assert.equal(await valueOf(source, 'op://team/db/url'), 'https://db.test  ');
  assert.equal(await valueOf(source, 'op://team/db/otp?attribute=otp'), OTP);
  assert.equal(await valueOf(source, 'op://team/windows/password'), canary);
  assert.equal(await valueOf(source, 'op://team/windows/user'), user);
  assert.deepEqual([source.kind, source.where, source.forms], ['pass', '/usr/bin/pass', 'left']);
});

test('a section is one more folder', { skip }, async () => {
  assert.equal(await valueOf(house.source(toml), 'op://team/db/replica/password'), `${canary}-replica`);
});

test('several fields of one entry are one decryption, in the order they were asked for', { skip }, async () => {
  house.program('pass', `echo x >> ${house.root}/calls; exec /usr/bin/pass "$@"`);
  const source = house.source(toml);
  const references = [
    'op://team/db/user',
    'op://team/db/password',
    'op://team/db/user',
    'op://team/db/replica/password',
  ];
  assert.deepEqual(await valuesOf(source, references), [user, canary, user, `${canary}-replica`]);
  const calls = spawnSync('wc', ['-l', `${house.root}/calls`], { encoding: 'utf8' }).stdout;
  assert.match(calls, /^2 /);
});

for (const [reference, code, says] of [
  ['op://team/nothing/password', 'source/not_found', /no entry for op:\/\/team\/nothing\/password/],
  ['op://team/db/nothing', 'source/not_found', /no line for .*begins with nothing: \(case counts\)/],
  ['op://team/db/empty', 'source/not_found', /is empty/],
  ['op://team/blank/password', 'source/not_found', /is empty/],
  ['op://team/db/twice', 'name/ambiguous', /2 lines/],
  ['op://team/../password', 'source/not_found', /no name in its source/],
  ['op://team/../other/password', 'source/not_found', /no name in its source/],
  ['op://team/db/../password', 'source/not_found', /no name in its source/],
  ['op://team/other/password', 'source/not_found', /no entry/],
] as const) {
  test(`what is not there is refused, and nothing of its neighbours is said: ${reference}`, { skip }, async () => {
    await assert.rejects(valueOf(house.source(toml), reference), fails(code, [canary, user, OTP], says));
  });
}

test('a folder is no entry, though pass would print a list of what is in it', { skip }, async () => {
  mkdirSync(join(house.root, 'store', 'work', 'folder.gpg'), { recursive: true });
  mkdirSync(join(house.root, 'store', 'work', 'folder'), { recursive: true });
  await assert.rejects(valueOf(house.source(toml), 'op://team/folder/password'), fails('source/not_found', [canary]));
});

test('a key that is not here is a reason to sign in, and the entry stays closed', { skip }, async () => {
  const empty = join(house.root, 'e');
  mkdirSync(empty, { mode: 0o700 });
  const elsewhere = house.source(toml.replace(/GNUPGHOME = "[^"]*"/, `GNUPGHOME = "${empty}"`));
  await assert.rejects(
    valueOf(elsewhere, 'op://team/db/password'),
    fails('source/sign_in', [canary], /gpg --list-secret-keys/),
  );
});

for (const [pinentry, what] of [
  ['/bin/false', 'nobody can be asked for the passphrase'],
  ['cancels', 'nobody types the passphrase'],
] as const) {
  test(`a key that is locked, where ${what}, is a reason to sign in`, { skip }, async () => {
    using own = new SourceHouse();
    const env = { HOME: own.root, PATH: '/usr/bin:/bin', GNUPGHOME: own.root, PASSWORD_STORE_DIR: join(own.root, 's') };
    // As the protocol of pinentry has it: OK to everything, and 83886179 (GPG_ERR_CANCELED) to GETPIN.
    const cancels = own.program(
      'asks',
      'echo OK; while read -r word more; do case $word in GETPIN) echo "ERR 83886179 cancelled";; *) echo OK;; esac; done',
    );
    const program = pinentry === 'cancels' ? cancels : pinentry;
    writeFileSync(join(own.root, 'gpg-agent.conf'), `pinentry-program ${program}\ns2k-count 65536\n`);
    const ok = (name: string, args: string[], input = '') =>
      assert.equal(spawnSync(name, args, { env, input }).status, 0, name);
    const key = ['--batch', '--pinentry-mode', 'loopback', '--passphrase', 'pw', '--quick-generate-key'];
    ok('gpg', [...key, 'locked@keystile.test', 'future-default', 'default', 'never']);
    ok('pass', ['init', 'locked@keystile.test']);
    ok('pass', ['insert', '--multiline', 'db'], canary);
    ok('gpgconf', ['--kill', 'all']);
    const source = own.source(`kind = "pass"\nstore = "${own.root}/s"\nenvironment = { GNUPGHOME = "${own.root}" }`);
    await assert.rejects(
      valueOf(source, 'op://team/db/password'),
      fails('source/sign_in', [canary], /unlock it at a terminal/),
    );
    ok('gpgconf', ['--kill', 'all']);
  });
}

test('what decrypts is chosen by the settings and the search path, not by variables of ours', { skip }, async () => {
  process.env['PASSWORD_STORE_DIR'] = '/nowhere';
  process.env['PASSWORD_STORE_GPG_OPTS'] = '--no-such-option';
  try {
    assert.equal(await valueOf(house.source(toml), 'op://team/db/user'), user);
  } finally {
    delete process.env['PASSWORD_STORE_DIR'];
    delete process.env['PASSWORD_STORE_GPG_OPTS'];
  }
});

test('any entry of any bytes gives its first line, and fields the bytes behind their names', async () => {
  using own = new SourceHouse();
  mkdirSync(join(own.root, 'store'));
  writeFileSync(join(own.root, 'store', 'e.gpg'), '');
  own.program('pass', `cat ${own.root}/entry`);
  const source = own.source(`kind = "pass"\nstore = "${own.root}/store"`);
  const value = fc
    .uint8Array({ minLength: 1, maxLength: 60 })
    .map((bytes) => Buffer.from(bytes.map((b) => (b === 10 || b === 13 || b === 32 || b === 9 ? 65 : b))));
  await fc.assert(
    fc.asyncProperty(value, value, async (first, second) => {
      writeFileSync(
        join(own.root, 'entry'),
        Buffer.concat([first, Buffer.from('\nname:  '), second, Buffer.from('\n')]),
      );
      const signal = new AbortController().signal;
      const of = (field: string) => ({ vault: 'team', item: 'e', section: null, field, form: 'value' }) as const;
      const values = await source.readAll([of('password'), of('name')], signal);
      assert.deepEqual(
        values.map((one) => one.reveal()),
        [first, second],
      );
    }),
    { numRuns: 25 },
  );
});
