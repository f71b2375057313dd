// The daemon's side of one connection: hello first, then calls, each answered once under its own id. Everything a peer
// can make grow has a limit here (I8), and a lost connection ends what it asked for (I3).

import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Failure } from '../core/failure.ts';
import { answerCall, findMethod, isMethodName, type ServedConnection, type Service } from './calls.ts';
import {
  ANSWER_LIMITS,
  encodeFrame,
  FrameReader,
  HELLO_LIMITS,
  REQUEST_LIMITS,
  type Frame,
  type Message,
} from './frames.ts';
import { HELLO_WAIT_MS, helloAnswer, parseHelloQuestion } from './hello.ts';
import type { SocketName, WatchEvent } from './methods.ts';
import type { Peer } from './peer.ts';

export const CALLS_IN_FLIGHT_MAX = 64;
/** Bytes of all frames whose calls are in flight on one connection. */
export const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** A frame that has begun has to be whole by then. */
export const PARTIAL_FRAME_WAIT_MS = 10_000;
/** With more than this unsent we stop reading: who does not read answers may not ask on. */
const UNSENT_BYTES_PAUSE = 4 * 1024 * 1024;
const UNSENT_BYTES_MAX = 64 * 1024 * 1024;
/** Time for the last message to a peer that does not read. */
const LAST_WORD_WAIT_MS = 1_000;

interface InFlight {
  readonly controller: AbortController;
  readonly bytes: number;
  isCancelled: boolean;
}

export class ServerConnection implements ServedConnection {
  readonly socketName: SocketName;
  readonly peer: Peer;
  clientName: string | null = null;
  session: object | null = null;
  readonly #socket: Socket;
  readonly #service: Service;
  readonly #reader = new FrameReader(HELLO_LIMITS);
  readonly #closed = new AbortController();
  readonly #calls = new Map<number, InFlight>();
  readonly #refused = new Set<string>();
  #heldBytes = 0;
  #state: 'hello' | 'open' | 'stopping' | 'ending' = 'hello';
  #helloTimer: NodeJS.Timeout | undefined;
  #partialTimer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | null = null;
  #isPeerClosed = false;

  /** Owns `socket` and `peer.pidfd` from here on. */
  constructor(socket: Socket, socketName: SocketName, peer: Peer, service: Service) {
    this.#socket = socket;
    this.socketName = socketName;
    this.peer = peer;
    this.#service = service;
    this.#helloTimer = setTimeout(() => this.destroy(), HELLO_WAIT_MS);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => {
      if (this.#state !== 'ending') socket.resume();
    });
    socket.on('close', () => this.#onClose());
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** I4: an event shows requests to the human, so there is none on the agent's socket, whatever the session. */
  sendEvent(event: WatchEvent): void {
    if (this.session === null || this.socketName !== 'control') return;
    this.#send(encodeFrame({ ...event }));
  }

  /** Refuses new calls, aborts those that run, and ends the connection when they have settled. */
  async stop(): Promise<void> {
    if (this.#state === 'ending') return;
    this.#state = 'stopping';
    this.#abortCalls(stopping());
    if (this.#calls.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      await promise;
    }
    this.#end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#state === 'ending') wipeParts(frame);
        else if (this.#state === 'hello') this.#greet(frame.message);
        else this.#take(frame);
      }
    } catch (error) {
      this.#send(encodeFrame({ error: Failure.from(error).toDocument() }));
      this.#end();
    }
    this.#watchPartialFrame();
  }

  /** The time runs from the first byte of a frame; more bytes do not buy more time. */
  #watchPartialFrame(): void {
    if (!this.#reader.isPartial || this.#state === 'ending') {
      clearTimeout(this.#partialTimer);
      this.#partialTimer = undefined;
    } else {
      this.#partialTimer ??= setTimeout(() => this.destroy(), PARTIAL_FRAME_WAIT_MS);
    }
  }

  #greet(message: Message): void {
    const { nonce, clientName } = parseHelloQuestion(message);
    clearTimeout(this.#helloTimer);
    this.clientName = clientName;
    this.#state = 'open';
    this.#reader.limits = REQUEST_LIMITS[this.socketName];
    const signature = this.#service.identity.prove(this.socketName, nonce);
    this.#send(encodeFrame(helloAnswer(this.#service.version, signature)));
  }

  #take(frame: Frame): void {
    // A whole frame arrived: the next one has its own time.
    clearTimeout(this.#partialTimer);
    this.#partialTimer = undefined;
    const { id, method, params, cancel, ...rest } = frame.message;
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw malformed('its id is not a number');
    if (Object.keys(rest).length > 0) throw malformed('it has a member that is not known');
    if (cancel !== undefined) {
      if (cancel !== true || method !== undefined || params !== undefined) throw malformed('its cancel is not one');
      this.#cancel(id);
      return;
    }
    if (typeof method !== 'string') throw malformed('it names no method');
    if (this.#calls.has(id)) throw malformed('its id is in flight already');
    this.#start(id, method, params, frame);
  }

  /** For a call that is over, or never was, there is nothing to do: its answer may have crossed the cancel. */
  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.isCancelled = true;
    call.controller.abort(new Failure('request/over', 'the caller no longer waits'));
  }

  #start(id: number, method: string, params: unknown, frame: Frame): void {
    const failure = this.#whyNotNow(frame);
    if (failure !== null) {
      wipeParts(frame);
      this.#send(this.#encodeFailure(id, failure));
      return;
    }
    const call = { controller: new AbortController(), bytes: frame.byteLength, isCancelled: false };
    this.#calls.set(id, call);
    this.#heldBytes += call.bytes;
    void this.#run(id, method, params, frame, call);
  }

