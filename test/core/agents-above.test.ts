import assert from 'node:assert/strict';
import test from 'node:test';
import { knownAgentAbove } from '../../src/core/agents-above.ts';
import type { ProcessFacts } from '../../src/core/request.ts';

const running = (program: string, ...argv: string[]): ProcessFacts => ({
  pid: 7,
  startedAt: '1',
  program,
  argv: argv.length === 0 ? [program] : argv,
  uid: 1000,
});

for (const facts of [
  running('/home/u/.npm/lib/codex'),
  running('/opt/x/codex-x86_64-unknown-linux-musl'),
  running('/usr/bin/codex-linux-sandbox'),
  running('/home/u/.local/share/claude/versions/2.1.0', 'claude'),
  running('/home/u/.local/share/claude/versions/2.1.0', 'hidden'),
  running('/usr/bin/node', 'node', '/x/node_modules/@anthropic-ai/claude-code/cli.js'),
  running('/usr/bin/node', 'node', '--no-warnings', '/usr/local/bin/gemini'),
  running('/usr/bin/python3.12', 'python3', '-m', 'aider'),
  running('/opt/cursor/cursor-agent'),
  running('/usr/bin/opencode'),
  running('/usr/bin/goose'),
  running('(unknown)', 'codex', 'exec'),
]) {
  void test(`known as an agent: ${facts.argv.join(' ')} (${facts.program})`, () => {
    assert.equal(knownAgentAbove([running('/bin/bash'), facts]), facts);
  });
}

for (const facts of [
  running('/bin/bash', '-bash'),
  running('/usr/bin/node', 'node', 'server.js'),
  running('/usr/bin/vim', 'vim', 'claude'),
  running('/usr/bin/codexify'),
  running('/usr/lib/systemd/systemd', '/sbin/init'),
  running('/usr/sbin/sshd'),
]) {
  void test(`not an agent: ${facts.argv.join(' ')}`, () => {
    assert.equal(knownAgentAbove([facts]), null);
  });
}

void test('the nearest agent is the one that is named', () => {
  const near = running('/usr/bin/claude');
  assert.equal(knownAgentAbove([running('/bin/sh'), near, running('/usr/bin/codex')]), near);
  assert.equal(knownAgentAbove([]), null);
});

test('of an agent and the helper of its sandbox, the one that lives longer is the agent', () => {
  const process = (pid: number, program: string, ...argv: string[]) => ({ pid, startedAt: '1', program, argv, uid: 1 });
  const helper = process(3, '/opt/codex', '/tmp/arg0/codex-linux-sandbox', '--sandbox-policy-cwd', '/srv');
  const agent = process(1, '/opt/codex', 'codex', 'exec');
  const chain = [process(4, '/usr/bin/cat', 'cat'), helper, process(2, '/usr/bin/bwrap', 'bwrap'), agent];
  assert.equal(knownAgentAbove(chain)?.pid, 1);
  assert.equal(knownAgentAbove(chain.slice(0, 3))?.pid, 3, 'better the helper than nobody');
});
