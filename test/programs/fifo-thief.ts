// Opens a file again and again, as fast as it can, and reads what it gets. argv: path, how often. Says how many bytes it got.

import { closeSync, openSync, readSync } from 'node:fs';

const [, , path = '', times = '0'] = process.argv;
const buffer = Buffer.alloc(4_096);
let bytes = 0;
for (let i = 0; i < Number(times); i += 1) {
  const fd = openSync(path, 'r');
  for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) bytes += got;
  closeSync(fd);
}
process.stdout.write(`${bytes}`);
