// The 1Password CLI as a source. The program here is a fake: it answers as `op` 2.x is documented and reported to answer,
// word for word where the words count. The real one needs an account, which a test cannot have.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FIELD_BYTES_MAX } from '../../src/core/item.ts';
import { makeCanary } from '../canaries.ts';
import { eventually } from '../house.ts';
import { fails, SourceHouse, valueOf, valuesOf } from './house.ts';

let house: SourceHouse;
let canary: string;

beforeEach(() => {
  house = new SourceHouse();
  canary = makeCanary();
  writeFileSync(join(house.root, 'value'), canary);
});
afterEach(() => house[Symbol.dispose]());

/** Keeps what it was called with, then does as told. */
function fakeOp(does: string): void {
  house.program('op', `printf '%s\\n' "$@" >> ${house.root}/argv\nenv > ${house.root}/env\n${does}`);
}

const answering = () => fakeOp(`cat ${house.root}/value`);
const argv = () => readFileSync(join(house.root, 'argv'), 'utf8').trimEnd().split('\n');

test('a field is read with the name that the vault has there, for the account of the settings, byte for byte', async () => {
  answering();
  const source = house.source('kind = "op"\nvault = "Team Vault"\naccount = "my.1password.com"');
  assert.equal(await valueOf(source, 'op://team/db/admin/password'), canary);
  assert.deepEqual(argv(), [
    'read',
    '--no-newline',
    '--account',
    'my.1password.com',
    '--',
    'op://Team Vault/db/admin/password',
  ]);
  assert.deepEqual([source.kind, source.where, source.forms], ['op', join(house.bin, 'op'), 'made']);
});

test('one-time passwords and keys in the form of OpenSSH are made by op itself', async () => {
  answering();
  const source = house.source('kind = "op"');
  await valuesOf(source, ['op://team/db/one?attribute=totp', 'op://team/key/private?ssh-format=openssh']);
  const asked = argv().filter((word) => word.startsWith('op://'));
  assert.deepEqual(asked.toSorted(), ['op://team/db/one?attribute=otp', 'op://team/key/private?ssh-format=openssh']);
});

test('the program finds the environment of the settings, and nothing of ours', async () => {
  answering();
  process.env['OP_SERVICE_ACCOUNT_TOKEN'] = 'of-the-daemon';
  process.env['GNUPGHOME'] = '/tmp/of-the-daemon';
  process.env['BASH_ENV'] = '/tmp/of-the-daemon';
  try {
    await valueOf(house.source('kind = "op"\nenvironment = { XDG_RUNTIME_DIR = "/run/user/7" }'), 'op://team/a/b');
  } finally {
    for (const name of ['OP_SERVICE_ACCOUNT_TOKEN', 'GNUPGHOME', 'BASH_ENV']) delete process.env[name];
  }
  const lines = readFileSync(join(house.root, 'env'), 'utf8').trimEnd().split('\n');
  const ours = lines.filter((line) => !/^(?:PWD|_|SHLVL|OLDPWD)=/.test(line)).toSorted();
  assert.deepEqual(ours, [
    `HOME=${house.root}`,
    'LANG=C.UTF-8',
    'LOGNAME=somebody',
    `PATH=${house.bin}:/usr/bin:/bin`,
    'USER=somebody',
    'XDG_RUNTIME_DIR=/run/user/7',
  ]);
});

test('the token of a service account comes from a private file, and from no other', async () => {
  fakeOp(`test "$OP_SERVICE_ACCOUNT_TOKEN" = ops_abc && cat ${house.root}/value`);
  const file = join(house.root, 'token');
  const source = house.source(`kind = "op"\nservice_account_file = ${JSON.stringify(file)}`);
  await assert.rejects(valueOf(source, 'op://team/a/b'), fails('source/sign_in', [canary]));
  writeFileSync(file, 'ops_abc\n', { mode: 0o600 });
  assert.equal(await valueOf(source, 'op://team/a/b'), canary);
  chmodSync(file, 0o644);
  await assert.rejects(valueOf(source, 'op://team/a/b'), fails('home/unsafe', [canary]));
});

