// Vaults that are not in this one: a reference into one of them is read from its source, when it is handed over.

import { userInfo } from 'node:os';
import type { SecretReference, ValueForm } from '../core/reference.ts';
import type { Secret } from '../core/secret.ts';
import type { SourceSettings } from '../machine/source-settings.ts';
import { openSource, type Source } from '../sources/source.ts';

/** A value from elsewhere, which the receiver wipes, and what is still to be made of it. */
export interface Fetched {
  readonly value: Secret;
  readonly form: ValueForm;
}

export class Elsewhere {
  readonly #settings: ReadonlyMap<string, SourceSettings>;
  /** The human's own, recorded in the vault: known once it is unlocked. */
  readonly #searchPath: () => readonly string[];

  constructor(settings: ReadonlyMap<string, SourceSettings>, searchPath: () => readonly string[]) {
    this.#settings = settings;
    this.#searchPath = searchPath;
  }

  /** What a vault of that name is kept in, in words for people; null for one of ours. */
  kindOf(vault: string): string | null {
    const source = this.#source(vault);
    return source === null ? null : `${source.kind} (${source.where})`;
  }

  /** In their order, all or none; those of one vault at once. Rejects as `Source.readAll` does. */
  async readAll(references: readonly SecretReference[], signal: AbortSignal): Promise<Fetched[]> {
    const fetched: Fetched[] = [];
    const byVault = Map.groupBy(references.keys(), (i) => references[i]?.vault ?? '');
    try {
      for (const [vault, indexes] of byVault) {
        const source = this.#source(vault);
        if (source === null) throw new TypeError('not a vault of a source');
        const wanted = indexes.flatMap((i) => references[i] ?? []);
        const values = await source.readAll(wanted, signal);
        for (const [at, i] of indexes.entries()) {
          const value = values[at];
          const form = source.forms === 'left' ? (references[i]?.form ?? 'value') : 'value';
          if (value !== undefined) fetched[i] = { value, form };
        }
      }
      return fetched;
    } catch (error) {
      for (const one of fetched) one?.value.wipe();
      throw error;
    }
  }

  #source(vault: string): Source | null {
    const settings = this.#settings.get(vault);
    if (settings === undefined) return null;
    return openSource(settings, { searchPath: this.#searchPath(), ...account() });
  }
}

/**
 * From the system's account data, and not from an environment that whoever started the daemon could have set. A user without
 * an account (a container's) has no home that a source could keep anything in.
 */
function account(): { readonly home: string; readonly user: string } {
  try {
    const { homedir, username } = userInfo();
    return { home: homedir, user: username };
  } catch {
    return { home: '/nonexistent', user: String(process.geteuid?.() ?? '') };
  }
}
