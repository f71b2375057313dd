// Keyed names: what stands in the file for the name of a record, so that nobody can read or guess it there.

import { createHmac } from 'node:crypto';
import { withoutTraces } from '../core/traceless.ts';
import { tuple } from './seal.ts';
import type { RecordType } from './seal.ts';

const KNOWN_MAX = 4_000;

export class NameKeys {
  readonly #key: Buffer;
  /** By what they are names of. */
  readonly #known = new Map<string, Buffer>();

  /** `key` stays the caller's, who wipes it. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** HMAC-SHA256, 32 bytes. NFC: two names that look the same are one. */
  of(type: RecordType, parent: string, name: string): Buffer {
    const place = `${type} ${parent} ${name}`;
    const known = this.#known.get(place);
    if (known !== undefined) return known;
    const nameKey = withoutTraces(() => createHmac('sha256', this.#key))
      .update(tuple(type, parent, name.normalize('NFC')))
      .digest();
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(place, nameKey);
    return nameKey;
  }
}
