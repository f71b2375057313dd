// Runs several command lines (JSON in argv[2]) in one process, and says after each, on both streams, how it exited.

import { runCli } from '../../src/doors/cli/cli.ts';

for (const argv of JSON.parse(process.argv[2] ?? '[]') as string[][]) {
  const code = await runCli(argv);
  for (const stream of [process.stdout, process.stderr]) stream.write(`\u0000${code}\u0000`);
}
