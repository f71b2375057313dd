// What the daemon hands to the server: a handler for every row of the method table, and the checks that need more than
// the table. A call goes through them in one order, written down in docs/protocol.md.

import { Failure } from '../core/failure.ts';
import type { DaemonIdentity } from './identity.ts';
import { METHODS, type MethodName, type Params, type Results, type SocketName, type WatchEvent } from './methods.ts';
import { parseParams } from './params.ts';
import type { Peer } from './peer.ts';

/** One connection, as handlers see it. */
export interface ServedConnection {
  readonly socketName: SocketName;
  readonly peer: Peer;
  /** What the client calls itself; it proves nothing (I7). Not escaped. */
  readonly clientName: string | null;
  /** Aborts when the connection is gone. */
  readonly closed: AbortSignal;
  /** The watch this connection opened. The daemon sets and clears it; while it is null no event is sent. */
  session: object | null;
  sendEvent(event: WatchEvent): void;
}

export interface Call<M extends MethodName> {
  readonly method: M;
  readonly params: Params<M>;
  /** Wiped when the handler has settled: what is kept is copied. */
  readonly parts: readonly Buffer[];
  readonly connection: ServedConnection;
  /** Aborts when nobody waits any more: cancelled, connection lost, daemon stopping (I3). Its reason is a Failure. */
  readonly signal: AbortSignal;
  /** Parts of the answer, on the control socket only. They are wiped once sent. */
  readonly setParts: (parts: readonly Buffer[]) => void;
}

export type AnyCall = { [M in MethodName]: Call<M> }[MethodName];
export type MethodRow = (typeof METHODS)[MethodName];
export type Handlers = { readonly [M in MethodName]: (call: Call<M>) => Promise<Results[M]> };

export interface Service {
  readonly version: string;
  readonly identity: DaemonIdentity;
  readonly handlers: Handlers;
  /** Null for a peer that is not to be talked to. */
  observePeer(fd: number): Peer | null;
  /** Unlocked, human factor, agent above the caller: what the row demands. Refuses by throwing a Failure. */
  guard(row: MethodRow, call: AnyCall): Promise<void>;
  /**
   * A method that is not for this socket was asked for: for the audit. Once for each method and connection; a name that
   * is not in the table arrives as `unknown`.
   */
  onRefused(connection: ServedConnection, method: MethodName | 'unknown'): void;
  /** Something of ours broke; the peer is told only that. For the log. */
  onInternalError(failure: Failure): void;
}

export interface Incoming {
  readonly method: string;
  readonly params: unknown;
  readonly parts: readonly Buffer[];
  readonly connection: ServedConnection;
  readonly signal: AbortSignal;
  readonly setParts: (parts: readonly Buffer[]) => void;
}

/** The row's name, if the method exists on that socket. Hidden and absent look the same to the caller. */
export function findMethod(method: string, socketName: SocketName): MethodName | null {
  return isMethodName(method) && METHODS[method].socket === socketName ? method : null;
}

export function isMethodName(method: string): method is MethodName {
  return Object.hasOwn(METHODS, method);
}

/** Checks one call in the order of docs/protocol.md and runs it. Rejects with whatever a check or the handler throws. */
export async function answerCall(service: Service, name: MethodName, incoming: Incoming): Promise<unknown> {
  const row = METHODS[name];
  if (incoming.parts.length > row.partsMax) {
    throw new Failure('input/invalid', `${name} takes at most ${row.partsMax} parts`, { field: 'parts' });
  }
  const { parts, connection, signal, setParts } = incoming;
  const params = parseParams(name, incoming.params);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- name and params were paired by parseParams
  const call = { method: name, params, parts, connection, signal, setParts } as AnyCall;
  await service.guard(row, call);
  // A check may have waited for a human, and the caller may have left meanwhile (I3).
  signal.throwIfAborted();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above; the compiler cannot follow the pair
  const handler = service.handlers[name] as (call: AnyCall) => Promise<unknown>;
  return handler(call);
}
