// Our end of a pipe that a program writes to.

import { closeSync, read } from 'node:fs';
import { promisify } from 'node:util';
import type * as fifo from '../../../machine/fifo.ts';
import type { Source } from './masked-output.ts';

/** What is read at once: as much as a pipe holds when nobody asks for more (pipe(7)). */
const CHUNK_BYTES = 64 * 1024;
/** The same for a program that prints much, and what the pipe holds then: one chunk while the one before is masked. */
const FLOOD_BYTES = 256 * 1024;
const FLOOD_PIPE_BYTES = 2 * FLOOD_BYTES;

const readFd = promisify(read);

/** The calls that Node does not have: loaded for a program that prints much. Linux only. */
type PipeCalls = Pick<typeof fifo, 'makeRoom' | 'unreadBytes'>;

/**
 * What the program writes, as it comes. Read in a thread: a stream of Node does the same 4 ms later, which is what it
 * takes to load. After the first read that was full, the pipe is made larger, and what lies in it already is read while
 * the chunk before it is masked.
 */
export class PipeEnd implements Source {
  readonly #fd: number;
  /** Where it reads to before somebody says where. */
  readonly #own = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #room: (bytes: number) => Buffer = (bytes) => this.#own.subarray(0, bytes);
  #chunkBytes = CHUNK_BYTES;
  #calls: PipeCalls | null = null;
  /** The next chunk, which is read while the one before is looked at; null when it may not be there yet. */
  #ahead: Promise<Buffer> | null = null;
  #isOpen = true;

  /** Owns `fd`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  fill(room: (bytes: number) => Buffer): void {
    this.#room = room;
  }

  /** For one reader, who has each chunk until it asks for the next: that may be in the same memory. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = await (this.#ahead ?? this.#read());
        this.#ahead = null;
        if (chunk.length === 0) return;
        if (this.hasMore()) this.#ahead = this.#read();
        yield chunk;
        if (chunk.length === CHUNK_BYTES && this.#chunkBytes < FLOOD_BYTES) await this.#widen();
      }
    } finally {
      // It is there, so this is soon over; until then the pipe may not be closed.
      await this.#ahead?.catch(() => undefined);
    }
  }

  async #read(): Promise<Buffer> {
    const buffer = this.#room(this.#chunkBytes);
    return buffer.subarray(0, (await readFd(this.#fd, buffer, 0, buffer.length, null)).bytesRead);
  }

  /** Nobody else reads there, so what was seen in the pipe is there, and whoever reads it does not wait. */
  hasMore(): boolean {
    return this.#ahead !== null || (this.#calls !== null && this.#calls.unreadBytes(this.#fd) > 0);
  }

  async #widen(): Promise<void> {
    this.#chunkBytes = FLOOD_BYTES;
    if (process.platform !== 'linux') return;
    this.#calls = await import('../../../machine/fifo.ts');
    // Where the system does not give that much, it goes on with what there is.
    this.#calls.makeRoom(this.#fd, FLOOD_PIPE_BYTES);
  }

  /** Not while it is being read: its reader calls this when it is done. What was read is overwritten. */
  destroy(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
    this.#own.fill(0);
  }
}
