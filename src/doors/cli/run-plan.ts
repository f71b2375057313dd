// What a run needs: environments, references, and the text around them; and, once the values are there, what the program
// gets and what is masked. The order of precedence is that of `op run`: environment, then env file, then shell.

import type { EnvFileEntry } from '../../core/env-file.ts';
import { fillEntry, parseValue, referencesOf, wipeEnvFile } from '../../core/env-file.ts';
import { Failure } from '../../core/failure.ts';
import { maskabilityOf } from '../../core/maskability.ts';
import { formatReference, type SecretReference } from '../../core/reference.ts';
import type { RunVariable } from './run/human-run.ts';
import type { OpenValue } from './values.ts';

/** What the program gets, and what must not be seen of it. All buffers are the caller's to wipe. */
export interface Filled {
  /** Over what it inherits. */
  readonly variables: readonly RunVariable[];
  /** What is inside their values. */
  readonly secrets: readonly { readonly name: string; readonly value: Buffer }[];
  /** Variables with a secret in them that masking cannot hide, each once. */
  readonly unmaskable: readonly string[];
}

const MAY_REFER = /(?:op|keystile):\/\//;

export class RunPlan {
  readonly environments: readonly string[];
  /** Each once, as the daemon is asked for them. */
  readonly references: readonly string[];
  /** Of the shell first, then of the files: of one name the last counts. */
  readonly entries: readonly EnvFileEntry[];

  /** `shell` is the environment of this process. Throws `template/invalid` for a reference in it that is written badly. */
  constructor(environments: readonly string[], files: readonly EnvFileEntry[], shell: ReadonlyMap<string, string>) {
    const set = new Set(files.map(({ name }) => name));
    this.environments = environments;
    this.entries = [...shellEntries(shell).filter(({ name }) => !set.has(name)), ...lastOfEach(files)];
    this.references = referencesOf(this.entries).map((reference) => formatReference(reference));
  }

  /** Whether the vault is not needed at all. */
  get isEmpty(): boolean {
    return this.environments.length === 0 && this.references.length === 0;
  }

  /** `values`: of the environments, then of the references, as `withValues` gives them. Throws as `fillEntry` does. */
  fill(values: readonly OpenValue[]): Filled {
    const own = values.slice(0, values.length - this.references.length);
    const referenced = values.slice(own.length);
    const byReference = new Map(referenced.map(({ value }, i) => [this.references[i] ?? '', value]));
    const masked = new Set(this.references.filter((_, i) => referenced[i]?.isMasked === true));
    const shown = new Set(this.references.filter((_, i) => referenced[i]?.isUnmaskable === true));
    const filled = this.entries.map((entry) => filledEntry(entry, byReference, masked));
    const ownNames = new Set(own.map(({ name }) => name));
    return {
      variables: [...filled.filter(({ name }) => !ownNames.has(name)), ...lastOfEach(own)],
      secrets: this.entries.flatMap((entry) => secretsOf(entry, byReference, masked)),
      unmaskable: [
        ...lastOfEach(own).filter(({ isUnmaskable }) => isUnmaskable),
        ...this.entries.filter(({ name, value }) => !ownNames.has(name) && refersToOne(value.references, shown)),
      ].map(({ name }) => name),
    };
  }

  wipe(): void {
    wipeEnvFile(this.entries);
  }
}

function filledEntry(
  entry: EnvFileEntry,
  values: ReadonlyMap<string, Buffer>,
  masked: ReadonlySet<string>,
): RunVariable {
  const value = fillEntry(entry, values);
  const { pieces, references } = entry.value;
  // One that is a reference and no more was judged in the daemon: most runs need not load what judges.
  if (pieces.length === 1) return { name: entry.name, value, isMasked: refersToOne(references, masked) };
  // What a file says in the open is not hidden: it is no secret, and may be a word like any other.
  return { name: entry.name, value, isMasked: references.length > 0 && maskabilityOf(value) === 'maskable' };
}

/** The values inside a variable that is more than one value. */
function secretsOf(
  { name, value: { pieces, references } }: EnvFileEntry,
  values: ReadonlyMap<string, Buffer>,
  masked: ReadonlySet<string>,
): { name: string; value: Buffer }[] {
  if (pieces.length === 1) return [];
  const parts = references.map((reference) => formatReference(reference)).filter((text) => masked.has(text));
  return parts.flatMap((text) => values.get(text) ?? []).map((value) => ({ name, value: Buffer.from(value) }));
}

function refersToOne(references: readonly SecretReference[], wanted: ReadonlySet<string>): boolean {
  return references.some((reference) => wanted.has(formatReference(reference)));
}

function shellEntries(shell: ReadonlyMap<string, string>): EnvFileEntry[] {
  return [...shell].flatMap(([name, text]) => {
    if (!MAY_REFER.test(text)) return [];
    const value = templateOf(name, text);
    return value.references.length === 0 ? [] : [{ name, value, line: 0 }];
  });
}

function templateOf(name: string, text: string): EnvFileEntry['value'] {
  try {
    return parseValue(Buffer.from(text));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.code, `the variable ${name}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

function lastOfEach<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return [...new Map(all.map((one) => [one.name, one])).values()];
}
