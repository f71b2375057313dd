// A ZIP archive in memory: its directory, and single files inflated up to a limit. No path of it ever touches the disk.
// The format is PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory) and 4.3.16 (its end).
//
// Our own reader because of the limits: fflate makes room for as much as an archive claims, and cannot be stopped.

import { crc32, inflateRawSync } from 'node:zlib';
import { Failure } from '../core/failure.ts';

const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;
const LOCAL_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 0xffff;
const METHOD_STORED = 0;
const METHOD_DEFLATED = 8;
const FLAG_ENCRYPTED = 1;
/** What all files of one archive may come to (I8). */
export const INFLATED_BYTES_MAX = 1024 * 1024 * 1024;

/** How taking one file out of an archive ends. */
export type Extracted =
  | { readonly kind: 'content'; readonly content: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'damaged' };

interface ZipEntry {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packedBytes: number;
  /** As the archive says; never inflated further. */
  readonly contentBytes: number;
  readonly at: number;
}

export class ZipArchive {
  readonly #bytes: Buffer;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  #inflatedBytes = 0;

  /** Reads the directory; `bytes` stay the caller's. Throws `import/damaged` when it is not whole. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#entries = readDirectory(bytes);
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * The file of that exact name, a buffer of its own. What says that it is larger than `bytesMax` is not inflated, what
   * is larger than it says is damaged. Throws `input/too_large` once the files taken out come to more than 1 GiB.
   */
  extract(name: string, bytesMax: number): Extracted {
    const entry = this.#entries.get(name);
    if (entry === undefined) return { kind: 'absent' };
    if (entry.contentBytes > bytesMax) return { kind: 'too-large' };
    // What is inflated in vain counts too: a thousand entries may name the same bytes.
    this.#inflatedBytes += entry.contentBytes;
    if (this.#inflatedBytes > INFLATED_BYTES_MAX) throw tooLarge();
    const content = unpack(this.#bytes, entry);
    return content === null ? { kind: 'damaged' } : { kind: 'content', content };
  }
}

function unpack(bytes: Buffer, entry: ZipEntry): Buffer | null {
  const packed = packedBytes(bytes, entry);
  const content = packed === null ? null : inflate(packed, entry);
  if (content === null) return null;
  if (content.length === entry.contentBytes && crc32(content) === entry.crc) return content;
  content.fill(0);
  return null;
}

function inflate(packed: Buffer, { method, contentBytes }: ZipEntry): Buffer | null {
  if (method === METHOD_STORED) return Buffer.from(packed);
  try {
    // zlib takes no limit of nothing.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, contentBytes) });
  } catch {
    return null;
  }
}

/** Where the data begins stands in the local header only. null when it does not lie within the archive. */
function packedBytes(bytes: Buffer, { at, packedBytes, flags, method }: ZipEntry): Buffer | null {
  if ((flags & FLAG_ENCRYPTED) !== 0 || (method !== METHOD_STORED && method !== METHOD_DEFLATED)) return null;
  if (at + LOCAL_BYTES > bytes.length || bytes.readUInt32LE(at) !== LOCAL_HEADER) return null;
  const start = at + LOCAL_BYTES + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  return start + packedBytes <= bytes.length ? bytes.subarray(start, start + packedBytes) : null;
}

/** Of two entries with one name the first counts. */
function readDirectory(bytes: Buffer): Map<string, ZipEntry> {
  const end = findEnd(bytes);
  // At most 65535: this is no ZIP64, which archives of more than 4 GiB need.
  const count = bytes.readUInt16LE(end + 10);
  const entries = new Map<string, ZipEntry>();
  let at = bytes.readUInt32LE(end + 16);
  for (let k = 0; k < count; k += 1) {
    if (at + ENTRY_BYTES > end || bytes.readUInt32LE(at) !== DIRECTORY_ENTRY) throw damaged();
    const nameBytes = bytes.readUInt16LE(at + 28);
    const next = at + ENTRY_BYTES + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (next > end) throw damaged();
    const name = bytes.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes);
    if (!entries.has(name)) entries.set(name, entryAt(bytes, at));
    at = next;
  }
  return entries;
}

function entryAt(bytes: Buffer, at: number): ZipEntry {
  return {
    flags: bytes.readUInt16LE(at + 8),
    method: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 16),
    packedBytes: bytes.readUInt32LE(at + 20),
    contentBytes: bytes.readUInt32LE(at + 24),
    at: bytes.readUInt32LE(at + 42),
  };
}

/** From the back, over the comment that may follow it. */
function findEnd(bytes: Buffer): number {
  const first = Math.max(0, bytes.length - END_BYTES - COMMENT_BYTES_MAX);
  for (let at = bytes.length - END_BYTES; at >= first; at -= 1) {
    if (bytes.readUInt32LE(at) !== DIRECTORY_END) continue;
    if (at + END_BYTES + bytes.readUInt16LE(at + 20) === bytes.length) return at;
  }
  throw damaged();
}

function tooLarge(): Failure {
  const hint = 'export fewer vaults at once';
  return new Failure('input/too_large', 'the files of this archive come to more than 1 GiB', { hint });
}

function damaged(): Failure {
  return new Failure('import/damaged', 'the ZIP archive is damaged, or not whole');
}
