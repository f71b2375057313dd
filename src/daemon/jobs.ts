// From a lease to what a runner is given: sealed variables, the keys that open just those, and what must still be true.

import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { LeaseOrder } from '../authority/powers.ts';
import { childBaseEnvironment } from '../delivery/environment.ts';
import type { RunJob } from '../delivery/job.ts';
import { writeDotenv } from '../core/dotenv-write.ts';
import type { Disclosed, Wanted } from '../core/disclosure.ts';
import { LENGTH_MASKABLE_MIN } from '../core/environment.ts';
import { Failure } from '../core/failure.ts';
import { MOUNT_BYTES_MAX } from '../core/mount.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import { pad, unpad } from '../core/padding.ts';
import { parseReference, type ValueForm } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';
import type { SealedVariable } from '../vault/environments.ts';
import type { Vault } from '../vault/vault.ts';
import type { Elsewhere, Fetched } from './elsewhere.ts';
import { wantedOf } from './references.ts';

/** The search path of the human, recorded at init: a name is looked up there, never on the agent's PATH (attack E07). */
export const SEARCH_PATH_SETTING = 'search_path';
const SEARCH_PATH_DEFAULT = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** How long a source may take for the values of one command. */
const SOURCE_WAIT_MS = 60_000;

export function searchPathOf(vault: Vault): readonly string[] {
  const recorded = vault.setting(SEARCH_PATH_SETTING);
  return recorded === undefined ? SEARCH_PATH_DEFAULT : recorded.split(':');
}

/** A value on its way, still sealed, and what its receiver makes of it. */
interface SealedValue extends SealedVariable {
  readonly form: ValueForm;
}

/** Rejects with a Failure when a value is not there any more, or a source does not give it. */
export async function runJob(
  vault: Vault,
  elsewhere: Elsewhere,
  order: LeaseOrder,
  signal: AbortSignal,
): Promise<RunJob> {
  const { run } = order;
  const PATH = searchPathOf(vault).join(':');
  const variables = await sealedValues(vault, elsewhere, wantedOf(run.environmentId, run.variables), signal);
  return {
    runId: order.runId,
    argv: run.argv,
    program: run.program.path,
    cwd: run.cwd.path,
    baseEnvironment: childBaseEnvironment({ ...process.env, PATH }),
    environmentDelta: run.environmentDelta,
    variables: variables.map((variable) => ({ ...variable, key: variable.key.reveal() })),
    stdin: order.stdin === null ? null : Buffer.from(order.stdin),
    timeoutMs: run.timeoutSeconds * 1_000,
    outputMode: order.output,
    expected: { program: run.program, operands: run.operands, cwd: run.cwd },
  };
}

/** The values themselves, for a command of the human's own, which wipes them. Rejects as `runJob` does. */
export async function disclosedValues(
  vault: Vault,
  elsewhere: Elsewhere,
  wanted: readonly Wanted[],
): Promise<Disclosed[]> {
  const sealed = await sealedValues(vault, elsewhere, wanted, AbortSignal.timeout(SOURCE_WAIT_MS));
  return sealed.map(({ name, key, nonce, sealed: bytes, aad, form, concealed, maskable }) => {
    using own = key;
    const content = openXaes(own.reveal(), nonce, bytes, aad);
    const value = new Secret(Buffer.from(unpad(content)));
    content.fill(0);
    return { name, value, form, isMasked: concealed && maskable };
  });
}

