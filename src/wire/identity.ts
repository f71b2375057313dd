// The key of a daemon: made when it starts, and what a client verifies with Node's own cryptography.

import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { signedBytes } from './hello.ts';
import type { SocketName } from './methods.ts';

/** The daemon's side. The private key is made at start and is never written anywhere. */
export interface DaemonIdentity {
  /** What `run/daemon.pub` holds: the public key in base64, and a newline. */
  readonly keyFile: Buffer;
  /** Signs one nonce for one socket: an answer for the agent's socket proves nothing on the other. */
  prove(socket: SocketName, nonce: Buffer): Buffer;
}

export function makeDaemonIdentity(): DaemonIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return {
    keyFile: Buffer.from(`${raw.toString('base64')}\n`),
    prove: (socket, nonce) => sign(null, signedBytes(socket, nonce), privateKey),
  };
}

/** `Verify` of hello.ts. */
export function verifyWithNode(key: Buffer, bytes: Buffer, signature: Buffer): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') };
  return verify(null, bytes, createPublicKey({ format: 'jwk', key: jwk }), signature);
}
