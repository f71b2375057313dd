// Reaching the daemon from the command line: the home of this process, and a connection to its control socket.

import { Failure } from '../../core/failure.ts';
import { homePaths, type HomePaths } from '../../machine/paths.ts';
import { connect, type Connection } from '../../wire/client.ts';

const CLIENT_NAME = 'keystile';

export function cliPaths(): HomePaths {
  return homePaths();
}

/** Starts the daemon if none runs. */
export async function reachDaemon(): Promise<Connection> {
  const running = await findDaemon();
  if (running !== null) return running;
  const paths = cliPaths();
  // Loaded only when it is needed: most commands find a daemon, and starting one takes more code than talking to it.
  const { ensureDaemon } = await import('../../wire/start.ts');
  await ensureDaemon(paths);
  return await connect({ paths, socket: 'control', clientName: CLIENT_NAME });
}

/** Null when none runs. Whatever else answers is an error, not an absence. */
export async function findDaemon(): Promise<Connection | null> {
  try {
    return await connect({ paths: cliPaths(), socket: 'control', clientName: CLIENT_NAME });
  } catch (error) {
    if (error instanceof Failure && error.code === 'daemon/unreachable') return null;
    throw error;
  }
}
