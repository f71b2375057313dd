// A house to test in: a throwaway home with a daemon of its own, a human who types a passphrase, and agents that speak
// MCP. Everything is a real process of the built program, and everything is gone afterwards.

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, StdioClientTransport } from './mcp-client.ts';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** An ordinary user; nobody has to have made one. */
export const USER = 1001;
export const PASSPHRASE = 'correct horse battery';
const DEADLINE_MS = 60_000;

/** Argon2id at its floor: the tests are not about how long it takes. */
const SETTINGS = '[kdf]\nmemory_mib = 64\npasses = 3\nlanes = 4\n';

export interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HouseOptions {
  /** An ordinary user to live as, when the tests run as root. */
  readonly uid?: number;
  readonly settings?: string;
  /** Without a vault. */
  readonly isEmpty?: boolean;
}

export class House implements AsyncDisposable {
  readonly root: string;
  readonly home: string;
  readonly project: string;
  readonly uid: number | undefined;
  /** The program, where this user can read it. */
  readonly launcher: string;
  readonly #children = new Set<ChildProcess>();
  readonly #clients = new Set<Client>();

  private constructor(options: HouseOptions) {
    this.root = mkdtempSync(join(tmpdir(), 'keystile-'));
    this.home = join(this.root, 'home');
    this.project = join(this.root, 'project');
    this.uid = options.uid;
    this.launcher = join(this.uid === undefined ? ROOT : installedForAll(), 'bin', 'keystile');
    for (const folder of [this.home, this.project]) mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(this.home, 'config.toml'), options.settings ?? SETTINGS, { mode: 0o600 });
    if (this.uid === undefined) return;
    for (const path of [this.root, this.home, this.project, join(this.home, 'config.toml')])
      chownSync(path, this.uid, this.uid);
    chmodSync(this.root, 0o755);
  }

  static async open(options: HouseOptions = {}): Promise<House> {
    const house = new House(options);
    if (options.isEmpty !== true) await house.ok(['init', '--passphrase-stdin'], `${PASSPHRASE}\n`);
    return house;
  }

  get env(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: this.root, KEYSTILE_HOME: this.home, LANG: 'C.UTF-8' };
  }

  get #as(): { uid?: number; gid?: number } {
    return this.uid === undefined ? {} : { uid: this.uid, gid: this.uid };
  }

  /** Runs the command line to its end. */
  async keystile(args: readonly string[], input: string | Buffer = ''): Promise<Done> {
    return await this.run(this.launcher, args, input);
  }

  async run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Done> {
    const child = spawn(program, args, {
      cwd: this.project,
      env: this.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...this.#as,
    });
    this.#children.add(child);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const code = await new Promise<number | null>((settle, fail) => {
      child.on('error', fail);
      child.on('close', settle);
    });
    this.#children.delete(child);
    return { code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') };
  }

  /** The same, and it has to succeed. */
  async ok(args: readonly string[], input: string | Buffer = ''): Promise<string> {
    const { code, stdout, stderr } = await this.keystile(args, input);
    assert.equal(code, 0, `keystile ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  async json<T = Record<string, never>>(args: readonly string[], input: string | Buffer = ''): Promise<T> {
    return JSON.parse(await this.ok([...args, '--format', 'json'], input)) as T;
  }

  /** The human says who they are: the passphrase is the first line of standard input. */
  async human(args: readonly string[], rest = ''): Promise<Done> {
    return await this.keystile([...args, '--passphrase-stdin'], `${PASSPHRASE}\n${rest}`);
  }

  /** An agent: a process of its own, which launches the MCP server as a client does. */
  async agent(name = 'test-agent'): Promise<Client> {
    const client = new Client({ name, version: '1.0.0' });
    const uid = String(this.uid ?? process.geteuid?.());
    const [command, ...args] = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', this.launcher, 'mcp'];
    const transport = new StdioClientTransport({ command, args, env: this.env, cwd: this.project, stderr: 'ignore' });
    await client.connect(transport);
    this.#clients.add(client);
    return client;
  }

  /** Waits for a request and answers it. */
  async answer(decide: (requestId: string) => readonly string[]): Promise<string> {
    const requestId = await this.pending();
    const { code, stderr } = await this.human(decide(requestId));
    assert.equal(code, 0, stderr);
    return requestId;
  }

  async approve(...flags: string[]): Promise<string> {
    return await this.answer((requestId) => ['approve', requestId, ...flags]);
  }

  /** The id of the one request that waits. */
  async pending(): Promise<string> {
    return await eventually(async () => {
      const { requests } = await this.json<{ requests: { requestId: string }[] }>(['requests']);
      return requests[0]?.requestId;
    }, 'a request to wait');
  }

  async daemonPid(): Promise<number> {
    return (await this.json<{ pid: number }>(['status'])).pid;
  }

  /** Makes an environment with one concealed value; returns its id. */
  async environment(name: string, variables: Record<string, string>): Promise<string> {
    await this.ok(['environment', 'create', name]);
    for (const [variable, value] of Object.entries(variables)) {
      await this.ok(['environment', 'set', name, variable, '--value-stdin'], value);
    }
    const { environments } = await this.json<{ environments: { environmentId: string; name: string }[] }>([
      'environment',
      'list',
    ]);
    return (
      environments.find((environment) => environment.name === name)?.environmentId ?? assert.fail('no such environment')
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close().catch(() => undefined);
    if (existsSync(join(this.home, 'run', 'control.sock'))) await this.keystile(['stop']).catch(() => undefined);
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

let installed: string | undefined;

/** A copy of the built program that every user can read: a clone may lie in a private folder. Made once a process. */
export function installedForAll(): string {
  if (installed !== undefined) return installed;
  const folder = mkdtempSync(join(tmpdir(), 'keystile-program-'));
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const name of [
    'package.json',
    'bin',
    'dist',
    'node_modules/koffi',
    'node_modules/@koromix',
    'node_modules/node/bin',
  ]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, dereference: true });
  }
  installed = folder;
  return folder;
}

/** A canary: found nowhere else, and long enough to be masked in every form. */
export function canary(): string {
  return `canary-${randomBytes(12).toString('hex')}-x`;
}

/** Polls until `look` gives something. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  const until = Date.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    assert.ok(Date.now() < until, `waited in vain for ${what}`);
    await delay(20);
  }
}

/** What a tool call came to, as the model gets it. */
export function structured(result: unknown): Record<string, unknown> {
  assert.ok(typeof result === 'object' && result !== null && 'structuredContent' in result, JSON.stringify(result));
  return result.structuredContent as Record<string, unknown>;
}

export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
