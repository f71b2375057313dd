// What a call comes back with, on our side of a connection.

import { Failure, type FailureDocument } from '../core/failure.ts';
import type { Frame } from './frames.ts';
import type { MethodName, Results } from './methods.ts';

export interface Answer<M extends MethodName> {
  readonly result: Results[M];
  /** The caller wipes them. */
  readonly parts: readonly Buffer[];
}

/** `frame` is the answer to a call of `M`, from a daemon that was verified. Throws the daemon's Failure. */
export function answerIn<M extends MethodName>({ message, parts }: Frame): Answer<M> {
  if (isDocument(message.error)) throw Failure.fromDocument(message.error);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the verified daemon is made from the same table
  return { result: message.result as Results[M], parts };
}

export function isDocument(value: unknown): value is FailureDocument {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'hint' in value;
}

export function unasked(): Failure {
  return new Failure('daemon/protocol', 'the daemon answered what it was not asked');
}

export function lost(): Failure {
  return new Failure('daemon/unreachable', 'the connection to the daemon was lost');
}
