// From a lease to what a runner is given: sealed variables, the keys that open just those, and what must still be true.

import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { LeaseOrder } from '../authority/powers.ts';
import { childBaseEnvironment } from '../delivery/environment.ts';
import type { RunJob } from '../delivery/job.ts';
import { writeDotenv } from '../core/dotenv-write.ts';
import type { Disclosed, Place, Wanted } from '../core/disclosure.ts';
import { Failure } from '../core/failure.ts';
import { maskabilityOf } from '../core/maskability.ts';
import { MOUNT_BYTES_MAX } from '../core/mount.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import { pad, unpad } from '../core/padding.ts';
import { parseReference, type SecretReference, type ValueForm } from '../core/reference.ts';
import { Secret } from '../core/secret.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';
import type { SealedVariable } from '../vault/environments.ts';
import type { Vault } from '../vault/vault.ts';
import type { Elsewhere, Fetched } from './elsewhere.ts';
import { KeptTexts } from './kept-texts.ts';
import { wantedOf } from './references.ts';

/** The search path of the human, recorded at init: a name is looked up there, never on the agent's PATH (attack E07). */
export const SEARCH_PATH_SETTING = 'search_path';
const SEARCH_PATH_DEFAULT = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** How long a source may take for the values of one command. */
const SOURCE_WAIT_MS = 60_000;
const LENGTH_BYTES = 4;

/** Of all values of one command, sealed: what an answer to it can carry (wire/frames.ts), and the largest file fits (I8). */
const VALUES_BYTES_MAX = 32 * 1024 * 1024;
const TOO_LARGE = `the values of one command are at most ${VALUES_BYTES_MAX} bytes together`;

export function searchPathOf(vault: Vault): readonly string[] {
  const recorded = vault.setting(SEARCH_PATH_SETTING);
  return recorded === undefined ? SEARCH_PATH_DEFAULT : recorded.split(':');
}

/** A value on its way, still sealed, and what its receiver makes of it. */
interface SealedValue extends SealedVariable {
  readonly form: ValueForm;
  /** As in a job (delivery/job.ts). */
  readonly isSecret: boolean;
}