  #whyNotNow(frame: Frame): Failure | null {
    if (this.#state === 'stopping') return stopping();
    if (this.#calls.size >= CALLS_IN_FLIGHT_MAX) return new Failure('daemon/busy', 'too many calls at once');
    if (this.#heldBytes + frame.byteLength <= HELD_BYTES_MAX) return null;
    return new Failure('daemon/busy', 'too many bytes at once');
  }

  /** Never rejects: whatever happens becomes the answer. */
  async #run(id: number, method: string, params: unknown, frame: Frame, call: InFlight): Promise<void> {
    let ownParts: readonly Buffer[] = [];
    let bytes: Buffer;
    try {
      const result = await this.#dispatch(method, params, frame, call, (parts) => (ownParts = parts));
      // I4: the limits of the agent's socket allow no part, so a handler's mistake ends here as a Failure.
      bytes = encodeFrame({ id, result }, ownParts, ANSWER_LIMITS[this.socketName]);
    } catch (error) {
      bytes = this.#encodeFailure(id, Failure.from(error));
    } finally {
      for (const part of [...frame.parts, ...ownParts]) part.fill(0);
    }
    this.#calls.delete(id);
    this.#heldBytes -= call.bytes;
    if (call.isCancelled) bytes.fill(0);
    else this.#send(bytes);
    if (this.#calls.size === 0) this.#settle();
  }

  async #dispatch(
    method: string,
    params: unknown,
    frame: Frame,
    call: InFlight,
    setParts: (parts: readonly Buffer[]) => void,
  ): Promise<unknown> {
    const name = findMethod(method, this.socketName);
    if (name === null) {
      this.#reportRefused(method);
      throw new Failure('daemon/method_not_found', 'there is no such method on this socket');
    }
    const { signal } = call.controller;
    return answerCall(this.#service, name, { method, params, parts: frame.parts, connection: this, signal, setParts });
  }

  /** Once for each method, so that a peer cannot fill the audit log from one connection. */
  #reportRefused(method: string): void {
    const name = isMethodName(method) ? method : 'unknown';
    if (this.#refused.has(name)) return;
    this.#refused.add(name);
    this.#service.onRefused(this, name);
  }

  #encodeFailure(id: number, failure: Failure): Buffer {
    if (failure.code === 'internal/error') this.#service.onInternalError(failure);
    return encodeFrame({ id, error: failure.toDocument() });
  }

  /** Wipes the frame once the system has it. */
  #send(bytes: Buffer): void {
    if (this.#state === 'ending' || !this.#socket.writable) {
      bytes.fill(0);
      return;
    }
    this.#socket.write(bytes, () => bytes.fill(0));
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) this.destroy();
    else if (this.#socket.writableLength > UNSENT_BYTES_PAUSE) this.#socket.pause();
  }

  /** Lets what was sent go out, reads no more, and closes. */
  #end(): void {
    if (this.#state === 'ending') return;
    this.#state = 'ending';
    this.#socket.pause();
    this.#reader.wipe();
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.destroy(), LAST_WORD_WAIT_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #onClose(): void {
    this.#state = 'ending';
    clearTimeout(this.#helloTimer);
    clearTimeout(this.#partialTimer);
    this.#reader.wipe();
    this.session = null;
    const lost = new Failure('daemon/unreachable', 'the connection was lost');
    this.#closed.abort(lost);
    this.#abortCalls(lost);
    if (this.#calls.size === 0) this.#settle();
  }

  #abortCalls(reason: Failure): void {
    for (const call of this.#calls.values()) call.controller.abort(reason);
  }

  /** No call runs. The descriptor of the peer is closed only now: a call may have been looking through it. */
  #settle(): void {
    this.#onIdle?.();
    this.#onIdle = null;
    if (!this.#closed.signal.aborted || this.#isPeerClosed) return;
    this.#isPeerClosed = true;
    if (this.peer.pidfd !== null) closeSync(this.peer.pidfd);
  }
}

function wipeParts(frame: Frame): void {
  for (const part of frame.parts) part.fill(0);
}

function malformed(why: string): Failure {
  return new Failure('daemon/protocol', `a message was refused: ${why}`);
}

function stopping(): Failure {
  return new Failure('daemon/unreachable', 'the daemon is stopping');
}
