// The one line to the daemon: opened at the first call, opened again after it was lost, never more than one. Holds no
// key and sees no value; whoever answers has proved to be the daemon before it is asked anything.

import { Failure } from '../../core/failure.ts';
import type { Connection, ConnectOptions } from '../../wire/client.ts';
import type { MethodName, Params, Results } from '../../wire/methods.ts';

export type HomePaths = ConnectOptions['paths'];

/** Calls that may wait at once; the daemon has the same limit for a connection (I8). */
export const CALLS_MAX = 64;

/** What the tools need of the daemon. */
export interface Authority {
  /** Throws the daemon's Failure, or why there is none: `daemon/unreachable`, `daemon/impostor`, `home/…`. */
  call<M extends MethodName>(method: M, params: Params<M>, signal: AbortSignal): Promise<Results[M]>;
}

export class DaemonLink implements Authority {
  readonly #paths: HomePaths;
  readonly #clientName: () => string | undefined;
  #connection: Promise<Connection> | null = null;
  #calls = 0;
  #isClosed = false;

  /** `clientName` is asked for at each connection: before the first call it is not known. */
  constructor(paths: HomePaths, clientName: () => string | undefined) {
    this.#paths = paths;
    this.#clientName = clientName;
  }

  async call<M extends MethodName>(method: M, params: Params<M>, signal: AbortSignal): Promise<Results[M]> {
    if (this.#calls >= CALLS_MAX) throw new Failure('daemon/busy', `${CALLS_MAX} calls wait already`);
    this.#calls += 1;
    try {
      const connection = await this.#open();
      const { result } = await connection.call(method, params, { signal });
      return result;
    } finally {
      this.#calls -= 1;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  async #open(): Promise<Connection> {
    if (this.#isClosed) throw new Failure('daemon/unreachable', 'the MCP server is ending');
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  /** One call that is cancelled while connecting must not end the others, so no signal is handed on here. */
  async #connect(): Promise<Connection> {
    const opening = this.#opening();
    const forget = (): void => {
      this.#connection = null;
    };
    opening.then((connection) => connection.closed.then(forget), forget);
    return opening;
  }

  async #opening(): Promise<Connection> {
    // Loaded at the first call: the answer to a client that only wants to know the tools does not wait for it.
    const { connect } = await import('../../wire/client.ts');
    const clientName = this.#clientName();
    const options: ConnectOptions = { paths: this.#paths, socket: 'agent' };
    return connect(clientName === undefined ? options : { ...options, clientName });
  }
}
