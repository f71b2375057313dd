// A vault in a temporary folder, with the cheapest key derivation that is allowed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Failure } from '../../src/core/failure.ts';
import type { FailureCode } from '../../src/core/failure.ts';
import { unpad } from '../../src/core/padding.ts';
import { Secret } from '../../src/core/secret.ts';
import { openXaes } from '../../src/core/xaes.ts';
import type { SealedVariable } from '../../src/vault/environments.ts';
import type { VaultFiles } from '../../src/vault/files.ts';
import type { Kdf } from '../../src/vault/keys.ts';
import { writeNewVault } from '../../src/vault/opening.ts';
import { Vault } from '../../src/vault/vault.ts';

export const CHEAP_KDF: Kdf = { memoryKiB: 64 * 1024, passes: 3, lanes: 4 };
export const PASSPHRASE = 'correct horse battery staple';

export const secret = (text: string): Secret => new Secret(Buffer.from(text));
export const literal = (
  name: string,
  value: string,
): { name: string; kind: 'literal'; concealed: true; value: Secret } => ({
  name,
  kind: 'literal',
  concealed: true,
  value: secret(value),
});

export function temporaryFiles(t: TestContext): VaultFiles {
  const folder = mkdtempSync(join(tmpdir(), 'keystile-vault-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { vault: join(folder, 'vault.db'), deviceKey: join(folder, 'device.key') };
}

/** An unlocked vault that closes itself, and its key, with which the test can open it again without the derivation. */
export async function temporaryVault(
  t: TestContext,
  now: () => number = Date.now,
): Promise<{ vault: Vault; files: VaultFiles; reopen: () => Vault }> {
  const files = temporaryFiles(t);
  const key = await writeNewVault({ files, passphrase: secret(PASSPHRASE), kdf: CHEAP_KDF });
  const reopen = (): Vault => {
    const vault = Vault.openWithKey({ files, now }, new Secret(Buffer.from(key.reveal())));
    t.after(() => vault.close());
    return vault;
  };
  return { vault: reopen(), files, reopen };
}

/** What the runner does with what it is handed. */
export function valueOf({ key, nonce, sealed, aad }: SealedVariable): string {
  return unpad(openXaes(key.reveal(), nonce, sealed, aad)).toString();
}

export function valueIn(vault: Vault, environmentId: string, name: string): string {
  const [sealed] = vault.sealedVariables(environmentId, [name]);
  if (sealed === undefined) throw new Error('no such variable');
  return valueOf(sealed);
}

/** For assert.throws and assert.rejects. */
export const failsWith =
  (code: FailureCode, field?: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof Failure && thrown.code === code && (field === undefined || thrown.field === field);
