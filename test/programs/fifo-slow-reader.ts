// Opens a file and reads as it is told: each number on standard input is that many bytes, `rest` is until the end. Says
// `{"bytes":…,"digest":…}` of all it has read so far after each. Ends with `rest`.

import { createHash } from 'node:crypto';
import { openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';

const fd = openSync(process.argv[2] ?? '', 'r');
const hash = createHash('sha256');
const buffer = Buffer.alloc(1_000);
let bytes = 0;

function take(length: number): boolean {
  const got = readSync(fd, buffer, 0, Math.min(length, buffer.length), null);
  hash.update(buffer.subarray(0, got));
  bytes += got;
  return got > 0;
}

process.stdout.write('open\n');
for await (const line of createInterface({ input: process.stdin })) {
  const wish = line === 'rest' ? Number.POSITIVE_INFINITY : Number(line);
  const goal = bytes + wish;
  while (bytes < goal && take(goal - bytes));
  process.stdout.write(`${JSON.stringify({ bytes, digest: hash.copy().digest('hex') })}\n`);
  if (line === 'rest') break;
}
