// What the server of these tests serves, made anew from its length: no two places in it are alike.

export function payloadOf(bytes: number): Buffer {
  const lines: string[] = [];
  for (let at = 0, length = 0; length < bytes; at += 1) {
    const line = `CANARY_${at}=fifo-canary-${(at * 2_654_435_761) % 4_294_967_296}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, bytes);
}
