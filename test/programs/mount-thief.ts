// Holds on to what stands at a mounted path without opening it (O_PATH), waits until somebody else is served from it, and
// then opens it by its descriptor. Prints what it reads. Ends with its standard input.

import { chmodSync, closeSync, constants, fstatSync, openSync, readSync, realpathSync, writeSync } from 'node:fs';

const O_PATH = 0o10000000;
const [path = ''] = process.argv.slice(2);
const held = openSync(realpathSync(path), O_PATH);
const link = `/proc/self/fd/${held}`;
const bytes = Buffer.alloc(4096);

writeSync(1, 'ready\n');
process.stdin.resume().once('end', () => process.exit());
attempt();

function attempt(): void {
  const { nlink, size } = fstatSync(held);
  const isPipe = fstatSync(held).isFIFO();
  // It left its path when somebody opened it; a file has bytes as soon as it is served.
  if (nlink === 0 && (isPipe || size > 0)) steal();
  setImmediate(attempt);
}

function steal(): void {
  try {
    chmodSync(link, 0o600);
    const file = openSync(link, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      writeSync(1, bytes.subarray(0, readSync(file, bytes)));
    } finally {
      closeSync(file);
    }
  } catch {
    // Too early, or too late.
  }
}