/** In the order they are wanted. */
async function sealedValues(
  vault: Vault,
  elsewhere: Elsewhere,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<SealedValue[]> {
  const outside = wanted.flatMap((one) => {
    const reference = one.place.kind === 'reference' ? parseReference(one.place.reference) : null;
    return reference === null || elsewhere.kindOf(reference.vault) === null ? [] : [{ one, reference }];
  });
  const references = outside.map(({ reference }) => reference);
  const fetched = references.length === 0 ? [] : await elsewhere.readAll(references, signal);
  try {
    // Nothing of this vault is opened before the slowest source has answered, and what was locked meanwhile stays so.
    const anew = new Map(outside.map(({ one }, i) => [one, sealedAnew(one, fetched[i])]));
    return wanted.map((one) => anew.get(one) ?? sealedHere(vault, one));
  } finally {
    for (const { value } of fetched) value.wipe();
  }
}

/** One value of this vault, not opened. A variable that is a reference is followed. */
function sealedHere(vault: Vault, { name, place }: Wanted): SealedValue {
  if (place.kind === 'variable') {
    const [sealed] = vault.sealedVariables(place.environmentId, [place.name]);
    if (sealed === undefined) throw new Failure('vault/value_missing', `${name} has no value yet`, { field: name });
    return { ...sealed, name, form: 'value' };
  }
  const reference = parseReference(place.reference);
  const sealed = vault.sealedField(reference);
  const { form } = reference;
  const maskable = sealed.maskable && form !== 'otp';
  // What is no secret by its type is hidden too where that can be done, and keeps nothing back where it cannot.
  return { ...sealed, name, concealed: sealed.concealed || maskable || form === 'otp', maskable, form };
}

/** A value that came from elsewhere, under a key of its own, so that it goes the same way as all others. */
function sealedAnew({ name }: Wanted, fetched: Fetched | undefined): SealedValue {
  if (fetched === undefined) throw new Failure('source/failed', 'a source gave less than it was asked for');
  const { value, form } = fetched;
  const [key, nonce, aad] = [new Secret(randomBytes(KEY_BYTES)), randomBytes(NONCE_BYTES), Buffer.from(name)];
  const padded = pad(value.reveal());
  const sealed = sealXaes(key.reveal(), nonce, padded, aad);
  padded.fill(0);
  const maskable = value.byteLength >= LENGTH_MASKABLE_MIN && form !== 'otp';
  return { name, key, nonce, sealed, aad, concealed: true, maskable, form };
}

/** Programs that read a dotenv file line by line, and print a line they do not understand (docs/dotenv.md). */
const LINE_READERS: ReadonlySet<string> = new Set(['direnv']);

/**
 * The bytes of a mounted file, which the caller wipes. They are in the clear here and not in a process of their own: a
 * reader waits for them, and they are never a string. Throws Failure when a variable has no value any more.
 */
export function mountText(vault: Vault, read: ReadFacts): Buffer {
  const sealed = wantedOf(read.environmentId, read.variables).map((one) => sealedHere(vault, one));
  const opened: { name: string; value: Buffer }[] = [];
  const padded: Buffer[] = [];
  try {
    for (const { name, key, nonce, sealed: bytes, aad } of sealed) {
      using own = key;
      const content = openXaes(own.reveal(), nonce, bytes, aad);
      padded.push(content);
      opened.push({ name, value: unpad(content) });
    }
    const { bytes } = writeDotenv(opened, { isMultiline: isMultilineFor(read) });
    if (bytes.length <= MOUNT_BYTES_MAX) return bytes;
    bytes.fill(0);
    throw new Failure('input/too_large', `a mounted file holds at most ${MOUNT_BYTES_MAX} bytes`);
  } finally {
    for (const content of padded) content.fill(0);
    for (const { key } of sealed) key.wipe();
  }
}

/** Texts kept at once, and the largest that is kept (I8). */
const TEXTS_MAX = 100;
const TEXT_BYTES_MAX = 64 * 1024;

interface SealedText {
  readonly revision: number;
  readonly nonce: Buffer;
  readonly sealed: Buffer;
}

/**
 * What mounted files said at the last reading, sealed, for the next one: to open all values of an environment anew takes
 * twenty times as long as to open one text. What was made before any change of the vault is not used after it.
 */
export class MountTexts {
  readonly #texts = new Map<string, SealedText>();
  #key: Secret | null = null;

  /** As `mountText`: the caller wipes the bytes. Throws as it does. */
  open(vault: Vault, read: ReadFacts): Buffer {
    const { revision } = vault;
    const name = nameOf(read);
    const known = this.#texts.get(name);
    if (known?.revision === revision && this.#key !== null)
      return openXaes(this.#key.reveal(), known.nonce, known.sealed, Buffer.from(name));
    const bytes = mountText(vault, read);
    if (bytes.length <= TEXT_BYTES_MAX) this.#keep(name, revision, bytes);
    return bytes;
  }

  /** At lock: what is kept cannot be opened any more. */
  wipe(): void {
    this.#key?.wipe();
    this.#key = null;
    this.#texts.clear();
  }

  #keep(name: string, revision: number, bytes: Buffer): void {
    this.#key ??= new Secret(randomBytes(KEY_BYTES));
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = sealXaes(this.#key.reveal(), nonce, bytes, Buffer.from(name));
    const [oldest] = this.#texts.keys();
    if (this.#texts.size >= TEXTS_MAX && oldest !== undefined) this.#texts.delete(oldest);
    this.#texts.set(name, { revision, nonce, sealed });
  }
}

/** All that the text depends on but the values. */
function nameOf(read: ReadFacts): string {
  const names = read.variables.map(({ name, reference = '' }) => `${name}=${reference}`).join(' ');
  return `${read.environmentId} ${isMultilineFor(read) ? 'whole' : 'by line'} ${names}`;
}

function isMultilineFor({ reader }: ReadFacts): boolean {
  return !LINE_READERS.has(basename(reader.process.program));
}
