// A client of an MCP server at its cheapest: one JSON line out, one in. What it measures is the server.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const PROTOCOL_VERSION = '2025-06-18';
const CLOSE_MS_MAX = 2_000;

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export class StdioPeer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor({ command, args, env, cwd }: Launch) {
    this.#child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#closed = once(this.#child, 'close');
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    void this.#closed.then(() => this.#lose());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The answer's `result`. Throws what the server called an error. */
  async request(method: string, params: object): Promise<Record<string, unknown>> {
    const id = (this.#lastId += 1);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    this.#write({ jsonrpc: '2.0', id, method, params });
    const { result, error } = await promise;
    if (result === undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  async initialize(): Promise<void> {
    await this.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    });
    this.#write({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  async callTool(name: string, args: object): Promise<Record<string, unknown>> {
    return await this.request('tools/call', { name, arguments: args });
  }

  /** End of input, as a client ends a server; settles when the process is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_MS_MAX);
    await this.#closed;
    clearTimeout(impatience);
  }

  #write(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #take(line: string): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- servers that are measured speak JSON-RPC
    const answer = JSON.parse(line) as Answer;
    this.#waiting.get(answer.id ?? -1)?.(answer);
    this.#waiting.delete(answer.id ?? -1);
  }

  #lose(): void {
    for (const resolve of this.#waiting.values()) resolve({ error: 'the server ended' });
    this.#waiting.clear();
  }
}

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: unknown;
}
