// A private key as OpenSSH writes one (openssh-key-v1, not encrypted), from PEM and back.
// Source: the file PROTOCOL.key of OpenSSH; the numbers inside are in the order of its sshkey.c.

import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';

import { TAG, element } from './asn1.ts';
import type { Failure } from './failure.ts';
import { bytesOfPem, pemOf } from './pem.ts';
import {
  SSH_KEY_BYTES_MAX,
  checkedComment,
  invalidKey,
  publicBlob,
  sshKeyFromPem,
  sshKeyOf,
  stringOf,
  typeOf,
  uint32,
  type RsaNumbers,
  type SshKey,
} from './ssh-key.ts';

const LABEL = 'OPENSSH PRIVATE KEY';
const MAGIC = Buffer.from('openssh-key-v1\0', 'latin1');
/** Of the cipher `none`: the secret part is padded to it with 1, 2, 3, … */
const BLOCK_BYTES = 8;
/** As ssh-keygen and openssl break their lines. */
const OPENSSH_LINE = 70;
const PEM_LINE = 64;

/** RFC 8017 appendix A.1: rsaEncryption, 1.2.840.113549.1.1.1. RFC 8410 §3: id-Ed25519, 1.3.101.112. */
const RSA_ENCRYPTION = Buffer.from('2a864886f70d010101', 'hex');
const ID_ED25519 = Buffer.from('2b6570', 'hex');
const ZERO = Buffer.from([0]);

/**
 * The text of the key for `ssh -i`, from PEM (PKCS#8 or PKCS#1) or from the same format, always not encrypted. The same
 * key and comment give the same text. The caller wipes it. Throws `input/invalid`.
 */
export function opensshPrivateKey(key: Buffer, comment = ''): Buffer {
  const pem = isOpenssh(key) ? pemFromOpenssh(key) : key;
  try {
    const numbers = sshKeyFromPem(pem);
    try {
      return textOf(numbers, checkedComment(comment));
    } finally {
      numbers.secret.fill(0);
    }
  } finally {
    if (pem !== key) pem.fill(0);
  }
}

/**
 * PKCS#8 in PEM from an OpenSSH key that is not encrypted; its comment is lost. The caller wipes it. Throws
 * `input/invalid`. For RSA, numbers that the format leaves out are worked out as BigInt, which cannot be wiped.
 */
export function pemFromOpenssh(text: Buffer): Buffer {
  const bytes = text.length <= SSH_KEY_BYTES_MAX ? bytesOfPem(LABEL, text) : undefined;
  if (bytes === undefined) throw unreadable();
  try {
    const { der, blob } = pkcs8Of(bytes);
    try {
      if (!publicBlobOf(der).equals(blob)) throw unreadable();
      return pemOf('PRIVATE KEY', der, PEM_LINE);
    } finally {
      der.fill(0);
    }
  } finally {
    bytes.fill(0);
  }
}

/** Whether a value is meant to be an OpenSSH key. */
export function isOpenssh(key: Buffer): boolean {
  return key.includes(`-----BEGIN ${LABEL}-----`, 0, 'latin1');
}

// --- writing -------------------------------------------------------------------------------------------------------

function textOf(key: SshKey, comment: string): Buffer {
  const blob = publicBlob(key);
  const secret = secretPart(key, blob, comment);
  const bytes = Buffer.concat([
    MAGIC,
    ...['none', 'none', ''].flatMap((word) => stringOf(word)),
    uint32(1),
    ...stringOf(blob),
    ...stringOf(secret),
  ]);
  const text = pemOf(LABEL, bytes, OPENSSH_LINE);
  secret.fill(0);
  bytes.fill(0);
  return text;
}

function secretPart(key: SshKey, blob: Buffer, comment: string): Buffer {
  // Two equal numbers show that a passphrase was right. There is none, so they need not be random, and no clock or
  // chance is needed to write a key.
  const check = createHash('sha256').update(blob).digest().subarray(0, 4);
  const parts = [check, check, ...stringOf(typeOf(key)), ...numbersOf(key), ...stringOf(comment)];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padding = Array.from({ length: -length & (BLOCK_BYTES - 1) }, (_, index) => index + 1);
  return Buffer.concat([...parts, Buffer.from(padding)]);
}

function numbersOf(key: SshKey): Buffer[] {
  if (key.kind === 'ed25519') return [...stringOf(key.publicKey), ...stringOf(key.seed, key.publicKey)];
  const { n, e, d, qInverse, p, q } = key.numbers;
  return [n, e, d, qInverse, p, q].flatMap((number) => stringOf(number));
}

