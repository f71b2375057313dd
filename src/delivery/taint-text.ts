// Looks for the secrets of a run in the bytes of one file after another, and says on which line they are. The same needles
// as in output; no byte is changed or kept.

import { Redactor, type NeedleSet } from '../core/redactor/redactor.ts';
import { printable } from '../core/printable.ts';
import { TAINT_FILE_LENGTH_MAX } from '../core/taint.ts';

/** Bytes looked at in one go. */
export const TEXT_CHUNK_BYTES = 64 * 1024;
/** Of one file so many places are told: a file full of one secret must not push out the others (I8). */
export const FILE_HITS_MAX = 5;
const NEWLINE = 0x0a;
const CUT = '...';

export interface TextHit {
  readonly name: string;
  readonly line: number;
}

export class TaintText {
  readonly #needles: NeedleSet;
  /** The end of what came before, in which a needle may begin, and behind it what came last. */
  readonly #work: Buffer;
  #kept = 0;
  /** Newlines before the first byte of `#work`. */
  #lines = 0;
  #hits = new Map<string, TextHit>();

  constructor(needles: NeedleSet) {
    this.#needles = needles;
    this.#work = Buffer.alloc(Math.max(0, needles.matcher.longest - 1) + TEXT_CHUNK_BYTES);
  }

  /** A new file begins. */
  begin(): void {
    this.#kept = 0;
    this.#lines = 0;
    this.#hits = new Map();
  }

  /** Where the next bytes of the file may be put: at most TEXT_CHUNK_BYTES. `look` has to follow. */
  get room(): Buffer {
    return this.#work.subarray(this.#kept, this.#kept + TEXT_CHUNK_BYTES);
  }

  /** Looks at the first `bytes` bytes of `room`. */
  look(bytes: number): void {
    const text = this.#work.subarray(0, this.#kept + bytes);
    this.#needles.matcher.find(text, this.#kept, (start, _end, needle) => this.#keep(text, start, needle));
    const keeps = Math.min(text.length, Math.max(0, this.#needles.matcher.longest - 1));
    this.#lines += newlines(text, text.length - keeps);
    text.copyWithin(0, text.length - keeps);
    this.#kept = keeps;
  }

  /** Looks at bytes that lie elsewhere. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += TEXT_CHUNK_BYTES) {
      this.look(bytes.copy(this.room, 0, at, at + TEXT_CHUNK_BYTES));
    }
  }

  /** What was found in this file so far, in the order of the file. */
  get hits(): TextHit[] {
    return [...this.#hits.values()].sort((a, b) => a.line - b.line || (a.name < b.name ? -1 : 1));
  }

  /** A path as it can be told: masked, harmless on a screen, and its end when it is long. */
  nameOf(path: Buffer): string {
    const redactor = new Redactor(this.#needles);
    const masked = Buffer.concat([Buffer.from(redactor.push(path)), redactor.end()]);
    const text = printable(masked.toString('utf8'));
    return text.length <= TAINT_FILE_LENGTH_MAX ? text : CUT + text.slice(CUT.length - TAINT_FILE_LENGTH_MAX);
  }

  wipe(): void {
    this.#work.fill(0);
  }

  #keep(text: Buffer, start: number, needle: number): void {
    if (this.#hits.size >= FILE_HITS_MAX) return;
    const line = this.#lines + newlines(text, start) + 1;
    for (const { name } of this.#needles.ownersOf(needle)) this.#hits.set(`${line} ${name}`, { name, line });
  }
}

function newlines(text: Buffer, end: number): number {
  let count = 0;
  for (let at = text.indexOf(NEWLINE); at !== -1 && at < end; at = text.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
