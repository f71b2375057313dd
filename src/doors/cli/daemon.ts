// Reaching the daemon from the command line: the home of this process, and a connection to its control socket.

import { Failure } from '../../core/failure.ts';
import { homePaths, type HomePaths } from '../../machine/paths.ts';
import type { Connection } from '../../wire/client.ts';

export const CLIENT_NAME = 'keystile';

export function cliPaths(): HomePaths {
  return homePaths();
}

/** Starts the daemon if none runs. What starts one is loaded only then. */
export async function reachDaemon(): Promise<Connection> {
  const running = await findDaemon();
  if (running !== null) return running;
  const { ensureDaemon } = await import('../../wire/start.ts');
  await ensureDaemon(cliPaths());
  return await open();
}

/** Null when none runs. Whatever else answers is an error, not an absence. */
export async function findDaemon(): Promise<Connection | null> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof Failure && error.code === 'daemon/unreachable') return null;
    throw error;
  }
}

/** Loads the client on first use: some commands need no daemon. */
async function open(): Promise<Connection> {
  const { connect } = await import('../../wire/client.ts');
  return await connect({ paths: cliPaths(), socket: 'control', clientName: CLIENT_NAME });
}
