// The little of DER (ITU-T X.690) that an SSH key needs: sequences, integers and octet strings, read as views and written.

export const TAG = { integer: 0x02, octets: 0x04, null: 0x05, identifier: 0x06, sequence: 0x30 } as const;

/** What the elements of one sequence hold, as views; nothing when `der` is not exactly one sequence. */
export function contentsOf(der: Buffer): Buffer[] {
  const sequence = contentAt(der, 0);
  if (sequence === undefined || der[0] !== TAG.sequence || sequence.end !== der.length) return [];
  const contents: Buffer[] = [];
  for (let at = sequence.start; at < der.length;) {
    const content = contentAt(der, at);
    if (content === undefined || content.end > der.length) return [];
    contents.push(der.subarray(content.start, content.end));
    at = content.end;
  }
  return contents;
}

/** An element of these parts, as a buffer of its own. */
export function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(length)]), ...parts]);
}

/** Where the content of the element at `at` begins, and where it would end. */
function contentAt(bytes: Buffer, at: number): { start: number; end: number } | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  // Four bytes say more than any key has; 0x80 is the indefinite length that DER does not have.
  if (count === 0 || count > 4 || at + 2 + count > bytes.length) return undefined;
  const start = at + 2 + count;
  return { start, end: start + bytes.readUIntBE(at + 2, count) };
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return [0x80 | bytes.length, ...bytes];
}
