// Our end of a pipe that a program writes to.

import { closeSync, read } from 'node:fs';
import { promisify } from 'node:util';
import type { Source } from './masked-output.ts';

const CHUNK_BYTES = 64 * 1024;

const readFd = promisify(read);

/**
 * What the program writes, as it comes. Read in a thread: a stream of Node does the same 4 ms later, which is what it
 * takes to load. Each chunk is its reader's own, who wipes it.
 */
export class PipeEnd implements Source {
  readonly #fd: number;
  #isOpen = true;

  /** Owns `fd`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const { bytesRead } = await readFd(this.#fd, chunk, 0, chunk.length, null);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  }

  /** Not while it is being read: its reader calls this when it is done. */
  destroy(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}
