// npm run tour: the main job on real input, told step by step. A throwaway home, a real daemon, a real MCP client. At a
// terminal you answer the request yourself; without one the tour does, and says so. Everything is removed at the end.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const KEYSTILE = join(ROOT, 'bin', 'keystile');
const PASSPHRASE = 'over the stile';
const WIDTH = 100;

const isInteractive = process.stdin.isTTY && process.stdout.isTTY;
const folder = mkdtempSync(join(tmpdir(), 'keystile-tour-'));
const home = join(folder, 'home');
const project = join(folder, 'project');
mkdirSync(home, { mode: 0o700 });
mkdirSync(project);
// A vault for half a minute: the cheapest key derivation that is allowed keeps the tour quick.
writeFileSync(join(home, 'config.toml'), '[kdf]\nmemory_mib = 64\n', { mode: 0o600 });
writeFileSync(join(project, 'deploy.sh'), DEPLOY());
const env = { PATH: process.env['PATH'] ?? '', HOME: folder, KEYSTILE_HOME: home, TERM: process.env['TERM'] ?? 'dumb' };

process.once('SIGINT', () => void tidy().then(() => process.exit(130)));
try {
  await tour();
} finally {
  await tidy();
}

async function tour(): Promise<void> {
  say('Keystile in half a minute. Everything happens in a throwaway folder and is removed at the end.');

  step('1. You make a vault, and an environment with a secret and a plain setting.');
  await show(['init', '--passphrase-stdin'], `${PASSPHRASE}\n`);
  await show(['environment', 'create', 'shop']);
  await show(['environment', 'set', 'shop', 'API_TOKEN', '--generate', 'hex:32']);
  await show(['environment', 'set', 'shop', 'REGION', '--plain', 'eu-west-1']);
  await show(['environment', 'show', 'shop']);

  step('2. A coding agent connects over MCP and asks to run ./deploy.sh with those variables.');
  const agent = new Client({ name: 'tour-agent', version: '1.0.0' });
  await agent.connect(
    new StdioClientTransport({ command: KEYSTILE, args: ['mcp'], env, cwd: project, stderr: 'inherit' }),
  );
  const environmentId = await environmentIdOf('shop');
  const args = { environmentId, argv: ['sh', 'deploy.sh'], reason: 'Deploy the shop, as you asked.' };
  say(`run_with_credentials ${JSON.stringify(args, null, 2)}`);
  const running = agent.callTool({ name: 'run_with_credentials', arguments: args });

  step('3. Nothing runs yet. The request waits for you, and you see exactly what would happen.');
  const requestId = await waitingRequest();
  if (isInteractive) {
    say(`You answer it now. The passphrase of this throwaway vault is:  ${PASSPHRASE}`);
    await inTerminal(['approve', requestId]);
  } else {
    say('There is no terminal here, so the tour types the passphrase itself: keystile approve ID --passphrase-stdin');
    await show(['approve', requestId, '--passphrase-stdin'], `${PASSPHRASE}\n`);
  }

  step('4. The value went straight into the process. This is all the agent gets back:');
  const result = await running;
  const { stdout, ...rest } = (result.structuredContent ?? {}) as Record<string, unknown>;
  say(JSON.stringify(rest, null, 2));
  say(`stdout:\n${String(stdout)}`);

  step('5. What happened is in the audit log, written before the value was handed over.');
  await show(['audit', 'list']);
  await show(['audit', 'verify']);

  await agent.close();
  step('Now the real thing:  keystile init  and  keystile setup codex  (or claude). The README has the rest.');
}

function DEPLOY(): string {
  return [
    '# A deployment that talks too much: it prints its own credential, plainly and in base64.',
    'echo "deploying to $REGION with token $API_TOKEN"',
    'printf %s "$API_TOKEN" | base64 -w0; echo',
    'echo "token length: ${#API_TOKEN}"',
    '',
  ].join('\n');
}

async function waitingRequest(): Promise<string> {
  for (;;) {
    const { requests } = JSON.parse(await keystile(['requests', '--format', 'json'])) as {
      requests: { requestId: string }[];
    };
    if (requests[0] !== undefined) return requests[0].requestId;
    await delay(50);
  }
}

async function environmentIdOf(name: string): Promise<string> {
  const listed = JSON.parse(await keystile(['environment', 'list', '--format', 'json'])) as {
    environments: { environmentId: string; name: string }[];
  };
  return listed.environments.find((environment) => environment.name === name)?.environmentId ?? '';
}

async function show(args: readonly string[], input = ''): Promise<void> {
  process.stdout.write(`\n  $ keystile ${args.join(' ')}\n`);
  process.stdout.write(indent(await keystile(args, input, true)));
}

async function keystile(args: readonly string[], input = '', withStderr = false): Promise<string> {
  const child = spawn(KEYSTILE, args, { cwd: project, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((settle) => child.on('close', settle));
  const text = Buffer.concat(withStderr ? [...err, ...out] : out).toString('utf8');
  if (code !== 0) throw new Error(`keystile ${args.join(' ')} failed:\n${Buffer.concat(err).toString('utf8')}${text}`);
  return text;
}

/** With your keyboard and screen. A wrong passphrase is asked for again. */
async function inTerminal(args: readonly string[]): Promise<void> {
  for (;;) {
    const child = spawn(KEYSTILE, args, { cwd: project, env, stdio: 'inherit' });
    const code = await new Promise<number | null>((settle) => child.on('close', settle));
    if (code === 0) return;
    say('That did not work. Once more:');
  }
}

async function tidy(): Promise<void> {
  await keystile(['stop']).catch(() => '');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function step(text: string): void {
  process.stdout.write(`\n${'─'.repeat(WIDTH)}\n${text}\n`);
}

function say(text: string): void {
  process.stdout.write(`\n${indent(text)}`);
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ').replace(/\n*$/, '\n');
}
