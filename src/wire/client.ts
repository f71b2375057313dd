// Our side of a connection to the daemon: verify it first, then ask and wait. Loads neither zod nor koffi, because every
// command and every MCP server starts with it.

import { randomBytes } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import { Failure } from '../core/failure.ts';
import type { HomePaths } from '../machine/paths.ts';
import { checkPrivateFolder, readPrivate } from '../machine/private-files.ts';
import { answerIn, isDocument, lost, unasked, type Answer } from './answers.ts';
import {
  ANSWER_LIMITS,
  encodeFrame,
  FrameReader,
  HELLO_LIMITS,
  REQUEST_LIMITS,
  type Frame,
  type Message,
} from './frames.ts';
import {
  checkHelloAnswer,
  HELLO_WAIT_MS,
  helloQuestion,
  impostor,
  KEY_FILE_BYTES_MAX,
  NONCE_BYTES,
  parseKeyFile,
} from './hello.ts';
import { verifyWithNode } from './identity.ts';
import type { MethodName, Params, SocketName, WatchEvent } from './methods.ts';

export interface ConnectOptions {
  readonly paths: HomePaths;
  readonly socket: SocketName;
  /** What we call ourselves; it proves nothing. At most 100 characters, the rest is cut. */
  readonly clientName?: string;
  /** Gives up connecting; the rejection is the signal's reason. Has no effect later. */
  readonly signal?: AbortSignal;
}

export interface CallOptions {
  /** Byte strings beside the JSON. They are copied; the caller wipes its own. */
  readonly parts?: readonly Buffer[];
  /** Stops waiting and tells the daemon so; the rejection is the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Connection extends Disposable {
  /** Version of the daemon. */
  readonly daemonVersion: string;
  /** Settles once the connection is gone, for whatever reason; it never rejects. */
  readonly closed: Promise<void>;
  /**
   * Rejects with the daemon's Failure, with `daemon/unreachable` when the connection is lost first, with
   * `input/too_large` when the call does not fit into a frame.
   */
  call<M extends MethodName>(method: M, params: Params<M>, options?: CallOptions): Promise<Answer<M>>;
  /** Events come only after `watch.open`. */
  onEvent(listener: (event: WatchEvent) => void): void;
  close(): void;
}

/**
 * Connects to the daemon of a home and makes sure it is the daemon. Throws `daemon/unreachable` when nothing listens,
 * `daemon/impostor` when what listens cannot prove itself within 5 s, `daemon/busy` when the daemon is full,
 * `home/unsafe` when others have access to the folder of the sockets.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { paths, socket: socketName, signal } = options;
  signal?.throwIfAborted();
  const socket = await open(socketName === 'agent' ? paths.agentSocket : paths.controlSocket, paths);
  try {
    const nonce = randomBytes(NONCE_BYTES);
    // After the connection, not before: a daemon that starts right now writes its key before it listens.
    const keyFile = readPrivate(paths.daemonKey, KEY_FILE_BYTES_MAX);
    if (keyFile === null) throw impostor('something answers on the socket, but no daemon has left its key');
    const key = parseKeyFile(keyFile);
    socket.write(encodeFrame(helloQuestion(nonce, options.clientName), [], HELLO_LIMITS));
    const answer = await firstMessage(socket, signal);
    return new WireConnection(
      socket,
      socketName,
      checkHelloAnswer(answer, { key, socket: socketName, nonce }, verifyWithNode),
    );
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function open(path: string, paths: HomePaths): Promise<Socket> {
  refuseUnsafeFolder(paths.run);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createConnection({ path });
  socket.once('connect', () => resolve(socket));
  socket.once('error', (cause: NodeJS.ErrnoException) => {
    // EAGAIN: more are waiting to be accepted than the system keeps in line (unix(7)).
    if (cause.code === 'EAGAIN') reject(new Failure('daemon/busy', 'the daemon has too many connections', { cause }));
    // The folder was found to be ours, so it is not its permissions: seccomp or another filter says no to connect(2).
    else if (cause.code === 'EPERM')
      reject(new Failure('daemon/sandboxed', 'a sandbox keeps this command from the daemon', { cause }));
    else reject(unreachable('no daemon listens', cause));
  });
  const opened = await promise;
  opened.removeAllListeners('error');
  // An error is followed by 'close', which tells whoever waits.
  opened.on('error', () => undefined);
  return opened;
}

function refuseUnsafeFolder(run: string): void {
  try {
    checkPrivateFolder(run);
  } catch (error) {
    const isAbsent = error instanceof Failure && error.code === 'machine/io';
    throw isAbsent ? unreachable('no daemon listens', error) : error;
  }
}

/** The first message of a peer that is not to be trusted yet. */
async function firstMessage(socket: Socket, signal: AbortSignal | undefined): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  const reader = new FrameReader(HELLO_LIMITS);
  const timer = setTimeout(() => reject(impostor('what listens on the socket does not answer')), HELLO_WAIT_MS);
  const onAbort = (): void => reject(signal?.reason);
  const onClose = (): void => reject(unreachable('the daemon closed the connection'));
  const onData = (chunk: Buffer): void => {
    try {
      for (const frame of reader.push(chunk)) resolve(frame.message);
    } catch {
      reject(impostor('what answers on the socket is not a keystile daemon'));
    }
  };
  signal?.addEventListener('abort', onAbort);
  socket.on('close', onClose).on('data', onData);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    socket.off('close', onClose).off('data', onData);
    socket.pause();
  }
}

