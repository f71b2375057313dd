// SSH keys nobody has ever seen: made here, straight into the vault.

import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

import { pemOf } from '../core/pem.ts';
import { sshKeyOf, sshPublicKey, type SshPublicKey } from '../core/ssh-key.ts';

/** What `--ssh-generate-key` of op has: Ed25519, or RSA of these sizes. */
export const SSH_KEY_KINDS = ['ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type SshKeyKind = (typeof SSH_KEY_KINDS)[number];

export interface GeneratedSshKey extends SshPublicKey {
  /** PKCS#8; the caller wipes it. */
  readonly privatePem: Buffer;
}

const generate = promisify(generateKeyPair);

/** As openssl breaks the lines of PEM. */
const PEM_LINE = 64;

/** A fresh key. RSA takes from a tenth of a second to some seconds, on another thread. */
export async function generateSshKey(kind: SshKeyKind): Promise<GeneratedSshKey> {
  const privateKey = await privateKeyOf(kind);
  const numbers = sshKeyOf(privateKey);
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  try {
    return { privatePem: pemOf('PRIVATE KEY', der, PEM_LINE), ...sshPublicKey(numbers) };
  } finally {
    der.fill(0);
    numbers.secret.fill(0);
  }
}

async function privateKeyOf(kind: SshKeyKind): Promise<KeyObject> {
  const { privateKey } =
    kind === 'ed25519'
      ? await generate('ed25519')
      : await generate('rsa', { modulusLength: Number(kind.slice('rsa-'.length)), publicExponent: 0x10001 });
  return privateKey;
}
