// The guard: a tiny shell beside the daemon that cleans up when the daemon is gone, however it went (SIGKILL, crash). It
// knows which paths are ours and which processes are made to wait; what it does not know for sure to be ours, it leaves.
// It learns everything over its standard input: nothing of the user is in its arguments or its environment.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import { makePipe } from '../../machine/native.ts';
import { GUARD_SCRIPT } from './guard-script.ts';

/** A shell that does not answer for this long is as good as dead. */
const ANSWER_MS_MAX = 5_000;
/** Guards that died in a row before they answered once; then there is none, and nothing is mounted. */
const LOST_MAX = 3;
const RETRY_MS = 5;

/** What is to be cleaned up. `ino` is decimal text; a path that has another inode by then is left alone. */
export type GuardEntry =
  | { readonly kind: 'fifo' | 'link'; readonly path: string; readonly ino: string }
  | { readonly kind: 'unmount'; readonly path: string };

/** One guard for all mounts of a daemon. */
export class Guard implements AsyncDisposable {
  /** Everything it has to know, by the line that says it. */
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #nextSlot = 0;
  #nextPing = 1;
  #lost = 0;
  #shell: Shell | null = null;
  #isClosed = false;

  /**
   * Settles when the guard knows the entry; what it is told reaches it even if this process is killed right after the
   * call. Throws `mount/unsupported` when no guard can be had.
   */
  async watch(entry: GuardEntry): Promise<void> {
    this.#learn(lineOf(entry));
    await this.#ask();
  }

  /** The same without waiting for the answer: for what takes the place of something it knows already. */
  tell(entry: GuardEntry): void {
    this.#learn(lineOf(entry));
  }

  /** It is not ours any more, or gone. */
  drop(entry: GuardEntry): void {
    this.#unlearn(lineOf(entry));
  }

  /**
   * To be called before a process is stopped. False when no guard is there that would let it go on; it must not be
   * stopped then.
   */
  stopping(pid: number, startedAt: string): boolean {
    return this.#learn(stopLine(pid, startedAt));
  }

  /** To be called after it was let go on. */
  continued(pid: number, startedAt: string): void {
    this.#unlearn(stopLine(pid, startedAt));
  }

