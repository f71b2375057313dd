import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunEnded, RunJob } from '../../src/delivery/job.ts';
import { Runners } from '../../src/delivery/run.ts';
import { assertNoCanary, makeCanary } from '../canaries.ts';
import { BASH, LAUNCHER, makeJob, runOnce, script, seal } from './jobs.ts';

const CANARY = makeCanary();
let folder = '';
let runners: Runners;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'keystile-run-'));
  runners = new Runners(LAUNCHER);
});

after(async () => {
  await runners.close();
  rmSync(folder, { recursive: true });
});

async function run(job: RunJob): Promise<RunEnded> {
  const outcome = await runners.run(job).ended;
  assert.equal(outcome.kind, 'ended', JSON.stringify(outcome));
  assert.ok(outcome.kind === 'ended');
  return outcome;
}

async function refusal(job: RunJob): Promise<string> {
  const outcome = await runners.run(job).ended;
  assert.ok(outcome.kind === 'refused', `it was not refused: ${JSON.stringify(outcome)}`);
  assertNoCanary(JSON.stringify(outcome), CANARY);
  return outcome.failure.code;
}

describe('what comes back', () => {
  const dumps = {
    env: 'env',
    'env with NUL': 'env -0',
    printenv: 'printenv K',
    '/proc/self/environ': 'cat /proc/self/environ',
    declare: 'declare -p; export -p; set',
    'to standard error': 'printenv K >&2',
    base64:
      'for p in "" a ab abc; do printf %s "$p$K" | base64 -w0; echo; printf "%s\\n" "$p$K" | base64 -w0; echo; done',
    base64url: 'for p in "" a ab; do printf %s "$p$K" | base64 -w0 | tr +/ -_; echo; done',
    hex: 'printf %s "$K" | od -An -v -tx1 | tr -d " \\n"; printf %s "$K" | od -An -v -tx1 | tr -d " \\n" | tr a-f A-F',
    percent: 'printf %s "$K" | od -An -v -tx1 | tr -d "\\n" | tr " " %',
  };
  for (const [name, text] of Object.entries(dumps)) {
    test(`a value is not in the output of ${name} (O01–O04)`, async () => {
      const { stdout, stderr, exitCode, redactions } = await run(script(text, { values: { K: CANARY } }));
      assert.equal(exitCode, 0);
      assertNoCanary(Buffer.concat([stdout, stderr]), CANARY);
      assert.ok(stdout.length + stderr.length > 0);
      assert.deepEqual(
        redactions.map(({ name }) => name),
        ['K'],
      );
    });
  }

  test('a value written byte by byte is masked as if written at once (O05, O06)', async () => {
    const program =
      'for ((i=0; i<${#K}; i++)); do printf %s "${K:i:1}"; done; echo; LC_ALL=C; for ((i=0; i<${#K}; i++)); do printf %s "${K:i:1}"; done';
    const { stdout } = await run(script(program, { values: { K: CANARY } }));
    assert.equal(stdout.toString('utf8'), '[REDACTED:K]\n[REDACTED:K]');
  });

  test('the program really gets the value, and a plain one is not hidden', async () => {
    const variables = [seal('K', CANARY), seal('PLAIN', 'not a secret', { concealed: false })];
    const { stdout } = await run(script('printf %s "$K" | sha256sum | cut -c1-64; echo "$PLAIN"', { variables }));
    const { createHash } = await import('node:crypto');
    assert.equal(stdout.toString(), `${createHash('sha256').update(CANARY).digest('hex')}\nnot a secret\n`);
  });

  test('bytes that are not text come back as they are', async () => {
    const file = join(folder, 'bytes');
    const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), randomBytes(300_000)]);
    writeFileSync(file, bytes);
    const { stdout, truncated } = await run(makeJob({ argv: ['/bin/cat', file], values: { K: CANARY } }));
    assert.ok(stdout.equals(bytes));
    assert.equal(truncated, false);
  });

  test('a long stream keeps its head and its tail, and says what is missing', async () => {
    const { stdout, truncated, stdoutLines } = await run(script('seq 1 400000'));
    assert.equal(truncated, true);
    assert.equal(stdoutLines, 400_000);
    assert.ok(stdout.length < 1024 * 1024 + 100);
    assert.match(stdout.toString(), /^1\n2\n[^]*\n\[\.\.\. \d+ bytes left out \.\.\.\]\n[^]*\n400000\n$/);
  });

  test('a flood is stopped, and says so (D01)', async () => {
    const { why, signal, truncated, stdout } = await run(makeJob({ argv: ['/usr/bin/yes', 'flood'] }));
    assert.deepEqual([why, truncated], ['flooded', true]);
    assert.ok(signal === 'SIGTERM' || signal === 'SIGPIPE' || signal === 'SIGKILL');
    assert.ok(stdout.length < 1024 * 1024 + 100);
  });

  test('exit codes and signals come back as they were', async () => {
    for (const code of [0, 1, 127, 255]) assert.equal((await run(script(`exit ${code}`))).exitCode, code);
    const { exitCode, signal, why } = await run(script('kill -SEGV $$'));
    assert.deepEqual([exitCode, signal, why], [null, 'SIGSEGV', 'exited']);
  });
});

