// The scrypt stanza of an age file (https://age-encryption.org/v1, "The scrypt recipient type"), with the scrypt of
// node:crypto: three times as fast as that of age-encryption, and the passphrase does not become a string.

import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { Stanza, type Identity, type Recipient } from 'age-encryption';
import type { Secret } from '../core/secret.ts';

const LABEL = 'age-encryption.org/v1/scrypt';
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const FILE_KEY_BYTES = 16;
const TAG_BYTES = 16;
const BLOCK = 8;
/** What age writes: a second or so on a common machine, and 256 MiB. */
const WORK_FACTOR = 18;
/** 1 GiB. A file that asks for more is not opened (I8). */
const WORK_FACTOR_MAX = 20;
/** Each key is used once, so its nonce may be zero. */
const NONCE = Buffer.alloc(12);
const CIPHER = 'chacha20-poly1305';

/** Wraps the key of a file with a passphrase, which is the caller's. */
export class PassphraseRecipient implements Recipient {
  readonly #passphrase: Secret;

  constructor(passphrase: Secret) {
    this.#passphrase = passphrase;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = randomBytes(SALT_BYTES);
    const key = await deriveKey(this.#passphrase, salt, WORK_FACTOR);
    const cipher = createCipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
    const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
    key.fill(0);
    return [new Stanza(['scrypt', unpadded(salt), String(WORK_FACTOR)], body)];
  }
}

/** Unwraps it. Throws when the stanza breaks a rule of the format; null when it is another passphrase. */
export class PassphraseIdentity implements Identity {
  readonly #passphrase: Secret;

  constructor(passphrase: Secret) {
    this.#passphrase = passphrase;
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const [stanza, ...others] = stanzas;
    if (stanza?.args[0] !== 'scrypt') return null;
    // The format wants it alone, so that a passphrase also says who wrote the file.
    if (others.length > 0 || stanza.args.length !== 3) throw new TypeError('a malformed scrypt stanza');
    const [, base64 = '', factor = ''] = stanza.args;
    const salt = Buffer.from(base64, 'base64');
    const isWellFormed = salt.length === SALT_BYTES && unpadded(salt) === base64 && /^[1-9]\d?$/.test(factor);
    if (!isWellFormed || stanza.body.length !== FILE_KEY_BYTES + TAG_BYTES || Number(factor) > WORK_FACTOR_MAX) {
      throw new TypeError('a malformed or too costly scrypt stanza');
    }
    const key = await deriveKey(this.#passphrase, salt, Number(factor));
    try {
      return decrypt(key, Buffer.from(stanza.body));
    } finally {
      key.fill(0);
    }
  }
}

function decrypt(key: Buffer, body: Buffer): Buffer | null {
  const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(body.subarray(FILE_KEY_BYTES));
  const fileKey = decipher.update(body.subarray(0, FILE_KEY_BYTES));
  try {
    return Buffer.concat([fileKey, decipher.final()]);
  } catch {
    return null;
  }
}

async function deriveKey(passphrase: Secret, salt: Buffer, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor;
  const settings = { N, r: BLOCK, p: 1, maxmem: 2 * 128 * N * BLOCK };
  const salted = Buffer.concat([Buffer.from(LABEL, 'latin1'), salt]);
  return await new Promise((resolve, reject) => {
    scrypt(passphrase.reveal(), salted, KEY_BYTES, settings, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
