// One program, from its start until nothing of it is left (I6): its own session, three descriptors, output masked as it
// comes. Whatever happens first decides why it ended; from then on everything below this process is ended.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../core/failure.ts';
import { makePipe } from '../machine/native.ts';
import { processEntry } from '../machine/processes.ts';
import type { EnvironmentRecord } from './environment.ts';
import type { EndReason } from './job.ts';
import type { Output } from './output.ts';
import { endTree, everythingBelow } from './tree.ts';

/** When the tree is dead its pipes end by themselves, unless somebody outside was handed one. */
const DRAIN_MS = 1_000;

export interface ChildPlan {
  readonly program: string;
  readonly argv: readonly string[];
  readonly environment: EnvironmentRecord;
  readonly stdin: Buffer | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly timeoutMs: number;
}

export interface ChildEnd {
  readonly why: EndReason;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #readers: readonly Socket[];
  readonly #exited: Promise<unknown>;
  readonly #stopped = Promise.withResolvers<void>();
  #why: EndReason | null = null;
  readonly pid: number;
  readonly startedAt: string;
  /** Settles when no process of the run is left and all output is in. */
  readonly ended: Promise<ChildEnd>;

  private constructor(process: ChildProcess, pid: number, plan: ChildPlan, readers: readonly Socket[]) {
    this.#process = process;
    this.#readers = readers;
    this.pid = pid;
    // Not even a zombie is collected before the event loop turns: the entry is there.
    this.startedAt = processEntry(pid)?.startedAt ?? '';
    this.#exited = once(process, 'exit').then(() => this.stop('exited'));
    this.ended = this.#supervise(plan);
  }

  /**
   * Starts the program in the current folder. Its environment is exactly `plan.environment`, its standard input
   * /dev/null unless there is some. Throws `program/not_found`, `input/too_large` or `run/failed`, without a value:
   * the system's own errors carry all arguments and are not passed on.
   */
  static async start(plan: ChildPlan): Promise<Child> {
    // Pipes and not the sockets that Node would make: a program can open /dev/stdin and /dev/stdout only on pipes.
    const [input, output, errors] = [plan.stdin === null ? null : makePipe(), makePipe(), makePipe()];
    const theirs = [output.writeFd, errors.writeFd, ...(input === null ? [] : [input.readFd])];
    const readers = [output, errors].map(({ readFd }) => new Socket({ fd: readFd, readable: true, writable: false }));
    const writer = input === null ? null : new Socket({ fd: input.writeFd, readable: false, writable: true });
    try {
      const process = await spawnDetached(plan, [input?.readFd ?? 'ignore', output.writeFd, errors.writeFd]);
      writeAll(writer, plan.stdin);
      return new Child(process, process.pid ?? 0, plan, readers);
    } catch (error) {
      for (const stream of [...readers, writer]) stream?.destroy();
      throw error;
    } finally {
      for (const fd of theirs) closeSync(fd);
    }
  }

  /** Ends the run; the first reason given is the one that counts. */
  stop(why: EndReason): void {
    this.#why ??= why;
    this.#stopped.resolve();
  }

  async #supervise(plan: ChildPlan): Promise<ChildEnd> {
    const timer = setTimeout(() => this.stop('timed_out'), plan.timeoutMs);
    const drained = this.#readers.map((reader, i) => this.#read(reader, i === 0 ? plan.stdout : plan.stderr));
    await this.#stopped.promise;
    clearTimeout(timer);
    await endTree({ find: everythingBelow, waitedFor: new Set([this.pid]) });
    await Promise.race([Promise.all([this.#exited, ...drained]), delay(DRAIN_MS, undefined, { ref: false })]);
    for (const reader of this.#readers) reader.destroy();
    const { exitCode, signalCode: signal } = this.#process;
    return { why: this.#why ?? 'exited', exitCode, signal };
  }

  async #read(reader: Socket, output: Output): Promise<void> {
    const closed = once(reader, 'close');
    reader.on('error', () => reader.destroy());
    reader.on('data', (chunk: Buffer) => {
      output.push(chunk);
      // It holds what was not masked yet.
      chunk.fill(0);
      if (output.isFlooded) this.stop('flooded');
    });
    await closed;
  }
}

async function spawnDetached(plan: ChildPlan, stdio: ('ignore' | number)[]): Promise<ChildProcess> {
  const { program, argv, environment: env } = plan;
  const [argv0, ...args] = argv;
  let child: ChildProcess;
  try {
    // `detached` is setsid(2). No shell, no folder of its own: this process already stands in the right one.
    child = spawn(program, args, { argv0: argv0 ?? program, env, stdio, detached: true, shell: false });
  } catch (error) {
    throw startFailure(program, error);
  }
  if (child.pid !== undefined) return child;
  const [error]: unknown[] = await once(child, 'error');
  throw startFailure(program, error);
}

function startFailure(program: string, error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new Failure('program/not_found', `there is no program ${program}`);
  if (code === 'EACCES') return new Failure('program/not_found', `${program} may not be executed`);
  if (code === 'E2BIG') return new Failure('input/too_large', 'arguments and environment together are too large');
  const known = typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? ` (${code})` : '';
  return new Failure('run/failed', `${program} could not be started${known}`);
}

/** The program may close its input early: that is its own business. */
function writeAll(writer: Socket | null, input: Buffer | null): void {
  if (writer === null || input === null) return;
  writer.on('error', () => writer.destroy());
  writer.end(input, () => input.fill(0));
}
