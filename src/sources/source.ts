// A source answers references whose vault lives elsewhere. Nothing is kept: what is fetched for one call is wiped at its
// end, and only the fields that were asked for leave.

import { Failure } from '../core/failure.ts';
import type { SecretReference } from '../core/reference.ts';
import type { Secret } from '../core/secret.ts';
import type { SourceSettings } from '../machine/source-settings.ts';
import { KvShelf } from './kv.ts';
import { OpShelf } from './op.ts';
import { PassShelf } from './pass.ts';

/** For one fetch: a person may have to touch a key or type a passphrase meanwhile. */
export const SOURCE_WAIT_MS = 30_000;
/** `op` starts a process of 100 MB for each field; more at once would slow each other down. */
const FETCHES_AT_ONCE_MAX = 4;

/** What is known of the human, and not of whoever started the daemon: its environment is not looked at. */
export interface SourcePowers {
  /** Absolute folders, as recorded when the vault was made. */
  readonly searchPath: readonly string[];
  /** From the system's account data. */
  readonly home: string;
  readonly user: string;
}

export interface Source {
  readonly kind: SourceSettings['kind'];
  /** What is asked, for people: the path of a program, or an address. */
  readonly where: string;
  /**
   * Who makes `?attribute=otp` and `?ssh-format=openssh` of a value: the source itself, or the caller, who is given the
   * value as it is stored.
   */
  readonly forms: 'made' | 'left';
  /**
   * The value of one field, 1 byte to FIELD_BYTES_MAX; the caller wipes it. Throws `source/sign_in`, `source/not_found`,
   * `source/failed`, `source/unreachable`, `name/ambiguous`, `home/unsafe`; the reason of `signal` once that is aborted.
   */
  read(reference: SecretReference, signal: AbortSignal): Promise<Secret>;
  /** The same for several, in their order: all or none. What comes in one piece is fetched once. */
  readAll(references: readonly SecretReference[], signal: AbortSignal): Promise<Secret[]>;
}

/** What one kind of source does: it fetches items, and takes fields out of them. */
export interface Shelf {
  readonly kind: SourceSettings['kind'];
  readonly where: string;
  readonly forms: Source['forms'];
  /** Two references with the same text are answered by one fetch. Throws `source/not_found` for what cannot be named there. */
  itemOf(reference: SecretReference): string;
  open(reference: SecretReference, signal: AbortSignal): Promise<OpenItem>;
}

/** One item in the clear, until it is disposed of. */
export interface OpenItem extends Disposable {
  /** A copy. Throws `source/not_found`, `name/ambiguous`, `source/failed`. */
  field(reference: SecretReference): Secret;
}

/** Looks at nothing yet: a program that is missing, or a file that others can change, is found when something is read. */
export function openSource(settings: SourceSettings, powers: SourcePowers, waitMs = SOURCE_WAIT_MS): Source {
  const shelf = shelfOf(settings, powers);
  const { kind, forms } = shelf;
  const readAll: Source['readAll'] = async (references, signal) => await readFrom(shelf, references, signal, waitMs);
  const read: Source['read'] = async (reference, signal) => {
    const [value] = await readAll([reference], signal);
    if (value === undefined) throw new TypeError('one reference, one value');
    return value;
  };
  return {
    kind,
    forms,
    // A program may be installed, or replaced, while the daemon runs.
    get where() {
      return shelf.where;
    },
    read,
    readAll,
  };
}

function shelfOf(settings: SourceSettings, powers: SourcePowers): Shelf {
  switch (settings.kind) {
    case 'op':
      return new OpShelf(settings, powers);
    case 'pass':
      return new PassShelf(settings, powers);
    case 'vault-kv2':
      return new KvShelf(settings, powers);
  }
}

async function readFrom(
  shelf: Shelf,
  references: readonly SecretReference[],
  signal: AbortSignal,
  waitMs: number,
): Promise<Secret[]> {
  const values: Secret[] = [];
  const indexes = references.map((_reference, i) => i);
  const waiting = [...Map.groupBy(indexes, (i) => shelf.itemOf(references[i]!)).values()];
  const broken = new AbortController();
  const either = AbortSignal.any([signal, broken.signal]);
  const work = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      using item = await openInTime(shelf, references[group[0]!]!, either, waitMs);
      for (const i of group) values[i] = item.field(references[i]!);
    }
  };
  const workers = Array.from({ length: Math.min(FETCHES_AT_ONCE_MAX, waiting.length) }, async () => {
    // The first failure ends the other fetches too.
    await work().catch((error: unknown) => broken.abort(error));
  });
  await Promise.all(workers);
  if (either.aborted) for (const value of values) value?.wipe();
  either.throwIfAborted();
  return values;
}

async function openInTime(
  shelf: Shelf,
  reference: SecretReference,
  signal: AbortSignal,
  waitMs: number,
): Promise<OpenItem> {
  signal.throwIfAborted();
  const inTime = AbortSignal.timeout(waitMs);
  try {
    return await shelf.open(reference, AbortSignal.any([signal, inTime]));
  } catch (error) {
    signal.throwIfAborted();
    if (!inTime.aborted) throw error;
    throw new Failure('source/unreachable', `${shelf.where} did not answer within ${waitMs / 1_000} seconds`, {
      hint: 'see whether it waits for you: a passphrase, a touch, an approval',
    });
  }
}
