// The numbers of an SSH key, taken from a PEM file, and what may be said aloud of it: its public line and fingerprint.
// With Node's crypto and no library: sshpk, the usual one, brings nine packages and formats that nobody here needs.
//
// Sources: RFC 4253 §6.6 and RFC 8709 §4 for public keys, RFC 8017 appendix A.1 for RSA, RFC 8410 §7 for Ed25519.

import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

import { contentsOf } from './asn1.ts';
import { Failure } from './failure.ts';

/** Views of one buffer, `secret`, which the caller wipes. Integers are as DER and SSH both write them, with their sign. */
export type SshKey =
  | { readonly kind: 'ed25519'; readonly secret: Buffer; readonly seed: Buffer; readonly publicKey: Buffer }
  | { readonly kind: 'rsa'; readonly secret: Buffer; readonly numbers: RsaNumbers };

export interface RsaNumbers {
  readonly n: Buffer;
  readonly e: Buffer;
  readonly d: Buffer;
  readonly p: Buffer;
  readonly q: Buffer;
  /** The inverse of q modulo p. */
  readonly qInverse: Buffer;
}

export interface SshPublicKey {
  /** As in authorized_keys: type, base64, and the comment if there is one; no line feed. */
  readonly publicLine: string;
  /** `SHA256:` and 43 characters of base64, as ssh-keygen shows it. */
  readonly fingerprint: string;
}

/** OpenSSH has the same two limits (sshkey.h, SSH_RSA_MINIMUM_MODULUS_SIZE and OPENSSL_RSA_MAX_MODULUS_BITS). */
const RSA_BITS_MIN = 1024;
const RSA_BITS_MAX = 16_384;

/** A PEM file of a key of that size has some 13,000 bytes (I8). */
export const SSH_KEY_BYTES_MAX = 64 * 1024;

const ED25519_BYTES = 32;

/** The key in a PEM file (PKCS#8 or PKCS#1, not encrypted). Throws `input/invalid`, and never says what it read. */
export function sshKeyFromPem(pem: Buffer): SshKey {
  return sshKeyOf(privateKeyOf(pem));
}

/** The numbers of a private key. Throws `input/invalid` for one that is neither Ed25519 nor RSA. */
export function sshKeyOf(key: KeyObject): SshKey {
  if (key.asymmetricKeyType === 'ed25519') return ed25519Of(key);
  if (key.asymmetricKeyType === 'rsa') return rsaOf(key);
  throw invalidKey('an SSH key of that type is not made here', 'use an Ed25519 or RSA key');
}

/** Throws `input/invalid` for a comment that would not stay on its line. */
export function sshPublicKey(key: SshKey, comment = ''): SshPublicKey {
  const blob = publicBlob(key);
  const words = [typeOf(key), blob.toString('base64'), ...(comment === '' ? [] : [checkedComment(comment)])];
  const digest = createHash('sha256').update(blob).digest('base64').replaceAll('=', '');
  return { publicLine: words.join(' '), fingerprint: `SHA256:${digest}` };
}

export function typeOf(key: SshKey): string {
  return key.kind === 'rsa' ? 'ssh-rsa' : 'ssh-ed25519';
}

export function publicBlob(key: SshKey): Buffer {
  const numbers = key.kind === 'rsa' ? [key.numbers.e, key.numbers.n] : [key.publicKey];
  return Buffer.concat([typeOf(key), ...numbers].flatMap((part) => stringOf(part)));
}

/** A `string` of RFC 4251 §5: its length in four bytes, and it. A DER integer is an `mpint` without more ado. */
export function stringOf(...parts: readonly (Buffer | string)[]): Buffer[] {
  const buffers = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part));
  return [uint32(buffers.reduce((sum, part) => sum + part.length, 0)), ...buffers];
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function checkedComment(comment: string): string {
  if (!/\p{Cc}/u.test(comment)) return comment;
  throw new Failure('input/invalid', 'the comment of a key is one line of text', { field: 'comment' });
}

export function invalidKey(message: string, hint: string): Failure {
  return new Failure('input/invalid', message, { hint });
}

function privateKeyOf(pem: Buffer): KeyObject {
  if (pem.length <= SSH_KEY_BYTES_MAX) {
    try {
      return createPrivateKey({ key: pem, format: 'pem' });
    } catch {
      // What OpenSSL says of it is of no use to anybody here.
    }
  }
  const hint = 'store a private key in PEM or OpenSSH format, without a passphrase: the vault protects it';
  throw invalidKey('the value is no private key that can be read', hint);
}

/** RFC 8410 §7: the seed is an octet string inside the one of PKCS#8, and stands last. */
function ed25519Of(key: KeyObject): SshKey {
  const secret = key.export({ type: 'pkcs8', format: 'der' });
  const publicDer = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const seed = secret.subarray(secret.length - ED25519_BYTES);
  return { kind: 'ed25519', secret, seed, publicKey: publicDer.subarray(publicDer.length - ED25519_BYTES) };
}

function rsaOf(key: KeyObject): SshKey {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
    throw invalidKey('an RSA key of that size cannot be used', `use one of ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`);
  }
  const secret = key.export({ type: 'pkcs1', format: 'der' });
  const parts = contentsOf(secret);
  // With more than two primes, which PKCS#1 can have, there would be a tenth.
  if (parts.length !== 9) throw invalidKey('an RSA key of that kind cannot be used', 'use one of two primes');
  const numbers = { n: parts[1]!, e: parts[2]!, d: parts[3]!, p: parts[4]!, q: parts[5]!, qInverse: parts[8]! };
  return { kind: 'rsa', secret, numbers };
}
