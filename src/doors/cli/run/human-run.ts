// A person's own run: `keystile run -- CMD…`. The program gets the person's environment with the values over it, its
// standard input untouched, and what it prints comes out masked. Three ways, by what our descriptors are: on a terminal
// the program has one of its own (session.ts); into pipes and files it shares our process group (group.ts); and without
// masking we become the program.

import { fstatSync } from 'node:fs';
import { Failure } from '../../../core/failure.ts';
import { become, leave, type Launch } from '../../../machine/launch.ts';
import { isTerminal } from '../../../machine/pty.ts';
import { EnvironmentBlock, type RunVariable } from './environment-block.ts';
import { LateNeedles } from './masked-output.ts';
import { findProgram } from './program.ts';

export type { RunVariable } from './environment-block.ts';

export interface HumanRun {
  /** At least one word: what the person typed behind `--`. */
  readonly argv: readonly string[];
  /** Their values are wiped before the promise settles. A name that is inherited too has this value. */
  readonly variables: readonly RunVariable[];
  /** What else must not be seen: values inside those of the variables. Wiped too. */
  readonly secrets?: readonly Omit<RunVariable, 'isMasked'>[];
  /** Everything else the program gets: `ownEnvironment()`. Its PATH is where the program is looked up. */
  readonly environment: Readonly<Record<string, string>>;
  readonly masking: 'on' | 'off';
  /** Signals that were ignored when we were started: `ignoredSignals()`. */
  readonly ignored?: bigint;
}

/** What all ways of running need. */
export interface Plan extends Launch {
  /** What a shell finds the same program by: the word as it was typed, where that is enough. */
  readonly word: string;
  readonly hasOrdinaryNames: boolean;
  readonly ignored: bigint;
  readonly needles: LateNeedles;
}

/**
 * Runs the program to its end and gives its exit code: its own, or 128 + n when signal n ended it. Without masking, or
 * with nothing to mask, this process is replaced and the promise never settles. Throws `program/not_found` (exit 7),
 * `input/invalid` for a value with a NUL byte, `input/too_large`, `machine/unsupported`; then nothing was started.
 */
export async function runForHuman(run: HumanRun): Promise<number> {
  const inside = (run.secrets ?? []).map((secret) => ({ ...secret, isMasked: true }));
  const hidden = [...run.variables, ...inside];
  using needles = new LateNeedles(hidden);
  const [word] = run.argv;
  if (word === undefined) throw new Failure('usage/invalid', 'run needs a program', { hint: 'write it behind --' });
  const program = findProgram(word, run.environment['PATH']);
  using block = new EnvironmentBlock(run.environment, run.variables);
  const ignored = run.ignored ?? 0n;
  const launch = { program, argv: run.argv, environment: block.entries };
  if (run.masking === 'off' || hidden.every(({ isMasked }) => !isMasked)) become({ ...launch, ignored });
  const isFoundByName = run.environment['PATH'] !== undefined && run.variables.every(({ name }) => name !== 'PATH');
  const typed = isFoundByName && !word.startsWith('-') ? word : program;
  const plan = { ...launch, word: typed, hasOrdinaryNames: block.hasOrdinaryNames, ignored, needles };
  const onStarted = (): void => block[Symbol.dispose]();
  if (!isAtTerminal()) {
    const exitCode = await (await import('./group.ts')).runInGroup(plan, onStarted);
    needles[Symbol.dispose]();
    if ([0, 1, 2].some(isTerminal)) leave(exitCode);
    return exitCode;
  }
  return await (await import('./session.ts')).runInSession(plan, onStarted);
}

/**
 * Both where the person types and where the program prints, on one terminal. Otherwise the keyboard is not ours to take:
 * of `keystile run -- a | less` it is less that reads it.
 */
function isAtTerminal(): boolean {
  return fstatSync(0).rdev === fstatSync(1).rdev && isTerminal(0) && isTerminal(1);
}
