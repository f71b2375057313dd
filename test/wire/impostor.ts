// Who could stand where the daemon should, and what such a one could answer to a hello.

import { createServer, type Server, type Socket } from 'node:net';
import { encodeFrame, FrameReader, HELLO_LIMITS, type Message } from '../../src/wire/frames.ts';
import { helloAnswer } from '../../src/wire/hello.ts';
import { makeDaemonIdentity } from '../../src/wire/identity.ts';
import { CANARY } from './daemon.ts';

type Answer = (question: Message, socket: Socket) => Buffer | null;

/** Listens at `path` and answers each message with whatever `answer` makes of it; keeps all it heard. */
export async function impostorAt(path: string, answer: Answer) {
  const heard: Buffer[] = [];
  const server: Server = createServer((socket) => {
    const reader = new FrameReader(HELLO_LIMITS);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(Buffer.from(chunk));
      for (const frame of reader.push(chunk)) {
        const said = answer(frame.message, socket);
        if (said !== null) socket.write(said);
      }
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ path }, resolve);
  await promise;
  return { heard, [Symbol.dispose]: () => void server.close() };
}

export const nonceOf = (question: Message): Buffer => Buffer.from(String(question.nonce), 'base64');

const stranger = makeDaemonIdentity();

/** None of them proves anything. */
export const FALSE_ANSWERS: readonly (readonly [string, Answer])[] = [
  ['a key of its own', (question) => encodeFrame(helloAnswer('1', stranger.prove('control', nonceOf(question))))],
  ['no signature', () => encodeFrame({ hello: 1, version: '1' })],
  [
    'a signature of nothing',
    () => encodeFrame({ hello: 1, version: '1', signature: Buffer.alloc(64).toString('base64') }),
  ],
  ['the question itself', (question) => encodeFrame(question)],
  ['an answer to something else', () => encodeFrame({ id: 1, result: {} })],
  ['an error it made up', () => encodeFrame({ error: { code: 'vault/locked', message: CANARY, hint: CANARY } })],
  ['another language', () => Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
  ['bytes without end', () => Buffer.alloc(100_000, 0x20)],
];
