// Vaults that are not in this one: a reference into one of them is read from its source, when it is handed over.

import type { SecretReference } from '../core/reference.ts';
import type { Secret } from '../core/secret.ts';

export interface Elsewhere {
  /** What a vault of that name is kept in, in words for people; null for one of ours. */
  kindOf(vault: string): string | null;
  /** Rejects with `source/…`. The caller wipes it. */
  read(reference: SecretReference, signal: AbortSignal): Promise<Secret>;
}
