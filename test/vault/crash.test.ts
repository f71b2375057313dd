// The vault after its process was killed, or the system refused to write: the old state or the new, whole.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { build } from 'esbuild';
import { Secret } from '../../src/core/secret.ts';
import type { VaultFiles } from '../../src/vault/files.ts';
import { writeNewVault } from '../../src/vault/opening.ts';
import { Vault } from '../../src/vault/vault.ts';
import { readState, stateOf } from '../programs/vault-states.ts';
import { formatOf, makeFormat1 } from './format-1.ts';
import { CHEAP_KDF, PASSPHRASE, secret, temporaryFiles } from './temporary-vault.ts';

const ROUNDS = Number(process.env['KEYSTILE_TEST_CRASH_ROUNDS'] ?? 500);
const LANES = 2;
const MIGRATIONS = Math.min(ROUNDS, 40);
/** From the start of the program; it opens the vault meanwhile. */
const MIGRATION_DEATH_MS_MAX = 250;
/** As many agents as a vault takes. */
const BALLAST = 200;
const AGENT = { programDigest: null, claimedName: null, state: 'pending', firstSeenAt: 1, lastSeenAt: 1 } as const;
/** Longest time, chosen at random, from a writer's start, from its opening the vault or from its first transaction. */
const DEATH_MS_MAX = { start: 100, open: 50, written: 25 } as const;

const folder = mkdtempSync(join(tmpdir(), 'keystile-writer-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const writer = join(folder, 'writer.mjs');

before(async () => {
  // One file, for a program that is started 500 times.
  const entry = join(import.meta.dirname, '../programs/vault-writer.ts');
  await build({ entryPoints: [entry], outfile: writer, bundle: true, platform: 'node', format: 'esm' });
});

interface Lane {
  readonly files: VaultFiles;
  readonly key: string;
}

async function makeLane(t: TestContext): Promise<Lane> {
  const files = temporaryFiles(t);
  using key = await writeNewVault({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF });
  return { files, key: key.reveal().toString('hex') };
}

/** So many more records that turning the format of the vault takes as long as starting the program. */
function addBallast({ files, key }: Lane): void {
  const vault = Vault.openWithKey({ files, now: Date.now }, new Secret(Buffer.from(key, 'hex')));
  vault.transaction(() => {
    for (let i = 0; i < BALLAST; i += 1) {
      vault.putAgent({ ...AGENT, agentId: `agent_${i}`, program: `/usr/bin/${'x'.repeat(3_000)}` });
    }
  });
  vault.close();
}

/** When a writer is killed: never, or so long after something. */
type Death = { readonly after: keyof typeof DEATH_MS_MAX; readonly ms: number } | null;

/** Runs a writer from state `from` to its end. What it said, line by line. `limit` is a command of the shell. */
async function runWriter(lane: Lane, from: number, death: Death, limit = ':'): Promise<string[]> {
  const argv = ['-c', `${limit}; exec "$@"`, 'sh', process.execPath, '--disable-warning=ExperimentalWarning', writer];
  const child = spawn('sh', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  let timer: NodeJS.Timeout | undefined;
  const reached = (what: keyof typeof DEATH_MS_MAX): void => {
    if (death?.after === what) timer ??= setTimeout(() => child.kill('SIGKILL'), death.ms);
  };
  reached('start');
  // It may be dead before it has read this.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ ...lane.files, key: lane.key, from }));
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
    reached('open');
    if (/\d\n/.test(said)) reached('written');
  });
  await once(child, 'close');
  clearTimeout(timer);
  // What stands behind the last line end was not said whole.
  return said.split('\n').slice(0, -1);
}

function randomDeath(round: number): Death {
  const after = (['start', 'open', 'written', 'written', 'written'] as const)[round % 5] ?? 'start';
  return { after, ms: Math.random() * DEATH_MS_MAX[after] };
}

/** Opens the vault as it was left; every record must open, and all must be of one state. Its number. */
function stateLeftBehind({ files, key }: Lane): number {
  const vault = Vault.openWithKey({ files, now: Date.now }, new Secret(Buffer.from(key, 'hex')));
  try {
    const state = readState(vault);
    const n = Number(state['']?.['counter']);
    assert.deepEqual(state, stateOf(n));
    return n;
  } finally {
    vault.close();
  }
}

test(`X01: ${ROUNDS} times killed at any moment, the vault holds the old state or the new, and every acknowledged one`, async (t) => {
  let rounds = 0;
  let written = 0;
  let killedInside = 0;
  const runLane = async (): Promise<void> => {
    const lane = await makeLane(t);
    let state = 0;
    while (rounds < ROUNDS) {
      rounds += 1;
      const said = await runWriter(lane, state + 1, randomDeath(rounds));
      const acknowledged = Math.max(state, ...said.map(Number).filter(Number.isInteger));
      const left = stateLeftBehind(lane);
      assert.ok(left === acknowledged || left === acknowledged + 1, `acknowledged ${acknowledged}, found ${left}`);
      if (left > state) killedInside += 1;
      written += left - state;
      state = left;
    }
  };
  await Promise.all(Array.from({ length: LANES }, runLane));
  t.diagnostic(`${rounds} writers killed, ${killedInside} of them while writing, ${written} transactions`);
  assert.ok(ROUNDS < 20 || killedInside > ROUNDS / 2, 'too few writers lived long enough to write');
});

test(`X01: ${MIGRATIONS} times killed while format 1 becomes format 2, the vault is whole and in one of the two`, async (t) => {
  const lane = await makeLane(t);
  const vaultKey = Buffer.from(lane.key, 'hex');
  addBallast(lane);
  let state = 0;
  const left: number[] = [];
  for (let round = 0; round < MIGRATIONS; round += 1) {
    makeFormat1(lane.files.vault, vaultKey);
    const said = await runWriter(lane, state + 1, { after: 'start', ms: Math.random() * MIGRATION_DEATH_MS_MAX });
    const format = formatOf(lane.files.vault);
    assert.ok(format === 2 || said.length === 0, 'it was opened in format 1');
    left.push(format);
    const acknowledged = Math.max(state, ...said.map(Number).filter(Number.isInteger));
    state = stateLeftBehind(lane);
    assert.ok(state === acknowledged || state === acknowledged + 1, `acknowledged ${acknowledged}, found ${state}`);
  }
  t.diagnostic(`${left.filter((format) => format === 1).length} of ${left.length} left in format 1`);
});

test('X04: a change the system refuses to write is not there, and all before it is', async (t) => {
  const lane = await makeLane(t);
  // 512-byte blocks: files stop growing there, as on a full disk.
  const said = await runWriter(lane, 1, null, 'ulimit -f 2000');
  assert.equal(said.at(-1), 'machine/io');
  assert.equal(stateLeftBehind(lane), Number(said.at(-2)));
});
