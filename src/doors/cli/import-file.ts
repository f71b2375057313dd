// The file that is imported, and the files that open it: read whole, up to a limit, and wiped by whoever asked for them.

import { closeSync, openSync, readSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import { Secret } from '../../core/secret.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * All of a file, or of a pipe such as a shell's <(…). Throws `file/unreadable`, and `input/too_large` past `bytesMax`.
 * `field` is the argument that named it.
 */
export function readWhole(path: string, bytesMax: number, field: string): Secret {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
        const length = readSync(file, chunk);
        if (length === 0) break;
        chunks.push(chunk.subarray(0, length));
        bytes += length;
        if (bytes > bytesMax) {
          throw new Failure('input/too_large', `${path} is larger than ${bytesMax} bytes`, { field });
        }
      }
    } finally {
      closeSync(file);
    }
    const [first] = chunks;
    return new Secret(chunks.length === 1 && first !== undefined ? Buffer.from(first) : Buffer.concat(chunks, bytes));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('file/unreadable', `${path} cannot be read`, { field, cause: error });
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
