// A program in our own process group, at our own terminal if there is one: what a shell does to its job it does to both.
// Standard input is the very descriptor we have; each output that is to be masked goes through a channel.

import { start } from '../../../machine/launch.ts';
import { closeTheirs, isNowhere, openChannel, placeOf, type Channel, type OutputFd } from './channels.ts';
import type { Plan } from './human-run.ts';
import type { LateNeedles } from './masked-output.ts';
import { Running } from './running.ts';
import { sendWithinGroup, Signals } from './signals.ts';

/** Gives the exit code once the program is over and its output is out. `onStarted`: it has its environment. */
export async function runInGroup(plan: Plan, onStarted: () => void): Promise<number> {
  const { channels, descriptors } = await openOutputs(plan.needles);
  let pid: number;
  try {
    pid = start({ ...plan, descriptors: [0, ...descriptors], isOwnSession: false });
  } finally {
    onStarted();
    closeTheirs(channels);
  }
  using running = new Running(pid);
  using signals = new Signals(plan.ignored);
  signals.forward(running, (name) => sendWithinGroup(running, name));
  signals.on('SIGWINCH', () => {
    for (const channel of channels) channel.resize();
    // The terminal told it as well, but it may have looked before the size was passed on.
    running.signal('SIGWINCH');
  });
  followStops(running, signals);
  // Whoever is left with an end of it in the background is waited for: nothing gets out unmasked, and nothing is lost.
  const [exitCode] = await Promise.all([
    running.ended,
    ...channels.map(async ({ output, source }) => await output.pass(source)),
  ]);
  return exitCode;
}

/** One channel for each place, so that text written to both descriptors of one place keeps its order. */
export async function openOutputs(
  needles: LateNeedles,
): Promise<{ channels: readonly Channel[]; descriptors: readonly number[] }> {
  const byPlace = new Map<string, Channel>();
  const descriptors: number[] = [];
  for (const fd of [1, 2] satisfies OutputFd[]) {
    const place = placeOf(fd);
    const channel = isNowhere(fd) ? null : (byPlace.get(place) ?? (await openChannel(fd, needles)));
    if (channel !== null) byPlace.set(place, channel);
    descriptors.push(channel?.theirFd ?? fd);
  }
  return { channels: [...byPlace.values()], descriptors };
}

/** A terminal stops the whole group, us included; `kill -TSTP` of us alone is handed on. Either way we stop too. */
function followStops(running: Running, signals: Signals): void {
  const stop = (): void => {
    running.signal('SIGTSTP');
    signals.off('SIGTSTP');
    process.kill(process.pid, 'SIGTSTP');
    signals.on('SIGTSTP', stop);
  };
  signals.on('SIGTSTP', stop);
  signals.on('SIGCONT', () => void running.signal('SIGCONT'));
}
