// Opening a KeePass database (KDBX 3.1 and 4) without trusting it: what its header asks for is checked before a key is
// derived, and what it inflates to is measured before kdbxweb inflates it, which knows no limits (I8).
// Argon2 is that of node:crypto; kdbxweb has none.

import { argon2 } from 'node:crypto';
import kdbxweb from 'kdbxweb';
import type { Kdbx, KdbxHeader } from 'kdbxweb';
import { Failure } from '../core/failure.ts';
import type { ReadOptions } from './imported.ts';
import { refuseCostlyContent } from './keepass-bounds.ts';

/** Key derivation may cost what the slowest settings of KeePassXC cost (1 GiB, 5 s), and no more. */
const ARGON2_MEMORY_KIB_MAX = 1024 * 1024;
const ARGON2_LANES_MAX = 64;
/** Passes times KiB: about a minute on a small machine. */
const ARGON2_WORK_MAX = 64 * 1024 * 1024;
/** KeePassXC settles at some ten million rounds for a second; kdbxweb queues all of them at once. */
const AES_ROUNDS_MAX = 200_000_000;

const { Kdbx: Database, KdbxFormat, KdbxCredentials, KdbxError, KdbxHeader: Header, BinaryStream } = kdbxweb;
const { CompressionAlgorithm, ErrorCodes, KdfId } = kdbxweb.Consts;

/**
 * The database in `bytes`. Throws `import/password` for a wrong password or key file, `import/damaged`, and
 * `input/too_large` for one that would cost too much time or memory. The caller keeps `bytes`.
 */
export async function openKeePass(bytes: Buffer, options: ReadOptions): Promise<Kdbx> {
  kdbxweb.CryptoEngine.setArgon2Impl(deriveArgon2);
  const data = asArrayBuffer(bytes);
  try {
    refuseCostly(data);
    const database = new Database();
    database.credentials = await credentialsOf(options);
    return await boundedFormat(database).load(data);
  } catch (error) {
    throw asFailure(error);
  } finally {
    new Uint8Array(data).fill(0);
  }
}

async function credentialsOf({ password, keyFile }: ReadOptions): Promise<kdbxweb.KdbxCredentials> {
  using secret = await password?.();
  const isEmpty = secret === undefined || secret.byteLength === 0;
  const key = keyFile === undefined ? null : asArrayBuffer(keyFile.reveal());
  // An empty password is one to KeePass; with a key file beside it, it means that there is none.
  const isLeftOut = isEmpty && key !== null;
  const typed = isEmpty ? new ArrayBuffer(0) : asArrayBuffer(secret.reveal());
  return await new KdbxCredentials(isLeftOut ? null : kdbxweb.ProtectedValue.fromBinary(typed), key).ready;
}

// --- before the key ------------------------------------------------------------------------------------------------

function refuseCostly(data: ArrayBuffer): void {
  const header = Header.read(new BinaryStream(data), new KdbxFormat(new Database()).ctx);
  if (costOf(header) === 'fair') return;
  throw new Failure('input/too_large', 'deriving the key of this database would take too much time or memory', {
    hint: 'lower its key derivation settings (or "decryption time") in KeePass, save it, then import it',
  });
}

function costOf(header: KdbxHeader): 'fair' | 'too much' {
  const settings = header.kdfParameters;
  if (settings === undefined) return (header.keyEncryptionRounds ?? 0) <= AES_ROUNDS_MAX ? 'fair' : 'too much';
  const number = (name: string): number => Number(settings.get(name) ?? 0);
  const id = settings.get('$UUID');
  const kdf = id instanceof ArrayBuffer ? Buffer.from(id).toString('base64') : '';
  if (kdf === KdfId.Aes) return number('R') <= AES_ROUNDS_MAX ? 'fair' : 'too much';
  const kib = number('M') / 1024;
  const isFair =
    kib <= ARGON2_MEMORY_KIB_MAX && number('P') <= ARGON2_LANES_MAX && kib * number('I') <= ARGON2_WORK_MAX;
  return isFair ? 'fair' : 'too much';
}

