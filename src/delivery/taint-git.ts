// The objects of git: where they are when they do not lie below the folder of a run, and what is in one. Git itself is not
// asked: it would run what a repository says.

import { constants as fs, closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createInflate } from 'node:zlib';

/** A loose object by its path: two hex digits, and 38 or 62 more (gitrepository-layout(5), SHA-1 and SHA-256). */
const LOOSE_OBJECT = /(?:^|\/)objects\/[0-9a-f]{2}\/[0-9a-f]{38}(?:[0-9a-f]{24})?$/;
/** `.git` and `commondir` of a linked work tree are one line with a path. */
const POINTER_BYTES_MAX = 4_096;

export function isLooseObject(path: Buffer): boolean {
  return LOOSE_OBJECT.test(path.toString('latin1'));
}

/** The folders of objects of the repository `folder` (absolute) is in, without those below `folder`. */
export function objectFoldersAbove(folder: string): string[] {
  for (let at = folder; ; at = dirname(at)) {
    const git = gitFolderIn(at);
    if (git !== null) {
      const common = pointer(join(git, 'commondir'), '');
      const objects = join(common === null ? git : resolve(git, common), 'objects');
      return objects.startsWith(folder === '/' ? folder : `${folder}/`) ? [] : [objects];
    }
    if (at === dirname(at)) return [];
  }
}

/** What a zlib stream says, piece by piece; ends early, without an error, where the stream is none. */
export async function* inflated(compressed: Iterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(compressed);
  const inflate = createInflate();
  source.on('error', () => inflate.destroy());
  try {
    for await (const piece of source.pipe(inflate)) if (Buffer.isBuffer(piece)) yield piece;
  } catch {
    // Not of git after all, or not finished.
  } finally {
    source.destroy();
    inflate.destroy();
  }
}

function gitFolderIn(folder: string): string | null {
  const path = join(folder, '.git');
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  if (stats.isDirectory()) return path;
  const target = stats.isFile() ? pointer(path, 'gitdir: ') : null;
  return target === null ? null : resolve(folder, target);
}

/** The path in a file of one line behind `prefix`, or null. */
function pointer(path: string, prefix: string): string | null {
  let fd: number | null = null;
  try {
    fd = openSync(path, fs.O_RDONLY | fs.O_NOFOLLOW | fs.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return null;
    const bytes = Buffer.alloc(POINTER_BYTES_MAX);
    const line = bytes.toString('utf8', 0, readSync(fd, bytes)).split('\n')[0] ?? '';
    return line.startsWith(prefix) && line.length > prefix.length ? line.slice(prefix.length) : null;
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}
