// One record, sealed: its own random key, wrapped, and its padded content, both bound to the place they belong to.
// docs/vault-format.md, "Records".

import { pad, unpad } from '../core/padding.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes, TAG_BYTES } from '../core/xaes.ts';

/** Suite 1: Argon2id, HKDF-SHA256, HMAC-SHA256, XAES-256-GCM. */
export const SUITE = 1;
/** The version of the file format this code writes: tables, header, and what holds the records together. */
export const FORMAT = 2;
/** The version of what is sealed, wraps and records, bound into each. Format 2 of the file took them over as they were. */
export const SEAL_VERSION = 1;

/** Which key wraps the keys of records. A second generation would get another name. */
const WRAPPING_KEY_ID = 'items';

export const RECORD_TYPES = [
  'environment',
  'variable',
  'value',
  'output',
  'agent',
  'setting',
  'mount',
  'backup',
  'collection',
  'item',
  'title',
  'version',
  'field',
  'file',
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** Gives that many random bytes. */
export type RandomBytes = (count: number) => Buffer;

/** Which vault a key or a record belongs to. */
export interface VaultIdentity {
  readonly vaultId: string;
  readonly epoch: number;
}

/** Where a record belongs. All of it is clear in the file, and authenticated. */
export interface RecordPlace {
  readonly type: RecordType;
  readonly id: string;
  /** The id of the environment a variable or value belongs to; empty for the rest. */
  readonly parent: string;
  /** HMAC-SHA256 of type, parent and name: 32 bytes. */
  readonly nameKey: Buffer;
  /** The revision of the vault that wrote this record. */
  readonly revision: number;
}

/** All of a record but its ciphertext, which can be 25 MiB and is only read to open it. */
export interface StoredRecord extends RecordPlace {
  /** Nonce (24 bytes), then the record's key sealed (48 bytes). */
  readonly wrappedKey: Buffer;
  readonly nonce: Buffer;
  /** The tag of the ciphertext: 16 bytes. */
  readonly tag: Buffer;
}

export interface SealedRecord extends StoredRecord {
  /** That of the padded content, without its tag. */
  readonly ciphertext: Buffer;
}

/**
 * The bytes that signatures, keyed hashes and additional data are made over: how many parts, then each part with its
 * length in front, all numbers big-endian (4 bytes for counts and lengths, 8 for a number that is a part).
 * Different parts give different bytes. Text is UTF-8; numbers are safe integers and not negative.
 */
export function tuple(...parts: readonly (string | number | Buffer)[]): Buffer {
  // In one piece and without lists in between: a vault makes a dozen of these for every value it hands over.
  let length = 4;
  for (const part of parts) length += 4 + lengthOf(part);
  const out = Buffer.allocUnsafe(length);
  let at = out.writeUInt32BE(parts.length, 0);
  for (const part of parts) {
    at = out.writeUInt32BE(lengthOf(part), at);
    if (typeof part === 'number') at = writeUInt64(out, part, at);
    else if (typeof part === 'string') at += out.write(part, at, 'utf8');
    else at += part.copy(out, at);
  }
  return out;
}

/** The additional data of a record's wrapped key (`key`) or content (`body`). */
export function recordAad(vault: VaultIdentity, place: RecordPlace, field: 'key' | 'body'): Buffer {
  const { type, id, parent, nameKey, revision } = place;
  const where = ['keystile/record', SEAL_VERSION, SUITE, vault.vaultId, vault.epoch] as const;
  return tuple(...where, type, id, parent, nameKey, field, revision, WRAPPING_KEY_ID);
}

/** Seals `content` under a new key. The caller wipes `content`. */
export function sealRecord(
  vault: VaultIdentity,
  itemsKey: Buffer,
  place: RecordPlace,
  content: Buffer,
  random: RandomBytes,
): SealedRecord {
  const key = random(KEY_BYTES);
  const padded = pad(content);
  const keyNonce = random(NONCE_BYTES);
  const nonce = random(NONCE_BYTES);
  const wrapped = sealXaes(itemsKey, keyNonce, key, recordAad(vault, place, 'key'));
  const sealed = sealXaes(key, nonce, padded, recordAad(vault, place, 'body'));
  key.fill(0);
  padded.fill(0);
  const [ciphertext, tag] = [sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)];
  return { ...place, wrappedKey: Buffer.concat([keyNonce, wrapped]), nonce, tag, ciphertext };
}

/** The record's own key. The caller wipes it. Throws `vault/damaged`. */
export function unwrapRecordKey(vault: VaultIdentity, itemsKey: Buffer, record: StoredRecord): Buffer {
  const { wrappedKey } = record;
  const nonce = wrappedKey.subarray(0, NONCE_BYTES);
  return openXaes(itemsKey, nonce, wrappedKey.subarray(NONCE_BYTES), recordAad(vault, record, 'key'));
}

/** The content. The caller wipes it. Throws `vault/damaged`. */
export function openRecord(vault: VaultIdentity, itemsKey: Buffer, record: SealedRecord): Buffer {
  const key = unwrapRecordKey(vault, itemsKey, record);
  const sealed = Buffer.concat([record.ciphertext, record.tag]);
  try {
    return unpad(openXaes(key, record.nonce, sealed, recordAad(vault, record, 'body')));
  } finally {
    key.fill(0);
  }
}

/** `n` is a safe integer and not negative. */
function writeUInt64(out: Buffer, n: number, at: number): number {
  if (!Number.isSafeInteger(n)) throw new RangeError('not a whole number');
  return out.writeUInt32BE(n % 2 ** 32, out.writeUInt32BE(Math.floor(n / 2 ** 32), at));
}

function lengthOf(part: string | number | Buffer): number {
  if (typeof part === 'number') return 8;
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length;
}
