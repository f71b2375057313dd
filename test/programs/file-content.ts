// What the mounted files of the tests hold: lines that say where they belong, so that a torn or foreign copy shows.

/** Of `bytes` bytes, the same for the same path. */
export function content(path: string, bytes: number): Buffer {
  const lines: string[] = [];
  for (let length = 0, number = 0; length < bytes; number += 1) {
    const line = `V${number}="${path}:${number}"\n`;
    lines.push(line);
    length += Buffer.byteLength(line);
  }
  return Buffer.from(lines.join('')).subarray(0, bytes);
}
