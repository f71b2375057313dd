// `keystile mcp`: the process of the MCP server, from the first byte to its end. It holds no key, imports no vault code,
// and ends with its input, at a signal, or when nobody reads its answers.

// oxlint-disable-next-line import/no-unassigned-import -- it has to come before the SDK makes its schemas
import './plain-schemas.ts';
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { DaemonLink, type HomePaths } from './link.ts';
import { makeServer } from './server.ts';
import { claimStdout, StdioChannel } from './stdio.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** What is given to the daemon of somebody's name: enough to recognise it. */
const CLIENT_NAME_MAX = 100;

/** Later than the first answers, which the work would delay. */
const CACHE_AFTER_MS = 1_000;

/**
 * There is one server for each agent, and it waits for people: the last of the optimising compilers costs more memory than
 * its code is worth. Measured after 1,000 calls: 75 MB instead of 85, a tenth of a millisecond a call. With the small young
 * generation of bin/keystile.
 */
const V8_FLAG = '--no-opt';

export interface ServeOptions {
  readonly paths: HomePaths;
}

/**
 * Serves one client on standard input and output until it is gone; gives back the exit code. The caller ends the
 * process then: a call that still waits for the human is over (I3). Takes standard output and the handlers of signals
 * and unhandled errors for the whole process.
 */
export async function serveMcp(options: ServeOptions): Promise<number> {
  setFlagsFromString(V8_FLAG);
  const channel = new StdioChannel(process.stdin, claimStdout());
  let clientName: string | undefined;
  const link = new DaemonLink(options.paths, () => clientName);
  const serve = (): ReturnType<typeof makeServer> =>
    makeServer(link, (name) => {
      clientName = name.slice(0, CLIENT_NAME_MAX);
    });
  reportStrays();
  for (const signal of SIGNALS) process.on(signal, () => void channel.close());
  // Clients kill a server before it could write its compiled code at the end, so it is written once it has started.
  setTimeout(flushCompileCache, CACHE_AFTER_MS).unref();
  const handle = serveStdio(serve, { transport: channel, onerror: (error) => report(error) });
  await channel.closed;
  link.close();
  await handle.close();
  return 0;
}

/** An error nobody waits for ends neither the process nor a promise of silence: one line, and never its message. */
function reportStrays(): void {
  process.on('unhandledRejection', (reason) => report(reason));
  process.on('uncaughtException', (error) => {
    report(error);
    process.exit(1);
  });
}

/** What an error says of itself could hold anything, and standard error ends up in the logs of clients. */
function report(error: unknown): void {
  process.stderr.write(`keystile mcp: ${error instanceof Error ? error.name : 'unknown error'}\n`);
}
