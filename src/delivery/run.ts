// Runs, as the daemon sees them: each in a runner of its own, with one runner kept ready ahead of need. The daemon
// decrypts nothing here; it hands over what is sealed, and takes back what is masked.

import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../core/failure.ts';
import type { FailureDocument } from '../core/failure.ts';
import { setChildSubreaper } from '../machine/native.ts';
import { descendantsOf, processEntry, processesWithMarker } from '../machine/processes.ts';
import type { ProcessEntry } from '../machine/processes.ts';
import { NO_SIGNS } from '../core/suspicion.ts';
import type { Taint } from '../core/taint.ts';
import { RUN_MARKER } from './environment.ts';
import { encodeJob, wipeJob } from './job.ts';
import type { EndReason, Report, RunEnded, RunJob, RunOutcome, RunStarted } from './job.ts';
import { RunnerProcess } from './runner-process.ts';
import type { RunnerLauncher } from './runner-process.ts';
import { killTree } from './tree.ts';

export type { RunnerLauncher } from './runner-process.ts';

/** A runner that was told to end its run and did not (somebody stopped it) is ended itself. */
const KILL_PATIENCE_MS = 500;
/** The runner watches the time of its run. This is for one that cannot. */
const TIMEOUT_SLACK_MS = 5_000;
/**
 * When the next spare is started after one was taken: sooner, if the run is over. Starting one keeps a
 * processor busy for 100 ms, and a run beside it takes half as long again (measured on two processors).
 */
const REFILL_DELAY_MS = 150;
/** After a run, its last event is synced and its answer sent before the spare takes a processor: a quarter of a short run. */
const REFILL_PAUSE_MS = 25;
/** A spare that ends by itself is replaced; one that ends as soon as it is started is not, until the next run. */
const SPARES_LOST_MAX = 3;
/** A runner that looks for taint ends by itself in three seconds; this is for one that a file system keeps waiting. */
const TAINT_PATIENCE_MS = 6_000;
/** A killed process that waits for a dead network drive is gone when the drive is back. */
const SCAN_END_PATIENCE_MS = 1_000;
/** Runners that look for taint at a time: each holds what its run was masked with. The oldest goes first (I8). */
const TAINT_SCANS_MAX = 3;

/** One run under way. */
export interface RunningJob {
  readonly runId: string;
  /** Rejects with a Failure when the program never started. */
  readonly started: Promise<RunStarted>;
  /** Never rejects. When it settles, no process of the run is left. */
  readonly ended: Promise<RunOutcome>;
  /** What the run left behind, later than `ended`; null when the job did not ask, or there was no run. Never rejects. */
  readonly tainted: Promise<Taint | null>;
  /** Ends the run; settles when its whole tree is dead. */
  kill(): Promise<void>;
}

/**
 * Starts runs. Makes this process the reaper of orphans: a process in another session whose parent this process is, and
 * which is not a runner, is taken for the orphan of a runner that was killed. So nothing else in this process may start
 * a child with `detached`.
 */
export class Runners implements AsyncDisposable {
  readonly #launcher: RunnerLauncher;
  readonly #spareCount: number;
  readonly #spares: RunnerProcess[] = [];
  readonly #alive = new Set<RunnerProcess>();
  readonly #runs = new Set<Run>();
  /** Runs that are over and are looked behind. */
  readonly #scans = new Set<Run>();
  #lost = 0;
  #isClosed = false;

  constructor(launcher: RunnerLauncher, spares = 1) {
    this.#launcher = launcher;
    this.#spareCount = spares;
    setChildSubreaper();
    this.#refill();
  }

  get isSpareReady(): boolean {
    return this.#spares.some((spare) => spare.isReady);
  }

