// The first two messages of every connection: the client asks who is there, the daemon proves that it is the one whose
// key lies in the home. Until then a client sends nothing that anybody could use.

import { Failure } from '../core/failure.ts';
import type { Message } from './frames.ts';
import type { SocketName } from './methods.ts';

export const HELLO_VERSION = 1;
export const NONCE_BYTES = 32;
export const CLIENT_NAME_MAX = 100;
/** The client waits this long for the proof, and the daemon this long for the question. */
export const HELLO_WAIT_MS = 5_000;
/** RFC 8032: a public key of Ed25519 has 32 bytes, a signature 64. */
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Room for the base64 of a key and its newline. */
export const KEY_FILE_BYTES_MAX = 64;

/** Whether `signature` (64 bytes) is that of `bytes` under the Ed25519 key `key` (32 bytes). */
export type Verify = (key: Buffer, bytes: Buffer, signature: Buffer) => boolean;

/** The key a client holds the daemon to, 32 bytes. Throws `daemon/impostor` for a file that is not as `keyFile` is. */
export function parseKeyFile(bytes: Buffer): Buffer {
  const raw = parseBase64(bytes.toString('latin1').replace(/\n$/, ''), PUBLIC_KEY_BYTES);
  if (raw === null) throw impostor('the file run/daemon.pub is damaged');
  return raw;
}

export function helloQuestion(nonce: Buffer, clientName: string | undefined): Message {
  const question = { hello: HELLO_VERSION, nonce: nonce.toString('base64') };
  return clientName === undefined ? question : { ...question, client: clientName.slice(0, CLIENT_NAME_MAX) };
}

/** What the daemon reads in the first message of a connection. Throws `daemon/protocol`. */
export function parseHelloQuestion(message: Message): { nonce: Buffer; clientName: string | null } {
  const { hello, nonce, client, ...rest } = message;
  if (hello !== HELLO_VERSION) {
    throw new Failure('daemon/protocol', `the first message is not hello ${HELLO_VERSION}`, {
      hint: 'update keystile and restart the daemon',
    });
  }
  const bytes = typeof nonce === 'string' ? parseBase64(nonce, NONCE_BYTES) : null;
  const isClientFine = client === undefined || (typeof client === 'string' && client.length <= CLIENT_NAME_MAX);
  if (bytes === null || !isClientFine || Object.keys(rest).length > 0) {
    throw new Failure('daemon/protocol', 'the hello is malformed');
  }
  return { nonce: bytes, clientName: client ?? null };
}

export function helloAnswer(version: string, signature: Buffer): Message {
  return { hello: HELLO_VERSION, version, signature: signature.toString('base64') };
}

/** What the client asked, and the key it holds the daemon to. */
export interface Asked {
  readonly key: Buffer;
  readonly socket: SocketName;
  readonly nonce: Buffer;
}

/** The version of the daemon, once its proof holds. Throws `daemon/impostor`, and `daemon/busy` for a full daemon. */
export function checkHelloAnswer(message: Message, { key, socket, nonce }: Asked, verify: Verify): string {
  // Anybody may have written this: nothing of it is shown, and only one word of it is believed.
  if (isBusy(message.error)) throw new Failure('daemon/busy', 'the daemon has too many connections');
  const signature = typeof message.signature === 'string' ? parseBase64(message.signature, SIGNATURE_BYTES) : null;
  if (message.hello !== HELLO_VERSION || typeof message.version !== 'string' || signature === null) {
    throw impostor('what answers on the socket is not a keystile daemon');
  }
  if (!verify(key, signedBytes(socket, nonce), signature)) {
    throw impostor('what answers on the socket does not have the key of the daemon');
  }
  return message.version;
}

export function impostor(message: string): Failure {
  return new Failure('daemon/impostor', message);
}

/** `keystile/hello/1`, NUL, the name of the socket, NUL, the 32 bytes of the nonce. */
export function signedBytes(socket: SocketName, nonce: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`keystile/hello/${HELLO_VERSION}\0${socket}\0`), nonce]);
}

/** Exactly `bytes` bytes in canonical base64 (RFC 4648, section 4), or null. Buffer.from alone takes anything. */
function parseBase64(text: string, bytes: number): Buffer | null {
  const decoded = Buffer.from(text, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === text ? decoded : null;
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'daemon/busy';
}
