// The header of a vault: how its key is reached, and the two MACs that hold the file together.
// docs/vault-format.md, "Header".

import { createHmac, timingSafeEqual } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import { withoutTraces } from '../core/traceless.ts';
import { checkKdf, SALT_BYTES } from './keys.ts';
import type { Kdf } from './keys.ts';
import { FORMAT, SUITE, tuple } from './seal.ts';
import type { VaultIdentity } from './seal.ts';

export const MAC_BYTES = 32;

export interface Header extends VaultIdentity {
  readonly suite: number;
  readonly kdf: Kdf;
  readonly salt: Buffer;
  readonly unlockWrap: Buffer;
  /** Null until a recovery kit was made. */
  readonly recoveryWrap: Buffer | null;
  /** Counts the transactions that changed something. */
  readonly revision: number;
  readonly contentsMac: Buffer;
  readonly headerMac: Buffer;
}

/** What the contents MAC is over. */
export interface Contents {
  readonly digests: Buffer;
  readonly counts: Buffer;
}

/** What can be refused before any key is known. Throws `vault/newer_format`, `vault/weak_kdf` or `vault/damaged`. */
export function checkHeader(header: Header): void {
  if (header.suite > SUITE) throw newerFormat();
  if (header.suite !== SUITE || header.salt.length !== SALT_BYTES) throw damagedHeader();
  checkKdf(header.kdf);
}

export function newerFormat(): Failure {
  return new Failure('vault/newer_format', 'this vault was written by a newer keystile');
}

export function damagedHeader(cause?: unknown): Failure {
  return new Failure('vault/damaged', 'the header of the vault was changed', { field: 'header', cause });
}

/** The settings the unlock wrap is bound to: with other ones it does not open even if the key were the same. */
export function kdfBound(header: Pick<Header, 'kdf' | 'salt'>): Buffer {
  return tuple(header.kdf.memoryKiB, header.kdf.passes, header.kdf.lanes, header.salt);
}

/** The header that speaks of these contents, with both MACs. */
export function headerOf(
  header: Omit<Header, 'contentsMac' | 'headerMac'>,
  contents: Contents,
  stateKey: Buffer,
): Header {
  const mac = contentsMac(header, header.revision, contents, stateKey);
  const whole = { ...header, contentsMac: mac };
  return { ...whole, headerMac: headerMac(whole, stateKey) };
}

/** Throws `vault/damaged` (field `header`) when the header is not as the vault left it, in a file of that format. */
export function verifyHeader(header: Header, stateKey: Buffer, format: number = FORMAT): void {
  const expected = headerMac(header, stateKey, format);
  if (header.headerMac.length !== MAC_BYTES || !timingSafeEqual(header.headerMac, expected)) throw damagedHeader();
}

/**
 * The MAC over all records together: a removed, added or older record changes it. `digests` stands for every bucket of
 * records (digest-tree.ts), `counts` for how many records there are of some types (counts.ts).
 */
function contentsMac(vault: VaultIdentity, revision: number, { digests, counts }: Contents, stateKey: Buffer): Buffer {
  const where = ['keystile/contents', FORMAT, SUITE, vault.vaultId, vault.epoch, revision] as const;
  return hmac(stateKey, tuple(...where, digests, counts));
}

/** Throws `vault/damaged` (field `contents`) when the records are not those the header speaks of. */
export function verifyContents(header: Header, contents: Contents, stateKey: Buffer): void {
  const expected = contentsMac(header, header.revision, contents, stateKey);
  if (header.contentsMac.length !== MAC_BYTES || !timingSafeEqual(header.contentsMac, expected))
    throw damagedContents();
}

/** Some records are not those the vault left there. */
export function damagedContents(): Failure {
  return new Failure('vault/damaged', 'records were removed from the vault, added or replaced', { field: 'contents' });
}

function headerMac(header: Omit<Header, 'headerMac'>, stateKey: Buffer, format: number = FORMAT): Buffer {
  const { vaultId, epoch, suite, unlockWrap, recoveryWrap, revision, contentsMac } = header;
  const wraps = [unlockWrap, recoveryWrap ?? Buffer.alloc(0)] as const;
  const parts = ['keystile/header', format, suite, vaultId, epoch, kdfBound(header), ...wraps] as const;
  return hmac(stateKey, tuple(...parts, revision, contentsMac));
}

/** HMAC-SHA256: 32 bytes. */
export function hmac(key: Buffer, bytes: Buffer): Buffer {
  return withoutTraces(() => createHmac('sha256', key))
    .update(bytes)
    .digest();
}
