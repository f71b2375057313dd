// Values that are handed to a command of the human's own: what for, where from, and what is shown when a coding agent
// started that command. The rest of a request is in request.ts.

import type { ValueForm } from './reference.ts';
import type { Secret } from './secret.ts';

/** What the values are for: a program that is started, standard output, or a file a template is filled into. */
export type Purpose = 'run' | 'read' | 'inject';

/** Where one value lies. */
export type Place =
  | { readonly kind: 'variable'; readonly environmentId: string; readonly name: string }
  | { readonly kind: 'reference'; readonly reference: string };

export interface Wanted {
  /** What it is called where it goes; a reference is called by itself. */
  readonly name: string;
  readonly place: Place;
}

/** A value on its way to the human's command, which makes of it what `form` says. The receiver wipes it. */
export interface Disclosed {
  readonly name: string;
  readonly value: Secret;
  readonly form: ValueForm;
  /** False for what is not secret, and for what is known not to be maskable (core/maskability.ts). */
  readonly isMasked: boolean;
  /** Whether the human is warned when it cannot be masked. */
  readonly isSecret: boolean;
}

/** Why a reference leads to no value. */
export type Nowhere = 'name/not_found' | 'name/ambiguous';

/** A reference, and what it leads to now. */
export interface ReferenceFacts {
  readonly reference: string;
  /** Vault, item and field by name and id; or that there is nothing, or more than one. */
  readonly source: string;
  /** Set when it was shown as that: then nothing is read for a yes, whatever lies there later (I5). */
  readonly nowhere?: Nowhere;
}

/** A command under an agent wants values in the clear: the agent can read whatever it prints or writes. */
export interface RevealFacts {
  readonly action: 'Reveal';
  readonly purpose: Exclude<Purpose, 'run'>;
  readonly references: readonly ReferenceFacts[];
  /** Of the command itself, as the system shows it. */
  readonly argv: readonly string[];
  /** The file that would be written; null for standard output. */
  readonly path: string | null;
}

/** References of one command at once (I8). */
export const REFERENCES_MAX = 1_000;
export const REFERENCE_CHARACTERS_MAX = 1_024;
