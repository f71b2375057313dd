// Where the tests of FIFO mounts live: a folder of an ordinary user, a server (fifo-server.ts) that runs as that user, and
// readers that do too.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { descendantsOf } from '../../src/machine/processes.ts';
import { eventually, ROOT, USER } from '../house.ts';

export const isRoot = process.geteuid?.() === 0;

export interface Said {
  readonly event: string;
  readonly pid?: number;
  readonly why?: string;
  readonly count?: number;
  readonly outcome?: string;
  readonly [more: string]: unknown;
}

export interface Read {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export class FifoHouse implements AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  readonly server: ChildProcess;
  readonly said: Said[] = [];
  readonly #readers = new Set<ChildProcess>();
  readonly #answers: ((answer: Said) => void)[] = [];

  private constructor(flags: readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'keystile-fifo-'));
    if (isRoot) chownSync(this.folder, USER, USER);
    this.path = join(this.folder, '.env');
    const root = programs();
    const args = [join(root, 'test', 'programs', 'fifo-server.ts'), ...flags];
    this.server = this.spawn(join(root, 'node_modules', 'node', 'bin', 'node'), args, ['pipe', 'pipe', 'inherit']);
    const { stdout } = this.server;
    assert.ok(stdout !== null);
    this.server.stdin?.on('error', () => undefined);
    createInterface({ input: stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Said;
      if (said.event === 'done' || said.event === 'failed') this.#answers.shift()?.(said);
      else this.said.push(said);
    });
  }

  /** With something mounted at `path`. */
  static async open(rule: string | readonly string[] = 'all', bytes = 100, ...flags: string[]): Promise<FifoHouse> {
    const house = new FifoHouse(flags);
    await house.rule(rule, bytes);
    await house.order({ do: 'mount', path: house.path });
    return house;
  }

  /** One command; throws its failure. */
  async order(command: object): Promise<Said> {
    const answer = new Promise<Said>((settle) => this.#answers.push(settle));
    this.server.stdin?.write(`${JSON.stringify({ path: this.path, ...command })}\n`);
    const said = await answer;
    if (said.event === 'failed') throw new Error(String(said['code']));
    return said;
  }

  async rule(rule: string | readonly string[], bytes?: number): Promise<void> {
    await this.order({ do: 'rule', rule, bytes });
  }

  /** Something done as the ordinary user. */
  spawn(
    program: string,
    args: readonly string[],
    stdio: ('pipe' | 'ignore' | 'inherit')[],
    detached = false,
  ): ChildProcess {
    const child = spawn(program, args, {
      cwd: this.folder,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', SHELL: '/bin/sh', LANG: 'C.UTF-8' },
      stdio,
      detached,
      ...(isRoot ? { uid: USER, gid: USER } : {}),
    });
    this.#readers.add(child);
    child.once('exit', () => this.#readers.delete(child));
    return child;
  }

  start(program: string, args: readonly string[]): { readonly child: ChildProcess; readonly done: Promise<Read> } {
    // In a session of its own: no controlling terminal, wherever the tests are started.
    const child = this.spawn(program, args, ['ignore', 'pipe', 'pipe'], true);
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const done = new Promise<Read>((settle, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) => {
        const stderr = Buffer.concat(err).toString('utf8');
        settle({ pid: Number(child.pid), code, signal, stdout: Buffer.concat(out), stderr });
      });
    });
    return { child, done };
  }

  async run(program: string, args: readonly string[]): Promise<Read> {
    return await this.start(program, args).done;
  }

  async cat(): Promise<Read> {
    return await this.run('cat', [this.path]);
  }

  /** The first thing said of this kind, from `from` on. */
  async hears(event: string, isMeant: (said: Said) => boolean = () => true): Promise<Said> {
    return await eventually(() => this.said.find((said) => said.event === event && isMeant(said)), event);
  }

  /** What became of those who were admitted, once there are that many. */
  async settled(count: number): Promise<string[]> {
    return await eventually(() => {
      const outcomes = this.outcomes();
      return outcomes.length >= count ? outcomes : undefined;
    }, `${count} to be settled`);
  }

  outcomes(): string[] {
    return this.said.flatMap(({ event, outcome }) => (event === 'settled' ? String(outcome) : []));
  }

  /** How many were refused without being asked about. */
  refusals(why?: string): number {
    return this.said.reduce(
      (sum, said) =>
        sum + (said.event === 'refused' && (why === undefined || said.why === why) ? Number(said.count) : 0),
      0,
    );
  }

  /**
   * Starts readers that all open the same pipe: the server sleeps until each of them waits for bytes.
   */
  async together(
    commands: readonly (readonly [string, ...string[]])[],
  ): Promise<{ child: ChildProcess; done: Promise<Read> }[]> {
    this.server.kill('SIGSTOP');
    const started = commands.map(([program, ...args]) => this.start(program, args));
    for (const { child } of started) await eventually(() => isReading(Number(child.pid)), 'a reader to wait for bytes');
    this.server.kill('SIGCONT');
    return started;
  }

  async killServer(): Promise<void> {
    const gone = new Promise((settle) => this.server.once('exit', settle));
    this.server.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isAlive = this.server.exitCode === null && this.server.signalCode === null;
    if (isAlive) {
      await this.order({ do: 'close' });
      const gone = new Promise((settle) => this.server.once('exit', settle));
      this.server.stdin?.end();
      await gone;
    }
    for (const child of this.#readers) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a process, or one below it, waits inside read(2) of a pipe. Root is shown this of everybody. */
function isReading(pid: number): true | undefined {
  const pids = [pid, ...descendantsOf(pid).map((entry) => entry.pid)];
  return pids.some((one) => /pipe_read/.test(tryRead(`/proc/${one}/wchan`))) ? true : undefined;
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

let copied: string | undefined;

/** The sources where the ordinary user can read them: a clone may lie in a private folder. Made once a process. */
export function programs(): string {
  if (!isRoot) return ROOT;
  if (copied !== undefined) return copied;
  const root = mkdtempSync(join(tmpdir(), 'keystile-sources-'));
  chmodSync(root, 0o755);
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'test'));
  for (const name of [
    'package.json',
    'src',
    'test/programs',
    'node_modules/koffi',
    'node_modules/@koromix',
    'node_modules/node/bin',
  ]) {
    cpSync(join(ROOT, name), join(root, name), { recursive: true, dereference: true });
  }
  copied = root;
  return root;
}
