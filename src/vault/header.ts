// The header of a vault: how its key is reached, and the two MACs that hold the file together.
// docs/vault-format.md, "Header".

import { createHmac, timingSafeEqual } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import { withoutTraces } from '../core/traceless.ts';
import { checkKdf, SALT_BYTES } from './keys.ts';
import type { Kdf } from './keys.ts';
import { FORMAT, recordAad, SUITE, tuple } from './seal.ts';
import type { StoredRecord, VaultIdentity } from './seal.ts';

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

/** The header with its MAC over everything else in it. */
export function authenticated(header: Omit<Header, 'headerMac'>, stateKey: Buffer): Header {
  return { ...header, headerMac: headerMac(header, stateKey) };
}

/** Throws `vault/damaged` (field `header`) when the header is not as the vault left it. */
export function verifyHeader(header: Header, stateKey: Buffer): void {
  const expected = headerMac(header, stateKey);
  if (header.headerMac.length !== MAC_BYTES || !timingSafeEqual(header.headerMac, expected)) throw damagedHeader();
}

/**
 * The MAC over all records together: a removed, added or older record changes it. `digest` is the XOR of the
 * `recordDigest`s. The digests never appear in the file, so nobody without the key can find records whose XOR is the same.
 */
export function contentsMac(vault: VaultIdentity, revision: number, digest: Buffer, stateKey: Buffer): Buffer {
  return hmac(stateKey, tuple('keystile/contents', FORMAT, SUITE, vault.vaultId, vault.epoch, revision, digest));
}

/** Throws `vault/damaged` (field `contents`) when the records are not those the header speaks of. */
export function verifyContents(header: Header, digest: Buffer, stateKey: Buffer): void {
  const expected = contentsMac(header, header.revision, digest, stateKey);
  if (header.contentsMac.length === MAC_BYTES && timingSafeEqual(header.contentsMac, expected)) return;
  throw new Failure('vault/damaged', 'records were removed from the vault, added or replaced', { field: 'contents' });
}

/** A record without its ciphertext: the tag at its end stands for it. */
export type RecordDigestInput = Omit<StoredRecord, 'sealed'> & { readonly tag: Buffer };

/** 32 bytes that stand for one record, unpredictable without the key. */
export function recordDigest(vault: VaultIdentity, record: RecordDigestInput, stateKey: Buffer): Buffer {
  const { wrappedKey, nonce, tag } = record;
  return hmac(stateKey, tuple('keystile/digest', recordAad(vault, record, 'body'), wrappedKey, nonce, tag));
}

function headerMac(header: Omit<Header, 'headerMac'>, stateKey: Buffer): Buffer {
  const { vaultId, epoch, suite, unlockWrap, recoveryWrap, revision, contentsMac } = header;
  const wraps = [unlockWrap, recoveryWrap ?? Buffer.alloc(0)] as const;
  const parts = ['keystile/header', FORMAT, suite, vaultId, epoch, kdfBound(header), ...wraps] as const;
  return hmac(stateKey, tuple(...parts, revision, contentsMac));
}

function hmac(key: Buffer, bytes: Buffer): Buffer {
  return withoutTraces(() => createHmac('sha256', key))
    .update(bytes)
    .digest();
}
