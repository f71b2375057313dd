// Two functions of the OpenSSL that every Node has in it and offers to native code: what a short command needs of
// node:crypto, which takes 5 ms to load and 3 more until it has verified its first signature.

import { cLibrary, unsupported } from './libc.ts';

/** <openssl/obj_mac.h>: NID_ED25519, which is EVP_PKEY_ED25519. */
const EVP_PKEY_ED25519 = 1087;
const NULL = 0;
const OK = 1;

/** `count` bytes nobody can guess (RAND_bytes(3)). Throws `machine/unsupported` when they cannot be had. */
export function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  if (library().RAND_bytes(bytes, count) !== OK) throw unsupported('random bytes');
  return bytes;
}

/**
 * Whether `signature` is that of `bytes` under the raw Ed25519 key `key` (EVP_DigestVerify(3), EVP_PKEY_ED25519(7)).
 * Whatever goes wrong on the way is a no. Throws `machine/unsupported` where this Node does not offer it.
 */
export function verifyWithOpenssl(key: Buffer, bytes: Buffer, signature: Buffer): boolean {
  const ssl = library();
  const publicKey = ssl.EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, key.length);
  const context = ssl.EVP_MD_CTX_new();
  try {
    if (publicKey === NULL || context === NULL) return false;
    if (ssl.EVP_DigestVerifyInit(context, NULL, NULL, NULL, publicKey) !== OK) return false;
    return ssl.EVP_DigestVerify(context, signature, signature.length, bytes, bytes.length) === OK;
  } finally {
    // Both take NULL.
    ssl.EVP_MD_CTX_free(context);
    ssl.EVP_PKEY_free(publicKey);
  }
}

type Library = ReturnType<typeof load>;
let loaded: Library | null = null;

function library(): Library {
  try {
    loaded ??= load();
    return loaded;
  } catch {
    throw unsupported('the OpenSSL of Node');
  }
}

/** Pointers are numbers here: nothing of ours looks behind them. */
function load() {
  const { func } = cLibrary();
  return {
    RAND_bytes: func('int RAND_bytes(void *bytes, int count)'),
    EVP_PKEY_new_raw_public_key: func(
      'intptr_t EVP_PKEY_new_raw_public_key(int type, intptr_t engine, void *key, size_t bytes)',
    ),
    EVP_PKEY_free: func('void EVP_PKEY_free(intptr_t key)'),
    EVP_MD_CTX_new: func('intptr_t EVP_MD_CTX_new()'),
    EVP_MD_CTX_free: func('void EVP_MD_CTX_free(intptr_t context)'),
    EVP_DigestVerifyInit: func(
      'int EVP_DigestVerifyInit(intptr_t context, intptr_t keyContext, intptr_t digest, intptr_t engine, intptr_t key)',
    ),
    EVP_DigestVerify: func(
      'int EVP_DigestVerify(intptr_t context, void *signature, size_t signatureBytes, void *bytes, size_t count)',
    ),
  };
}
