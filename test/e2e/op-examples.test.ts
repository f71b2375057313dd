// The documented examples of `op read`, `op run` and `op inject`, each with the one word changed: what they print, to the
// byte, and how they exit. The examples are those of the command reference and of the pages "Load secrets into the
// environment", "Load secrets into config files" and "Template syntax" of 1Password's developer documentation; names of
// vaults, items and fields are theirs, values are ours.

import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { House, PASSPHRASE } from '../house.ts';
import { fileItem, item, loginItem } from './items.ts';

const PASSWORD = 'fX6nWkhANeyGE27SQGhYQ';
const STAGING_PASSWORD = 'kQ81vTzzPb02LmdQ7tRua';
const USERNAME = 'mysql-app-user';
/** RFC 6238, appendix B. */
const SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const KEY_FILE = '-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5LCBidXQgbG9uZyBlbm91Z2g=\n-----END PRIVATE KEY-----\n';

interface Example {
  readonly says: string;
  /** As it is documented, for a shell; `op` is keystile with the passphrase on its standard input. */
  readonly command: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly prints: string | RegExp;
  readonly exits?: number;
}

const EXAMPLES: readonly Example[] = [
  { says: 'read prints a field', command: 'op read op://app-prod/db/password', prints: `${PASSWORD}\n` },
  { says: 'read -n prints no newline', command: 'op read -n op://app-prod/db/password', prints: PASSWORD },
  {
    says: 'read --no-newline is the same',
    command: 'op read --no-newline op://app-prod/db/password',
    prints: PASSWORD,
  },
  {
    says: 'read with a section',
    command: 'op read op://app-prod/db/connection/url',
    prints: 'postgres://db.example/app\n',
  },
  {
    says: 'read gives a one-time password',
    command: 'op read "op://app-prod/db/one-time password?attribute=otp"',
    prints: /^\d{6}\n$/,
  },
  {
    says: 'read gives a one-time password by the other name of the attribute',
    command: 'op read "op://app-prod/db/one-time password?attribute=totp"',
    prints: /^\d{6}\n$/,
  },
  {
    says: 'read gives an SSH key as OpenSSH writes it',
    command: 'op read "op://app-prod/ssh key/private key?ssh-format=openssh"',
    prints: /^-----BEGIN OPENSSH PRIVATE KEY-----\n[\s\S]+-----END OPENSSH PRIVATE KEY-----\n+$/,
  },
  {
    says: 'read saves a file that is kept with an item',
    command: 'op read --out-file ./key.pem op://app-prod/server/ssh/key.pem >/dev/null && cat key.pem',
    prints: KEY_FILE,
  },
  {
    says: 'read in the place of a plaintext secret',
    command: 'echo login -u "$(op read op://app-prod/db/username)" -p "$(op read op://app-prod/db/password)"',
    prints: `login -u ${USERNAME} -p ${PASSWORD}\n`,
  },
  {
    says: 'run takes references from exported variables, and hides the value',
    command: 'export DB_PASSWORD="op://app-prod/db/password"; op run -- printenv DB_PASSWORD',
    prints: '[REDACTED:DB_PASSWORD]\n',
  },
  {
    says: 'run --no-masking shows it',
    command: 'export DB_PASSWORD="op://app-prod/db/password"; op run --no-masking -- printenv DB_PASSWORD',
    prints: `${PASSWORD}\n`,
  },
  {
    says: 'run takes a file',
    files: { '.env': 'DB_PASSWORD="op://app-prod/db/password"\n' },
    command: 'op run --env-file="./.env" -- printenv DB_PASSWORD',
    prints: '[REDACTED:DB_PASSWORD]\n',
  },
  {
    says: 'run takes a file without quotes, and lets a subshell expand',
    files: { 'prod.env': 'MYSQL_USERNAME=op://app-prod/db/username\nMYSQL_DATABASE=app\n' },
    command: `op run --no-masking --env-file=prod.env -- sh -c 'echo "$MYSQL_DATABASE: $MYSQL_USERNAME"'`,
    prints: `app: ${USERNAME}\n`,
  },
  {
    says: 'run of a single variable on the command line',
    command: `MY_VAR=op://app-prod/db/password op run --no-masking -- sh -c 'echo "$MY_VAR"'`,
    prints: `${PASSWORD}\n`,
  },
  {
    says: 'run picks the stage by a variable inside the reference',
    files: { 'app.env': 'MYSQL_PASSWORD="op://$APP_ENV/db/password"\n' },
    command: 'export APP_ENV=app-staging; op run --no-masking --env-file=app.env -- printenv MYSQL_PASSWORD',
    prints: `${STAGING_PASSWORD}\n`,
  },
  {
    says: 'run: the last of several files counts, and a file before the shell',
    files: { 'a.env': 'A=from-a\nB=from-a\n', 'b.env': 'B=from-b\n' },
    command: `A=shell B=shell C=shell op run --env-file a.env --env-file b.env -- sh -c 'echo $A $B $C'`,
    prints: 'from-a from-b shell\n',
  },
  {
    says: 'run: an environment counts before a file',
    files: { 'a.env': 'TOKEN=from-file\nOTHER=from-file\n' },
    command: `op run --environment shop --env-file a.env --no-masking -- sh -c 'echo $TOKEN $OTHER'`,
    prints: 'token-of-the-environment from-file\n',
  },
  {
    says: 'run: a reference inside a longer value',
    files: { '.env': 'URL="postgres://{{ op://app-prod/db/username }}:{{ op://app-prod/db/password }}@db/app"\n' },
    command: 'op run --no-masking --env-file .env -- printenv URL',
    prints: `postgres://${USERNAME}:${PASSWORD}@db/app\n`,
  },
  { says: 'run exits as the program does', command: 'op run -- sh -c "exit 41"', prints: '', exits: 41 },
  { says: 'run exits with 128 and the signal', command: `op run -- sh -c 'kill -TERM $$'`, prints: '', exits: 143 },
  {
    says: 'inject reads standard input',
    command: 'echo "db_password: {{ op://app-prod/db/password }}" | op inject',
    prints: `db_password: ${PASSWORD}\n`,
  },
  {
    says: 'inject reads and writes files',
    files: { 'config.yml.tpl': 'db_password: {{ op://app-prod/db/password }}\n' },
    command: 'op inject -i config.yml.tpl -o config.yml >/dev/null && cat config.yml',
    prints: `db_password: ${PASSWORD}\n`,
  },
  {
    says: 'inject takes references without braces',
    files: { 'config.yml.tpl': 'password: op://app-prod/db/password\n' },
    command: 'op inject -i config.yml.tpl',
    prints: `password: ${PASSWORD}\n`,
  },
  {
    says: 'inject with a variable inside the reference',
    files: { 'config.yml.tpl': 'password: {{ op://$APP_ENV/db/password }}\n' },
    command: 'APP_ENV=app-staging op inject -i config.yml.tpl',
    prints: `password: ${STAGING_PASSWORD}\n`,
  },
  {
    says: 'inject with the default of a variable',
    files: { 'config.yml.tpl': 'op://${VAULT:-app-staging}/db/password' },
    command: 'op inject -i config.yml.tpl',
    prints: STAGING_PASSWORD,
  },
  {
    says: 'inject with a variable that is set in spite of its default',
    files: { 'config.yml.tpl': 'op://${VAULT:-app-staging}/db/password' },
    command: 'VAULT=app-prod op inject -i config.yml.tpl',
    prints: PASSWORD,
  },
  {
    says: 'inject: braces and quotes that are meant as they are',
    files: {
      'config.yml.tpl': String.raw`{{ "{{ test op://prod/docker-credentials/username }}" }} {{ "{{ \"x\" }}" }}`,
    },
    command: 'op inject -i config.yml.tpl',
    prints: '{{ test op://prod/docker-credentials/username }} {{ "x" }}',
  },
];

