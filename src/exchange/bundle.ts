// Bundles: our own format for taking vaults elsewhere. An age file (https://age-encryption.org/v1), so that nobody needs us
// to open it, with a container inside. The library is that of age's author.

import { isUtf8 } from 'node:buffer';
import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
  type Identity,
} from 'age-encryption';
import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import { CONTAINER_BYTES_MAX, readContainer, writeContainer, type BundledVault } from './container.ts';
import type { ImportedVault, ReadOptions } from './imported.ts';
import { PassphraseIdentity, PassphraseRecipient } from './passphrase-stanza.ts';

const INTRO = 'age-encryption.org/v1\n';
const PASSPHRASE_STANZA = '-> scrypt ';
const ARMOR_BEGIN = '-----BEGIN AGE ENCRYPTED FILE-----';
/** A header is a few hundred bytes for each recipient, 2 KiB for a post-quantum one. */
const RECIPIENTS_MAX = 1_000;
const IDENTITIES_MAX = 1_000;
/** age adds 16 bytes to each 64 KiB and a header; an armored file is larger by a third, and so holds less. */
const FILE_BYTES_MAX = CONTAINER_BYTES_MAX + CONTAINER_BYTES_MAX / 1024;

/** Whom a bundle is for. age itself wants a passphrase to stand alone. */
export type BundleKeys =
  | { readonly kind: 'recipients'; readonly recipients: readonly string[] }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret };

export interface GeneratedIdentity {
  /** `AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`, without a line end. The caller wipes it. */
  readonly identity: Secret;
  /** `age1pq1…` or `age1…`; may be shown to anybody. */
  readonly recipient: string;
}

/**
 * The vaults as an age file, binary. A recipient is `age1…` (X25519) or `age1pq1…` (X25519 with ML-KEM-768). Throws
 * `input/invalid` for another one, `input/too_large` past a limit. The items stay the caller's.
 */
export async function encryptBundle(vaults: readonly BundledVault[], keys: BundleKeys): Promise<Buffer> {
  const container = writeContainer(vaults);
  try {
    return await encryptContainer(container, keys);
  } finally {
    container.fill(0);
  }
}

/** As `encryptBundle`, of what `joinContainer` made; the caller wipes it. */
export async function encryptContainer(container: Buffer, keys: BundleKeys): Promise<Buffer> {
  const encrypter = encrypterOf(keys);
  return asBuffer(await encrypter.encrypt(container));
}

/** Throws `input/invalid` for a recipient that is none, before anything is asked or read. */
export function checkRecipients(recipients: readonly string[]): void {
  encrypterOf({ kind: 'recipients', recipients });
}

/**
 * The vaults of a bundle, armored or not. Asks for a passphrase only when the file was encrypted with one. Throws
 * `import/password` when no identity fits or the passphrase is wrong, `import/damaged`, `import/format`.
 */
export async function readBundle(bytes: Buffer, options: ReadOptions): Promise<ImportedVault[]> {
  if (bytes.length > FILE_BYTES_MAX) throw new Failure('input/too_large', 'this bundle is larger than 512 MiB');
  const file = isArmored(bytes) ? unarmor(bytes) : bytes;
  const container = await decrypt(file, options);
  try {
    return readContainer(container);
  } finally {
    container.fill(0);
  }
}

/** Whether `bytes` begin as an age file does, armored or not. */
export function isBundle(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, INTRO.length) === INTRO || isArmored(bytes);
}

/** Of the kind that goes together with these recipients: a hybrid one, unless they are older ones. */
export async function generateIdentityBeside(recipients: readonly string[]): Promise<GeneratedIdentity> {
  return await generateIdentity(recipients.every(isPostQuantum) ? 'hybrid' : 'x25519');
}

/** A post-quantum hybrid by default; `x25519` for programs that do not know those yet (age before 1.3). */
export async function generateIdentity(kind: 'hybrid' | 'x25519' = 'hybrid'): Promise<GeneratedIdentity> {
  const text = await (kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity());
  return { identity: new Secret(Buffer.from(text, 'latin1')), recipient: await identityToRecipient(text) };
}

