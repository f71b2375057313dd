// XAES-256-GCM (c2sp.org/XAES-256-GCM): a fresh AES-256-GCM key for every 192-bit nonce, so nonces may be random.
// The one place where something is encrypted or decrypted; the runner bundles this file and little else.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Failure } from './failure.ts';
import { withoutTraces } from './traceless.ts';

export const KEY_BYTES = 32;
export const NONCE_BYTES = 24;
export const TAG_BYTES = 16;

const BLOCK_BYTES = 16;
/** The two blocks that are encrypted: each a counter (16 bits), 'X', 0, and then the first half of the nonce. */
const BLOCKS = Buffer.from(`000158${'00'.repeat(13)}000258${'00'.repeat(13)}`, 'hex');
const BLOCK_LABEL_BYTES = 4;
const NOTHING = Buffer.alloc(BLOCK_BYTES);

/**
 * Ciphertext and its 16-byte tag. `key` has 32 bytes, `nonce` 24 that were never used with this key.
 * Throws TypeError when one has another length.
 */
export function sealXaes(key: Buffer, nonce: Buffer, plaintext: Buffer, aad: Buffer): Buffer {
  if (key.length !== KEY_BYTES || nonce.length !== NONCE_BYTES) throw new TypeError('wrong length of key or nonce');
  const derived = deriveKey(key, nonce);
  try {
    const tag = { authTagLength: TAG_BYTES };
    const cipher = withoutTraces(() => createCipheriv('aes-256-gcm', derived, nonce.subarray(12), tag));
    cipher.setAAD(aad);
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  } finally {
    derived.fill(0);
  }
}

/**
 * The plaintext, or nothing: throws `vault/damaged` whatever is wrong, and no byte that was not authenticated is
 * handed out (a decipher gives them before it knows).
 */
export function openXaes(key: Buffer, nonce: Buffer, sealed: Buffer, aad: Buffer): Buffer {
  if (key.length !== KEY_BYTES || nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) throw damaged();
  const derived = deriveKey(key, nonce);
  let plaintext: Buffer | undefined;
  try {
    // Without authTagLength Node 24 takes tags of 4 bytes.
    const tag = { authTagLength: TAG_BYTES };
    const decipher = withoutTraces(() => createDecipheriv('aes-256-gcm', derived, nonce.subarray(12), tag));
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    plaintext = decipher.update(sealed.subarray(0, -TAG_BYTES));
    decipher.final();
    return plaintext;
  } catch {
    plaintext?.fill(0);
    throw damaged();
  } finally {
    derived.fill(0);
  }
}

/** The CMAC-based key derivation of the specification, for its one fixed shape. */
function deriveKey(key: Buffer, nonce: Buffer): Buffer {
  const aes = withoutTraces(() => createCipheriv('aes-256-ecb', key, null)).setAutoPadding(false);
  const subkey = doubled(aes.update(NOTHING));
  const blocks = Buffer.from(BLOCKS);
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    nonce.copy(blocks, at + BLOCK_LABEL_BYTES, 0, BLOCK_BYTES - BLOCK_LABEL_BYTES);
    for (let i = 0; i < BLOCK_BYTES; i += 1) blocks[at + i] = blocks[at + i]! ^ subkey[i]!;
  }
  subkey.fill(0);
  return aes.update(blocks);
}

/** Multiplication by x in GF(2^128), as CMAC makes its first subkey (NIST SP 800-38B, 6.1). */
function doubled(block: Buffer): Buffer {
  let carry = 0;
  for (let i = block.length - 1; i >= 0; i -= 1) {
    const byte = block[i] ?? 0;
    block[i] = (byte << 1) | carry;
    carry = byte >> 7;
  }
  block[15] = (block[15] ?? 0) ^ (carry * 0x87);
  return block;
}

function damaged(): Failure {
  return new Failure('vault/damaged', 'a sealed record does not open');
}
