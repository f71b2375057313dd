// What a command is: what people type, what help says of it, and what it does. A command is a row of commands.ts.

import { Failure, type ExitCode } from '../../core/failure.ts';
import type { Connection } from '../../wire/client.ts';
import type { Human } from './human.ts';
import type { Output } from './output.ts';

export interface Argument {
  /** In capitals, as help shows it. */
  readonly name: string;
  readonly isOptional?: boolean;
  /** The only words it takes. */
  readonly choices?: readonly string[];
}

export interface Flag {
  readonly help: string;
  /** What stands for the value in help, in capitals; a flag without it is a switch. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** Every one that is given counts; `Call.flags` has them. Of other flags the last does. */
  readonly isRepeatable?: boolean;
  /** Words that may follow without `=`; when none does, the flag has the value `default`. */
  readonly optional?: { readonly accepts: RegExp; readonly default: string };
}

export interface Command {
  /** `environment set` is ['environment', 'set']. */
  readonly path: readonly string[];
  readonly args?: readonly Argument[];
  readonly flags?: Readonly<Record<string, Flag>>;
  /** At most one of these may be given. */
  readonly exclusive?: readonly (readonly string[])[];
  /** One line, no full stop. */
  readonly help: string;
  /** What the one line cannot say. */
  readonly details?: string;
  readonly example: string;
  /** Why a further argument is refused, where there is a better reason than "too many". */
  readonly refuseExtra?: () => Failure;
  readonly run: (call: Call) => Promise<ExitCode>;
}

/** One command as it was typed, and everything it may use. */
export interface Call {
  /** The argument of that name. Throws TypeError for one that may be absent: ask `optionalArgument`. */
  argument(name: string): string;
  optionalArgument(name: string): string | undefined;
  /** The value of a flag, or undefined. */
  flag(name: string): string | undefined;
  /** All values of a repeatable flag, in their order. */
  flags(name: string): readonly string[];
  has(name: string): boolean;
  readonly output: Output;
  readonly human: Human;
  /** The daemon, started if need be. */
  daemon(): Promise<Connection>;
  /** The daemon if it runs, else null. */
  runningDaemon(): Promise<Connection | null>;
}

/** Flags every command takes. */
export const GLOBAL_FLAGS: Readonly<Record<string, Flag>> = {
  format: { value: 'FORMAT', choices: ['text', 'json'], help: 'text for people, or one JSON document' },
  'passphrase-stdin': { help: 'take the passphrase from the first line of standard input' },
  help: { help: 'say what the command does, with an example' },
};

/** A command line that cannot be understood: exit 2. */
export function usage(message: string, hint?: string): Failure {
  return new Failure('usage/invalid', message, hint === undefined ? {} : { hint });
}