for (const [words, code, says] of [
  [
    '[ERROR] 2026/11/26 12:00:00 You are not currently signed in. Please run `op signin --help` for instructions',
    'source/sign_in',
    /signin/,
  ],
  [
    "[ERROR] 2026/11/26 12:00:00 could not read secret 'op://v/i/f': session expired, sign in to create a new session",
    'source/sign_in',
    /sign/,
  ],
  [
    '[ERROR] 2026/11/26 12:00:00 error initializing client: authorization prompt dismissed, please try again',
    'source/sign_in',
    /confirmed/,
  ],
  [
    `[ERROR] 2026/11/26 12:00:00 could not read secret 'op://v/i/f': "i" isn't an item in the "v" vault. Specify the item with its UUID, name, or domain.`,
    'source/not_found',
    /check the names/,
  ],
  [
    `[ERROR] 2026/11/26 12:00:00 could not read secret 'op://v/i/f': "v" isn't a vault in this account.`,
    'source/not_found',
    /check the names/,
  ],
  [
    "[ERROR] 2026/11/26 12:00:00 could not read secret 'op://v/i/f': item 'v/i' does not have a field 'f'",
    'source/not_found',
    /check the names/,
  ],
  [
    '[ERROR] 2026/11/26 12:00:00 could not read secret: More than one item matches "i". Try again and specify the item by its ID:',
    'name/ambiguous',
    /by its id/,
  ],
  [
    '[ERROR] 2026/11/26 12:00:00 Post "https://my.1password.com": dial tcp: lookup my.1password.com: no such host',
    'source/unreachable',
    /network/,
  ],
  ['words that nobody knows', 'source/failed', /exited with 1/],
] as const) {
  test(`what op says is told in our words: ${words.slice(28, 90)}`, async () => {
    writeFileSync(join(house.root, 'words'), `${words}\n`);
    // Whatever else stands there, a value too, stays there.
    fakeOp(`cat ${house.root}/words ${house.root}/value >&2; cat ${house.root}/value; exit 1`);
    await assert.rejects(valueOf(house.source('kind = "op"'), 'op://team/i/f'), fails(code, [canary], says));
  });
}

test('no output is no value, and more than a value can be long is refused', async () => {
  fakeOp('exit 0');
  await assert.rejects(valueOf(house.source('kind = "op"'), 'op://team/i/f'), fails('source/not_found', [canary]));
  fakeOp(`head -c ${FIELD_BYTES_MAX + 1} /dev/zero`);
  await assert.rejects(valueOf(house.source('kind = "op"'), 'op://team/i/f'), fails('source/failed', [canary]));
  fakeOp(`cat ${house.root}/value; yes`);
  await assert.rejects(valueOf(house.source('kind = "op"'), 'op://team/i/f'), fails('source/failed', [canary]));
});

test('a program that waits for ever is ended with all it started, when its time is over or the caller gives up', async () => {
  fakeOp(
    `cat ${house.root}/value; sleep 1000 & echo $! > ${house.root}/pid.new; mv ${house.root}/pid.new ${house.root}/pid; wait`,
  );
  const source = house.source('kind = "op"', 400);
  await assert.rejects(valueOf(source, 'op://team/i/f'), fails('source/unreachable', [canary], /did not answer/));
  const slow = house.source('kind = "op"');
  const caller = new AbortController();
  const reading = valueOf(slow, 'op://team/i/f', caller.signal);
  const pid = await eventually(
    () => (existsSync(join(house.root, 'pid')) ? readFileSync(join(house.root, 'pid'), 'utf8') : undefined),
    'the program',
  );
  caller.abort(new Error('locked'));
  await assert.rejects(reading, /locked/);
  await eventually(() => (isRunning(Number(pid)) ? undefined : true), 'its child to be gone');
});

test('one that fails fails all: no value is left with the caller, and nothing more is started', async () => {
  fakeOp(`case "$*" in *bad*) exit 1;; *) cat ${house.root}/value;; esac`);
  const many = Array.from({ length: 40 }, (_, i) => `op://team/item${i}/f`);
  await assert.rejects(
    valuesOf(house.source('kind = "op"'), ['op://team/bad/f', ...many]),
    fails('source/failed', [canary]),
  );
  assert.ok(argv().filter((word) => word.startsWith('op://')).length < 40);
});

test('a program that another user could have put there is not run', async () => {
  const open = join(house.root, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  writeFileSync(join(open, 'op'), `#!/bin/sh\ntouch ${house.root}/ran\ncat ${house.root}/value`, { mode: 0o755 });
  const source = house.source(`kind = "op"\nprogram = ${JSON.stringify(join(open, 'op'))}`);
  await assert.rejects(valueOf(source, 'op://team/i/f'), fails('home/unsafe', [canary], /chmod go-w/));
  chmodSync(open, 0o755);
  chmodSync(join(open, 'op'), 0o777);
  await assert.rejects(valueOf(source, 'op://team/i/f'), fails('home/unsafe', [canary], /chmod go-w/));
  assert.ok(!existsSync(join(house.root, 'ran')));
  const absent = house.source('kind = "op"\nprogram = "/nowhere/op"');
  await assert.rejects(valueOf(absent, 'op://team/i/f'), fails('source/unreachable', [canary], /no file \/nowhere/));
});

test('without op on the search path the next step is said', async () => {
  await assert.rejects(
    valueOf(house.source('kind = "op"'), 'op://team/i/f'),
    fails('source/unreachable', [canary], /install op, or write its path/),
  );
});

function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
