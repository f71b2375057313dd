// One runner as the daemon sees it: started ahead of need, ready when it says so, handed one job, and gone.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { Failure } from '../core/failure.ts';
import { FrameReader } from './frames.ts';
import { REPORT_BYTES_MAX, decodeReport, encodeKill } from './job.ts';
import type { Report, ReportHeader } from './job.ts';

/** How the daemon starts a runner: the interpreter and flags it runs on itself, and nothing in the environment it needs not. */
export interface RunnerLauncher {
  readonly interpreter: string;
  readonly flags: readonly string[];
  /** dist/runner.js, or src/delivery/runner.ts when run from source. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

export class RunnerProcess {
  readonly #process: ChildProcess;
  readonly #socket: Duplex | null;
  #isReady = false;
  /** What it says after `ready`. */
  onReport: (report: Report) => void = () => undefined;
  /** Settles when it may be handed a job; rejects with `run/failed` when it ends before. */
  readonly ready: Promise<void>;
  /** Settles when the process is gone. */
  readonly gone: Promise<void>;

  constructor({ interpreter, flags, script, env }: RunnerLauncher) {
    const environment = Object.assign(Object.create(null), env);
    this.#process = spawn(interpreter, [...flags, script], {
      cwd: '/',
      env: environment,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      shell: false,
    });
    const socket = this.#process.stdio[3];
    this.#socket = socket instanceof Duplex ? socket : null;
    const ready = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.gone = gone.promise;
    const lost = (): void => {
      ready.reject(new Failure('run/failed', 'a runner could not be started', { hint: 'see keystile doctor' }));
      gone.resolve();
    };
    this.#process.once('error', lost);
    this.#listen(() => {
      this.#isReady = true;
      ready.resolve();
    }, lost);
    this.ready.catch(() => undefined);
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  get isReady(): boolean {
    return this.#isReady && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Hands over a job. The bytes are wiped once the system has them. */
  send(frame: Buffer): void {
    if (this.#socket === null || this.#socket.destroyed) {
      frame.fill(0);
      return;
    }
    this.#socket.write(frame, () => frame.fill(0));
  }

  /** Asks it to end its run. */
  orderKill(): void {
    this.send(encodeKill());
  }

  /** Ends it without asking. What it leaves behind becomes the daemon's (delivery/run.ts). */
  destroy(): void {
    this.#process.kill('SIGKILL');
    this.#socket?.destroy();
  }

  #listen(onReady: () => void, onLost: () => void): void {
    const reader = new FrameReader<ReportHeader>(REPORT_BYTES_MAX);
    this.#socket?.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) {
          const report = decodeReport(frame);
          if (report.kind === 'ready') onReady();
          else this.onReport(report);
        }
      } catch {
        // It does not speak as ours do: something took its place.
        this.destroy();
      }
    });
    this.#socket?.on('error', () => this.#socket?.destroy());
    // Both have to be over: a last report may still be in the socket when the process is gone.
    this.#process.once('close', onLost);
  }
}
