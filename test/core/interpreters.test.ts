import assert from 'node:assert/strict';
import test from 'node:test';
import { isCodeOnCommandLine } from '../../src/core/interpreters.ts';

const isCode = (command: string, program?: string): boolean => {
  const argv = command.split(' ');
  return isCodeOnCommandLine(program ?? `/usr/bin/${argv[0]}`, argv);
};

for (const command of [
  'sh -c x',
  'bash -ec x',
  'bash -O extglob -c x',
  'zsh -lic x',
  'sh',
  'sh -s',
  'bash --rcfile x -i',
  'node -e x',
  'node --eval=x',
  'node -pe x',
  'node --import=data:text/javascript,x main.js',
  'node',
  'deno eval x',
  'deno run https://example.invalid/x.ts',
  'bun -e x',
  'bun x tool',
  'python3.12 -c x',
  'python -Bc x',
  'python3 -m http.server',
  'perl -ne x',
  'ruby -e x',
  'php -r x',
  'lua5.4 -e x',
  'awk {system("x")}',
  'gawk -f a.awk -e x',
  'sed s/a/b/e',
  'env A=1 psql',
  'xargs rm',
  'find . -exec x ;',
  'make',
  'npm test',
  'sudo psql',
  'ld-linux-x86-64.so.2 /tmp/x',
  'busybox ls',
]) {
  void test(`the agent chose the code of: ${command}`, () => {
    assert.equal(isCode(command), true);
  });
}

for (const command of [
  'psql -c select',
  'sh script.sh',
  'node main.js',
  'python3 app.py',
  'find . -name x',
  'awk -f a.awk',
  'curl -e x',
  'cat',
  'ls -la',
  'gh api',
]) {
  void test(`the program or a file that is shown holds the code of: ${command}`, () => {
    assert.equal(isCode(command), false);
  });
}

void test('both the resolved program and the name it was called by count', () => {
  assert.equal(isCode('tool -c x', '/usr/bin/dash'), true);
  assert.equal(isCode('sh -c x', '/usr/bin/busybox-static'), true);
});
