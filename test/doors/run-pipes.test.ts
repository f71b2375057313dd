// A person's run into pipes and files, told from outside: real processes, and values that are found nowhere else.

import assert from 'node:assert/strict';
import { spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { canary, eventually } from '../house.ts';

const PROGRAM = fileURLToPath(new URL('../programs/run-human.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'keystile-run-'));
const secret = canary();
const values = join(folder, 'values.json');
writeFileSync(values, JSON.stringify({ API_TOKEN: secret }));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly pid: number;
  readonly seen: () => string;
  readonly write: (text: string) => void;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
}

function start(argv: readonly string[], options: SpawnOptions & { flags?: readonly string[] } = {}): Started {
  const { flags = [], ...rest } = options;
  const child = spawn(process.execPath, [PROGRAM, values, ...flags, '--', ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...rest,
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin?.on('error', () => undefined);
  const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
  const ended = once(child, 'close').then(() => ({
    code: child.exitCode,
    signal: child.signalCode,
    stdout: text(out),
    stderr: text(err),
  }));
  return {
    pid: child.pid ?? 0,
    seen: () => text(out),
    write: (input) => void child.stdin?.write(input),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

async function run(
  argv: readonly string[],
  options: Parameters<typeof start>[1] & { input?: string } = {},
): Promise<Ended> {
  const { input, ...rest } = options;
  const started = start(argv, rest);
  if (rest.stdio === undefined) started.write(input ?? '');
  return await started.ended;
}

async function see(started: Started, what: RegExp): Promise<RegExpExecArray> {
  return await eventually(() => what.exec(started.seen()) ?? undefined, String(what));
}

void test('a value is in the environment of the program and masked on both of its outputs', async () => {
  const script = 'test "${#API_TOKEN}" -gt 20 && echo "out $API_TOKEN"; echo "err $API_TOKEN" >&2; exit 7';
  const { code, stdout, stderr } = await run(['sh', '-c', script]);
  assert.equal(code, 7);
  assert.equal(stdout, 'out [REDACTED:API_TOKEN]\n');
  assert.equal(stderr, 'err [REDACTED:API_TOKEN]\n');
});

void test('the variable of a run goes before one that is inherited, and everything else is inherited', async () => {
  const env = { PATH: process.env['PATH'], API_TOKEN: 'inherited', 'odd name.x': 'kept', HOME: '/h' };
  const { stdout } = await run(['env'], { env });
  assert.deepEqual(stdout.split('\n').filter(Boolean).toSorted(), [
    'API_TOKEN=[REDACTED:API_TOKEN]',
    'HOME=/h',
    `PATH=${env.PATH}`,
    'odd name.x=kept',
  ]);
});

void test('a value written byte by byte is masked, and what is no value passes at once', async () => {
  const script = `printf 'name: '; read line; printf '%s' "$line" | while IFS= read -r -n1 c; do printf '%s' "$c"; done`;
  const started = start(['bash', '-c', script]);
  await see(started, /^name: $/);
  started.write(`${secret}\n`);
  assert.equal((await started.ended).stdout, 'name: [REDACTED:API_TOKEN]');
});

void test('every byte comes through in order, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 70_000 }), { maxLength: 4 }), async (chunks) => {
      const file = join(folder, 'bytes');
      writeFileSync(file, Buffer.concat(chunks));
      const output = join(folder, 'copy');
      const fd = openSync(output, 'w');
      const { code } = await run(['cat', file], { stdio: ['ignore', fd, 'inherit'] });
      closeSync(fd);
      assert.equal(code, 0);
      assert.ok(readFileSync(output).equals(readFileSync(file)));
    }),
    { numRuns: 5 },
  );
});

void test('text for both outputs keeps its order when they are one', async () => {
  const fd = openSync(join(folder, 'both'), 'w');
  const script = 'for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done';
  await run(['sh', '-c', script], { stdio: ['ignore', fd, fd] });
  closeSync(fd);
  const lines = Array.from({ length: 9 }, (_none, i) => `out ${i + 1}\nerr ${i + 1}\n`);
  assert.equal(readFileSync(join(folder, 'both'), 'utf8'), lines.join(''));
});

void test('standard input is the very descriptor we have: a program reads no more of it than it wants', async () => {
  const file = join(folder, 'input');
  writeFileSync(file, 'one\ntwo\nthree\n');
  const fd = openSync(file, 'r');
  const first = await run(['sh', '-c', 'read line; echo "$line"; readlink /proc/self/fd/0'], {
    stdio: [fd, 'pipe', 'inherit'],
  });
  assert.equal(first.stdout, `one\n${file}\n`);
  const rest = await run(['cat'], { stdio: [fd, 'pipe', 'inherit'] });
  assert.equal(rest.stdout, 'two\nthree\n');
  closeSync(fd);
});

void test('a program can open /dev/stdout and /dev/stderr', async () => {
  const { stdout, stderr } = await run(['sh', '-c', 'echo "$API_TOKEN" >/dev/stdout; echo two >/dev/stderr']);
  assert.deepEqual([stdout, stderr], ['[REDACTED:API_TOKEN]\n', 'two\n']);
});

void test('what is written to /dev/null goes there without us', async () => {
  const { stderr } = await run(['sh', '-c', 'to=$(readlink /proc/$$/fd/1); echo $to >&2'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  assert.equal(stderr, '/dev/null\n');
});

void test('a reader that leaves early ends the program by SIGPIPE, as it would without us', async () => {
  const line = `${process.execPath} ${PROGRAM} ${values} -- yes | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const child = spawn('bash', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  await once(child, 'close');
  assert.equal(Buffer.concat(out).toString(), 'y\n141\n');
});

void test('a reader that is slow slows the program down: nothing piles up in us', async () => {
  const child = spawn(process.execPath, [PROGRAM, values, '--', 'yes'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]);
  child.stdout.once('readable', () => undefined);
  await once(child.stdout, 'readable');
  const stalled = await untilStalled(child.pid ?? 0);
  assert.ok(stalled < 2 * 1024 * 1024, `${stalled} bytes`);
  assert.ok(rss() < 200 * 1024, `${rss()} KiB`);
  const closed = once(child, 'close');
  child.stdout.destroy();
  await closed;
  assert.equal(child.exitCode, 141);
});

/** Gives how many bytes the program below `pid` has written, once it waits for somebody to take them. */
async function untilStalled(pid: number): Promise<number> {
  let last = -1;
  return await eventually(() => {
    const [program] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ');
    const now = Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${program}/io`, 'latin1'))?.[1]);
    const isStalled = now === last && now > 0;
    last = now;
    return isStalled ? now : undefined;
  }, 'the program to wait');
}

