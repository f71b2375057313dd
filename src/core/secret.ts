// A Secret wears a coat: however JavaScript prints it, it prints as [secret]. I1: reveal() is the only way in,
// and test/architecture.test.ts lists the few files that call it.

import { timingSafeEqual } from 'node:crypto';

const COAT = '[secret]';

export class Secret implements Disposable {
  #bytes: Buffer;

  /** Takes ownership of `bytes`: the caller does not keep or wipe it. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy (I1). Valid until `wipe()`. */
  reveal(): Buffer {
    return this.#bytes;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes);
  }

  /** Overwrites the bytes. Copies made by others (a string, a socket's buffer) are out of reach. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#bytes = Buffer.alloc(0);
  }

  [Symbol.dispose](): void {
    this.wipe();
  }

  toString(): string {
    return COAT;
  }

  toJSON(): string {
    return COAT;
  }

  [Symbol.toPrimitive](): string {
    return COAT;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return COAT;
  }
}
