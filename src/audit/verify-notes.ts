// Reads signed checkpoints and the key they are checked with, strictly (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface VerifierKey {
  readonly name: string;
  readonly keyId: Buffer;
  readonly key: KeyObject;
}

/** A checkpoint, or why it is none that counts. */
export type ReadNote =
  | { readonly size: number; readonly root: Buffer; readonly why: null }
  | { readonly why: 'checkpoint_format' | 'checkpoint_signature' | 'checkpoint_key' };

/** RFC 8410, section 4: a SubjectPublicKeyInfo up to the key. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519 = 1;

/** `name+hash+key` in one line, or null when it is not a verifier key of Ed25519. */
export function parseVerifierKey(line: string): VerifierKey | null {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\n?$/.exec(line) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) return null;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== ED25519 || bytes.toString('base64') !== encoded) return null;
  const keyId = createHash('sha256').update(name).update('\n').update(bytes).digest().subarray(0, 4);
  if (keyId.toString('hex') !== id) return null;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes.subarray(1)]), format: 'der', type: 'spki' });
  return { name, keyId, key };
}

/** Whether `note` is a text signed once, by `key`. The text is all up to the empty line. */
export function isSignedNote(note: string, key: VerifierKey): boolean {
  const [, text, name, encoded] = /^((?:[^\n]+\n)+)\n\u2014 (\S+) ([A-Za-z0-9+/]+=*)\n$/.exec(note) ?? [];
  if (text === undefined || name !== key.name || encoded === undefined) return false;
  const bytes = Buffer.from(encoded, 'base64');
  const isCanonical = bytes.length === 68 && bytes.toString('base64') === encoded;
  if (!isCanonical || !bytes.subarray(0, 4).equals(key.keyId)) return false;
  return verify(null, Buffer.from(text), key.key, bytes.subarray(4));
}

/** The checkpoints in the bytes of the file, in order. The first that is not whole is the last that is read. */
export function parseNotes(bytes: Buffer, key: VerifierKey): ReadNote[] {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return [{ why: 'checkpoint_format' }];
  const notes: ReadNote[] = [];
  const shape = /([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n\n[^\n]+\n\n/y;
  while (shape.lastIndex < text.length) {
    const match = shape.exec(text);
    const [whole, origin, size, root] = match ?? [];
    if (whole === undefined || root === undefined) return [...notes, { why: 'checkpoint_format' }];
    const isGood = origin === key.name && isSignedNote(whole.slice(0, -1), key);
    if (!isGood) return [...notes, { why: 'checkpoint_signature' }];
    notes.push({ size: Number(size), root: Buffer.from(root, 'base64'), why: null });
  }
  return notes;
}
