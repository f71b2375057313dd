// Who is at the other end of a connection, as the system shows it (I7). Nothing here comes from a message.

import { closeSync } from 'node:fs';
import type { ProcessFacts } from '../core/request.ts';
import { peerOf, pidfdIsAlive } from '../machine/native.ts';
import { ancestorsOf, processFacts } from '../machine/processes.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  /**
   * The process itself, free of pid reuse; null on a kernel without (Linux < 6.5). Open as long as the connection or one
   * of its calls lives: who watches the process for longer opens a descriptor of its own.
   */
  readonly pidfd: number | null;
  readonly process: ProcessFacts;
  /** Parents of `process`, nearest first. */
  readonly ancestors: readonly ProcessFacts[];
}

/**
 * The process that connected the Unix socket `fd`; null when it is over, or not to be seen from here (another pid
 * namespace). The caller closes `pidfd`. Throws `machine/unsupported` when the kernel does not say.
 */
export function observePeer(fd: number): Peer | null {
  const { pid, uid, pidfd } = peerOf(fd);
  const process = processFacts(pid);
  const ancestors = ancestorsOf(pid);
  // Asked last: if the process lives now, its pid was its own while we looked.
  const isCertain = pidfd === null || pidfdIsAlive(pidfd);
  if (process === null || process.uid !== uid || !isCertain) {
    if (pidfd !== null) closeSync(pidfd);
    return null;
  }
  return { pid, uid, pidfd, process, ancestors };
}
