import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'node:test';

const terminalProgram = fileURLToPath(new URL('../programs/machine-terminal.ts', import.meta.url));
const stdinProgram = fileURLToPath(new URL('../programs/machine-stdin.ts', import.meta.url));
const CANARY = 'canary-Zq9-passphrase';

interface Conversation {
  readonly output: string;
  readonly answers: Record<string, unknown>;
}

/** Runs the program on a terminal of its own and types each text when its question has been seen. */
async function converse(typed: readonly (readonly [question: string, keys: string])[]): Promise<Conversation> {
  const command = ['exec', process.execPath, terminalProgram, ...typed.map(([question]) => question)];
  const child = spawn('script', ['-qec', command.join(' '), '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  const left = [...typed];
  for await (const chunk of child.stdout) {
    output += String(chunk);
    for (let [next] = left; next !== undefined && output.includes(`${next[0]}? `); [next] = left) {
      left.shift();
      child.stdin.write(next[1]);
    }
  }
  child.stdin.end();
  const json = /\{.*\}/.exec(output)?.[0] ?? '{}';
  return { output, answers: JSON.parse(json) };
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

void test('a hidden line is read and never shown, and echo is on again', async () => {
  const { output, answers } = await converse([['pass', `${CANARY}\r`]]);
  assert.equal(answers['pass'], hex(CANARY));
  assert.equal(answers['isEchoOn'], true);
  assert.ok(!output.includes(CANARY));
  assert.ok(Number(answers['columns']) > 0);
});

void test('backspace removes a whole character, Ctrl-U the line, arrow keys nothing', async () => {
  const { answers } = await converse([['pass', `wrong\x15\x1b[A\x1b[1;5Cx\x7f${CANARY}€\x7f\x1bOH!\r`]]);
  assert.equal(answers['pass'], hex(`${CANARY}!`));
});

void test('two pasted lines answer two questions, but a key typed ahead does not count', async () => {
  const { answers } = await converse([
    ['first', 'one\ntwo\ny'],
    ['second', ''],
    ['key', 'n'],
  ]);
  assert.deepEqual([answers['first'], answers['second'], answers['key']], [hex('one'), hex('two'), 'n'.charCodeAt(0)]);
});

for (const [name, keys] of [
  ['Ctrl-C', 'half\x03'],
  ['Ctrl-D on an empty line', '\x04'],
] as const) {
  void test(`I3: ${name} breaks off with the terminal as it was`, async () => {
    const { answers } = await converse([['pass', keys]]);
    assert.equal(answers['failure'], 'human/needed');
    assert.equal(answers['isEchoOn'], true);
  });
}

void test('a line over 1 KiB is refused', async () => {
  // Past the 4 KiB of a terminal's queue bytes would be lost, not refused.
  const { answers } = await converse([['pass', `${'x'.repeat(1025)}\r`]]);
  assert.equal(answers['failure'], 'input/too_large');
});

void test('without a controlling terminal there is none to ask', () => {
  const { stdout } = spawnSync('setsid', ['-w', process.execPath, terminalProgram, 'pass'], { encoding: 'utf8' });
  assert.equal(stdout, 'no terminal\n');
});

function fromStdin(input: string | Buffer, bytesMax = 100_000): Record<string, unknown> {
  const { stdout } = spawnSync(process.execPath, [stdinProgram, String(bytesMax)], { input, encoding: 'utf8' });
  return JSON.parse(stdout);
}

void test('the passphrase is the first line of standard input, and the rest stays whole', () => {
  const rest = Buffer.from([0, 255, 10, 13, 10]);
  const input = Buffer.concat([Buffer.from(`${CANARY}\n`), rest]);
  assert.deepEqual(fromStdin(input), { passphrase: hex(CANARY), rest: rest.toString('hex') });
  assert.deepEqual(fromStdin(`${CANARY}\r\n`), { passphrase: hex(CANARY), rest: '' });
  assert.deepEqual(fromStdin(CANARY), { passphrase: hex(CANARY), rest: '' });
});

void test('I8: an empty or too long passphrase and too much input are refused', () => {
  assert.deepEqual(fromStdin(''), { failure: 'human/needed' });
  assert.deepEqual(fromStdin('\nx'), { failure: 'human/needed' });
  assert.deepEqual(fromStdin(`${'x'.repeat(1024)}\n`), { passphrase: hex('x'.repeat(1024)), rest: '' });
  assert.deepEqual(fromStdin(`${'x'.repeat(1025)}\n`), { failure: 'input/too_large' });
  assert.deepEqual(fromStdin(`p\n${'x'.repeat(100_001)}`), { failure: 'input/too_large' });
  assert.deepEqual(fromStdin(`p\n${'x'.repeat(100_000)}`), { passphrase: hex('p'), rest: hex('x'.repeat(100_000)) });
});
