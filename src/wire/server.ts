// The two sockets of the daemon: who may connect at all, and how many. What is said then is connection.ts.

import { chmodSync, closeSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { HomePaths } from '../machine/paths.ts';
import { ensurePrivateFolder, writePrivateAtomic } from '../machine/private-files.ts';
import type { Service } from './calls.ts';
import { ServerConnection } from './connection.ts';
import { encodeFrame } from './frames.ts';
import type { SocketName } from './methods.ts';
import type { Peer } from './peer.ts';

/** Apart for each socket, so that a flood of agents leaves the human a way in (I8). */
export const CONNECTIONS_MAX: Readonly<Record<SocketName, number>> = { agent: 96, control: 32 };
/** Of one process, on both sockets together. */
export const CONNECTIONS_OF_PID_MAX = 16;
/** Connections over the limit that are told so at any time, and for how long. */
const SENT_AWAY_MAX = 16;
const SENT_AWAY_WAIT_MS = 1_000;
/** How long `close` waits for calls that were told to stop. */
const CLOSE_WAIT_MS = 2_000;

export type ServerPaths = Pick<HomePaths, 'agentSocket' | 'controlSocket' | 'daemonKey'>;

export class WireServer implements AsyncDisposable {
  readonly #paths: ServerPaths;
  readonly #service: Service;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<ServerConnection>();
  readonly #sentAway = new Set<Socket>();
  #closing: Promise<void> | null = null;

  constructor(paths: ServerPaths, service: Service) {
    this.#paths = paths;
    this.#service = service;
  }

  /**
   * Writes the public key and listens on both sockets. The caller holds the lock of the home: a socket file that lies
   * there is then stale, and is removed. Throws `home/unsafe` when something else lies there, `machine/io`.
   */
  async listen(): Promise<void> {
    const { agentSocket, controlSocket, daemonKey } = this.#paths;
    ensurePrivateFolder(dirname(daemonKey));
    removeStale(agentSocket);
    removeStale(controlSocket);
    // Before anybody can connect: a client reads the key when its connection stands.
    writePrivateAtomic(daemonKey, this.#service.identity.keyFile);
    await this.#listenOn(agentSocket, 'agent');
    await this.#listenOn(controlSocket, 'control');
  }

  /** Takes no more connections or calls, aborts the calls that run (I3), and closes within about 2 s. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = Promise.all(this.#servers.map(closeServer));
    const stopped = Promise.all([...this.#connections].map((connection) => connection.stop()));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_WAIT_MS);
    // A connection that stopped says its last words and closes by itself; the server is closed when all have.
    await Promise.race([stopped.then(() => closed), late]);
    clearTimeout(timer);
    for (const connection of [...this.#connections, ...this.#sentAway]) connection.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listenOn(path: string, socketName: SocketName): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const server = createServer((socket) => this.#accept(socket, socketName));
    server.once('error', (cause) => reject(new Failure('machine/io', `cannot listen on ${path}`, { cause })));
    server.listen({ path }, resolve);
    await promise;
    // Out of descriptors, say: the connection that could not be taken is lost, the daemon goes on.
    server.on('error', () => undefined);
    // The folder is ours alone already; the mode is a second lock.
    chmodSync(path, 0o600);
    this.#servers.push(server);
  }

  #accept(socket: Socket, socketName: SocketName): void {
    // An error is followed by 'close', which ends the connection.
    socket.on('error', () => undefined);
    const peer = this.#closing !== null ? null : this.#observe(socket);
    if (peer === null) {
      socket.destroy();
      return;
    }
    if (this.#isFull(socketName, peer)) {
      if (peer.pidfd !== null) closeSync(peer.pidfd);
      this.#sendAway(socket);
      return;
    }
    const connection = new ServerConnection(socket, socketName, peer, this.#service);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  /** Says why, if not too many are being told so already. Reads nothing but the end: closing at once could lose the reason. */
  #sendAway(socket: Socket): void {
    if (this.#sentAway.size >= SENT_AWAY_MAX) {
      socket.destroy();
      return;
    }
    this.#sentAway.add(socket);
    const timer = setTimeout(() => socket.destroy(), SENT_AWAY_WAIT_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#sentAway.delete(socket);
    });
    socket.end(encodeFrame({ error: new Failure('daemon/busy', 'too many connections').toDocument() }));
    socket.resume();
  }

  /** The peer, if it is a process of this very user (I7). The mode of a folder can be changed; this check stays. */
  #observe(socket: Socket): Peer | null {
    try {
      const peer = this.#service.observePeer(descriptorOf(socket));
      if (peer === null || peer.uid === process.geteuid?.()) return peer;
      if (peer.pidfd !== null) closeSync(peer.pidfd);
      return null;
    } catch (error) {
      this.#service.onInternalError(Failure.from(error));
      return null;
    }
  }

  #isFull(socketName: SocketName, peer: Peer): boolean {
    const all = [...this.#connections];
    const onSocket = all.filter((connection) => connection.socketName === socketName).length;
    const ofPid = all.filter((connection) => connection.peer.pid === peer.pid).length;
    return onSocket >= CONNECTIONS_MAX[socketName] || ofPid >= CONNECTIONS_OF_PID_MAX;
  }
}

/** Node shows the descriptor of a socket only on its inner handle. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  if (typeof fd !== 'number' || fd < 0) throw new Failure('machine/unsupported', 'a socket has no descriptor');
  return fd;
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Its one error is that it is closed already.
  server.close(() => resolve());
  await promise;
}

function removeStale(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket() || stats.uid !== process.geteuid?.()) {
    throw new Failure('home/unsafe', `${path} is not a socket of ours`, { hint: 'move it away' });
  }
  unlinkSync(path);
}
