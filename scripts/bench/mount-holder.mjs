// A program that opens a mounted file, reads one byte, and keeps it open. At a line on its standard input it tries to read
// the rest, and says how many bytes it got.

import { openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';

const fd = openSync(process.argv[2], 'r');
const bytes = Buffer.alloc(64 * 1024);
if (readSync(fd, bytes, 0, 1, null) !== 1) throw new Error('it was let in and got nothing');
process.stdout.write('open\n');
createInterface({ input: process.stdin }).once('line', () => {
  process.stdout.write(`${rest()}\n`);
  process.exit();
});

function rest() {
  try {
    return readSync(fd, bytes, 0, bytes.length, null);
  } catch {
    return 0;
  }
}
