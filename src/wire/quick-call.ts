// One call on a connection of its own, which this process waits for: what `connect` and `call` do (client.ts), without
// node:net and node:crypto, which takes 6 ms off a command that does nothing else. The checks are the same (docs/protocol.md,
// section 3); whatever is not as it should be before the call is left to `connect`, which finds and says it.

import type { Failure } from '../core/failure.ts';
import { randomBytes, verifyWithOpenssl } from '../machine/openssl.ts';
import type { HomePaths } from '../machine/paths.ts';
import { checkPrivateFolder, readPrivate } from '../machine/private-files.ts';
import { WaitingSocket } from '../machine/waiting-socket.ts';
import { answerIn, isDocument, lost, unasked, type Answer } from './answers.ts';
import { ANSWER_LIMITS, encodeFrame, FrameReader, HELLO_LIMITS, REQUEST_LIMITS, type Frame } from './frames.ts';
import { checkHelloAnswer, helloQuestion, KEY_FILE_BYTES_MAX, NONCE_BYTES, parseKeyFile } from './hello.ts';
import type { MethodName, Params } from './methods.ts';

/** A daemon that does not prove itself by then is left to `connect`, which has more patience. */
const HELLO_WAIT_MS = 500;
/** A call that certainly fits into what the system keeps for a socket (net.core.wmem_default is 208 KiB). */
const CALL_BYTES_MAX = 64 * 1024;
const CALL_ID = 1;

export interface QuickCall<M extends MethodName> {
  readonly paths: HomePaths;
  readonly clientName: string;
  readonly method: M;
  readonly params: Params<M>;
  /** Told once, when no answer came for so long. The wait goes on. */
  readonly silence: { readonly afterMs: number; readonly tell: () => void };
}

/**
 * The answer on the control socket, or null when nothing was asked: no daemon, not the daemon, no native calls, too large
 * a call. Throws the daemon's Failure, and `daemon/unreachable` or `daemon/protocol` when the call may have been carried
 * out and its answer is lost: it is not made twice.
 */
export function callQuickly<M extends MethodName>(call: QuickCall<M>): Answer<M> | null {
  using socket = ask(call);
  if (socket === null) return null;
  const { silence } = call;
  const reader = new FrameReader(ANSWER_LIMITS.control);
  try {
    const first = nextFrame(socket, reader, silence.afterMs);
    if (first === 'silence') silence.tell();
    const frame = first === 'silence' ? nextFrame(socket, reader, Infinity) : first;
    if (typeof frame === 'string') throw lost();
    // A daemon that closes the connection says why without an id.
    if (frame.message.id !== CALL_ID && !isDocument(frame.message.error)) throw refused([frame]);
    return answerIn<M>(frame);
  } finally {
    // Of an answer that did not come whole.
    reader.wipe();
  }
}

/** The connection on which the whole call was sent to a daemon that has proved itself; null when it was not. */
function ask<M extends MethodName>({ paths, clientName, method, params }: QuickCall<M>): WaitingSocket | null {
  let socket: WaitingSocket | null = null;
  try {
    const bytes = encodeFrame({ id: CALL_ID, method, params }, [], REQUEST_LIMITS.control);
    if (bytes.length > CALL_BYTES_MAX) return null;
    checkPrivateFolder(paths.run);
    socket = new WaitingSocket(paths.controlSocket);
    greet(socket, paths, clientName);
    if (socket.send(bytes)) return socket;
  } catch {
    // `connect` will say what it was.
  }
  socket?.[Symbol.dispose]();
  return null;
}

/** Throws unless the daemon has proved itself. */
function greet(socket: WaitingSocket, paths: HomePaths, clientName: string): void {
  const nonce = randomBytes(NONCE_BYTES);
  const keyFile = readPrivate(paths.daemonKey, KEY_FILE_BYTES_MAX);
  if (keyFile === null) throw lost();
  const key = parseKeyFile(keyFile);
  socket.send(encodeFrame(helloQuestion(nonce, clientName), [], HELLO_LIMITS));
  const frame = nextFrame(socket, new FrameReader(HELLO_LIMITS), HELLO_WAIT_MS);
  if (typeof frame === 'string') throw lost();
  checkHelloAnswer(frame.message, { key, socket: 'control', nonce }, verifyWithOpenssl);
}

/** Throws `daemon/protocol`. `waitMs` is for the whole frame. */
function nextFrame(socket: WaitingSocket, reader: FrameReader, waitMs: number): Frame | 'silence' | 'end' {
  const endsAt = now() + waitMs;
  for (;;) {
    const received = socket.receive(Math.max(0, endsAt - now()));
    if (received.kind !== 'bytes') return received.kind;
    const [frame, ...more] = reader.push(received.bytes);
    if (frame !== undefined && more.length > 0) throw refused([frame, ...more]);
    if (frame !== undefined) return frame;
  }
}

function refused(frames: readonly Frame[]): Failure {
  for (const part of frames.flatMap(({ parts }) => parts)) part.fill(0);
  return unasked();
}

/** Milliseconds of a clock that nobody sets. `performance` would be loaded first, which takes 1 ms. */
function now(): number {
  return process.uptime() * 1_000;
}
