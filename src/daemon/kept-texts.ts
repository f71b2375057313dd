// What was put together from many values, kept sealed for the next time: to open one text takes a twentieth of the time that
// all of its values take. What was made before any change of the vault is not used after it.

import { randomBytes } from 'node:crypto';
import { Secret } from '../core/secret.ts';
import { KEY_BYTES, NONCE_BYTES, openXaes, sealXaes } from '../core/xaes.ts';

/** Texts kept at once, and the largest that is kept (I8). */
const TEXTS_MAX = 100;
const TEXT_BYTES_MAX = 64 * 1024;

interface SealedText {
  readonly revision: number;
  readonly nonce: Buffer;
  readonly sealed: Buffer;
}

export class KeptTexts {
  readonly #texts = new Map<string, SealedText>();
  #key: Secret | null = null;

  /** A buffer of the caller's own, who wipes it: what `make` gave at that revision of the vault, or gives now. */
  open(name: string, revision: number, make: () => Buffer): Buffer {
    const known = this.#texts.get(name);
    if (known?.revision === revision && this.#key !== null)
      return openXaes(this.#key.reveal(), known.nonce, known.sealed, Buffer.from(name));
    const bytes = make();
    if (bytes.length <= TEXT_BYTES_MAX) this.#keep(name, revision, bytes);
    return bytes;
  }

  /** At lock: what is kept cannot be opened any more. */
  wipe(): void {
    this.#key?.wipe();
    this.#key = null;
    this.#texts.clear();
  }

  #keep(name: string, revision: number, bytes: Buffer): void {
    this.#key ??= new Secret(randomBytes(KEY_BYTES));
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = sealXaes(this.#key.reveal(), nonce, bytes, Buffer.from(name));
    const [oldest] = this.#texts.keys();
    if (this.#texts.size >= TEXTS_MAX && oldest !== undefined) this.#texts.delete(oldest);
    this.#texts.set(name, { revision, nonce, sealed });
  }
}