  /** Takes ownership of the job's buffers and wipes them, whatever happens. */
  run(job: RunJob): RunningJob {
    this.#lost = 0;
    const runner = this.#isClosed ? null : (this.#spares.shift() ?? this.#start());
    const run = new Run(job, runner, () => this.#bury(job.runId));
    this.#runs.add(run);
    void this.#follow(run);
    return run;
  }

  /**
   * Runs that are over are not looked behind any further: their runners are gone when this resolves, but for one that a file
   * system keeps from dying. A lock does not wait for that.
   */
  async endScans(): Promise<void> {
    const scans = [...this.#scans];
    for (const run of scans) run.endScan();
    const gone = Promise.all(scans.map((run) => run.gone));
    await Promise.race([gone, delay(SCAN_END_PATIENCE_MS, undefined, { ref: false })]);
  }

  /** Kills every run and every spare. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#runs].map((run) => run.kill()));
    for (const runner of this.#alive) runner.destroy();
    await Promise.all([...this.#alive].map((runner) => runner.gone));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #follow(run: Run): Promise<void> {
    const refill = setTimeout(() => this.#refill(), REFILL_DELAY_MS);
    await run.ended;
    clearTimeout(refill);
    this.#runs.delete(run);
    setTimeout(() => this.#refill(), REFILL_PAUSE_MS).unref();
    this.#scans.add(run);
    const [oldest] = this.#scans;
    if (this.#scans.size > TAINT_SCANS_MAX) oldest?.endScan();
    await run.tainted;
    this.#scans.delete(run);
  }

  #refill(): void {
    while (!this.#isClosed && this.#spares.length < this.#spareCount && this.#lost < SPARES_LOST_MAX) {
      this.#spares.push(this.#start());
    }
  }

  #start(): RunnerProcess {
    const runner = new RunnerProcess(this.#launcher);
    this.#alive.add(runner);
    void this.#watch(runner);
    return runner;
  }

  async #watch(runner: RunnerProcess): Promise<void> {
    await runner.gone;
    this.#alive.delete(runner);
    const at = this.#spares.indexOf(runner);
    if (at === -1) return;
    this.#spares.splice(at, 1);
    this.#lost += 1;
    this.#refill();
  }

  /** A runner was killed: ends what it left behind, which is ours by now, or still carries the marker of the run. */
  async #bury(runId: string): Promise<void> {
    const ownSession = processEntry(process.pid)?.sessionId;
    const waitedFor = new Set([...this.#alive].flatMap(({ pid }) => pid ?? []));
    const find = (): ProcessEntry[] => {
      const taken = new Map<number, ProcessEntry>();
      // Parents come before their children in this list.
      for (const entry of descendantsOf(process.pid)) {
        const { pid, parentPid, sessionId } = entry;
        const isOrphan = parentPid === process.pid && sessionId !== ownSession && !waitedFor.has(pid);
        if (isOrphan || taken.has(parentPid)) taken.set(pid, entry);
      }
      for (const entry of processesWithMarker(RUN_MARKER, runId)) taken.set(entry.pid, entry);
      return [...taken.values()];
    };
    await killTree({ find, waitedFor });
  }
}

class Run implements RunningJob {
  readonly runId: string;
  readonly started: Promise<RunStarted>;
  readonly ended: Promise<RunOutcome>;
  readonly tainted: Promise<Taint | null>;
  readonly #runner: RunnerProcess | null;
  /** Ends what a runner that is gone left behind. */
  readonly #bury: () => Promise<void>;
  readonly #start = Promise.withResolvers<RunStarted>();
  readonly #taint = Promise.withResolvers<Taint | null>();
  readonly #outcome = Promise.withResolvers<RunOutcome | null>();
  readonly #startedAt = performance.now();
  #forced: EndReason | null = null;

  constructor(job: RunJob, runner: RunnerProcess | null, bury: () => Promise<void>) {
    this.runId = job.runId;
    this.#runner = runner;
    this.#bury = bury;
    this.started = this.#start.promise;
    this.started.catch(() => undefined);
    this.ended = this.#deliver(job).then((outcome) => {
      this.#start.reject(notStarted(outcome));
      if (job.findsTaint) void this.#awaitTaint(outcome);
      else this.#taint.resolve(null);
      return outcome;
    });
    this.tainted = this.#taint.promise;
  }

  async kill(): Promise<void> {
    this.#forced ??= 'killed';
    this.#runner?.orderKill();
    const impatience = setTimeout(() => this.#runner?.destroy(), KILL_PATIENCE_MS);
    await this.ended;
    clearTimeout(impatience);
  }

  /** Ends the runner, if it still looks for what the run left behind. */
  endScan(): void {
    this.#runner?.destroy();
  }

  get gone(): Promise<void> {
    return this.#runner?.gone ?? Promise.resolve();
  }

  /** What the runner says last; when it says nothing, that it was ended. */
  async #awaitTaint(outcome: RunOutcome): Promise<void> {
    if (outcome.kind !== 'ended') {
      this.#taint.resolve(null);
      return;
    }
    const impatience = setTimeout(() => this.endScan(), TAINT_PATIENCE_MS);
    await this.gone;
    clearTimeout(impatience);
    this.#taint.resolve({ hits: [], limits: ['ended'], files: 0 });
  }

  async #deliver(job: RunJob): Promise<RunOutcome> {
    const runner = this.#runner;
    if (runner === null) {
      wipeJob(job);
      return { kind: 'refused', failure: new Failure('run/failed', 'the daemon is stopping').toDocument() };
    }
    const failure = await this.#handOver(job, runner);
    if (failure !== null) {
      runner.destroy();
      return { kind: 'refused', failure };
    }
    const backstop = setTimeout(() => this.#force('timed_out'), job.timeoutMs + TIMEOUT_SLACK_MS);
    void runner.gone.then(() => this.#outcome.resolve(null));
    const outcome = await this.#outcome.promise;
    clearTimeout(backstop);
    if (outcome !== null) return outcome;
    await this.#bury();
    return this.#lost();
  }

  /** Gives the job to the runner and wipes our copy. */
  async #handOver(job: RunJob, runner: RunnerProcess): Promise<FailureDocument | null> {
    runner.onReport = (report) => this.#hear(report);
    try {
      await runner.ready;
      if (this.#forced !== null) return new Failure('run/failed', 'the run was stopped').toDocument();
      runner.send(encodeJob(job));
      return null;
    } catch (error) {
      return Failure.from(error).toDocument();
    } finally {
      wipeJob(job);
    }
  }

  #hear(report: Report): void {
    if (report.kind === 'started') this.#start.resolve(report);
    else if (report.kind === 'tainted') this.#taint.resolve(report.taint);
    else if (report.kind !== 'ready') this.#outcome.resolve(report);
  }

  #force(why: EndReason): void {
    this.#forced ??= why;
    this.#runner?.destroy();
  }

  /** The runner is gone without a word, and its output with it. */
  #lost(): RunEnded {
    const why = this.#forced ?? 'runner_died';
    const nothing = {
      stdout: Buffer.alloc(0),
      stderr: Buffer.alloc(0),
      stdoutLines: 0,
      stderrLines: 0,
      redactions: [],
      unmaskable: [],
      signs: NO_SIGNS,
      isSearched: true,
    };
    const durationMs = Math.round(performance.now() - this.#startedAt);
    const timedOut = why === 'timed_out';
    return { kind: 'ended', why, exitCode: null, signal: 'SIGKILL', timedOut, durationMs, truncated: true, ...nothing };
  }
}

function notStarted(outcome: RunOutcome): Failure {
  if (outcome.kind === 'refused') return Failure.fromDocument(outcome.failure);
  return new Failure('run/failed', 'the program was not started');
}
