// A file of the human's own that a command was told to read.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '../core/failure.ts';

const CHUNK_BYTES = 64 * 1024;

/**
 * All bytes of a file, pipe or device, which the caller wipes when they are secret. Throws `file/unreadable`, and
 * `input/too_large` past `bytesMax`.
 */
export function readInputFile(path: string, bytesMax: number): Buffer {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new Failure('file/unreadable', isAbsent ? 'there is no such file' : 'that file cannot be read', {
      field: path,
      cause,
    });
  }
  try {
    if (fstatSync(fd).isDirectory()) throw new Failure('file/unreadable', 'that is a folder', { field: path });
    return readAll(fd, path, bytesMax);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, path: string, bytesMax: number): Buffer {
  const chunks: Buffer[] = [];
  try {
    for (let length = 0; ;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      chunks.push(chunk);
      const bytes = readSync(fd, chunk, 0, chunk.length, null);
      length += bytes;
      if (length > bytesMax) {
        throw new Failure('input/too_large', `that file holds more than ${bytesMax} bytes`, { field: path });
      }
      chunks[chunks.length - 1] = chunk.subarray(0, bytes);
      if (bytes === 0) return Buffer.concat(chunks);
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('file/unreadable', 'that file cannot be read', { field: path, cause });
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}