  /** Ends the guard. What it still knows is cleaned up by it, as if the daemon had died. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const shell = this.#shell;
    this.#shell = null;
    await shell?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #learn(line: string): boolean {
    let slot = this.#slots.get(line);
    if (slot !== undefined) return this.#shell !== null;
    const shell = this.#running();
    slot = this.#free.pop() ?? this.#nextSlot++;
    this.#slots.set(line, slot);
    return shell?.send(`set ${slot} ${line}\n`) ?? false;
  }

  #unlearn(line: string): void {
    const slot = this.#slots.get(line);
    if (slot === undefined) return;
    this.#slots.delete(line);
    this.#free.push(slot);
    this.#shell?.send(`drop ${slot}\n`);
  }

  async #ask(): Promise<void> {
    // Earlier guards may have died; each call tries again.
    this.#lost = 0;
    const shell = this.#running();
    if (shell === null) throw new Failure('mount/unsupported', 'nothing could be started to clean up after a crash');
    const ping = this.#nextPing++;
    const answer = Promise.withResolvers<void>();
    this.#waiting.set(ping, answer);
    shell.send(`ping ${ping}\n`);
    // One that hangs is ended; the next one is told everything and asked the same.
    const impatience = setInterval(() => this.#shell?.destroy(), ANSWER_MS_MAX);
    try {
      await answer.promise;
    } finally {
      clearInterval(impatience);
    }
  }

  /** The shell, started and told everything it has to know; null when there is none to be had. */
  #running(): Shell | null {
    if (this.#shell !== null || this.#isClosed || this.#lost >= LOST_MAX) return this.#shell;
    const shell = Shell.start();
    if (shell === null) return null;
    this.#shell = shell;
    shell.onAnswer = (ping) => this.#hear(ping);
    shell.onGone = () => this.#replace(shell);
    for (const [line, slot] of this.#slots) shell.send(`set ${slot} ${line}\n`);
    for (const ping of this.#waiting.keys()) shell.send(`ping ${ping}\n`);
    return shell;
  }

  #hear(ping: number): void {
    this.#lost = 0;
    this.#waiting.get(ping)?.resolve();
    this.#waiting.delete(ping);
  }

  #replace(shell: Shell): void {
    if (this.#shell !== shell) return;
    this.#shell = null;
    this.#lost += 1;
    if (this.#running() !== null) return;
    const failure = new Failure('mount/unsupported', 'what cleans up after a crash does not run');
    for (const answer of this.#waiting.values()) answer.reject(failure);
    this.#waiting.clear();
  }
}

/** One shell. Bytes that do not fit into its pipe wait here. */
class Shell {
  readonly #process: ChildProcess;
  readonly #fd: number;
  readonly #exited: Promise<void>;
  #pending: Buffer[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isOpen = true;
  onAnswer: (ping: number) => void = () => undefined;
  onGone: () => void = () => undefined;

  private constructor(process: ChildProcess, fd: number) {
    this.#process = process;
    this.#fd = fd;
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    const gone = (): void => {
      this.#shut();
      exited.resolve();
      this.onGone();
    };
    process.once('error', gone);
    process.once('exit', gone);
    process.unref();
    this.#listen();
  }

  /** Not detached: the daemon takes a child in another session for the orphan of a run (delivery/run.ts). */
  static start(): Shell | null {
    const { readFd, writeFd } = makePipe();
    try {
      const child = spawn('/bin/sh', ['-c', GUARD_SCRIPT], {
        cwd: '/',
        env: Object.assign(Object.create(null), { PATH: '/usr/local/bin:/usr/bin:/bin' }),
        stdio: [readFd, 'pipe', 'ignore'],
        shell: false,
      });
      // A description of our own that does not block, whatever the shell does with its end.
      return new Shell(child, openSync(`/proc/self/fd/${writeFd}`, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      return null;
    } finally {
      closeSync(readFd);
      closeSync(writeFd);
    }
  }

  /** True when the kernel has the line: it is read even if this process ends now. */
  send(line: string): boolean {
    if (!this.#isOpen) return false;
    this.#pending.push(Buffer.from(line));
    this.#flush();
    return this.#pending.length === 0;
  }

  destroy(): void {
    this.#process.kill('SIGKILL');
  }

  async close(): Promise<void> {
    this.#shut();
    await this.#exited;
  }

  #flush(): void {
    this.#timer = null;
    while (this.#isOpen) {
      const next = this.#pending[0];
      if (next === undefined) return;
      try {
        const written = writeSync(this.#fd, next);
        if (written === next.length) this.#pending.shift();
        else this.#pending[0] = next.subarray(written);
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') return;
        this.#timer = setTimeout(() => this.#flush(), RETRY_MS);
        return;
      }
    }
  }

  #listen(): void {
    let text = '';
    const output = this.#process.stdout;
    if (output === null) return;
    output.setEncoding('latin1');
    output.on('error', () => undefined);
    output.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.onAnswer(Number(line));
    });
    if ('unref' in output && typeof output.unref === 'function') output.unref();
  }

  #shut(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    closeSync(this.#fd);
  }
}

function lineOf(entry: GuardEntry): string {
  // A line break in a path would be a command to the guard. The mount code refuses such paths; this is the last door.
  // oxlint-disable-next-line no-control-regex
  if (!entry.path.startsWith('/') || /[\u0000-\u001f\u007f]/.test(entry.path)) {
    throw new Failure('mount/unsafe', 'a path with control characters cannot be mounted');
  }
  if (entry.kind !== 'unmount' && !/^\d+$/.test(entry.ino)) throw new Failure('internal/error', 'not an inode');
  return `${entry.kind} ${entry.kind === 'unmount' ? '0' : entry.ino} ${entry.path}`;
}

function stopLine(pid: number, startedAt: string): string {
  return `stop ${pid} ${startedAt}`;
}