describe('the documented examples of op, with one word changed', () => {
  let house: House;

  before(async () => {
    house = await House.open();
    await loginItem(house, 'app-prod', 'db', USERNAME, PASSWORD);
    await loginItem(house, 'app-staging', 'db', USERNAME, STAGING_PASSWORD);
    await item(house, 'app-prod', 'db', ['connection.url[url]=postgres://db.example/app']);
    await item(house, 'app-prod', 'db', ['one-time password[otp]=-'], SEED);
    await house.ok([
      'item',
      'create',
      '--vault',
      'app-prod',
      '--title',
      'ssh key',
      '--category',
      'ssh-key',
      '--ssh-generate-key',
    ]);
    await fileItem(house, 'app-prod', 'server', 'ssh', 'key.pem', KEY_FILE);
    await house.environment('shop', { TOKEN: 'token-of-the-environment' });
    writeFileSync(
      join(house.root, 'op'),
      `#!/bin/sh\nif [ "$1" = inject ] && [ "$2" != -i ]; then { echo '${PASSPHRASE}'; cat; } | ${house.launcher} "$@" --passphrase-stdin; exit; fi
verb=$1; shift
echo '${PASSPHRASE}' | ${house.launcher} "$verb" --passphrase-stdin "$@"\n`,
    );
    chmodSync(join(house.root, 'op'), 0o755);
  });
  after(async () => await house[Symbol.asyncDispose]());

  for (const { says, command, files = {}, prints, exits = 0 } of EXAMPLES) {
    test(says, async () => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(house.project, name), text);
      for (const made of ['key.pem', 'config.yml']) rmSync(join(house.project, made), { force: true });
      const { code, stdout, stderr } = await house.run('sh', [
        '-c',
        `PATH=${house.root}:$PATH; export PATH; ${command}`,
      ]);
      assert.equal(code, exits, stderr);
      if (typeof prints === 'string') assert.equal(stdout, prints);
      else assert.match(stdout, prints);
    });
  }

  test('files that are written are for their owner alone, and others are not replaced without --force', async () => {
    const path = join(house.project, 'secret.txt');
    rmSync(path, { force: true });
    const read = async (...flags: string[]) =>
      await house.human(['read', '--out-file', path, ...flags, 'op://app-prod/db/password']);
    assert.equal((await read()).code, 0);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(readFileSync(path, 'utf8'), PASSWORD);
    assert.equal((await read()).code, 1);
    assert.equal((await read('--force', '--file-mode', '0640')).code, 0);
    assert.equal(statSync(path).mode & 0o777, 0o640);
  });

  test('nothing is written when anything is wrong', async () => {
    const [from, to] = [join(house.project, 'bad.tpl'), join(house.project, 'bad.out')];
    for (const text of [
      '{{ op://app-prod/db/password }} {{ op://app-prod/nothing/password }}',
      '{{ op://a/b }}',
      '{{ op://a/b/c',
    ]) {
      writeFileSync(from, text);
      const { code, stdout, stderr } = await house.human(['inject', '-i', from, '-o', to]);
      assert.notEqual(code, 0, text);
      assert.equal(stdout, '');
      assert.ok(!stderr.includes(PASSWORD));
      assert.throws(() => statSync(to), { code: 'ENOENT' });
    }
  });
});