describe('what the program finds', () => {
  test('standard input is empty unless given, and can be opened by name', async () => {
    assert.equal((await run(script('cat | wc -c'))).stdout.toString().trim(), '0');
    const stdin = randomBytes(200_000).toString('hex');
    const { stdout } = await run(script('cat /dev/stdin > /dev/stdout', { stdin: Buffer.from(stdin) }));
    assert.equal(stdout.toString(), stdin);
    const { exitCode } = await run(script('exec 0<&-; exit 3', { stdin: Buffer.alloc(4 * 1024 * 1024, 'x') }));
    assert.equal(exitCode, 3);
  });

  test('its environment holds base, delta, values and the marker, and nothing of ours (E06)', async () => {
    process.env['KEYSTILE_TEST_LEAK'] = 'leaked';
    const wishes = {
      environmentDelta: { MODE: 'fast' },
      values: { K: CANARY },
      baseEnvironment: { HOME: '/home/nobody' },
    };
    const job = makeJob({ argv: ['/usr/bin/env'], ...wishes });
    const { stdout } = await run(job);
    const names = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    assert.deepEqual(names, ['HOME', 'MODE', 'K', 'KEYSTILE_RUN']);
    assert.match(stdout.toString(), new RegExp(`KEYSTILE_RUN=${job.runId}\n`));
    delete process.env['KEYSTILE_TEST_LEAK'];
  });

  test('it has three descriptors, whatever else is open here (E13)', async () => {
    const wrapper = 'exec 9</etc/passwd 77<>/dev/null 251>/dev/null; exec "$0" "$@"';
    const launcher = { ...LAUNCHER, interpreter: BASH, flags: ['-c', wrapper, process.execPath, ...LAUNCHER.flags] };
    const outcome = await runOnce(makeJob({ argv: ['/bin/ls', '/proc/self/fd'] }), launcher);
    assert.ok(outcome.kind === 'ended');
    // The last one is ls looking at the folder.
    assert.equal(outcome.stdout.toString(), '0\n1\n2\n3\n');
  });

  test('what somebody adds to Object.prototype does not reach it (E11)', async () => {
    const polluted = fileURLToPath(new URL('../programs/delivery-polluted-runner.ts', import.meta.url));
    const outcome = await runOnce(makeJob({ argv: ['/usr/bin/env'] }), { ...LAUNCHER, script: polluted });
    assert.ok(outcome.kind === 'ended');
    assert.equal(outcome.exitCode, 0);
    assert.doesNotMatch(outcome.stdout.toString(), /EVIL|NODE_OPTIONS/);
  });

  test('argv[0] stays as given, no shell looks at the arguments, and the session is its own', async () => {
    const argv = ['my name', '-c', 'echo "$0|$1|$2"; ps -o sid=,pgid= -p $$ | tr -s " "; echo $$', 'a b', '$(id)', ';'];
    const { stdout } = await run(makeJob({ argv, program: BASH }));
    const [words, , pid] = stdout.toString().split('\n');
    assert.equal(words, 'a b|$(id)|;');
    assert.equal(stdout.toString().split('\n')[1]?.trim(), `${pid} ${pid}`);
  });

  test('it cannot dump core, and its files are not for itself alone (O30)', async () => {
    const place = mkdtempSync(join(folder, 'core-'));
    const { stdout, signal } = await run(
      script('umask; ulimit -Hc; ulimit -c unlimited 2>/dev/null; kill -ABRT $$', {
        cwd: place,
        values: { K: CANARY },
      }),
    );
    assert.equal(stdout.toString(), '0022\n0\n');
    assert.equal(signal, 'SIGABRT');
    assert.deepEqual(readdirSync(place), []);
  });

  test('SIGPIPE ends it as it would in a shell', async () => {
    const { stdout, exitCode } = await run(script('yes | head -1; echo ${PIPESTATUS[0]}'));
    assert.equal(stdout.toString(), 'y\n141\n');
    assert.equal(exitCode, 0);
  });
});

