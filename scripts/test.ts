// npm test: every *.test.ts, in real processes. `--quick` leaves out what takes long: the *.slow.test.ts and the folders
// whose tests start whole programs or derive keys. Further words pick files by name.
// Ends with the one line `N passed, N failed`, and fails when there was nothing to run.

import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const SLOW = /\.slow\.test\.ts$/;
const LONG = /\.slow\.test\.ts$|^test\/(?:e2e|delivery|doors|vault|sources|exchange)\//;

const words = process.argv.slice(2);
const isQuick = words.includes('--quick');
const picked = words.filter((word) => !word.startsWith('--'));

const files = globSync('test/**/*.test.ts')
  .filter((file) => !(isQuick && LONG.test(file)))
  .filter((file) => picked.length === 0 || picked.some((word) => file.includes(word)))
  // The longest first, so that none of them is what everybody waits for at the end.
  .toSorted((a, b) => Number(SLOW.test(b)) - Number(SLOW.test(a)) || (a < b ? -1 : 1));

let passed = 0;
let failed = 0;
let skipped = 0;

// Two at a time: the tests start daemons and runners of their own, and the smallest machine has two cores.
const stream = run({ files, concurrency: 2, timeout: 240_000 });
stream.on('test:pass', ({ skip, details }) => {
  if (details.type === 'suite') return;
  if (skip === undefined || skip === false) passed += 1;
  else skipped += 1;
});
const durations: { readonly file: string; readonly seconds: number }[] = [];
stream.on('test:summary', ({ file, duration_ms: ms }) => {
  if (file !== undefined) durations.push({ file: relative('.', file), seconds: Math.round(ms / 1_000) });
});
stream.on('test:fail', ({ details }) => {
  if (details.type !== 'suite') failed += 1;
});
for await (const text of stream.compose(spec)) process.stdout.write(String(text));

const slowest = durations.toSorted((a, b) => b.seconds - a.seconds).slice(0, 12);
process.stdout.write(`\nslowest: ${slowest.map(({ file, seconds }) => `${file} ${seconds} s`).join(', ')}\n`);
process.stdout.write(
  `\n${files.length} files${isQuick ? ' (quick)' : ''}\n${passed} passed, ${failed} failed, ${skipped} skipped\n`,
);
if (failed > 0 || passed === 0) process.exitCode = 1;
