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
    'lock_after_idle_minutes = 0\n[kdf]\nmemory_mib = 64\n[audit]\nfile = "/dev/full"\n[requests]\nexpire_after_seconds = 60\n[mounts]\nallow_uncounted_pipes = true\n[runs]\nfind_taint = false\n[terminals]\nremember_minutes = 0\n';
  assert.deepEqual(parseSettings(text), {
    kdf: { ...DEFAULT_SETTINGS.kdf, memoryMib: 64 },
    auditFile: '/dev/full',
    requestSeconds: 60,
    lockAfterIdleMinutes: 0,
    allowUncountedPipes: true,
    findTaint: false,
    rememberTerminalMinutes: 0,
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
  ['sources = 3', '"sources" has to be a table'],
  ['[sources]\nwork = 3', 'config.toml, line 2: "sources.work" has to be a table'],
  ['[sources.work]\nkind = "keepass"', 'line 2: "sources.work.kind" has to be one of op, pass, vault-kv2'],
  ['[sources.work]\naccount = "a"', 'line 1: "sources.work.kind" has to be one of'],
  [
    '[sources.a]\nkind = "pass"\n\n[sources.b]\nkind = "pass"\nprefx = "x"',
    'line 6: "sources.b.prefx" is not a setting',
  ],
  [
    '[sources.a]\nkind = "pass"\nprefix = "x"\n[sources.b]\nkind = "pass"\nprefix = "/x"',
    'line 6: "sources.b.prefix" has to be names',
  ],
  ['[sources."my vault"]\nkind = "pass"\nprefix = "a/../b"', 'line 3: "sources.my vault.prefix" has to be names'],
  ['[sources."a/b"]\nkind = "pass"', 'line 1: "sources.a/b" is not a name that a reference could use'],
  ['[sources." a"]\nkind = "pass"', '"sources. a" is not a name that a reference could use'],
  ['[sources.a]\nkind = "pass"\nstore = "~/store"', 'line 3: "sources.a.store" has to be an absolute path'],
  ['[sources.a]\nkind = "pass"\naccount = "x"', 'line 3: "sources.a.account" is not a setting'],
  ['[sources.a]\nkind = "op"\naccount = "--x"', 'line 3: "sources.a.account" is no account'],
  ['[sources.a]\nkind = "op"\nvault = "a/b"', 'line 3: "sources.a.vault" is not a name that a reference could use'],
  [
    '[sources.a]\nkind = "op"\n[sources.a.environment]\nLD_PRELOAD = "/x"',
    'line 4: "sources.a.environment.LD_PRELOAD" cannot be set',
  ],
  [
    '[sources.a]\nkind = "op"\nenvironment = { OP_SERVICE_ACCOUNT_TOKEN = "ops_x" }',
    '"sources.a.environment.OP_SERVICE_ACCOUNT_TOKEN" cannot be set',
  ],
  ['[sources.a]\nkind = "pass"\nenvironment = { PATH = "/x" }', '"sources.a.environment.PATH" cannot be set'],
  [
    '[sources.a]\nkind = "pass"\nenvironment = { GPG_TTY = "a\\nb" }',
    '"sources.a.environment.GPG_TTY" has to be a text of one line',
  ],
  ['[sources.a]\nkind = "vault-kv2"\ntoken_file = "/t"', 'line 1: "sources.a.address" has to be an https:// address'],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "http://vault.test"',
    'line 3: "sources.a.address" has to be an https:// address',
  ],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "http://127.0.0.1.evil.test"',
    '"sources.a.address" has to be an https:// address',
  ],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "https://u:p@vault.test"',
    '"sources.a.address" has to be an https:// address',
  ],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "https://v.test/?x"',
    '"sources.a.address" has to be an https:// address',
  ],
  ['[sources.a]\nkind = "vault-kv2"\naddress = "file:///v"', '"sources.a.address" has to be an https:// address'],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "https://v.test"',
    '"sources.a.token_file" or the other of the two is needed',
  ],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "https://v.test"\ntoken_file = "/t"\ntoken_command = ["/p"]',
    '"sources.a.token_command" or the other of the two is needed, and only one',
  ],
  [
    '[sources.a]\nkind = "vault-kv2"\naddress = "https://v.test"\ntoken_command = ["p"]',
    'line 4: "sources.a.token_command" has to be a list of texts that begins with the absolute path',
  ],
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

void test('a source of each kind, by the name that references use', () => {
  const text =
    '[sources.work]\nkind = "op"\naccount = "my.1password.com"\nvault = "Real name"\n' +
    '[sources."a team"]\nkind = "pass"\nenvironment = { GPG_TTY = "/dev/pts/1" }\n' +
    '[sources.prod]\nkind = "vault-kv2"\naddress = "http://[::1]:8200/"\ntoken_command = ["/usr/bin/vault", "print", "token"]\n';
  assert.deepEqual(
    [...parseSettings(text).sources],
    [
      [
        'work',
        {
          kind: 'op',
          account: 'my.1password.com',
          vault: 'Real name',
          program: null,
          serviceAccountFile: null,
          environment: {},
        },
      ],
      ['a team', { kind: 'pass', prefix: '', store: null, program: null, environment: { GPG_TTY: '/dev/pts/1' } }],
      [
        'prod',
        {
          kind: 'vault-kv2',
          address: 'http://[::1]:8200',
          mount: 'secret',
          prefix: '',
          namespace: null,
          token: { from: 'command', command: ['/usr/bin/vault', 'print', 'token'] },
          caFile: null,
          environment: {},
        },
      ],
    ],
  );
});

void test('there is an end to sources', () => {
  const text = (count: number) => Array.from({ length: count }, (_, i) => `[sources.s${i}]\nkind = "pass"\n`).join('');
  assert.equal(parseSettings(text(100)).sources.size, 100);
  assert.throws(() => parseSettings(text(101)), /sources\.s100" is one too many: 100 is the most/);
});

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
