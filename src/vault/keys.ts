// From what a person knows and this machine holds to the vault key, and from the vault key to every other key.
// docs/vault-format.md, "Keys".

import { argon2, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import type { Secret } from '../core/secret.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';
import { SEAL_VERSION, SUITE, tuple } from './seal.ts';
import type { RandomBytes, VaultIdentity } from './seal.ts';

/** Settings of Argon2id. */
export interface Kdf {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

export const DEFAULT_KDF: Kdf = { memoryKiB: 256 * 1024, passes: 3, lanes: 4 };
/** The second recommendation of RFC 9106, section 4. Less would let a stolen file be guessed at cheaply. */
export const KDF_FLOOR: Kdf = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 };
/** More would let a changed file stop this machine. */
export const KDF_CEILING: Kdf = { memoryKiB: 2 * 1024 * 1024, passes: 10, lanes: 16 };
export const SALT_BYTES = 16;
export const DEVICE_SECRET_BYTES = 16;
export const PASSPHRASE_CHARACTERS_MIN = 8;
export const PASSPHRASE_BYTES_MAX = 1024;
const COMMITMENT_BYTES = 32;

export type WrapKind = 'unlock' | 'recovery';

/** A key that wraps the vault key, and the commitment that tells it from every other key. */
export interface WrappingKey {
  readonly key: Buffer;
  readonly commitment: Buffer;
}

const PURPOSES = ['items', 'index', 'state', 'audit_seed', 'audit_names', 'audit_signing'] as const;
export type Purpose = (typeof PURPOSES)[number];
export type VaultKeys = Readonly<Record<Purpose, Buffer>>;

/** Throws `vault/weak_kdf` for settings below the floor or above the ceiling, read or asked for. */
export function checkKdf(kdf: Kdf): void {
  for (const member of ['memoryKiB', 'passes', 'lanes'] as const) {
    const number = kdf[member];
    if (Number.isSafeInteger(number) && number >= KDF_FLOOR[member] && number <= KDF_CEILING[member]) continue;
    throw new Failure('vault/weak_kdf', `the key derivation setting ${member} is ${number}`, {
      field: `kdf.${member}`,
    });
  }
}

/** Throws `vault/weak_passphrase` for a new passphrase of fewer than 8 characters. */
export function checkNewPassphrase(passphrase: Secret): void {
  // Refuses what is too long or is not text.
  normalised(passphrase).fill(0);
  // Bytes that only continue a character (RFC 3629) do not count.
  const starts = passphrase.reveal().filter((byte) => (byte & 0xc0) !== 0x80);
  const characters = starts.length;
  starts.fill(0);
  if (characters >= PASSPHRASE_CHARACTERS_MIN) return;
  throw new Failure('vault/weak_passphrase', `a passphrase has at least ${PASSPHRASE_CHARACTERS_MIN} characters`, {
    field: 'passphrase',
  });
}

let argonTurn: Promise<unknown> = Promise.resolve();

/**
 * Argon2id of the passphrase: 32 bytes, which the caller wipes. One at a time in this process, for each takes as much
 * memory as `kdf` says. Throws `input/invalid` for a passphrase that is not text, `input/too_large` past 1 KiB,
 * `machine/io` when there is not enough memory.
 */
export async function passphraseKey(passphrase: Secret, kdf: Kdf, salt: Buffer): Promise<Buffer> {
  const message = normalised(passphrase);
  const turn = argonTurn.then(() => argon2id(message, kdf, salt));
  argonTurn = turn.catch(() => undefined);
  try {
    return await turn;
  } finally {
    message.fill(0);
  }
}

/** Passphrase and this machine's secret together: neither alone opens a stolen file. */
export function unlockKey(vault: VaultIdentity, passphraseKey: Buffer, deviceSecret: Buffer): WrappingKey {
  const both = Buffer.concat([passphraseKey, deviceSecret]);
  const wrapping = wrappingKey(vault, 'unlock', both);
  both.fill(0);
  return wrapping;
}

/** `material` is the recovery key: 32 bytes. */
export function recoveryKey(vault: VaultIdentity, material: Buffer): WrappingKey {
  return wrappingKey(vault, 'recovery', material);
}

/** Commitment, nonce, sealed vault key: 104 bytes. `bound` is what else the wrap depends on (the KDF settings). */
export function wrapVaultKey(
  vault: VaultIdentity,
  kind: WrapKind,
  bound: Buffer,
  wrapping: WrappingKey,
  vaultKey: Buffer,
  random: RandomBytes,
): Buffer {
  const nonce = random(NONCE_BYTES);
  const sealed = sealXaes(wrapping.key, nonce, vaultKey, wrapAad(vault, kind, bound));
  return Buffer.concat([wrapping.commitment, nonce, sealed]);
}

/** Whether the wrap was made with this very key. Without this, a file could be made that two keys open differently. */
export function isWrappedWith(wrap: Buffer, wrapping: WrappingKey): boolean {
  const commitment = wrap.subarray(0, COMMITMENT_BYTES);
  return commitment.length === COMMITMENT_BYTES && timingSafeEqual(commitment, wrapping.commitment);
}

/** The vault key, which the caller wipes. Throws `vault/damaged`: ask `isWrappedWith` first. */
export function unwrapVaultKey(
  vault: VaultIdentity,
  kind: WrapKind,
  bound: Buffer,
  wrapping: WrappingKey,
  wrap: Buffer,
): Buffer {
  const nonce = wrap.subarray(COMMITMENT_BYTES, COMMITMENT_BYTES + NONCE_BYTES);
  const sealed = wrap.subarray(COMMITMENT_BYTES + NONCE_BYTES);
  return openXaes(wrapping.key, nonce, sealed, wrapAad(vault, kind, bound));
}

/** One key for each purpose. `wipeKeys` ends them. */
export function deriveKeys(vault: VaultIdentity, vaultKey: Buffer): VaultKeys {
  const keyOf = (purpose: Purpose): Buffer => derive(vault, vaultKey, purpose);
  return {
    items: keyOf('items'),
    index: keyOf('index'),
    state: keyOf('state'),
    audit_seed: keyOf('audit_seed'),
    audit_names: keyOf('audit_names'),
    audit_signing: keyOf('audit_signing'),
  };
}

export function wipeKeys(keys: VaultKeys): void {
  for (const purpose of PURPOSES) keys[purpose].fill(0);
}

function wrappingKey(vault: VaultIdentity, kind: WrapKind, material: Buffer): WrappingKey {
  return { key: derive(vault, material, kind), commitment: derive(vault, material, `${kind}_commitment`) };
}

/** HKDF-SHA256 without salt: every input here is already uniform, or stretched with a salt. */
function derive(vault: VaultIdentity, material: Buffer, purpose: string): Buffer {
  const info = `keystile/v1/${purpose}\0${vault.vaultId}\0${vault.epoch}`;
  return Buffer.from(hkdfSync('sha256', material, Buffer.alloc(0), info, KEY_BYTES));
}

function wrapAad(vault: VaultIdentity, kind: WrapKind, bound: Buffer): Buffer {
  return tuple('keystile/wrap', SEAL_VERSION, SUITE, vault.vaultId, vault.epoch, kind, bound);
}

/** NFKD, so that one passphrase typed on two keyboards is one passphrase. The caller wipes it. */
function normalised(passphrase: Secret): Buffer {
  if (passphrase.byteLength > PASSPHRASE_BYTES_MAX) {
    throw new Failure('input/too_large', `a passphrase has at most ${PASSPHRASE_BYTES_MAX} bytes`, {
      field: 'passphrase',
    });
  }
  const bytes = passphrase.reveal();
  // ASCII is its own normal form, and then no string is made that could not be wiped.
  if (bytes.every((byte) => byte < 0x80)) return Buffer.from(bytes);
  try {
    return Buffer.from(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).normalize('NFKD'));
  } catch {
    throw new Failure('input/invalid', 'the passphrase is not UTF-8 text', { field: 'passphrase' });
  }
}

function argon2id(message: Buffer, kdf: Kdf, salt: Buffer): Promise<Buffer> {
  const { memoryKiB: memory, passes, lanes: parallelism } = kdf;
  return new Promise((resolve, reject) => {
    const parameters = { message, nonce: salt, memory, passes, parallelism, tagLength: KEY_BYTES };
    argon2('argon2id', parameters, (error, key) => {
      if (error === null) resolve(key);
      else reject(new Failure('machine/io', 'the key derivation failed; is there enough memory?', { cause: error }));
    });
  });
}
