// Stands in for `keystile run` until there is such a command: all of the command line, a daemon asked one thing, and as
// many values as BENCH_SECRETS says, in the place of those the daemon will hand over.

import { randomBytes } from 'node:crypto';
import { runCli as otherCommands } from '../../src/doors/cli/cli.ts';
import { reachDaemon } from '../../src/doors/cli/daemon.ts';

export async function runCli(argv: readonly string[]): Promise<number> {
  if (argv[0] !== 'run') return await otherCommands(argv);
  // The daemon answers while the rest is loaded.
  const answering = (async () => {
    const connection = await reachDaemon();
    await connection.call('status', {});
    return connection;
  })();
  const { runForHuman } = await import('../../src/doors/cli/run/human-run.ts');
  const { ignoredSignals, ownEnvironment } = await import('../../src/doors/cli/run/own-environment.ts');
  const connection = await answering;
  connection.close();
  const { BENCH_SECRETS: count, ...environment } = ownEnvironment();
  return await runForHuman({
    argv: argv.slice(argv.indexOf('--') + 1),
    variables: Array.from({ length: Number(count) }, (_none, i) => ({
      name: `SECRET_${i}`,
      value: Buffer.from(randomBytes(24).toString('base64url')),
      isMasked: true,
    })),
    environment,
    masking: argv.includes('--no-masking') ? 'off' : 'on',
    ignored: ignoredSignals(),
  });
}
