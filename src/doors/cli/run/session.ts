// A program at a terminal of its own, in a session of its own. Between it and us stands a small shell with job control:
// only a process of that session can have stopped programs continue, and the system stops none that has no such parent
// (POSIX, 3.264, orphaned process group). When the program stops (Ctrl-Z), the shell stops; then we do, so that the
// person's own shell has its prompt back; and the other way round.

import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { start, type Descriptor } from '../../../machine/launch.ts';
import { closeTheirs, isNowhere, openChannel, placeOf, type Channel } from './channels.ts';
import type { Plan } from './human-run.ts';
import { MaskedOutput } from './masked-output.ts';
import { OwnTerminal } from './own-terminal.ts';
import { Running } from './running.ts';
import { Signals } from './signals.ts';

/**
 * Descriptors 3, 4 and 5 are the program's 0, 1 and 2; the shell's own messages go nowhere. `exec` runs no builtin. The
 * job is there for as long as it is only stopped.
 */
const SHELL_SCRIPT = `set -m
(exec "$@" <&3 >&4 2>&5 3<&- 4>&- 5>&-)
code=$?
while kill -0 %1; do kill -s STOP $$; fg %1; code=$?; done
exit $code`;

/** dash, which is /bin/sh of Debian, drops variables with a name that no shell could use; bash hands them on. */
const SHELLS = { ordinary: '/bin/sh', keepsAllNames: '/bin/bash' } as const;

/** What the program left running has the terminal no longer than its output takes a pause of this length. */
const QUIET_MS = 60;
const DRAIN_MS_MAX = 2_000;
/** A stop that did not come (we are nobody's job) is not waited for longer. */
const STOP_MS_MAX = 100;

/** Gives the exit code once the program is over and what it printed is out. `onStarted`: it has its environment. */
export async function runInSession(plan: Plan, onStarted: () => void): Promise<number> {
  using terminal = new OwnTerminal(0);
  const errors = await openErrors(plan);
  using running = startShell(plan, terminal, errors, onStarted);
  using signals = new Signals(plan.ignored);
  signals.forward(
    running,
    (name) => void running.signal(name, programOf(running.pid)),
    () => terminal.release(),
  );
  signals.on('SIGWINCH', () => terminal.resize());
  const output = new MaskedOutput({ fd: 1, isTerminal: true }, plan.needles);
  new Stops(terminal, running, signals, output).follow();
  terminal.take();
  const drained = output.pass(terminal.master);
  const errorsDrained = errors?.output.pass(errors.source);
  const exitCode = await Promise.race([running.ended, failureOf(drained)]);
  await Promise.race([drained, quiet(output)]);
  terminal.hangUp();
  await drained;
  await errorsDrained;
  return exitCode;
}

/** Settles only when it fails: then the program's output cannot be masked, and nobody waits for it any longer. */
async function failureOf(passing: Promise<void>): Promise<never> {
  await passing;
  return await new Promise<never>(() => undefined);
}

/** A channel for standard error when that is not the terminal. */
async function openErrors(plan: Plan): Promise<Channel | null> {
  return placeOf(2) === placeOf(1) || isNowhere(2) ? null : await openChannel(2, plan.needles);
}

function startShell(plan: Plan, terminal: OwnTerminal, errors: Channel | null, onStarted: () => void): Running {
  // Opened first, so that it becomes the controlling terminal of the new session.
  const own: Descriptor = { open: terminal.path };
  const nowhere: Descriptor = { open: '/dev/null' };
  const theirErrors = errors?.theirFd ?? (isNowhere(2) ? nowhere : own);
  const needsBash = !plan.hasOrdinaryNames && existsSync(SHELLS.keepsAllNames);
  try {
    const pid = start({
      program: needsBash ? SHELLS.keepsAllNames : SHELLS.ordinary,
      argv: ['sh', '-c', SHELL_SCRIPT, 'sh', plan.word, ...plan.argv.slice(1)],
      environment: plan.environment,
      ignored: plan.ignored,
      isOwnSession: true,
      descriptors: [nowhere, nowhere, nowhere, own, own, theirErrors],
    });
    return new Running(pid);
  } finally {
    onStarted();
    if (errors !== null) closeTheirs([errors]);
  }
}

/** The program itself, which the shell has started: the first process of its own. */
function programOf(shell: number): number {
  try {
    const [child] = readFileSync(`/proc/${shell}/task/${shell}/children`, 'latin1').split(' ');
    return Number(child) || shell;
  } catch {
    return shell;
  }
}

/** Until no output has come for a while. */
async function quiet(output: MaskedOutput): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    await delay(QUIET_MS, undefined, { ref: false });
    const now = performance.now();
    if (now - output.lastAt >= QUIET_MS || now - startedAt > DRAIN_MS_MAX) return;
  }
}

/** We stop when the program does, and have it continue when we do. */
class Stops {
  readonly #terminal: OwnTerminal;
  readonly #running: Running;
  readonly #signals: Signals;
  readonly #output: MaskedOutput;
  #isStopped = false;

  constructor(terminal: OwnTerminal, running: Running, signals: Signals, output: MaskedOutput) {
    this.#terminal = terminal;
    this.#running = running;
    this.#signals = signals;
    this.#output = output;
  }

  follow(): void {
    this.#running.onStopped = () => void this.#stop();
    this.#signals.on('SIGCONT', () => this.#goOn());
    this.#signals.on('SIGTSTP', () => void this.#running.signal('SIGTSTP', programOf(this.#running.pid)));
  }

  /** The whole group, as the terminal itself would have done. An editor gives the screen back right before it stops. */
  async #stop(): Promise<void> {
    this.#isStopped = true;
    await quiet(this.#output);
    // Somebody else may have had the program continue, or ended it.
    if (!this.#isStopped || this.#running.isOver) return;
    this.#terminal.release();
    this.#signals.off('SIGTSTP');
    setTimeout(() => {
      if (this.#isStopped) this.#goOn();
    }, STOP_MS_MAX);
    process.kill(0, 'SIGTSTP');
  }

  /** Also after a stop that was ours alone: whoever had the terminal meanwhile has set it to his liking. */
  #goOn(): void {
    this.#isStopped = false;
    this.follow();
    this.#terminal.take();
    this.#running.signal('SIGCONT');
  }
}
