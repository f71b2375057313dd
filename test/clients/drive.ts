// Drives a real client against a scripted model, with Keystile set up by its own `setup`, and sweeps everything that
// could have kept a value.

import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { constants, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { assertNoCanary } from '../canaries.ts';
import type { Done, House } from '../house.ts';
import { installClients } from './install.ts';
import type { MockModel } from './mock-model.ts';

const CLIENT_DEADLINE_MS = 120_000;
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** The binaries a client copies beside its settings: large, and not written by a run. */
const IS_PROGRAM = /\/(?:bin\/node|codex|claude|codex-linux-sandbox|apply_patch)$/;

export class ClientHome implements Disposable {
  readonly house: House;
  /** Not under /tmp: Codex keeps its helpers out of a home there. */
  readonly folder = mkdtempSync('/var/tmp/keystile-client-');
  readonly #cmdlines = new Set<string>();

  constructor(house: House) {
    this.house = house;
  }

  get env(): Record<string, string> {
    const { bin } = installClients();
    const { env } = this.house;
    return {
      ...env,
      PATH: `${bin}:${env['PATH']}`,
      CODEX_HOME: this.folder,
      CLAUDE_CONFIG_DIR: this.folder,
      TERM: 'dumb',
    };
  }

  async setup(client: 'codex' | 'claude', model: MockModel): Promise<void> {
    if (client === 'codex') writeFileSync(join(this.folder, 'config.toml'), codexSettings(model, this.house.project));
    const { code, stderr } = await this.spawn(this.house.launcher, ['setup', client]);
    assert.equal(code, 0, stderr);
  }

  /** `codex exec`. The yes to a call is ours to ask for, so Codex's own question is switched off where `isAllowed`. */
  async codex(prompt: string, args: readonly string[] = [], isAllowed = true): Promise<Done> {
    const allow = isAllowed ? ['-c', 'mcp_servers.keystile.default_tools_approval_mode="approve"'] : [];
    const { project } = this.house;
    return await this.spawn(installClients().codex, [
      'exec',
      '--skip-git-repo-check',
      '--color',
      'never',
      '-C',
      project,
      ...allow,
      ...args,
      prompt,
    ]);
  }

  async claude(prompt: string, model: MockModel, args: readonly string[] = []): Promise<Done> {
    const offline = {
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
    };
    const env = { ...this.env, ...offline, ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'sk-ant-mock' };
    const flags = [
      '-p',
      prompt,
      '--output-format',
      'stream-json',
      '--verbose',
      '--allowedTools',
      'mcp__keystile',
      ...args,
    ];
    return await this.spawn(installClients().claude, flags, env);
  }

  async spawn(program: string, args: readonly string[], env = this.env): Promise<Done> {
    const child = spawn(program, args, { cwd: this.house.project, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const deadline = setTimeout(() => child.kill('SIGKILL'), CLIENT_DEADLINE_MS);
    const watching = setInterval(() => this.#watchArguments(), 20);
    const code = await new Promise<number | null>((settle, fail) => {
      child.on('error', fail);
      child.on('close', settle);
    });
    clearTimeout(deadline);
    clearInterval(watching);
    return { code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') };
  }

  /** Everything an agent, or whoever reads its files, could see. Says how much was looked at. */
  sweep(
    canary: string,
    model: MockModel,
    done: readonly Done[],
  ): { files: number; requests: number; cmdlines: number } {
    let files = 0;
    for (const file of filesBelow(this.folder, this.house.root, '/dev/shm')) {
      const bytes = tryRead(file);
      if (bytes === undefined) continue;
      assertNoCanary(bytes, canary);
      files += 1;
    }
    for (const request of model.requests) assertNoCanary(Buffer.from(request), canary);
    for (const { stdout, stderr } of done) assertNoCanary(Buffer.from(`${stdout}\n${stderr}`), canary);
    for (const cmdline of this.#cmdlines) assertNoCanary(Buffer.from(cmdline), canary);
    return { files, requests: model.requests.length, cmdlines: this.#cmdlines.size };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #watchArguments(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        this.#cmdlines.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      } catch {
        // Ended meanwhile.
      }
    }
  }
}

/** A service that only lets in who knows the secret, and remembers what it was shown. */
export class Service implements AsyncDisposable {
  readonly #server: Server;
  readonly shown: string[] = [];

  private constructor(secret: string) {
    this.#server = createServer((request, response) => {
      const given = request.headers.authorization ?? '';
      this.shown.push(given);
      response.writeHead(given === `Bearer ${secret}` ? 200 : 401).end(given === `Bearer ${secret}` ? 'welcome' : 'no');
    });
  }

  static async open(secret: string): Promise<Service> {
    const service = new Service(secret);
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A program for the agent to run: it signs in with the secret, and talks too much about it. */
export function writeSignIn(house: House, url: string): string[] {
  writeFileSync(
    join(house.project, 'sign-in.mjs'),
    [
      `const token = process.env.API_TOKEN;`,
      `const response = await fetch(${JSON.stringify(url)}, { headers: { authorization: 'Bearer ' + token } });`,
      `console.log('status', response.status, await response.text());`,
      `console.log('token', token, Buffer.from(token).toString('base64'), Buffer.from('me:' + token).toString('base64'));`,
      `console.error(Buffer.from(token).toString('hex'), encodeURIComponent(token), JSON.stringify({ token }));`,
    ].join('\n'),
  );
  return ['node', 'sign-in.mjs'];
}

function codexSettings(model: MockModel, project: string): string {
  return `# kept as it is
model = "mock-model"
model_provider = "mock"
approval_policy = "never"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false
web_search = "disabled"

[analytics]
enabled = false

[model_providers.mock]
name = "mock"
base_url = "${model.url}/v1"
wire_api = "responses"
requires_openai_auth = false
supports_websockets = false
request_max_retries = 0
stream_max_retries = 0

[projects."${project}"]
trust_level = "trusted"
`;
}

/**
 * The bytes of a file; nothing for one that is gone, or that waits for somebody's yes: other tests mount files, and one
 * that is leased answers at once only to whoever does not wait.
 */
function tryRead(path: string): Buffer | undefined {
  try {
    return readFileSync(path, { flag: constants.O_RDONLY | constants.O_NONBLOCK });
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^(?:EAGAIN|ENOENT|EACCES|ENOTCONN)$/.test(String(error.code)))
      return undefined;
    throw error;
  }
}

function* filesBelow(...folders: readonly string[]): Iterable<string> {
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || IS_PROGRAM.test(path)) continue;
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
      if (size < FILE_BYTES_MAX) yield path;
    }
  }
}
