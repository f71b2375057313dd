// The file with the MAC key of the event to come. It is overwritten in place: one write of one sector replaces the old
// key, and no freed block keeps it. A crash can leave it behind the log, never ahead of it.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { Secret } from '../core/secret.ts';
import { readPrivate, writePrivateAtomic } from '../machine/private-files.ts';
import { Ratchet } from './keys.ts';

const SHAPE = /^keystile-audit-key (\d{16}) ([0-9a-f]{64}) ([0-9a-f]{16})\n$/;
/** The file is synced once in so many events, and lags no more than that when the power fails. */
const UNSYNCED_EVENTS_MAX = 1_000;

export class KeyFile implements Disposable {
  readonly #path: string;
  #file: number | null = null;
  #syncedSeq = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The key that was saved last, or null when there is none that can be read. */
  load(): Ratchet | null {
    const bytes = readPrivate(this.#path, 1024);
    const [, seq, key, check] = SHAPE.exec(bytes?.toString('latin1') ?? '') ?? [];
    bytes?.fill(0);
    if (seq === undefined || key === undefined || check !== checkOf(`${seq} ${key}`)) return null;
    return new Ratchet(Number(seq), new Secret(Buffer.from(key, 'hex')));
  }

  /** Replaces the key. To be called after the events before it are synced: then the file is never ahead of the log. */
  save(ratchet: Ratchet): void {
    const key = ratchet.toBytes();
    const bytes = Buffer.concat([Buffer.from('keystile-audit-key '), key, Buffer.from(` ${checkOf(key)}\n`)]);
    try {
      if (this.#file === null) {
        writePrivateAtomic(this.#path, bytes);
        this.#file = fs.openSync(this.#path, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW);
        this.#syncedSeq = ratchet.seq;
      }
      fs.writeSync(this.#file, bytes, 0, bytes.length, 0);
      if (ratchet.seq - this.#syncedSeq >= UNSYNCED_EVENTS_MAX) this.sync(ratchet.seq);
    } finally {
      key.fill(0);
      bytes.fill(0);
    }
  }

  /** Makes the key before event `seq` survive a power cut. */
  sync(seq: number): void {
    if (this.#file === null || this.#syncedSeq === seq) return;
    fs.fdatasyncSync(this.#file);
    this.#syncedSeq = seq;
  }

  [Symbol.dispose](): void {
    if (this.#file !== null) fs.closeSync(this.#file);
    this.#file = null;
  }
}

/** Tells a key from what a torn write leaves. */
function checkOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
