// Jobs for the tests of this room: sealed as the vault seals, with the digests of the real files, run by a real runner.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pad } from '../../src/core/padding.ts';
import { sealXaes } from '../../src/core/xaes.ts';
import type { ExpectedFile, RunJob, RunOutcome, SealedVariable } from '../../src/delivery/job.ts';
import { Runners } from '../../src/delivery/run.ts';
import type { RunnerLauncher } from '../../src/delivery/run.ts';
import { processFacts, processTable } from '../../src/machine/processes.ts';

const DEADLINE_MS = 30_000;
export const BASH = realpathSync('/bin/bash');

export const LAUNCHER: RunnerLauncher = {
  interpreter: process.execPath,
  flags: ['--disable-sigusr1'],
  script: fileURLToPath(new URL('../../src/delivery/runner.ts', import.meta.url)),
  env: {},
};

export interface JobWishes extends Partial<Omit<RunJob, 'variables' | 'argv' | 'program'>> {
  readonly argv: readonly string[];
  /** Where `argv[0]` lies; bash when `argv[0]` is `bash`. */
  readonly program?: string;
  readonly values?: Readonly<Record<string, string | Buffer>>;
  readonly variables?: readonly SealedVariable[];
  readonly operands?: readonly string[];
}

export function makeJob(wishes: JobWishes): RunJob {
  const { argv, values = {}, operands = [], cwd = '/', ...rest } = wishes;
  const program = wishes.program ?? (argv[0] === 'bash' ? BASH : (argv[0] ?? ''));
  const { dev, ino } = statSync(cwd, { bigint: true });
  return {
    runId: `run_${randomBytes(8).toString('hex')}`,
    argv,
    program,
    cwd,
    baseEnvironment: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    environmentDelta: {},
    variables: Object.entries(values).map(([name, value]) => seal(name, value)),
    stdin: null,
    timeoutMs: DEADLINE_MS,
    outputMode: 'redacted',
    findsTaint: false,
    expected: {
      program: expectedFile(program),
      operands: operands.map((path) => expectedFile(path)),
      cwd: { path: cwd, dev: String(dev), ino: String(ino) },
    },
    ...rest,
  };
}

/** A bash script as a job. */
export function script(text: string, wishes: Omit<JobWishes, 'argv'> = {}): RunJob {
  return makeJob({ ...wishes, argv: ['bash', '-c', text] });
}

export function seal(name: string, value: string | Buffer, marks: Partial<SealedVariable> = {}): SealedVariable {
  const [key, nonce, aad] = [randomBytes(32), randomBytes(24), Buffer.from(`aad of ${name}`)];
  const sealed = sealXaes(key, nonce, pad(Buffer.from(value)), aad);
  return { name, key, nonce, sealed, aad, concealed: true, maskable: true, isSecret: true, form: 'value', ...marks };
}

export function expectedFile(path: string): ExpectedFile {
  try {
    const bytes = readFileSync(path);
    return { path, digest: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  } catch {
    return { path, digest: '0'.repeat(64), bytes: 0 };
  }
}

/** Runs one job to its end, in a runner of its own. */
export async function runOnce(job: RunJob, launcher = LAUNCHER): Promise<RunOutcome> {
  await using runners = new Runners(launcher, 0);
  return await runners.run(job).ended;
}

/** Polls until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const givesUpAt = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > givesUpAt) throw new Error(`waited in vain until ${what}`);
    await delay(5);
  }
}

/** An argument for `sleep` that no other process has, and that outlasts every test. */
export function uniqueNap(): string {
  return `9${randomBytes(3).readUIntBE(0, 3)}.${randomBytes(3).readUIntBE(0, 3)}`;
}

/** Living processes with exactly this argument. */
export function processesWith(argument: string): number[] {
  return processTable().flatMap(({ pid }) => (processFacts(pid)?.argv.includes(argument) ? [pid] : []));
}
