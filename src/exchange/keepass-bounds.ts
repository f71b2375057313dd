// What a decrypted KeePass database would cost, found out before kdbxweb inflates and parses it: kdbxweb knows no limits (I8).
// Whoever made the file knows its password, so that it could be decrypted says nothing in its favour.

import { gunzipSync } from 'node:zlib';
import { Failure } from '../core/failure.ts';

/** The XML and, in KDBX 4, the attachments; and all attachments inside the XML, inflated. */
export const DATABASE_BYTES_MAX = 256 * 1024 * 1024;
/** Beginnings of elements and attributes. 3 million cost 1 GiB and 13 s here; 20000 entries have 1.4 million. */
export const MARKS_MAX = 8_000_000;

const MARKS: ReadonlySet<number> = new Set(Buffer.from('<='));
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
/** An inner header of KDBX 4 is fields of a type, a length (u32le) and as many bytes; type 0 ends it. */
const FIELD_HEAD_BYTES = 5;
/** An element of KeePass has a handful of attributes. */
const TAG_BYTES_MAX = 4_096;

/**
 * Throws `input/too_large` for content that comes to more than it may, `import/damaged` for XML that KeePass would not
 * write. `packed` is what was decrypted, without the blocks of KDBX 3, and stays as it is.
 */
export function refuseCostlyContent(packed: Buffer, version: number, isCompressed: boolean): void {
  if (packed.length > DATABASE_BYTES_MAX) throw tooLarge();
  const content = isCompressed ? inflate(packed) : packed;
  try {
    const xml = content.subarray(version === 3 ? 0 : innerHeaderBytes(content));
    refuseCostlyXml(isStripped(xml) ? xml : stripped(xml));
  } finally {
    if (content !== packed) content.fill(0);
  }
}

function refuseCostlyXml(xml: Buffer): void {
  // Entities, and comments or sections that would split a text: KeePass writes none.
  if (xml.includes('<!') || xml.indexOf('<?', 1) > 0) throw damaged();
  let marks = 0;
  for (const byte of xml) if (MARKS.has(byte)) marks += 1;
  if (marks > MARKS_MAX) throw tooLarge();
  let bytes = xml.length;
  for (const packed of compressedTexts(xml)) {
    const inflated = inflate(packed);
    bytes += inflated.length;
    inflated.fill(0);
    if (bytes > DATABASE_BYTES_MAX) throw tooLarge();
  }
}

/** The text of every element that has the attribute Compressed, as bytes. It may be nothing but text. */
function* compressedTexts(xml: Buffer): Generator<Buffer, void, void> {
  for (let at = xml.indexOf('Compressed'); at >= 0; at = xml.indexOf('Compressed', at + 1)) {
    const tag = xml.toString('latin1', at, at + TAG_BYTES_MAX);
    const [, value] = /^Compressed\s*=\s*["']([^"']*)/.exec(tag) ?? [];
    if (value === undefined || value.toLowerCase() === 'false') continue;
    const start = xml.indexOf('>', at) + 1;
    if (start === 0 || start - at > TAG_BYTES_MAX) throw damaged();
    if (xml.toString('latin1', start - 2, start) === '/>') continue;
    const end = xml.indexOf('<', start);
    if (end < 0 || xml.toString('latin1', end, end + 2) !== '</') throw damaged();
    const packed = Buffer.from(xml.toString('latin1', start, end), 'base64');
    if (packed.length > 0) yield packed;
  }
}

function innerHeaderBytes(content: Buffer): number {
  for (let at = 0; at + FIELD_HEAD_BYTES <= content.length;) {
    const type = content[at];
    at += FIELD_HEAD_BYTES + content.readUInt32LE(at + 1);
    if (type === 0) return at;
  }
  throw damaged();
}

/** kdbxweb takes control characters out before it parses, tabs too; so `Com\0pressed` is a word to it. */
function isStripped(xml: Buffer): boolean {
  return xml.every(isKept);
}

function stripped(xml: Buffer): Buffer {
  return Buffer.from(xml.filter(isKept));
}

function isKept(byte: number): boolean {
  return byte >= SPACE || byte === LINE_FEED || byte === RETURN;
}

function inflate(packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: DATABASE_BYTES_MAX });
  } catch (error) {
    throw error instanceof RangeError ? tooLarge() : damaged();
  }
}

function tooLarge(): Failure {
  const what = 'this KeePass database holds more than can be read: 256 MiB, or 8 million marks of XML';
  return new Failure('input/too_large', what, { hint: 'split it, or remove large attachments and old versions' });
}

function damaged(): Failure {
  return new Failure('import/damaged', 'the KeePass database is damaged, or not whole');
}
