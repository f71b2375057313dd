// Bytes that are space, digits and letters, and the lines of a value.

/** How the lines around a key begin and end (RFC 7468). They are the same in every key. */
const PEM_FRAME = Buffer.from('-----', 'latin1');

const LINE_FEED = 0x0a;

export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** The value without the white space around it; a view, not a copy. */
export function trimmed(value: Buffer): Buffer {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value[start]!)) start += 1;
  while (end > start && isSpace(value[end - 1]!)) end -= 1;
  return value.subarray(start, end);
}

/** Lines without their line ends; views, not copies. */
export function linesOf(value: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start <= value.length;) {
    const feed = value.indexOf(LINE_FEED, start);
    const end = feed < 0 ? value.length : feed;
    const line = value.subarray(start, end);
    lines.push(line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
    start = end + 1;
  }
  return lines;
}

export function isFrame(line: Buffer): boolean {
  return (
    line.length > 2 * PEM_FRAME.length && line.subarray(0, 5).equals(PEM_FRAME) && line.subarray(-5).equals(PEM_FRAME)
  );
}

export function copied(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  bytes.copy(copy);
  return copy;
}

export function joined(lines: readonly Buffer[], lineEnd: string): Buffer {
  const end = Buffer.from(lineEnd, 'latin1');
  const length = lines.reduce((sum, line) => sum + line.length, 0) + end.length * Math.max(0, lines.length - 1);
  const text = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [k, line] of lines.entries()) {
    if (k > 0) at += end.copy(text, at);
    at += line.copy(text, at);
  }
  return text;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
