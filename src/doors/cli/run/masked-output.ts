// One stream of a run on its way to the person: masked, in order, and no faster than it is taken.

import { write } from 'node:fs';
import { promisify } from 'node:util';
import type { NeedleSet, Redactor } from '../../../core/redactor/redactor.ts';
import type { RunVariable } from './environment-block.ts';

/**
 * On a terminal, what could become a secret is shown after this silence when it is no longer than this: every second
 * character typed starts some spelling of some value, and its echo must not wait for the next. So of a value that is
 * written with a pause behind its first, second or third byte, those are seen. Anything longer waits, however long, until it is
 * decided: a prompt whose end is the start of a value is not shown until more comes.
 */
export const EARLY_BYTES_MAX = 3;
const SILENCE_MS = 15;
/** Between two tries to write to something that was made non-blocking by somebody else. */
const RETRY_MS = 2;

const writeFd = promisify(write);

/** What is looked for: loaded and made when there is output to look at. A run that prints nothing is 6 ms shorter. */
export class LateNeedles implements Disposable {
  #variables: readonly RunVariable[];
  #set: NeedleSet | null = null;

  /** The values are wiped when they are compiled, or here at the end. */
  constructor(variables: readonly RunVariable[]) {
    this.#variables = variables;
  }

  /** Throws `input/too_large` when the values together are too much to look for. */
  async redactor(): Promise<Redactor> {
    const core = await import('../../../core/redactor/redactor.ts');
    this.#set ??= core.NeedleSet.compile(this.#variables.filter(({ isMasked }) => isMasked));
    this.#wipeValues();
    return new core.Redactor(this.#set);
  }

  #wipeValues(): void {
    for (const { value } of this.#variables) value.fill(0);
    this.#variables = [];
  }

  [Symbol.dispose](): void {
    this.#wipeValues();
    this.#set?.wipe();
  }
}

/** Where a program's output comes from: a stream, or an end of a pipe. */
export interface Source extends AsyncIterable<unknown> {
  destroy(): void;
  /** Whether there is a next chunk already, so that whoever asks for it does not wait. False where that is not known. */
  hasMore?(): boolean;
  /** From now on it puts each chunk where `room` says, which gets the most bytes it may have. */
  fill?(room: (bytes: number) => Buffer): void;
}

export interface Sink {
  /** Where masked bytes go. */
  readonly fd: number;
  readonly isTerminal: boolean;
}

export class MaskedOutput {
  readonly #sink: Sink;
  readonly #needles: LateNeedles;
  #redactor: Redactor | null = null;
  /** What is being written, of which there is one at a time; null when nothing is. */
  #writing: Promise<void> | null = null;
  /** The reader of our output is gone. */
  #isBroken = false;
  /** When the last bytes came, by performance.now(). */
  lastAt = 0;

  constructor(sink: Sink, needles: LateNeedles) {
    this.#sink = sink;
    this.#needles = needles;
  }

  /**
   * Passes on what comes until it ends. A chunk is read and masked while the one before it is written, when it is there
   * already; nobody waits for the program to print something while it is not known whether that can be passed on. When
   * nobody takes it any more `source` is destroyed, so that the program sees that too. Throws what NeedleSet.compile
   * throws, and then nothing was written.
   */
  async pass(source: Source): Promise<void> {
    let silence: NodeJS.Timeout | undefined;
    try {
      for await (const chunk of chunksOf(source)) {
        clearTimeout(silence);
        this.lastAt = performance.now();
        const redactor = (this.#redactor ??= await this.#redactorFor(source));
        await this.#give(redactor.push(chunk));
        if (source.fill === undefined) chunk.fill(0);
        if (source.hasMore?.() !== true) await this.#writing;
        if (this.#isBroken) break;
        if (this.#sink.isTerminal) silence = setTimeout(() => this.#giveEarly(), SILENCE_MS);
      }
      await this.#writing;
      if (this.#redactor !== null) await this.#give(this.#redactor.end());
      await this.#writing;
    } finally {
      clearTimeout(silence);
      source.destroy();
    }
  }

  async #redactorFor(source: Source): Promise<Redactor> {
    const redactor = await this.#needles.redactor();
    source.fill?.((bytes) => redactor.room(bytes));
    return redactor;
  }

  /** Not while something is being written: then it is in time with what comes behind that. */
  #giveEarly(): void {
    if (this.#redactor !== null && this.#writing === null) this.#begin(this.#redactor.early(EARLY_BYTES_MAX));
  }

  /**
   * Settles when what came before is written, and these bytes are on their way: a Redactor keeps them until the call after
   * the next.
   */
  async #give(bytes: Buffer): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    this.#begin(bytes);
  }

  #begin(bytes: Buffer): void {
    if (!this.#isBroken && bytes.length > 0) this.#writing = this.#write(bytes);
  }

  async #write(bytes: Buffer): Promise<void> {
    if (!(await writeAll(this.#sink.fd, bytes))) this.#isBroken = true;
    this.#writing = null;
  }
}

/** The end of a pseudo-terminal is an error of its own: EIO, when nobody has the other end open (pty(7)). */
async function* chunksOf(source: Source): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (error) {
    if (codeOf(error) !== 'EIO' && codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** False when it cannot be written: the reader is gone, the disk is full, the terminal hung up. */
async function writeAll(fd: number, bytes: Buffer): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    try {
      const { bytesWritten } = await writeFd(fd, bytes, at);
      at += bytesWritten;
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return false;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  return true;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
