// How the vault key is reached: made with a new vault, unwrapped by a passphrase and this machine, or by the kit.

import { randomBytes } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import { makeId } from '../core/names.ts';
import { Secret } from '../core/secret.ts';
import { KEY_BYTES } from '../core/xaes.ts';
import { chargeAttempt, forgiveAttempts } from './back-off.ts';
import { countsBytes } from './counts.ts';
import { DigestTree } from './digest-tree.ts';
import * as files from './files.ts';
import type { VaultFiles } from './files.ts';
import { headerOf, kdfBound } from './header.ts';
import type { Header } from './header.ts';
import * as keys from './keys.ts';
import type { Kdf } from './keys.ts';
import { decodeRecoveryKey, encodeRecoveryKey, RECOVERY_KEY_BYTES } from './recovery.ts';
import { SUITE } from './seal.ts';
import type { RandomBytes, VaultIdentity } from './seal.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { VaultStore } from './store.ts';

export interface NewVault {
  readonly files: VaultFiles;
  readonly passphrase: Secret;
  readonly kdf?: Kdf;
  readonly random?: RandomBytes;
}

interface UnlockMaterial {
  readonly passphrase: Secret;
  readonly deviceSecret: Buffer;
  readonly vaultKey: Buffer;
}

/** Nothing but the vault itself binds the recovery wrap: it outlives a new passphrase. */
const UNBOUND = Buffer.alloc(0);

/**
 * Makes the files of an empty vault; gives its key. Throws `vault/weak_kdf`, `vault/weak_passphrase`, `vault/exists`,
 * `machine/io`.
 */
export async function writeNewVault(options: NewVault): Promise<Secret> {
  const { kdf = keys.DEFAULT_KDF, passphrase, random = randomBytes } = options;
  keys.checkKdf(kdf);
  keys.checkNewPassphrase(passphrase);
  const identity = { vaultId: makeId('vault', random(13)), epoch: 1 };
  // A secret that is there already may belong to a vault that was moved away: it is used, never replaced.
  const [kept, ...unused] = files.deviceSecrets(options.files);
  for (const secret of unused) secret.fill(0);
  const deviceSecret = kept ?? random(keys.DEVICE_SECRET_BYTES);
  const vaultKey = random(KEY_BYTES);
  const unlock = await wrapForUnlock(identity, kdf, { passphrase, deviceSecret, vaultKey }, random);
  if (kept === undefined) files.useDeviceSecret(options.files, deviceSecret);
  deviceSecret.fill(0);
  const derived = keys.deriveKeys(identity, vaultKey);
  const header = { ...identity, ...unlock, suite: SUITE, recoveryWrap: null, revision: 0 };
  const empty = { digests: DigestTree.of([]).root, counts: countsBytes(new Map()) };
  writeFirst(options.files, headerOf(header, empty, derived.state));
  keys.wipeKeys(derived);
  return new Secret(vaultKey);
}

/**
 * The vault key, if the passphrase is right. The caller wipes it. `now` is wall clock, ms.
 * Throws `vault/wrong_passphrase` whatever was wrong, `vault/back_off`, `vault/damaged`, `machine/io`.
 */
export async function vaultKeyFor(
  store: VaultStore,
  vaultFiles: VaultFiles,
  now: number,
  passphrase: Secret,
): Promise<Buffer> {
  const header = store.readHeader();
  const secrets = files.deviceSecrets(vaultFiles);
  if (secrets.length === 0) {
    const hint = 'put device.key back beside the vault, or use the recovery key';
    throw new Failure('vault/damaged', 'the secret of this machine is missing', { field: 'deviceKey', hint });
  }
  chargeAttempt(store, now);
  const passphraseKey = await keys.passphraseKey(passphrase, header.kdf, header.salt);
  try {
    for (const secret of secrets) {
      const vaultKey = unwrapWith(header, passphraseKey, secret);
      if (vaultKey === undefined) continue;
      if (secrets.length > 1) files.useDeviceSecret(vaultFiles, secret);
      forgiveAttempts(store);
      return vaultKey;
    }
  } finally {
    passphraseKey.fill(0);
    for (const secret of secrets) secret.fill(0);
  }
  throw new Failure('vault/wrong_passphrase', 'that is not the passphrase of this vault');
}

/** A new salt, and the vault key wrapped for a new passphrase. */
export async function wrapForUnlock(
  vault: VaultIdentity,
  kdf: Kdf,
  { passphrase, deviceSecret, vaultKey }: UnlockMaterial,
  random: RandomBytes,
): Promise<Pick<Header, 'kdf' | 'salt' | 'unlockWrap'>> {
  const salt = random(keys.SALT_BYTES);
  const passphraseKey = await keys.passphraseKey(passphrase, kdf, salt);
  const wrapping = keys.unlockKey(vault, passphraseKey, deviceSecret);
  passphraseKey.fill(0);
  const unlockWrap = keys.wrapVaultKey(vault, 'unlock', kdfBound({ kdf, salt }), wrapping, vaultKey, random);
  wrapping.key.fill(0);
  return { kdf, salt, unlockWrap };
}

/** A new recovery key: its text, which the caller wipes, and the vault key wrapped with it. */
export function newRecoveryKey(
  vault: VaultIdentity,
  vaultKey: Buffer,
  random: RandomBytes,
): { text: Secret; wrap: Buffer } {
  const material = random(RECOVERY_KEY_BYTES);
  const wrapping = keys.recoveryKey(vault, material);
  const wrap = keys.wrapVaultKey(vault, 'recovery', UNBOUND, wrapping, vaultKey, random);
  const text = new Secret(encodeRecoveryKey(material));
  wrapping.key.fill(0);
  material.fill(0);
  return { text, wrap };
}

/** The vault key, which the caller wipes. Throws `input/invalid`, `vault/wrong_passphrase`, `vault/damaged`. */
export function recoveredKey(header: Header, text: Secret): Buffer {
  const material = decodeRecoveryKey(text);
  const wrapping = keys.recoveryKey(header, material);
  material.fill(0);
  const wrap = header.recoveryWrap;
  try {
    if (wrap === null || !keys.isWrappedWith(wrap, wrapping)) {
      throw new Failure('vault/wrong_passphrase', 'that is not the recovery key of this vault');
    }
    return keys.unwrapVaultKey(header, 'recovery', UNBOUND, wrapping, wrap);
  } finally {
    wrapping.key.fill(0);
  }
}

function unwrapWith(header: Header, passphraseKey: Buffer, deviceSecret: Buffer): Buffer | undefined {
  const wrapping = keys.unlockKey(header, passphraseKey, deviceSecret);
  try {
    if (!keys.isWrappedWith(header.unlockWrap, wrapping)) return undefined;
    return keys.unwrapVaultKey(header, 'unlock', kdfBound(header), wrapping, header.unlockWrap);
  } finally {
    wrapping.key.fill(0);
  }
}

function writeFirst(vaultFiles: VaultFiles, header: Header): void {
  const path = files.startVault(vaultFiles);
  try {
    const store = new SqliteStore(path);
    try {
      store.writeHeader(header);
    } finally {
      store.close();
    }
    files.finishVault(vaultFiles);
  } catch (error) {
    files.abandonVault(vaultFiles);
    throw error;
  }
}
