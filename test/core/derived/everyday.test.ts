// What everyday programs print, beside typical secrets, comes out byte for byte: nothing in it is taken for a secret.
// The outputs were written for this test, in the layout of each program.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { describe } from 'node:test';

import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';
import { made } from './made.ts';

const RSA_START = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC';
const PEM = [
  '-----BEGIN PRIVATE KEY-----',
  RSA_START + made('rsa', 13),
  made('one', 64),
  made('two', 64),
  '-----END PRIVATE KEY-----',
  '',
].join('\n');

const SECRETS: Readonly<Record<string, string>> = {
  STRIPE_KEY: `sk_live_${made('stripe', 24)}`,
  DATABASE_URL: `postgres://postgres:${made('dsn', 20)}@localhost:5432/postgres?sslmode=require`,
  REDIS_URL: 'redis://default:password@localhost:6379/0',
  SHOP_URL: 'postgresql://postgres:postgres@db.example.com:5432/shop_production',
  SESSION_JWT: `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ${made('payload', 80)}.${made('signature', 43)}`,
  SIGNING_KEY: PEM,
  WEBHOOK_SECRET: createHash('sha256').update('hook').digest('hex'),
  GITHUB_TOKEN: `ghp_${made('github', 36)}`,
  AWS_CREDENTIALS: `[default]\nregion = us-east-1\naws_access_key_id = AKIA${made('id', 60).toUpperCase().slice(0, 16)}\naws_secret_access_key = ${made('aws', 40)}\n`,
  SERVICE_ACCOUNT: JSON.stringify(
    {
      type: 'service_account',
      project_id: 'shop-production',
      private_key_id: createHash('sha1').update('account').digest('hex'),
      private_key: PEM,
      client_email: 'deploy@shop-production.iam.gserviceaccount.com',
      client_id: '104857600000000000042',
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: 'https://oauth2.googleapis.com/token',
      universe_domain: 'googleapis.com',
    },
    null,
    2,
  ),
  COOKIE: `theme=dark; session_id=${made('session', 32)}; Path=/; HttpOnly; SameSite=Lax`,
  PASSPHRASE: 'correct horse battery staple',
};

