// The files the lines go to: events.jsonl, then events-2.jsonl and so on. What is acknowledged is on the disk, in the
// file that the name still leads to; what was not acknowledged is taken back. Lines mean nothing here.

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../core/failure.ts';
import { openPrivateAppend, readPrivate, syncFolder } from '../machine/private-files.ts';

/** I8: a file that has grown to this begins the next one. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;
/** The most a file can have: a last group of events goes over the line. */
const SEGMENT_BYTES_MAX = 2 * SEGMENT_BYTES;
const NEWLINE = 0x0a;
const fdatasync = promisify(fs.fdatasync);

/** The files of the log that begins at `events`, in order. The first is named even when it is not there. */
export function segmentsOf(events: string): string[] {
  const stem = basename(events).replace(/\.jsonl$/, '');
  const numbers = fs
    .readdirSync(dirname(events))
    .map((name) => (name.startsWith(`${stem}-`) ? /^(\d{1,9})\.jsonl$/.exec(name.slice(stem.length + 1)) : null))
    .map((match) => Number(match?.[1] ?? 0))
    .filter((number) => number >= 2);
  return [events, ...numbers.sort((a, b) => a - b).map((number) => segmentPath(events, number))];
}

/** The file to begin after `path`. */
export function segmentAfter(events: string, path: string): string {
  const number = path === events ? 1 : Number(/-(\d+)\.jsonl$/.exec(path)?.[1]);
  return segmentPath(events, number + 1);
}

/** The bytes of one file; none when it is not there. Throws `home/unsafe` when it is anything but a private file. */
export function readSegment(path: string): Buffer {
  return readPrivate(path, SEGMENT_BYTES_MAX) ?? Buffer.alloc(0);
}

/** The whole lines of `bytes`, without their newlines. */
export function* linesOf(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

/** The last file of a log, open to be appended to. */
export class Journal implements Disposable {
  readonly path: string;
  readonly #file: number;
  /** Bytes that are acknowledged. */
  #size: number;
  /** Whether there may be bytes of ours behind them. */
  #isDirty = false;
  /** Bytes of a last line that a crash cut short; they are gone now. */
  readonly tornBytes: number;

  /**
   * Opens or makes `path`. A last line without its newline was never acknowledged and is cut off; whole lines stay.
   * Throws Failure when it is not a private regular file, or cannot be written: a device such as /dev/null would
   * swallow the log, so none is taken.
   */
  constructor(path: string) {
    this.path = path;
    this.#file = openPrivateAppend(path);
    try {
      syncFolder(dirname(path));
      const bytes = readSegment(path);
      this.#size = bytes.lastIndexOf(NEWLINE) + 1;
      this.tornBytes = bytes.length - this.#size;
      if (this.tornBytes > 0) this.#cut();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Whether the file is as we left it, after what a failed `append` left behind was taken back. When not, somebody
   * else was there, and the file has to be read again. Throws when the system refuses.
   */
  isAsLeft(): boolean {
    const here = fs.fstatSync(this.#file);
    const named = fs.lstatSync(this.path, { throwIfNoEntry: false });
    if (named === undefined || named.ino !== here.ino || named.dev !== here.dev) return false;
    if (!this.#isDirty) return here.size === this.#size;
    if (here.size < this.#size) return false;
    // After a failed sync nobody knows what the disk holds (a second sync would answer "done" all the same), so the
    // bytes are taken back and written anew. None of them was acknowledged.
    this.#cut();
    return true;
  }

  /** One write and one sync. Rejects when either fails; then nothing counts until `isAsLeft` or a new Journal (I2). */
  async append(bytes: Buffer): Promise<void> {
    this.#isDirty = true;
    for (let written = 0; written < bytes.length;) written += fs.writeSync(this.#file, bytes, written);
    await fdatasync(this.#file);
    // The name may have been removed meanwhile; a line in a file nobody can find is not in the log.
    if (fs.fstatSync(this.#file).nlink === 0) {
      throw new Failure('audit/unavailable', `${this.path} was removed`);
    }
  }

  /** The caller has done all that belongs to the last `append`. */
  acknowledge(bytes: number): void {
    this.#size += bytes;
    this.#isDirty = false;
  }

  #cut(): void {
    fs.ftruncateSync(this.#file, this.#size);
    fs.fdatasyncSync(this.#file);
    this.#isDirty = false;
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#file);
  }
}

function segmentPath(events: string, number: number): string {
  return join(dirname(events), `${basename(events).replace(/\.jsonl$/, '')}-${number}.jsonl`);
}