/** Rejects with a Failure when a value is not there any more, or a source does not give it. */
export async function runJob(
  vault: Vault,
  elsewhere: Elsewhere,
  order: LeaseOrder,
  signal: AbortSignal,
): Promise<Omit<RunJob, 'findsTaint'>> {
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

/** The values themselves, for a command of the human's own, which wipes them. Rejects as `runJob` does, and as `ended` says. */
export async function disclosedValues(
  vault: Vault,
  elsewhere: Elsewhere,
  kept: KeptTexts,
  wanted: readonly Wanted[],
  ended: AbortSignal,
): Promise<Disclosed[]> {
  const signal = AbortSignal.any([ended, AbortSignal.timeout(SOURCE_WAIT_MS)]);
  if (wanted.some((one) => referenceElsewhere(elsewhere, one) !== null))
    return opened(await sealedValues(vault, elsewhere, wanted, signal));
  const bytes = kept.open(JSON.stringify(wanted), vault.revision, () => {
    const here = sealedHere(vault, wanted);
    return packDisclosed(opened(wanted.map((one) => valueOf(here, one))));
  });
  try {
    return unpackDisclosed(bytes);
  } finally {
    bytes.fill(0);
  }
}

function opened(sealed: readonly SealedValue[]): Disclosed[] {
  return sealed.map(({ name, key, nonce, sealed: bytes, aad, form, concealed, maskable, isSecret }) => {
    using own = key;
    const content = openXaes(own.reveal(), nonce, bytes, aad);
    const value = new Secret(Buffer.from(unpad(content)));
    content.fill(0);
    // Judged once more: an older version went by the length alone.
    const isMasked = concealed && maskable && maskabilityOf(value.reveal()) === 'maskable';
    return { name, value, form, isMasked, isSecret };
  });
}

/** The length of a document that says what they are (u32be), the document, and the values one after another. */
function packDisclosed(values: readonly Disclosed[]): Buffer {
  const said = values.map(({ value, ...rest }) => ({ ...rest, bytes: value.byteLength }));
  const document = Buffer.from(JSON.stringify(said));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(document.length);
  const packed = Buffer.concat([length, document, ...values.map(({ value }) => value.reveal())]);
  for (const { value } of values) value.wipe();
  return packed;
}

function unpackDisclosed(packed: Buffer): Disclosed[] {
  let at = LENGTH_BYTES + packed.readUInt32BE();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- packDisclosed wrote it, and it was authenticated
  const said = JSON.parse(packed.toString('utf8', LENGTH_BYTES, at)) as (Omit<Disclosed, 'value'> & {
    bytes: number;
  })[];
  return said.map(({ bytes, ...one }) => {
    const value = new Secret(Buffer.from(packed.subarray(at, at + bytes)));
    at += bytes;
    return { ...one, value };
  });
}

function referenceElsewhere(elsewhere: Elsewhere, { place }: Wanted): SecretReference | null {
  const reference = place.kind === 'reference' ? parseReference(place.reference) : null;
  return reference === null || elsewhere.kindOf(reference.vault) === null ? null : reference;
}

/** In the order they are wanted. */
async function sealedValues(
  vault: Vault,
  elsewhere: Elsewhere,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<SealedValue[]> {
  const outside = wanted.flatMap((one) => {
    const reference = referenceElsewhere(elsewhere, one);
    return reference === null ? [] : [{ one, reference }];
  });
  const references = outside.map(({ reference }) => reference);
  const fetched = references.length === 0 ? [] : await elsewhere.readAll(references, signal);
  try {
    // What was unlocked again meanwhile is another session.
    signal.throwIfAborted();
    // Nothing of this vault is opened before the slowest source has answered, and what was locked meanwhile stays so.
    const anew = new Map(outside.map(({ one }, i) => [one, sealedAnew(one, fetched[i])]));
    const here = sealedHere(
      vault,
      wanted.filter((one) => !anew.has(one)),
    );
    return wanted.map((one) => anew.get(one) ?? valueOf(here, one));
  } finally {
    for (const { value } of fetched) value.wipe();
  }
}

/** Values of this vault, none of them opened; all variables of an environment at once, which takes half as long. */
function sealedHere(vault: Vault, wanted: readonly Wanted[]): Map<Wanted, SealedValue> {
  const here = new Map<Wanted, SealedValue>();
  let bytes = 0;
  const keep = (one: Wanted, value: SealedValue): void => {
    bytes += value.sealed.length;
    if (bytes > VALUES_BYTES_MAX) throw new Failure('input/too_large', TOO_LARGE, { hint: 'ask for fewer at once' });
    here.set(one, value);
  };
  const variables = wanted.flatMap((one) => (one.place.kind === 'variable' ? [{ one, place: one.place }] : []));
  for (const [environmentId, group] of Map.groupBy(variables, ({ place }) => place.environmentId)) {
    const names = group.map(({ place }) => place.name);
    for (const [i, sealed] of vault.sealedVariables(environmentId, names).entries()) {
      const one = group[i]?.one;
      if (one !== undefined) keep(one, { ...sealed, name: one.name, form: 'value', isSecret: sealed.concealed });
    }
  }
  for (const one of wanted) if (one.place.kind === 'reference') keep(one, sealedReference(vault, one.name, one.place));
  return here;
}

function valueOf(values: ReadonlyMap<Wanted, SealedValue>, one: Wanted): SealedValue {
  const value = values.get(one);
  if (value === undefined)
    throw new Failure('vault/value_missing', `${one.name} has no value yet`, { field: one.name });
  return value;
}

function sealedReference(vault: Vault, name: string, place: Extract<Place, { kind: 'reference' }>): SealedValue {
  const reference = parseReference(place.reference);
  const sealed = vault.sealedField(reference);
  const { form } = reference;
  const maskable = sealed.maskable && form !== 'otp';
  // What is no secret by its type is hidden too where that can be done, and keeps nothing back where it cannot.
  const isSecret = sealed.concealed || form === 'otp';
  return { ...sealed, name, concealed: isSecret || maskable, maskable, form, isSecret };
}

/** A value that came from elsewhere, under a key of its own, so that it goes the same way as all others. */
function sealedAnew({ name }: Wanted, fetched: Fetched | undefined): SealedValue {
  if (fetched === undefined) throw new Failure('source/failed', 'a source gave less than it was asked for');
  const { value, form } = fetched;
  const [key, nonce, aad] = [new Secret(randomBytes(KEY_BYTES)), randomBytes(NONCE_BYTES), Buffer.from(name)];
  const padded = pad(value.reveal());
  const sealed = sealXaes(key.reveal(), nonce, padded, aad);
  padded.fill(0);
  // What becomes another text is judged when it is one.
  const maskable = form === 'otp' ? false : form !== 'value' || maskabilityOf(value.reveal()) === 'maskable';
  return { name, key, nonce, sealed, aad, concealed: true, maskable, form, isSecret: true };
}

/** Programs that read a dotenv file line by line, and print a line they do not understand (docs/dotenv.md). */
const LINE_READERS: ReadonlySet<string> = new Set(['direnv']);

/**
 * The bytes of a mounted file, which the caller wipes. They are in the clear here and not in a process of their own: a
 * reader waits for them, and they are never a string. Throws Failure when a variable has no value any more.
 */
export function mountText(vault: Vault, read: ReadFacts): Buffer {
  const wanted = wantedOf(read.environmentId, read.variables);
  const here = sealedHere(vault, wanted);
  const sealed = wanted.map((one) => valueOf(here, one));
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

/** What mounted files said at the last reading, for the next one. */
export class MountTexts {
  readonly #kept = new KeptTexts();

  /** As `mountText`: the caller wipes the bytes. Throws as it does. */
  open(vault: Vault, read: ReadFacts): Buffer {
    return this.#kept.open(nameOf(read), vault.revision, () => mountText(vault, read));
  }

  wipe(): void {
    this.#kept.wipe();
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