type Argon2Fn = Parameters<typeof kdbxweb.CryptoEngine.setArgon2Impl>[0];

/** `memory` in KiB; `type` 0 is Argon2d and 2 is Argon2id. RFC 9106, version 0x13 only. */
const deriveArgon2: Argon2Fn = async (message, nonce, memory, passes, tagLength, parallelism, type, version) => {
  if (version !== 0x13) throw unsupported('the old version of Argon2');
  const settings = { message: new Uint8Array(message), nonce: new Uint8Array(nonce), memory, passes };
  const derived = await new Promise<Buffer>((resolve, reject) => {
    argon2(type === 0 ? 'argon2d' : 'argon2id', { ...settings, parallelism, tagLength }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
  return asArrayBuffer(derived);
};

// --- after the key -------------------------------------------------------------------------------------------------

type Format = InstanceType<typeof KdbxFormat>;
type DecryptData = (this: Format, data: ArrayBuffer, key: ArrayBuffer) => Promise<ArrayBuffer>;

/**
 * A reader that looks at what was decrypted before it inflates it. The step is not a public one of kdbxweb, which is
 * pinned: if it is not there any more, nothing is read.
 */
function boundedFormat(database: Kdbx): Format {
  const format = new KdbxFormat(database);
  const decryptData: unknown = Reflect.get(format, 'decryptData');
  if (!isDecryptData(decryptData)) throw unsupported('this version of kdbxweb');
  const decryptBounded: DecryptData = async (data, key) => {
    const plain = await decryptData.call(format, data, key);
    await refuseCostlyPlain(database.header, plain);
    return plain;
  };
  Object.defineProperty(format, 'decryptData', { value: decryptBounded });
  return format;
}

function isDecryptData(value: unknown): value is DecryptData {
  return typeof value === 'function';
}

/** KDBX 3 has its blocks inside the encryption, behind bytes that also stand in the header. */
async function refuseCostlyPlain(header: KdbxHeader, plain: ArrayBuffer): Promise<void> {
  const isCompressed = header.compression === CompressionAlgorithm.GZip;
  if (header.versionMajor !== 3) {
    refuseCostlyContent(Buffer.from(plain), header.versionMajor, isCompressed);
    return;
  }
  const start = Buffer.from(header.streamStartBytes ?? new ArrayBuffer(0));
  // A wrong key: kdbxweb will say so.
  if (!Buffer.from(plain).subarray(0, start.length).equals(start)) return;
  const blocks = await kdbxweb.HashedBlockTransform.decrypt(plain.slice(start.length));
  refuseCostlyContent(Buffer.from(blocks), header.versionMajor, isCompressed);
}

// --- failures ------------------------------------------------------------------------------------------------------

/** By code only: the messages of kdbxweb and of its XML reader quote what they stumbled over. */
function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof KdbxError)) return damaged();
  switch (error.code) {
    case ErrorCodes.InvalidKey:
      return new Failure('import/password', 'that is not the password or the key file of this database', {
        hint: 'check the password; if the database has a key file, name it with --key-file',
      });
    case ErrorCodes.BadSignature:
      return new Failure('import/format', 'this is not a KeePass database of version 3.1 or 4', {
        hint: 'save it in the KDBX 4 format first',
      });
    case ErrorCodes.InvalidVersion:
    case ErrorCodes.Unsupported:
      return unsupported('its version, cipher or key derivation');
    default:
      return damaged();
  }
}

function unsupported(what: string): Failure {
  return new Failure('import/format', `this KeePass database cannot be read: ${what} is not supported`, {
    hint: 'save it as KDBX 4 with AES or ChaCha20 and Argon2, without a hardware key',
  });
}

function damaged(): Failure {
  return new Failure('import/damaged', 'the KeePass database is damaged, or not whole');
}

/** A copy: kdbxweb wants ArrayBuffers, and overwrites some of them. */
function asArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
