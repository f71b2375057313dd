// The files of a vault on disk: vault.db with what SQLite keeps beside it, and the secret of this machine.

import { closeSync, constants, fsyncSync, linkSync, lstatSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../core/failure.ts';
import { checkPrivateFolder, readPrivate, syncFolder, writePrivateAtomic } from '../machine/private-files.ts';
import { DEVICE_SECRET_BYTES } from './keys.ts';

export interface VaultFiles {
  /** Absolute path of the SQLite file. */
  readonly vault: string;
  /** Absolute path of the 16 bytes that a thief of the vault file alone does not have. */
  readonly deviceKey: string;
}

const BESIDE = ['-wal', '-shm', '-journal'] as const;
/** Where a new vault or device secret lies until it is whole. */
const UNFINISHED = '.new';

/** Whether there is a vault. Throws `home/unsafe` when a file of it is a link, is not ours or is open to others. */
export function isVaultThere(files: VaultFiles): boolean {
  for (const path of [files.vault, files.deviceKey]) checkPrivateFolder(dirname(path));
  for (const suffix of BESIDE) isPrivateFile(files.vault + suffix);
  return isPrivateFile(files.vault);
}

/** Makes the empty file that `finishVault` will put in place: `O_EXCL`, so nothing that lies there is ever followed. */
export function startVault(files: VaultFiles): string {
  const path = files.vault + UNFINISHED;
  for (const suffix of ['', ...BESIDE]) rmSync(path + suffix, { force: true });
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  closeSync(attempt(() => openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600)));
  return path;
}

/** Puts the whole vault in place at once. Throws `vault/exists` rather than replacing one. */
export function finishVault(files: VaultFiles): void {
  const path = files.vault + UNFINISHED;
  attempt(() => {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    fsyncSync(file);
    closeSync(file);
    linkSync(path, files.vault);
    rmSync(path);
    syncFolder(dirname(files.vault));
  });
}

/** Removes what `startVault` began. */
export function abandonVault(files: VaultFiles): void {
  for (const suffix of ['', ...BESIDE]) rmSync(files.vault + UNFINISHED + suffix, { force: true });
}

/**
 * The secrets of this machine to try: the one in use, then one a recovery had begun to put in place.
 * Empty when there is none. The caller wipes them. Throws `vault/damaged` for one of another length.
 */
export function deviceSecrets(files: VaultFiles): Buffer[] {
  return [files.deviceKey, files.deviceKey + UNFINISHED].flatMap((path) => {
    const secret = readPrivate(path, 1024);
    if (secret === null) return [];
    if (secret.length === DEVICE_SECRET_BYTES) return [secret];
    throw new Failure('vault/damaged', `${path} is not the secret of a machine`, { hint: 'use the recovery key' });
  });
}

/** Puts a secret beside the one in use. Until `useNewDeviceSecret` both are tried. */
export function writeNewDeviceSecret(files: VaultFiles, secret: Buffer): void {
  writePrivateAtomic(files.deviceKey + UNFINISHED, secret);
}

/** Makes `secret` the one in use, and the only one. */
export function useDeviceSecret(files: VaultFiles, secret: Buffer): void {
  writePrivateAtomic(files.deviceKey, secret);
  rmSync(files.deviceKey + UNFINISHED, { force: true });
}

/** SQLite opens by name, so the name is checked first; its folder is ours alone, so nobody can change it in between. */
function isPrivateFile(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (stats.isFile() && stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0) return true;
  throw new Failure('home/unsafe', `${path} is not a file that only you can read`, {
    hint: `make it a regular file of yours with mode 600`,
  });
}

function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'EEXIST') throw new Failure('vault/exists', 'there is a vault already');
    throw new Failure('machine/io', `cannot make the vault: ${code}`, { cause: error });
  }
}
