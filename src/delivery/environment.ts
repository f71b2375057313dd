// What a run's program finds in its environment: a fixed few variables of the user, what the agent set, the values, and
// nothing else. Every record is made without a prototype: what somebody adds to Object.prototype stays out (E11).

import { isUtf8 } from 'node:buffer';
import { Failure } from '../core/failure.ts';

/** Stands in the environment of every process of a run, unless that process removed it: its value is the run's id. */
export const RUN_MARKER = 'KEYSTILE_RUN';

const KEPT_NAMES = /^(?:HOME|PATH|LANG|LC_[A-Z]+|TERM|TZ|USER|LOGNAME|SHELL|TMPDIR)$/;

export type EnvironmentRecord = Record<string, string>;

/** A value that was opened. Whoever opened it wipes it. */
export interface OpenValue {
  readonly name: string;
  readonly value: Buffer;
}

/**
 * Of the variables the user had when the search path was recorded, those of the fixed list. `PATH` is taken as it is:
 * whoever records it keeps absolute entries only.
 */
export function childBaseEnvironment(user: Readonly<Record<string, string | undefined>>): EnvironmentRecord {
  const base = emptyRecord();
  for (const [name, text] of Object.entries(user)) {
    if (text !== undefined && KEPT_NAMES.test(name) && !text.includes('\0')) base[name] = text;
  }
  return base;
}

/**
 * The whole environment of a child. Later wins: base, then delta, then the values, then the marker. Throws `run/failed`
 * for a value that an environment cannot carry: one with a NUL, or one that is not UTF-8 and would be changed on its way.
 */
export function childEnvironment(
  base: Readonly<EnvironmentRecord>,
  delta: Readonly<EnvironmentRecord>,
  values: readonly OpenValue[],
  runId: string,
): EnvironmentRecord {
  const environment = Object.assign(emptyRecord(), base, delta);
  for (const { name, value } of values) {
    if (value.includes(0) || !isUtf8(value)) {
      throw new Failure('run/failed', `the value of ${name} has bytes that an environment cannot carry`, {
        hint: 'store it as text, for example in base64',
      });
    }
    environment[name] = value.toString('utf8');
  }
  environment[RUN_MARKER] = runId;
  return environment;
}

function emptyRecord(): EnvironmentRecord {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.create is typed any
  return Object.create(null) as EnvironmentRecord;
}
