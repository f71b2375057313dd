// What the log's keys do, and the only file of the room that looks inside them (I1): the ratchet of MAC keys, the
// sealing of names, the signature under a checkpoint.

import { createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import { withoutTraces } from '../core/traceless.ts';
import { NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';

export interface AuditKeys {
  /** 32 bytes; the MAC keys of the whole log follow from it. */
  readonly macSeed: Secret;
  /** 32 bytes, for XAES-256-GCM. */
  readonly namesKey: Secret;
  /** An Ed25519 seed (RFC 8032), 32 bytes. */
  readonly signingKey: Secret;
  readonly vaultId: string;
}

/** The MAC key of one event. `next()` is the only way on, and there is no way back (forward security). */
export class Ratchet {
  readonly seq: number;
  readonly #key: Secret;

  /** Takes ownership of `key`, 32 bytes: the MAC key of event `seq`. */
  constructor(seq: number, key: Secret) {
    this.seq = seq;
    this.#key = key;
  }

  /** The key of event `seq`, from the seed: HKDF-SHA256 once, then `seq - 1` steps (about 5 µs each). */
  static fromSeed(macSeed: Secret, vaultId: string, seq: number): Ratchet {
    const first = hkdfSync('sha256', macSeed.reveal(), '', `keystile/v1/audit-mac\0${vaultId}`, 32);
    return advance(new Ratchet(1, new Secret(Buffer.from(first))), seq);
  }

  /** HMAC-SHA256 of the 32 bytes of `chain`, in hex. */
  mac(chain: Buffer): string {
    return withoutTraces(() => createHmac('sha256', this.#key.reveal()))
      .update(chain)
      .digest('hex');
  }

  /** The key of the next event: HKDF-Expand (RFC 5869, 2.3) with one block. This one is left as it is. */
  next(): Ratchet {
    const expand = withoutTraces(() => createHmac('sha256', this.#key.reveal())).update(
      'keystile/v1/audit-mac-next\u0001',
    );
    return new Ratchet(this.seq + 1, new Secret(expand.digest()));
  }

  /** What the key file holds: the sequence number in 16 digits, a space, the key in hex. The caller wipes it. */
  toBytes(): Buffer {
    const bytes = Buffer.alloc(17 + 64, `${String(this.seq).padStart(16, '0')} `, 'latin1');
    bytes.write(this.#key.reveal().toString('hex'), 17, 'latin1');
    return bytes;
  }

  wipe(): void {
    this.#key.wipe();
  }
}

/** The key of a later event. `from` and the keys on the way are wiped. */
export function advance(from: Ratchet, seq: number): Ratchet {
  let ratchet = from;
  while (ratchet.seq < seq) {
    const next = ratchet.next();
    ratchet.wipe();
    ratchet = next;
  }
  return ratchet;
}

/** The names of event `seq` as base64 of nonce and ciphertext. `plain` is wiped. */
export function sealNames(keys: AuditKeys, seq: number, plain: Buffer, nonce: Buffer): string {
  const sealed = sealXaes(keys.namesKey.reveal(), nonce, plain, namesContext(keys.vaultId, seq));
  plain.fill(0);
  return Buffer.concat([nonce, sealed]).toString('base64');
}

/** What was sealed. Throws `audit/damaged` when it was not sealed for this place of this log. */
export function openNames(keys: AuditKeys, seq: number, sealed: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  try {
    return openXaes(keys.namesKey.reveal(), nonce, bytes.subarray(NONCE_BYTES), namesContext(keys.vaultId, seq));
  } catch (error) {
    throw new Failure('audit/damaged', `the names of event ${seq} do not open`, { cause: error });
  }
}

/** The line that names who can check the checkpoints: a verifier key of c2sp.org/signed-note. */
export function publicLine(keys: AuditKeys): string {
  const { name, publicKey, keyId } = signer(keys);
  return `${name}+${keyId.toString('hex')}+${Buffer.concat([ED25519, publicKey]).toString('base64')}\n`;
}

/** A signed note (c2sp.org/signed-note): `text`, which ends in a newline, an empty line, one signature. */
export function signNote(keys: AuditKeys, text: string): string {
  const { name, keyId, privateKey } = signer(keys);
  const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)]).toString('base64');
  return `${text}\n\u2014 ${name} ${signature}\n`;
}

/** The name of a log in its checkpoints, and of its key. */
export function originOf(vaultId: string): string {
  return `keystile/audit/${vaultId}`;
}

/** Type byte of Ed25519 in signed notes. */
const ED25519 = Buffer.of(1);
/** RFC 8410, section 7: a PKCS#8 document up to the seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function signer(keys: AuditKeys): { name: string; publicKey: Buffer; keyId: Buffer; privateKey: KeyObject } {
  const name = originOf(keys.vaultId);
  const der = Buffer.concat([PKCS8_PREFIX, keys.signingKey.reveal()]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const keyId = createHash('sha256').update(`${name}\n`).update(ED25519).update(publicKey).digest().subarray(0, 4);
  return { name, publicKey, keyId, privateKey };
}

function namesContext(vaultId: string, seq: number): Buffer {
  return Buffer.from(`keystile/v1/audit-names\0${vaultId}\0${seq}`);
}
