// Reading the files of /proc whose bytes may be secret or are not text. They have no length to ask for, so Node's
// readFileSync sets 64 KiB aside for each, copies, and leaves its first copy where nobody can wipe it.

import { closeSync, openSync, readSync } from 'node:fs';

/** Most fit at once. An environment or a command line can have 2 MiB and more (execve(2)). */
const BYTES = 8 * 1024;
const scratch = Buffer.alloc(BYTES);

/** The bytes, in one buffer that the caller may wipe; nothing else is left of them. Throws what Node throws. */
export function readProcFile(path: string): Buffer {
  const fd = openSync(path, 'r');
  let into: Buffer = scratch;
  let length = 0;
  try {
    for (let read = 1; read > 0; length += read) {
      if (length === into.length) into = movedToLarger(into);
      read = readSync(fd, into, length, into.length - length, null);
    }
    return Buffer.from(into.subarray(0, length));
  } finally {
    into.fill(0, 0, length);
    closeSync(fd);
  }
}

function movedToLarger(full: Buffer): Buffer {
  const larger = Buffer.alloc(full.length * 2);
  full.copy(larger);
  full.fill(0);
  return larger;
}
