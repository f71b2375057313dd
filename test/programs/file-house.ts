// A project folder, a server of mounted files that lives there as an ordinary user, and programs of that user that read.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { USER, eventually } from '../house.ts';
import { content } from './file-content.ts';

const SERVER = fileURLToPath(new URL('file-server.ts', import.meta.url));
const isRoot = process.geteuid?.() === 0;
export const AS = isRoot ? { uid: USER, gid: USER } : {};

export interface Event {
  readonly said: string;
  readonly path?: string;
  readonly pid?: number;
  readonly argv?: readonly string[];
  readonly why?: string;
  readonly count?: number;
  readonly outcome?: string;
  readonly result?: unknown;
  readonly failure?: string;
}

export interface FileHouseOptions {
  readonly bytes?: number;
  readonly answerMs?: number;
  readonly servingMs?: number;
  readonly waitingMax?: number;
}

export interface Reading {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

export class FileHouse implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'keystile-file-'));
  readonly home = join(this.root, 'home');
  readonly project = join(this.root, 'project');
  readonly env = join(this.project, '.env');
  readonly events: Event[] = [];
  readonly #options: FileHouseOptions;
  readonly #children = new Set<ChildProcess>();
  #server: ChildProcess | null = null;
  #over: Promise<unknown> = Promise.resolve();
  /** Where the server keeps its files: a killed one leaves it. */
  #folder: string | null = null;
  #answers = 0;

  private constructor(options: FileHouseOptions) {
    this.#options = options;
    for (const folder of [this.home, this.project]) mkdirSync(folder, { mode: 0o700 });
    if (isRoot) for (const path of [this.root, this.home, this.project]) chownSync(path, USER, USER);
  }

  /** With a server, and a file mounted at `env`. */
  static async open(options: FileHouseOptions = {}): Promise<FileHouse> {
    const house = new FileHouse(options);
    await house.serve();
    await house.tell(`mount ${house.env}`);
    house.#folder = join(readlinkSync(house.env), '../..');
    return house;
  }

  get bytes(): number {
    return this.#options.bytes ?? 1_024;
  }

  get content(): Buffer {
    return content(this.env, this.bytes);
  }

  get serverPid(): number {
    return this.#server?.pid ?? 0;
  }

  async serve(): Promise<void> {
    const options = { home: this.home, uid: isRoot ? USER : null, bytes: this.bytes, ...this.#options };
    const server = spawn(process.execPath, ['--expose-gc', SERVER, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#server = server;
    this.#over = new Promise((resolve) => server.once('exit', resolve));
    this.events.length = 0;
    this.#answers = 0;
    createInterface({ input: server.stdout }).on('line', (line) => this.events.push(JSON.parse(line) as Event));
    await this.event(({ said }) => said === 'ready');
  }

  /** Gives the server an order and returns what came of it. One at a time. */
  async tell(order: string): Promise<unknown> {
    const at = this.#answers;
    this.#answers += 1;
    this.#server?.stdin?.write(`${order}\n`);
    const done = await eventually(() => this.events.filter(({ said }) => said === 'done')[at], order);
    if (done.failure !== undefined) throw new Error(done.failure);
    return done.result;
  }

  async event(isIt: (event: Event) => boolean, what = 'something to happen'): Promise<Event> {
    return await eventually(() => this.events.find(isIt), `${what}; seen: ${JSON.stringify(this.events.slice(-20))}`);
  }

  /** How many settlements or refusals of each kind there were. */
  get fates(): Record<string, number> {
    const fates: Record<string, number> = {};
    for (const { said, why, outcome, count = 1 } of this.events) {
      const fate = said === 'settle' ? outcome : said === 'refused' ? `refused ${why}` : undefined;
      if (fate !== undefined) fates[fate] = (fates[fate] ?? 0) + count;
    }
    return fates;
  }

  start(program: string, args: readonly string[] = [], options: { readonly uid?: number } = {}): ChildProcess {
    const as = options.uid === undefined ? AS : { uid: options.uid, gid: options.uid };
    const child = spawn(program, args, { cwd: this.project, stdio: ['pipe', 'pipe', 'pipe'], detached: true, ...as });
    this.#children.add(child);
    readings.set(child, collect(child));
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** Runs a program of the user to its end. */
  async run(program: string, ...args: string[]): Promise<Reading> {
    return await ended(this.start(program, args));
  }

  /** The server closes everything and ends. */
  async end(): Promise<void> {
    await this.tell('end');
    await this.#over;
  }

  async killServer(): Promise<void> {
    this.#server?.kill('SIGKILL');
    await this.#over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server?.exitCode === null && this.#server.signalCode === null) await this.end();
    for (const child of this.#children) child.kill('SIGKILL');
    for (const folder of [this.root, this.#folder]) {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    }
  }
}

const readings = new WeakMap<ChildProcess, Promise<Reading>>();

/** Everything a child of a house wrote until its end. */
export async function ended(child: ChildProcess): Promise<Reading> {
  return (await readings.get(child)) ?? assert.fail('a child of another house');
}

async function collect(child: ChildProcess): Promise<Reading> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((settle, fail) => {
    child.once('error', fail);
    child.once('close', settle);
  });
  return { code, out: Buffer.concat(out), err: Buffer.concat(err).toString() };
}

export function assertSame(actual: Buffer, expected: Buffer, what = 'the file'): void {
  // Not deepEqual: a difference of 300 KB is nothing to print.
  assert.ok(actual.equals(expected), `${what} has ${actual.length} bytes, ${expected.length} were to come, or others`);
}
