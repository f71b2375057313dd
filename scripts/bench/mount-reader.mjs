// A program that reads its settings again and again, as a development server does: a mounted file and a plain one in
// turns, each opened, read to its end and closed. Says on one line of JSON how many milliseconds each reading took.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const [mounted, plain] = process.argv.slice(2);
// Not among the arguments: with other arguments it is another program to the human.
const { count, pauseMs } = JSON.parse(readFileSync(0, 'utf8'));
const WARM_UPS = 20;
const bytes = Buffer.alloc(64 * 1024);
const clock = new Int32Array(new SharedArrayBuffer(4));
const samples = { mounted: [], plain: [], bytes: 0 };

for (let i = -WARM_UPS; i < count; i += 1) {
  const [ours, theirs] = [read(mounted), read(plain)];
  if (ours.length !== theirs.length) throw new Error(`${ours.length} bytes instead of ${theirs.length}`);
  if (i >= 0) samples.mounted.push(ours.ms);
  if (i >= 0) samples.plain.push(theirs.ms);
  samples.bytes = ours.length;
  Atomics.wait(clock, 0, 0, pauseMs);
}
process.stdout.write(`${JSON.stringify(samples)}\n`);

function read(path) {
  const startedAt = performance.now();
  const fd = openSync(path, 'r');
  let length = 0;
  for (let got = 1; got > 0; length += got) got = readSync(fd, bytes, 0, bytes.length, null);
  closeSync(fd);
  return { ms: performance.now() - startedAt, length };
}