// --- reading -------------------------------------------------------------------------------------------------------

/** Worked out from the secret numbers, so that nobody stores a key that is not the one it says it is. */
function publicBlobOf(der: Buffer): Buffer {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    throw unreadable();
  }
  const numbers = sshKeyOf(key);
  const blob = publicBlob(numbers);
  numbers.secret.fill(0);
  return blob;
}

/** The key in PKCS#8, and the public key that the file says it has, as a view. */
function pkcs8Of(bytes: Buffer): { readonly der: Buffer; readonly blob: Buffer } {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw unreadable();
  const outer = new StringReader(bytes.subarray(MAGIC.length));
  const [cipher] = [outer.word(), outer.word(), outer.word()];
  if (cipher !== 'none') throw unreadable();
  if (outer.uint32() !== 1) throw unreadable();
  const blob = outer.string();
  const inner = new StringReader(outer.string());
  if (!outer.isAtEnd || inner.uint32() !== inner.uint32()) throw unreadable();
  const der = derOf(inner);
  inner.string();
  if (inner.isPadded) return { der, blob };
  der.fill(0);
  throw unreadable();
}

function derOf(inner: StringReader): Buffer {
  switch (inner.word()) {
    case 'ssh-ed25519':
      return ed25519Der(inner);
    case 'ssh-rsa':
      return rsaDer(inner);
    default:
      throw invalidKey('an SSH key of that type is not read here', 'use an Ed25519 or RSA key');
  }
}

function ed25519Der(inner: StringReader): Buffer {
  const [publicKey, both] = [inner.string(), inner.string()];
  if (publicKey.length !== 32 || both.length !== 64 || !both.subarray(32).equals(publicKey)) throw unreadable();
  const seed = element(TAG.octets, both.subarray(0, 32));
  const der = pkcs8(element(TAG.identifier, ID_ED25519), seed);
  seed.fill(0);
  return der;
}

function rsaDer(inner: StringReader): Buffer {
  const [n, e, d] = [inner.string(), inner.string(), inner.string()];
  const [qInverse, p, q] = [inner.string(), inner.string(), inner.string()];
  const [exponentP, exponentQ] = exponentsOf({ n, e, d, p, q, qInverse });
  const numbers = [ZERO, n, e, d, p, q, exponentP, exponentQ, qInverse].map((number) => element(TAG.integer, number));
  const key = element(TAG.sequence, ...numbers);
  const algorithm = Buffer.concat([element(TAG.identifier, RSA_ENCRYPTION), element(TAG.null)]);
  const der = pkcs8(algorithm, key);
  for (const part of [...numbers, key, exponentP, exponentQ]) part.fill(0);
  return der;
}

/** RFC 5208 §5. */
function pkcs8(algorithm: Buffer, key: Buffer): Buffer {
  const wrapped = element(TAG.octets, key);
  const der = element(TAG.sequence, element(TAG.integer, ZERO), element(TAG.sequence, algorithm), wrapped);
  wrapped.fill(0);
  return der;
}

/** d modulo p-1 and modulo q-1 (RFC 8017 §3.2), once it is sure that the numbers belong together. */
function exponentsOf(numbers: RsaNumbers): [Buffer, Buffer] {
  const [n, d, p, q] = [numbers.n, numbers.d, numbers.p, numbers.q].map((number) => bigOf(number));
  if (!n || !d || !p || !q || p < 3n || q < 3n || n !== p * q) throw unreadable();
  return [integerOf(d % (p - 1n)), integerOf(d % (q - 1n))];
}

function bigOf(number: Buffer): bigint {
  // Positive and in its shortest form, or it is no number of a key.
  const isShortest = number.length > 0 && number[0]! < 0x80 && (number[0] !== 0 || number[1]! >= 0x80);
  if (!isShortest) throw unreadable();
  return BigInt(`0x${number.toString('hex')}`);
}

function integerOf(number: bigint): Buffer {
  const digits = number.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return bytes[0]! < 0x80 ? bytes : Buffer.concat([ZERO, bytes]);
}

class StringReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Whether only 1, 2, 3, … follows, less than a block of it. */
  get isPadded(): boolean {
    const padding = this.#bytes.subarray(this.#at);
    return padding.length < BLOCK_BYTES && padding.every((byte, index) => byte === index + 1);
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  word(): string {
    return this.string().toString('latin1');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw unreadable();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function unreadable(): Failure {
  const hint = 'store it without a passphrase (ssh-keygen -p); the vault protects it';
  return invalidKey('the value is no OpenSSH private key that can be read', hint);
}