describe('what is refused, before anything is decrypted', () => {
  test('I5: a program or operand that changed since it was shown', async () => {
    const file = join(folder, 'script.sh');
    const proof = join(folder, 'proof');
    writeFileSync(file, 'echo approved\n');
    const job = (): RunJob => makeJob({ argv: ['bash', file], operands: [file], values: { K: CANARY } });
    assert.equal((await run(job())).stdout.toString(), 'approved\n');
    const changed = job();
    writeFileSync(file, `touch ${proof}\n`);
    assert.equal(await refusal(changed), 'request/operand_changed');
    const vanished = job();
    rmSync(file);
    assert.equal(await refusal(vanished), 'request/operand_changed');
    const swapped = makeJob({ argv: ['bash', '-c', `touch ${proof}`] });
    const other = { ...swapped.expected, program: { ...swapped.expected.program, digest: 'f'.repeat(64) } };
    assert.equal(await refusal({ ...swapped, expected: other }), 'request/operand_changed');
    assert.ok(!readdirSync(folder).includes('proof'));
  });

  test('I5: a working folder that was swapped or is gone', async () => {
    const place = join(folder, 'place');
    mkdirSync(place);
    const job = (): RunJob => script('pwd', { cwd: place });
    assert.equal((await run(job())).stdout.toString(), `${place}\n`);
    const swapped = job();
    renameSync(place, `${place}-old`);
    mkdirSync(place);
    assert.equal(await refusal(swapped), 'request/operand_changed');
    const gone = job();
    rmSync(place, { recursive: true });
    assert.equal(await refusal(gone), 'request/operand_changed');
  });

  test('a check that fails comes before a value that cannot be opened', async () => {
    const broken = { ...seal('K', CANARY), key: randomBytes(32) };
    assert.equal(await refusal(makeJob({ argv: ['/bin/true'], variables: [broken] })), 'vault/damaged');
    const job = makeJob({ argv: ['/bin/true'], variables: [{ ...seal('K', CANARY), key: randomBytes(32) }] });
    const expected = { ...job.expected, program: { ...job.expected.program, bytes: 1 } };
    assert.equal(await refusal({ ...job, expected }), 'request/operand_changed');
  });

  test('programs that are not there, may not be executed or are none', async () => {
    const file = join(folder, 'no-program');
    writeFileSync(file, '\x7fELF nonsense');
    chmodSync(file, 0o644);
    const values = { K: CANARY };
    assert.equal(await refusal(makeJob({ argv: [file, CANARY], values })), 'program/not_found');
    const absent = join(folder, 'absent');
    assert.equal(await refusal(makeJob({ argv: [absent, CANARY], values })), 'request/operand_changed');
    assert.equal(await refusal(makeJob({ argv: ['/bin/true', 'x'.repeat(200_000)], values })), 'input/too_large');
  });

  test('values an environment cannot carry', async () => {
    for (const value of [`${CANARY}\0`, Buffer.concat([Buffer.from(CANARY), Buffer.from([0xff])])]) {
      assert.equal(await refusal(makeJob({ argv: ['/bin/true'], values: { K: value } })), 'run/failed');
    }
  });

  test('a job that is too large', async () => {
    assert.equal(await refusal(script('cat', { stdin: Buffer.alloc(41 * 1024 * 1024) })), 'input/too_large');
  });
});

test('secrets that masking cannot hide are named, whatever was said of them when they were stored (O14)', async () => {
  const secrets = { PIN: '4821', WORD: 'production', DATE: '1999-12-31', BLANK: '        ', TOKEN: CANARY };
  const variables = [
    ...Object.entries(secrets).map(([name, value]) => seal(name, value)),
    seal('FILE', `${CANARY} too`, { maskable: false }),
    seal('USER', 'postgres', { isSecret: false }),
    seal('STAGE', 'staging', { concealed: false, isSecret: false }),
  ];
  const { exitCode, unmaskable, stdout } = await run(script('echo $WORD $USER $STAGE; exit 7', { variables }));
  assert.deepEqual([exitCode, unmaskable], [7, ['PIN', 'WORD', 'DATE', 'BLANK', 'FILE']]);
  // A human may release it, so that what can be found is hidden all the same; what is no secret is not.
  assert.equal(stdout.toString(), '[REDACTED:WORD] postgres staging\n');
});

test('every buffer of a job is wiped once it is handed over', async () => {
  const job = script('true', { values: { K: CANARY }, stdin: Buffer.from('some input') });
  await run(job);
  const [variable] = job.variables;
  for (const part of [variable?.key, variable?.nonce, variable?.sealed, job.stdin]) {
    assert.ok(part !== undefined && part !== null && part.every((byte) => byte === 0));
  }
});
