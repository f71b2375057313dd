// A vault that lies elsewhere, from the command line and from an agent's run: what is read, what is shown, and that nothing
// of it stays here. The program is a fake `op` (test/sources/op.test.ts says how faithful); what is tested is our way to it.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ORDINARY } from '../attackers.ts';
import { assertNoCanary } from '../canaries.ts';
import { canary, House, PASSPHRASE, structured } from '../house.ts';

describe('a vault elsewhere', () => {
  const value = canary();
  let folder = '';
  let house: House;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keystile-elsewhere-'));
    chmodSync(folder, 0o755);
    const program = join(folder, 'op');
    writeFileSync(join(folder, 'value'), value, { mode: 0o644 });
    // It counts how often it was asked, in a file of its own.
    const says = `case "$*" in *"op://Real/db/password") printf %s "$(cat ${folder}/value)";; *) echo "[ERROR] could not read secret: \\"x\\" isn't an item in the vault" >&2; exit 1;; esac`;
    writeFileSync(program, `#!/bin/sh\n${says}\n`);
    chmodSync(program, 0o755);
    const settings = `[kdf]\nmemory_mib = 64\npasses = 3\nlanes = 4\n[sources.work]\nkind = "op"\nvault = "Real"\nprogram = "${program}"\n`;
    house = await House.open({ ...ORDINARY, settings });
    await house.environment('shop', { API_TOKEN: canary() });
    await house.ok(['environment', 'set', 'shop', 'DB_PASSWORD', '--reference', 'op://work/db/password']);
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('read, run and inject take it from there, and mask it', async () => {
    assert.equal((await house.human(['read', 'op://work/db/password'])).stdout, `${value}\n`);
    const words = ['run', '--passphrase-stdin', '--environment', 'shop', '--', 'printenv', 'DB_PASSWORD'];
    const run = await house.keystile(words, `${PASSPHRASE}\n`);
    assert.equal(run.stdout, '[REDACTED:DB_PASSWORD]\n', run.stderr);
    const injected = await house.keystile(
      ['inject', '--passphrase-stdin'],
      `${PASSPHRASE}\nx={{ op://work/db/password }}`,
    );
    assert.equal(injected.stdout, `x=${value}`);
  });

  test('what it says is wrong is said in our words, and nothing is written', async () => {
    const { code, stderr, stdout } = await house.human(['read', 'op://work/other/password']);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /1Password has no/);
    assert.equal(stdout, '');
  });

  test('a run of an agent gets it after a yes that names the source, and its output is masked', async () => {
    const agent = await house.agent();
    const calling = agent.callTool({
      name: 'run_with_credentials',
      arguments: {
        argv: ['printenv', 'DB_PASSWORD'],
        references: { DB_PASSWORD: 'op://work/db/password' },
        cwd: house.project,
        reason: 'to see it',
      },
    });
    const requestId = await house.pending();
    assert.ok((await house.ok(['requests', '--format', 'json'])).includes(`from op (${folder}/op)`));
    await house.human(['approve', requestId]);
    const result = structured(await calling);
    assert.equal(result['stdout'], '[REDACTED:DB_PASSWORD]\n', JSON.stringify(result));
  });

  test('a mounted file leaves it out, and says so', async () => {
    await house.ok(['mount', 'shop', '.env', '--backend', 'fifo']);
    const { mounts } = await house.json<{ mounts: { leftOut: string[] }[] }>(['mounts']);
    assert.deepEqual(mounts[0]?.leftOut, ['DB_PASSWORD']);
    await house.ok(['unmount', '.env']);
  });

  test('nothing of it is kept: not in the vault, not in the log, and the next time it is asked for again', async () => {
    for (const name of ['vault.db', 'keystile.log', 'audit/events.jsonl']) {
      assertNoCanary(readFileSync(join(house.home, name)), value, name);
    }
    const changed = canary();
    writeFileSync(join(folder, 'value'), changed);
    assert.equal((await house.human(['read', 'op://work/db/password'])).stdout, `${changed}\n`);
  });
});