const OUTPUTS: Readonly<Record<string, string>> = {
  'git log': `commit 9f2c1e07ab34d5568890f0c3b1a7e6d2c4f5a6b7
Author: Ada Example <ada@example.com>
Date:   Tue Jan 30 12:00:00 2024 +0100

    Use sslmode=require for postgres on localhost
`,
  'git diff': `diff --git a/src/config/default.ts b/src/config/default.ts
index 83db48f..bf26a3e 100644
--- a/src/config/default.ts
+++ b/src/config/default.ts
@@ -1,3 +1,3 @@
-export const url = 'postgres://localhost:5432/postgres';
+export const url = process.env.DATABASE_URL ?? 'postgres://postgres@localhost:5432/postgres?sslmode=require';
`,
  'ls -l': `total 16
drwxr-xr-x 4 deploy deploy 4096 Jan 31 12:00 node_modules
-rw-r--r-- 1 deploy deploy 1843 Jan 31 12:00 package.json
-rw------- 1 root   root   1704 Jan 31 12:00 private_key.pem
`,
  'npm ls': `shop@1.4.2 /srv/shop
├── @types/node@24.19.2
├── pg-connection-string@2.7.0
└─┬ postgres@3.4.5
  └── jsonwebtoken@9.0.2
`,
  'npm install': `added 312 packages, and audited 313 packages in 9s

42 packages are looking for funding
  run \`npm fund\` for details
`,
  make: `cc -O2 -Wall -Wextra -c -o build/session.o src/session.c
make[1]: Entering directory '/srv/shop/default'
ar rcs libshop.a build/session.o build/private_key.o
`,
  psql: ` id |      email       |         created_at         | session_id
----+------------------+----------------------------+------------
  1 | ada@example.com  | 2024-01-31 12:00:00.123456 |         17
  2 | root@localhost   | 2024-01-31 12:00:00.654321 |         18
(2 rows)
`,
  'psql \\l': `        Name        |  Owner   | Encoding
--------------------+----------+----------
 postgres           | postgres | UTF8
 shop_production    | postgres | UTF8
`,
  pg_isready: 'localhost:5432 - accepting connections\n',
  'psql, refused': `psql: error: connection to server at "localhost" (127.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "postgres"
`,
  'docker ps': `CONTAINER ID   IMAGE             COMMAND                  STATUS         PORTS                    NAMES
3f4e8c2a9b1d   postgres:16       "docker-entrypoint.s…"   Up 2 minutes   0.0.0.0:5432->5432/tcp   shop-postgres-1
`,
  'kubectl get': `NAMESPACE    NAME                        READY   STATUS    RESTARTS   AGE
production   shop-production-7d9f8b6c5   1/1     Running   0          4d2h
default      redis-default-0             1/1     Running   0          9d
`,
  'gcloud config': `[core]
account = deploy@shop-production.iam.gserviceaccount.com
project = shop-production
[auth]
token_uri = https://oauth2.googleapis.com/token
auth_uri = https://accounts.google.com/o/oauth2/auth
`,
  'another service account': `{
  "type": "service_account",
  "project_id": "shop-production",
  "auth_uri": "https://accounts.google.com/o/oauth2/auth",
  "token_uri": "https://oauth2.googleapis.com/token",
  "universe_domain": "googleapis.com"
}
`,
  'aws configure list': `      Name                    Value             Type    Location
   profile                <not set>             None    None
access_key     ****************ABCD shared-credentials-file
secret_key     ****************WXYZ shared-credentials-file
    region                us-east-1      config-file    ~/.aws/config
aws_access_key_id aws_secret_access_key [default]
`,
  'curl -v': `*   Trying 127.0.0.1:8080...
* Connected to localhost (127.0.0.1) port 8080 (#0)
> GET /v1/sessions?sslmode=require HTTP/1.1
> Host: localhost:8080
> User-Agent: curl/8.5.0
> Accept: */*
< HTTP/1.1 200 OK
< Content-Type: application/json; charset=utf-8
< Set-Cookie: theme=dark; Path=/; HttpOnly; SameSite=Lax
`,
  'openssl pkey -pubout': `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA${made('public', 20)}
${made('public two', 64)}
-----END PUBLIC KEY-----
-----BEGIN PRIVATE KEY-----
-----END PRIVATE KEY-----
`,
  'the head of a JWT': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\neyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9\n',
  'node --test': `✔ a session ends when its token does (12.345678ms)
✖ a password that is too short is refused (1.234567ms)
ℹ tests 42
ℹ duration_ms 1234.567891
`,
  tsc: `src/auth/session.ts(42,7): error TS2322: Type 'string | undefined' is not assignable to type 'string'.
Found 1 error in src/auth/session.ts:42
`,
  env: `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
HOME=/home/deploy
LANG=C.UTF-8
PGHOST=localhost
PGUSER=postgres
AWS_REGION=us-east-1
`,
  'df -h': `Filesystem      Size  Used Avail Use% Mounted on
/dev/nvme0n1p1   97G   42G   55G  44% /
tmpfs           3.9G     0  3.9G   0% /dev/shm
`,
  'ps aux': `USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
postgres     812  0.0  0.4 215548 29412 ?        Ss   12:00   0:00 postgres: checkpointer
deploy       977  1.2  2.1 982344 98312 ?        Sl   12:00   0:03 node server.js --mode production
`,
  xxd: `00000000: 7f45 4c46 0201 0100 0000 0000 0000 0000  .ELF............
00000010: 0300 3e00 0100 0000 5010 0000 0000 0000  ..>.....P.......
`,
  sha256sum: `${createHash('sha256').update('a').digest('hex')}  dist/main.js\n`,
  'terraform plan': `  # aws_db_instance.shop will be updated in-place
  ~ resource "aws_db_instance" "shop" {
        id       = "shop-production"
      ~ password = (sensitive value)
        username = "postgres"
    }
Plan: 0 to add, 1 to change, 0 to destroy.
`,
  'a text': `The correct battery is a staple of every horse. CORRECT HORSE! Passwords such as "password" and "postgres"
stand in many examples; so do AKIA and sk_live_ at the start of keys, and ghp_ of tokens.
`,
};

void describe('with typical secrets, this is shown as it is:', () => {
  const sources = Object.entries(SECRETS).map(([name, value]) => ({ name, value: Buffer.from(value) }));
  const set = NeedleSet.compile(sources);
  for (const [program, output] of Object.entries(OUTPUTS)) {
    void test(program, () => {
      const redactor = new Redactor(set);
      const shown = Buffer.concat([Buffer.from(redactor.push(Buffer.from(output))), redactor.end()]).toString();
      assert.equal(shown, output);
    });
  }
});

void test('and each of these secrets is hidden', () => {
  const sources = Object.entries(SECRETS).map(([name, value]) => ({ name, value: Buffer.from(value) }));
  const set = NeedleSet.compile(sources);
  for (const [name, value] of Object.entries(SECRETS)) {
    const redactor = new Redactor(set);
    redactor.push(Buffer.from(`${value}\n`));
    redactor.end();
    assert.ok(
      redactor.redactions.some((redaction) => redaction.name === name),
      name,
    );
  }
});
