// A `keystile mcp` process as a client sees it, for the tests: raw lines in and out.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../wire/daemon.ts';

export const ENTRY = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Answer {
  readonly id?: string | number | null;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface ToolAnswer {
  readonly isError?: boolean;
  readonly structuredContent?: Record<string, unknown>;
  readonly content: readonly { readonly text: string }[];
}

export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'keystile-mcp-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export class McpProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  exitCode: number | null | undefined;
  readonly #exited: Promise<unknown>;
  #lastId = 0;

  constructor(home: string, options: { cwd?: string; nodeArgs?: string[]; env?: Record<string, string> } = {}) {
    this.child = spawn(process.execPath, [...(options.nodeArgs ?? []), ENTRY, 'mcp'], {
      cwd: options.cwd ?? home,
      env: { PATH: process.env.PATH, HOME: home, KEYSTILE_HOME: home, ...options.env },
      stdio: 'pipe',
    });
    this.child.stdin?.on('error', () => undefined);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#exited = once(this.child, 'close').then(([code]) => (this.exitCode = code as number | null));
  }

  /** A process that has been initialized in the older era. */
  static async started(...args: ConstructorParameters<typeof McpProcess>): Promise<McpProcess> {
    const process = new McpProcess(...args);
    const clientInfo = { name: 'test-client', version: '1' };
    await process.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    process.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return process;
  }

  /** Every line of standard output so far, parsed: throws when one is not JSON. */
  get answers(): Answer[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Answer);
  }

  send(message: object | string): void {
    this.child.stdin?.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
  }

  async answerTo(id: string | number | null): Promise<Answer> {
    let answer: Answer | undefined;
    await until(`the answer to ${id}; on stderr: ${this.stderr}`, () => {
      answer = this.answers.find((each) => each.id === id);
      return answer !== undefined || this.exitCode !== undefined;
    });
    if (answer === undefined) throw new Error(`no answer to ${id}: ${this.stderr}`);
    return answer;
  }

  request(method: string, params: object = {}): Promise<Answer> {
    const id = (this.#lastId += 1);
    this.send({ jsonrpc: '2.0', id, method, params });
    return this.answerTo(id);
  }

  async call(name: string, args: object = {}): Promise<ToolAnswer> {
    const { result, error } = await this.request('tools/call', { name, arguments: args });
    if (result === undefined) throw new Error(`${name}: ${error?.message}`);
    return result as unknown as ToolAnswer;
  }

  /** The code and the field of the error a call ends with. */
  async refusal(name: string, args: object): Promise<{ code: string; field?: string; text: string }> {
    const answer = await this.call(name, args);
    const text = answer.content[0]?.text ?? '';
    if (answer.isError !== true) throw new Error(`${name} was not refused: ${text}`);
    return { ...(JSON.parse(text) as { error: { code: string; field?: string } }).error, text };
  }

  async exited(): Promise<number | null> {
    await this.#exited;
    return this.exitCode ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exited;
  }
}
