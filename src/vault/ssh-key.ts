// SSH keys nobody has ever seen: made here, straight into the vault.

import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

export type SshKeyKind = 'ed25519' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** PKCS#8 in PEM, which the caller wipes; the line of an authorized_keys file; `SHA256:` and base64, as ssh-keygen -l. */
export interface SshKey {
  readonly privatePem: Buffer;
  readonly publicLine: string;
  readonly fingerprint: string;
}

const makeKeyPair = promisify(generateKeyPair);
/** RFC 4253, 6.6; RFC 8709, 4. */
const NAMES = { ed25519: 'ssh-ed25519', rsa: 'ssh-rsa' } as const;

export async function generateSshKey(kind: SshKeyKind): Promise<SshKey> {
  const { publicKey, privateKey } =
    kind === 'ed25519'
      ? await makeKeyPair('ed25519')
      : await makeKeyPair('rsa', { modulusLength: Number(kind.slice('rsa-'.length)) });
  const { x = '', n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const isEd = kind === 'ed25519';
  const name = isEd ? NAMES.ed25519 : NAMES.rsa;
  const numbers = isEd ? [Buffer.from(x, 'base64url')] : [mpint(e), mpint(n)];
  const blob = Buffer.concat([Buffer.from(name), ...numbers].flatMap((field) => [lengthOf(field), field]));
  return {
    privatePem: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicLine: `${name} ${blob.toString('base64')}`,
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
  };
}

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(field.length);
  return length;
}

/** A number that is not negative (RFC 4251, 5): a zero byte in front when the first bit is set. */
function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
}