interface Pending {
  resolve(frame: Frame): void;
  reject(reason: unknown): void;
}

class WireConnection implements Connection {
  readonly daemonVersion: string;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #socketName: SocketName;
  readonly #reader: FrameReader;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners: ((event: WatchEvent) => void)[] = [];
  #lastId = 0;
  #failure: Failure | null = null;

  constructor(socket: Socket, socketName: SocketName, daemonVersion: string) {
    this.daemonVersion = daemonVersion;
    this.#socket = socket;
    this.#socketName = socketName;
    this.#reader = new FrameReader(ANSWER_LIMITS[socketName]);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const onClose = (): void => {
      this.#end(lost());
      resolve();
    };
    if (socket.closed) onClose();
    socket.on('close', onClose);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.resume();
  }

  async call<M extends MethodName>(method: M, params: Params<M>, options: CallOptions = {}): Promise<Answer<M>> {
    const { signal, parts } = options;
    signal?.throwIfAborted();
    if (this.#failure !== null) throw this.#failure;
    const id = (this.#lastId += 1);
    const bytes = encodeFrame({ id, method, params }, parts, REQUEST_LIMITS[this.#socketName]);
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const onAbort = (): void => {
      this.#send(encodeFrame({ id, cancel: true }));
      reject(signal?.reason);
    };
    this.#pending.set(id, { resolve, reject });
    signal?.addEventListener('abort', onAbort);
    this.#send(bytes);
    try {
      return answerIn<M>(await promise);
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  onEvent(listener: (event: WatchEvent) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#end(unreachable('the connection was closed'));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Wipes the frame once the system has it: it may hold a passphrase. */
  #send(bytes: Buffer): void {
    this.#socket.write(bytes, () => bytes.fill(0));
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (error) {
      this.#end(Failure.from(error));
    }
  }

  #take(frame: Frame): void {
    const { message } = frame;
    if (typeof message.event === 'string') {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the verified daemon is made from the same types
      const event = message as unknown as WatchEvent;
      for (const listener of this.#listeners) listener(event);
    } else if (typeof message.id === 'number' && message.id <= this.#lastId) {
      const pending = this.#pending.get(message.id);
      // Nobody waits any more: the call was cancelled when its answer was under way.
      if (pending === undefined) for (const part of frame.parts) part.fill(0);
      else pending.resolve(frame);
    } else if (isDocument(message.error)) {
      throw Failure.fromDocument(message.error);
    } else {
      throw unasked();
    }
  }

  /** The first reason is the one that everybody who waits is told. */
  #end(failure: Failure): void {
    this.#failure ??= failure;
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
    this.#pending.clear();
    this.#reader.wipe();
    this.#socket.destroy();
  }
}

function unreachable(message: string, cause?: unknown): Failure {
  return new Failure('daemon/unreachable', message, { cause });
}
