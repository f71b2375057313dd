// From a lease to what a runner is given: sealed variables, the keys that open just those, and what must still be true.

import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { LeaseOrder } from '../authority/powers.ts';
import { childBaseEnvironment } from '../delivery/environment.ts';
import type { RunJob } from '../delivery/job.ts';
import { writeDotenv } from '../core/dotenv-write.ts';
import { Failure } from '../core/failure.ts';
import { MOUNT_BYTES_MAX } from '../core/mount.ts';
import type { ReadFacts } from '../core/mount-facts.ts';
import { unpad } from '../core/padding.ts';
import { Secret } from '../core/secret.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';
import type { Vault } from '../vault/vault.ts';

/** The search path of the human, recorded at init: a name is looked up there, never on the agent's PATH (attack E07). */
export const SEARCH_PATH_SETTING = 'search_path';
const SEARCH_PATH_DEFAULT = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

export function searchPathOf(vault: Vault): readonly string[] {
  const recorded = vault.setting(SEARCH_PATH_SETTING);
  return recorded === undefined ? SEARCH_PATH_DEFAULT : recorded.split(':');
}

/** Throws Failure when a variable has no value any more. */
export function runJob(vault: Vault, order: LeaseOrder): RunJob {
  const { run } = order;
  const names = run.variables.map(({ name }) => name);
  const PATH = searchPathOf(vault).join(':');
  return {
    runId: order.runId,
    argv: run.argv,
    program: run.program.path,
    cwd: run.cwd.path,
    baseEnvironment: childBaseEnvironment({ ...process.env, PATH }),
    environmentDelta: run.environmentDelta,
    variables: vault
      .sealedVariables(run.environmentId, names)
      .map((variable) => ({ ...variable, key: variable.key.reveal() })),
    stdin: order.stdin === null ? null : Buffer.from(order.stdin),
    timeoutMs: run.timeoutSeconds * 1_000,
    outputMode: order.output,
    expected: { program: run.program, operands: run.operands, cwd: run.cwd },
  };
}

/** Programs that read a dotenv file line by line, and print a line they do not understand (docs/dotenv.md). */
const LINE_READERS: ReadonlySet<string> = new Set(['direnv']);

/**
 * The bytes of a mounted file, which the caller wipes. They are in the clear here and not in a process of their own: a
 * reader waits for them, and they are never a string. Throws Failure when a variable has no value any more.
 */
export function mountText(vault: Vault, read: ReadFacts): Buffer {
  const sealed = vault.sealedVariables(
    read.environmentId,
    read.variables.map(({ name }) => name),
  );
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

/** All that the text depends on but the values. No name of a variable has a space in it. */
function nameOf(read: ReadFacts): string {
  const names = read.variables.map(({ name }) => name).join(' ');
  return `${read.environmentId} ${isMultilineFor(read) ? 'whole' : 'by line'} ${names}`;
}

function isMultilineFor({ reader }: ReadFacts): boolean {
  return !LINE_READERS.has(basename(reader.process.program));
}
