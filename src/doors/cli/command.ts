// What a command is: what people type, what help says of it, and what it does. A command is a row of commands.ts.

import { Failure } from '../../core/failure.ts';
import type { Connection } from '../../wire/client.ts';
import type { Human } from './human.ts';
import type { Output } from './output.ts';

/** What there is a list of: completion asks the daemon for it (completion-words.ts). */
export type NameKind = 'environment' | 'mount' | 'request' | 'agent' | 'grant' | 'vault' | 'item';

export interface Argument {
  /** In capitals, as help shows it. */
  readonly name: string;
  readonly isOptional?: boolean;
  /** The only words it takes. */
  readonly choices?: readonly string[];
  /** The last one only: all the words that are left, none included. */
  readonly isRepeated?: boolean;
  /** It names one of these, for completion. */
  readonly names?: NameKind;
}

/** Of an argument and of a flag an empty text is refused, unless the flag says what it means by one. */
export interface Flag {
  readonly help: string;
  /** One letter that means the same. */
  readonly short?: string;
  /** What stands for the value in help, in capitals; a flag without it is a switch. */
  readonly value?: string;
  readonly takesEmpty?: true;
  readonly choices?: readonly string[];
  /** Its value names one of these, for completion. */
  readonly names?: NameKind;
  /** Words that may follow without `=`; when none does, the flag has the value `default`. */
  readonly optional?: { readonly accepts: RegExp; readonly default: string };
  /** May be given more than once: ask `flags`. Of another flag the last one counts. */
  readonly isRepeated?: boolean;
}

export interface Command {
  /** `environment set` is ['environment', 'set']. */
  readonly path: readonly string[];
  readonly args?: readonly Argument[];
  readonly flags?: Readonly<Record<string, Flag>>;
  /** Words after `--` are a command of their own, at least one, and are not looked at. */
  readonly takesCommand?: true;
  /** At most one of these may be given. */
  readonly exclusive?: readonly (readonly string[])[];
  /** One line, no full stop. */
  readonly help: string;
  /** What the one line cannot say. */
  readonly details?: string;
  readonly example: string;
  /** Why a further argument is refused, where there is a better reason than "too many". */
  readonly refuseExtra?: () => Failure;
  /** The exit code: one of ours, or that of the program it ran. */
  readonly run: (call: Call) => Promise<number>;
}

/** One command as it was typed, and everything it may use. */
export interface Call {
  /** The argument of that name. Throws TypeError for one that may be absent: ask `optionalArgument`. */
  argument(name: string): string;
  optionalArgument(name: string): string | undefined;
  /** All words of an argument that is repeated. */
  arguments(name: string): readonly string[];
  /** The value of a flag, or undefined. */
  flag(name: string): string | undefined;
  /** All values of a flag that is repeated, in order. */
  flags(name: string): readonly string[];
  /** The words after `--` of a command that takes one. */
  readonly command: readonly string[];
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
