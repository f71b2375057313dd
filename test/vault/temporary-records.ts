// The records of a vault in a temporary folder, without what is built on them.

import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Secret } from '../../src/core/secret.ts';
import { deriveKeys } from '../../src/vault/keys.ts';
import type { VaultKeys } from '../../src/vault/keys.ts';
import { writeNewVault } from '../../src/vault/opening.ts';
import { Records } from '../../src/vault/records.ts';
import { SqliteStore } from '../../src/vault/sqlite-store.ts';
import { CHEAP_KDF, PASSPHRASE, secret, temporaryFiles } from './temporary-vault.ts';

export interface OpenRecords extends Disposable {
  readonly records: Records;
  readonly keys: VaultKeys;
}

export interface TemporaryRecords {
  /** Path of the file. */
  readonly path: string;
  readonly vaultKey: Buffer;
  /** Opens the file, or a copy of it; one at a time. */
  readonly open: (path?: string) => OpenRecords;
}

export async function temporaryRecords(t: TestContext): Promise<TemporaryRecords> {
  const files = temporaryFiles(t);
  const key: Secret = await writeNewVault({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF });
  const vaultKey = Buffer.from(key.reveal());
  key.wipe();
  const open = (path = files.vault): OpenRecords => {
    const store = new SqliteStore(path);
    try {
      const keys = deriveKeys(store.readHeader(), vaultKey);
      return { records: new Records(store, keys, randomBytes), keys, [Symbol.dispose]: () => store.close() };
    } catch (error) {
      store.close();
      throw error;
    }
  };
  return { path: files.vault, vaultKey, open };
}
