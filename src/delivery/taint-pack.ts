// A pack of git, object by object (gitformat-pack(5)): what `git gc`, `fetch` and `clone` write instead of loose objects. Of an
// object that is told as a difference, the difference is looked at: what is new in it stands there as it is.

import { inflateSync } from 'node:zlib';

const PACK = /(?:^|\/)objects\/pack\/[^/]*\.pack$/;
const HEADER_BYTES = 12;
/** Types of objects that are differences: to one at an offset, and to one with a name. */
const OFFSET_DELTA = 6;
const NAMED_DELTA = 7;
/** Of SHA-1. A repository of SHA-256 does not write such objects to its disk. */
const NAME_BYTES = 20;
/** One object, inflated (I8). */
const OBJECT_BYTES_MAX = 32 * 1024 * 1024;

export function isPack(path: Buffer): boolean {
  return PACK.test(path.toString('latin1'));
}

/** The objects in `pack`, or in the beginning of one. Throws where it is cut, or is no pack. */
export function* objectsOfPack(pack: Buffer): Generator<Buffer> {
  if (pack.toString('latin1', 0, 4) !== 'PACK') throw new Error('not a pack');
  const count = pack.readUInt32BE(8);
  for (let at = HEADER_BYTES, i = 0; i < count; i += 1) {
    const start = contentStart(pack, at);
    const { buffer, engine } = inflated(pack.subarray(start));
    yield buffer;
    at = start + engine.bytesWritten;
  }
}

/** Behind the type and size of an object, and what it is a difference to. */
function contentStart(pack: Buffer, at: number): number {
  const type = (pack.readUInt8(at) >> 4) & 7;
  const end = numberEnd(pack, at);
  if (type === OFFSET_DELTA) return numberEnd(pack, end);
  return type === NAMED_DELTA ? end + NAME_BYTES : end;
}

/** Behind a number of seven bits a byte: the last one has no upper bit. */
function numberEnd(pack: Buffer, at: number): number {
  let end = at;
  while (pack.readUInt8(end) >= 0x80) end += 1;
  return end + 1;
}

interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: how many compressed bytes it was. */
  readonly engine: { readonly bytesWritten: number };
}

function inflated(bytes: Buffer): Inflated {
  const options = { info: true, maxOutputLength: OBJECT_BYTES_MAX };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- with `info` this is what comes; the types do not know
  return inflateSync(bytes, options) as unknown as Inflated;
}