void test('what waits for a slow reader is not touched by what is masked meanwhile', async () => {
  // Where nothing is masked, what the redactor gives is its own memory: most of these chunks.
  const lines = Array.from({ length: 400_000 }, (_none, i) => `${i} and ${i % 100_000 === 0 ? secret : 'nothing'}\n`);
  const file = join(folder, 'lines');
  writeFileSync(file, lines.join(''));
  const child = spawn(process.execPath, [PROGRAM, values, '--', 'cat', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.once('readable', () => undefined);
  await once(child.stdout, 'readable');
  await untilStalled(child.pid ?? 0);
  const taken: Buffer[] = [];
  for await (const piece of child.stdout) taken.push(piece as Buffer);
  const expected = lines.join('').replaceAll(secret, '[REDACTED:API_TOKEN]');
  assert.ok(Buffer.concat(taken).equals(Buffer.from(expected)));
});

for (const [name, number] of [
  ['SIGTERM', 15],
  ['SIGINT', 2],
  ['SIGHUP', 1],
  ['SIGQUIT', 3],
  ['SIGUSR1', 10],
  ['SIGUSR2', 12],
] as const) {
  void test(`${name} to us reaches the program, once, and its death by it is our exit code`, async () => {
    const counting = `trap 'n=$((n+1)); echo got $n' ${name.slice(3)}; echo ready; read x; echo done $n`;
    // In a session of its own there is no terminal, so nobody else sent it.
    const caught = start(['sh', '-c', `${counting}; trap - ${name.slice(3)}; kill -s ${name.slice(3)} $$`], {
      detached: true,
    });
    await see(caught, /ready/);
    caught.kill(name);
    await see(caught, /got 1/);
    caught.write('\n');
    const { code, stdout } = await caught.ended;
    assert.equal(stdout, 'ready\ngot 1\ndone 1\n');
    assert.equal(code, 128 + number);
  });
}

void test('stopped and continued from outside, the program stops and continues, and so do we', async () => {
  const started = start(['sh', '-c', 'echo $$; exec cat'], { detached: true });
  const pid = (await see(started, /(\d+)\n/))[1];
  const state = (of: string | number | undefined): string =>
    /State:\s+(\w)/.exec(readFileSync(`/proc/${of}/status`, 'latin1'))?.[1] ?? '';
  // An orphaned process group is not stopped by SIGTSTP (POSIX 2.4.3), so the program is sent what nobody can refuse.
  process.kill(Number(pid), 'SIGSTOP');
  await eventually(() => state(pid) === 'T' || undefined, 'the program to stop');
  started.kill('SIGCONT');
  await eventually(() => state(pid) === 'S' || undefined, 'the program to go on');
  started.write('x\n');
  await see(started, /x\n/);
  started.kill('SIGTERM');
  assert.equal((await started.ended).code, 143);
});

void test('the program has the default for SIGPIPE and SIGXFSZ, which Node ignores', async () => {
  for (const flags of [[], ['--no-masking']]) {
    const { stdout } = await run(['grep', 'SigIgn', '/proc/self/status'], { flags });
    const ignored = BigInt(`0x${/SigIgn:\s+(\w+)/.exec(stdout)?.[1]}`);
    assert.equal(ignored & ((1n << 12n) | (1n << 24n)), 0n, stdout);
  }
});

void test('killed with no chance to do anything, we leave a program that can print nothing more', async () => {
  const started = start(['sh', '-c', 'echo $$; while echo x; do :; done']);
  const pid = Number((await see(started, /(\d+)\n/))[1]);
  started.kill('SIGKILL');
  await started.ended;
  await eventually(() => {
    try {
      return process.kill(pid, 0) && /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
        ? true
        : undefined;
    } catch {
      return true;
    }
  }, 'the program to end');
});

void test('a signal ends us too when nobody takes what the program printed', async () => {
  // The program ends; what it left running prints on, so that there is always something to be taken.
  const words = [PROGRAM, values, '--', 'sh', '-c', 'yes & exec sleep 100'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'readable');
  child.kill('SIGTERM');
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  assert.equal(signal, 'SIGTERM');
  child.stdout.destroy();
});

void test('a program that does not exist, or may not be executed, is a failure of ours: 7', async () => {
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'echo hello\n');
  chmodSync(plain, 0o644);
  const absent = await run(['there-is-no-such-program']);
  assert.deepEqual([absent.code, absent.stderr.startsWith('program/not_found: ')], [7, true]);
  const refused = await run([plain]);
  assert.deepEqual([refused.code, /may not be executed/.test(refused.stderr)], [7, true]);
});

void test('a script without a first line goes to sh, as in a shell', async () => {
  const script = join(folder, 'script');
  writeFileSync(script, 'echo "hello $1 $API_TOKEN"\n', { mode: 0o755 });
  chmodSync(script, 0o755);
  for (const [flags, shown] of [
    [[], '[REDACTED:API_TOKEN]'],
    [['--no-masking'], secret],
  ] as const) {
    assert.equal((await run([script, 'you'], { flags })).stdout, `hello you ${shown}\n`);
  }
});

void test('it is looked up on the PATH of the person, with the name that was typed', async () => {
  const bin = join(folder, 'bin');
  const { stdout: name } = await run([
    'sh',
    '-c',
    `mkdir ${bin}; printf '#!/bin/sh\\necho mine $0' >${bin}/own; chmod 755 ${bin}/own`,
  ]);
  assert.equal(name, '');
  const { stdout } = await run(['own'], { env: { PATH: `${bin}:/usr/bin:/bin` } });
  assert.equal(stdout, `mine ${bin}/own\n`);
  assert.equal((await run(['sh', '-c', 'echo $0'])).stdout, 'sh\n');
});

void test('without masking we become the program: same process, nothing of ours in it', async () => {
  const started = start(
    [
      'sh',
      '-c',
      'echo "$$ $(readlink /proc/$$/exe)"; ls /proc/$$/fd; tr "\\0" " " </proc/$$/cmdline; echo; echo $API_TOKEN',
    ],
    { flags: ['--no-masking'] },
  );
  const { code, stdout } = await started.ended;
  assert.equal(code, 0);
  const [line = '', ...rest] = stdout.split('\n');
  assert.equal(Number(line.split(' ')[0]), started.pid);
  assert.doesNotMatch(line, /node/);
  assert.match(stdout, new RegExp(`^${secret}$`, 'm'));
  const fds = rest.filter((word) => /^\d+$/.test(word)).map(Number);
  // Beyond these only what we were given ourselves, which is above 15.
  assert.deepEqual(
    fds.filter((fd) => fd < 16),
    [0, 1, 2],
  );
});

void test('no value is an argument of anything, nor in our own environment', async () => {
  const started = start(['sh', '-c', 'echo ready; read x']);
  await see(started, /ready/);
  const ours = readFileSync(`/proc/${started.pid}/environ`, 'latin1');
  const arguments_ = readFileSync(`/proc/${started.pid}/cmdline`, 'latin1');
  assert.ok(!ours.includes(secret) && !arguments_.includes(secret));
  started.write('\n');
  await started.ended;
});