function encrypterOf(keys: BundleKeys): Encrypter {
  const encrypter = new Encrypter();
  switch (keys.kind) {
    case 'passphrase':
      encrypter.addRecipient(new PassphraseRecipient(keys.passphrase));
      return encrypter;
    case 'recipients':
      if (keys.recipients.length === 0 || keys.recipients.length > RECIPIENTS_MAX) {
        throw new Failure('input/invalid', `a bundle has 1 to ${RECIPIENTS_MAX} recipients`, { field: 'recipient' });
      }
      refuseMixed(keys.recipients);
      for (const recipient of keys.recipients) addRecipient(encrypter, recipient);
      return encrypter;
  }
}

/** As age refuses it: one recipient that a quantum computer opens takes the point from the others. */
function refuseMixed(recipients: readonly string[]): void {
  if (recipients.every(isPostQuantum) || !recipients.some(isPostQuantum)) return;
  throw new Failure('input/invalid', 'post-quantum recipients do not go together with others', {
    field: 'recipient',
    hint: 'give only recipients that begin with age1pq1 or age1tagpq1, or none of them',
  });
}

function isPostQuantum(recipient: string): boolean {
  return /^age1(?:pq|tagpq)1/.test(recipient);
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch {
    // Not repeated, nor kept as the cause: people paste the identity where the recipient belongs.
    throw new Failure('input/invalid', 'that is not a recipient of age', {
      field: 'recipient',
      hint: 'a recipient begins with age1 or age1pq1; the line that begins with AGE-SECRET-KEY stays with its owner',
    });
  }
}

// --- decrypting ----------------------------------------------------------------------------------------------------

async function decrypt(file: Buffer, options: ReadOptions): Promise<Buffer> {
  const stanza = file.toString('latin1', INTRO.length, INTRO.length + PASSPHRASE_STANZA.length);
  if (stanza !== PASSPHRASE_STANZA) return await open(file, identitiesOf(options), 'none of the identities opens it');
  if (options.password === undefined) throw new Failure('import/password', 'this bundle needs its passphrase');
  using passphrase = await options.password();
  return await open(file, [new PassphraseIdentity(passphrase)], 'that is not the passphrase of this bundle');
}

async function open(file: Buffer, identities: readonly (string | Identity)[], noneFits: string): Promise<Buffer> {
  const decrypter = new Decrypter();
  for (const identity of identities) addIdentity(decrypter, identity);
  // Asked last, and only when the header could be read and no key fits it: that is how the two are told apart.
  let hasNoKey = false;
  const last: Identity = {
    unwrapFileKey: () => {
      hasNoKey = true;
      return null;
    },
  };
  decrypter.addIdentity(last);
  try {
    return asBuffer(await decrypter.decrypt(file));
  } catch {
    if (!hasNoKey) throw damaged();
    throw new Failure('import/password', noneFits, { hint: 'check what the bundle was encrypted for' });
  }
}

function addIdentity(decrypter: Decrypter, identity: string | Identity): void {
  try {
    decrypter.addIdentity(identity);
  } catch {
    throw noIdentity();
  }
}

/** One identity a line; empty lines and those that begin with # are left out, as age does. */
function identitiesOf({ identities }: ReadOptions): readonly string[] {
  if (identities === undefined) {
    throw new Failure('import/password', 'this bundle was encrypted for recipients', {
      hint: 'name the file with the identity of one of them: --identity FILE',
    });
  }
  const lines = asText(identities)
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || lines.length > IDENTITIES_MAX) throw noIdentity();
  return lines.map((line) => line.trim());
}

function isArmored(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 256).trimStart().startsWith(ARMOR_BEGIN);
}

function unarmor(bytes: Buffer): Buffer {
  try {
    return asBuffer(armor.decode(bytes.toString('latin1')));
  } catch {
    throw damaged();
  }
}

/** The library takes strings, which cannot be wiped; docs/import-export.md says so. */
function asText(secret: Secret): string {
  const bytes = secret.reveal();
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new Failure('input/invalid', 'an identity file is UTF-8');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function noIdentity(): Failure {
  return new Failure('import/password', 'the identity file holds no identity that can be used', {
    hint: 'a line of it begins with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1; plugins and SSH keys are not read',
  });
}

function damaged(): Failure {
  return new Failure('import/damaged', 'this bundle is damaged, or not whole');
}
