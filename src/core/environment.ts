// An environment is a named set of variables. Here is everything about one that may be said aloud: never a value.

import type { Maskability } from './maskability.ts';

/** How a variable gets its value. `missing` is declared by an agent and waits for the human. */
export type VariableKind = 'literal' | 'reference' | 'generated' | 'plain' | 'missing';

export type OutputMode = 'redacted' | 'summary';

export interface Variable {
  readonly name: string;
  readonly kind: VariableKind;
  /** Whether the value is hidden wherever it is shown. Only `plain` variables are not. */
  readonly concealed: boolean;
  readonly isSet: boolean;
  /** An `op://` reference; only with kind `reference`. */
  readonly reference?: string;
  /** The value itself; only with kind `plain`, which is not secret: a host name can send a password elsewhere. */
  readonly plain?: string;
  /** False for a value that cannot be hidden in output (core/maskability.ts): its runs answer `summary` only. */
  readonly maskable: boolean;
  /** What was found when the value was stored; only with a concealed one. Absent before 0.4: judged where it is used. */
  readonly maskability?: Maskability;
  /** False for a value that a dotenv file cannot hold (core/dotenv-write.ts): mounts leave it out. Absent before 0.2. */
  readonly writable?: boolean;
}

export interface Environment {
  readonly environmentId: string;
  readonly name: string;
  /** The agent that made it, or null when the human did. */
  readonly createdBy: string | null;
  readonly output: OutputMode;
  readonly variables: readonly Variable[];
}

/** What a generated password may be made of; of each that is chosen there is at least one. */
export type CharacterClass = 'letters' | 'digits' | 'symbols';

/** What `--generate` and the tool argument `generate` accept: kind and, but for uuid, a length in bytes or characters. */
export type Recipe =
  | { readonly kind: 'hex' | 'base64'; readonly bytes: number }
  | { readonly kind: 'password'; readonly characters: number }
  | { readonly kind: 'mixed'; readonly characters: number; readonly classes: readonly CharacterClass[] }
  | { readonly kind: 'uuid' };

/** A variable an agent asks for. It has no member that could carry a concealed value (I4). */
export type VariableDraft =
  | { readonly name: string; readonly kind: 'missing' }
  | { readonly name: string; readonly kind: 'reference'; readonly reference: string }
  | { readonly name: string; readonly kind: 'generated'; readonly recipe: Recipe }
  | { readonly name: string; readonly kind: 'plain'; readonly value: string };

/** A change to the vault that a granted request makes. */
export type Change =
  | { readonly kind: 'create'; readonly environmentName: string; readonly drafts: readonly VariableDraft[] }
  | { readonly kind: 'rename'; readonly environmentId: string; readonly environmentName: string }
  | { readonly kind: 'append'; readonly environmentId: string; readonly drafts: readonly VariableDraft[] }
  | { readonly kind: 'remove'; readonly environmentId: string; readonly names: readonly string[] };

export const VALUE_BYTES_MAX = 64 * 1024;
export const VARIABLES_MAX = 500;
export const ENVIRONMENTS_MAX = 1_000;
