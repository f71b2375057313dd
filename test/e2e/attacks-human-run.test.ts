// The attack cases of group O on a person's own run: its output goes to logs, to files and to whatever reads the pipe. The
// values of environments, of items and of what is put together from them are looked for alike.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ORDINARY } from '../attackers.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { canary, House, PASSPHRASE, type Done } from '../house.ts';
import { item } from './items.ts';

describe('O: getting a value out of a run of the human', () => {
  const token = makeCanary('token');
  const password = canary();
  const pem = `-----BEGIN PRIVATE KEY-----\n${canary()}${canary()}\n${canary()}${canary()}\n-----END PRIVATE KEY-----`;
  let house: House;

  before(async () => {
    house = await House.open(ORDINARY);
    await house.environment('shop', {
      TOKEN: token,
      PEM: pem,
      INNER: 'abcd1234efgh',
      OUTER: 'xxabcd1234efghyy',
      PIN: '4821',
    });
    await item(house, 'Work', 'db', ['password=-'], password);
    await house.ok(['environment', 'set', 'shop', 'DB_PASSWORD', '--reference', 'op://Work/db/password']);
    writeFileSync(join(house.project, '.env'), 'URL="postgres://app:{{ op://Work/db/password }}@db/app"\n');
  });
  after(async () => await house[Symbol.asyncDispose]());

  const run = async (script: string): Promise<Done> => {
    const words = ['--passphrase-stdin', '--environment', 'shop', '--env-file', join(house.project, '.env')];
    return await house.keystile(['run', ...words, '--', 'bash', '-c', script], `${PASSPHRASE}\n`);
  };
  const printsNothing = async (script: string): Promise<Done> => {
    const done = await run(script);
    assertNoCanary(done.stdout + done.stderr, [token, password, ...pem.split('\n').slice(1, 3)], script);
    return done;
  };

  test('O01: an environment is dumped', async () => {
    const { stdout } = await printsNothing(
      'env; printenv TOKEN; declare -p; export -p; cat /proc/self/environ; env -0',
    );
    assert.match(stdout, /^TOKEN=\[REDACTED:TOKEN\]$/m);
    assert.match(stdout, /^URL=\[REDACTED:DB_PASSWORD,URL\]$/m, 'and nothing of the text around it');
    assert.match(stdout, /^DB_PASSWORD=\[REDACTED:DB_PASSWORD,URL\]$/m);
  });

  test('O02: a shell traces what it does', async () => {
    await printsNothing('set -x; curl -s -H "Authorization: Bearer $TOKEN" http://127.0.0.1:9; echo "${URL#*//app:}"');
  });

  test('O03, O04: the usual encodings, at every alignment', async () => {
    await printsNothing(`for p in '' a ab; do printf %s "$p$TOKEN" | base64 -w0; echo; printf '%s\\n' "$p$DB_PASSWORD" | base64; done
      printf %s "$TOKEN" | xxd -p | tr -d '\\n'; echo; printf %s "$DB_PASSWORD" | od -An -tx1 | tr -d ' \\n'; echo
      python3 -c 'import json, os, urllib.parse as u; t = os.environ["TOKEN"]; print(json.dumps(t), u.quote(t), u.quote_plus(t))'`);
  });

  test('O05, O06: it comes in pieces, and cut inside a character', async () => {
    const whole = await run('printf "%s\\n" "$TOKEN"');
    const pieces = await printsNothing(
      `python3 -c 'import os, time
for byte in os.environb[b"TOKEN"] + b"\\n":
    os.write(1, bytes([byte]))'`,
    );
    assert.equal(pieces.stdout, whole.stdout);
  });

  test('O14: a value too short to be hidden is left as it is, and nothing else is hidden for it', async () => {
    const { stdout } = await run('echo "$PIN 48 21 4821"');
    assert.equal(stdout, '4821 48 21 4821\n');
  });

  test('O15: one value inside another', async () => {
    const { stdout } = await run('echo "$OUTER"; echo "$INNER"; echo "-$OUTER-"');
    assert.ok(!/abcd1234|efgh|xx|yy/.test(stdout), stdout);
  });

  test('O16: a key of several lines, in every form of its lines', async () => {
    await printsNothing(
      `printf '%s\\n' "$PEM"; printf '%s\\n' "$PEM" | sed 's/$/\\r/'; printf %s "$PEM" | tr '\\n' ' '; echo "$PEM" | head -2 | tail -1`,
    );
  });

  test('O18: Basic authentication', async () => {
    await printsNothing(
      'printf "user:%s" "$DB_PASSWORD" | base64 -w0; curl -sv -u "user:$DB_PASSWORD" http://127.0.0.1:9 2>&1 || true',
    );
  });

  test('O26: what is left behind in the background is masked too, and nothing of it is lost', async () => {
    const { stdout } = await printsNothing('(sleep 1; echo "late $DB_PASSWORD") & exit 0');
    assert.equal(stdout, 'late [REDACTED:DB_PASSWORD,URL]\n');
  });

  test('O30: a crash leaves no core with a value in the folder', async () => {
    const { code } = await printsNothing('ulimit -c; kill -SEGV $$');
    assert.equal(code, 139);
    assert.deepEqual(
      readdirSync(house.project).filter((name) => name.startsWith('core')),
      [],
    );
    assert.ok(!existsSync(join(house.project, 'core')));
  });
});
