// A small daemon for these tests: the real server, the real peer check, and a few handlers with nothing behind them.

import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../src/core/failure.ts';
import { homePaths, type HomePaths } from '../../src/machine/paths.ts';
import { ensurePrivateFolder } from '../../src/machine/private-files.ts';
import type { Handlers, ServedConnection, Service } from '../../src/wire/calls.ts';
import { ANSWER_LIMITS, encodeFrame, FrameReader, type Frame, type Message } from '../../src/wire/frames.ts';
import { helloQuestion } from '../../src/wire/hello.ts';
import { makeDaemonIdentity } from '../../src/wire/identity.ts';
import { METHODS, type SocketName } from '../../src/wire/methods.ts';
import { observePeer } from '../../src/wire/peer.ts';
import { WireServer } from '../../src/wire/server.ts';

export const CANARY = 'canary-4f7d1c9e-passphrase';

/** Waits for something that will happen, on a machine that may be busy. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !isSo();) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function temporaryHome(): { paths: HomePaths } & Disposable {
  const home = mkdtempSync(join(tmpdir(), 'keystile-wire-'));
  const paths = homePaths({ KEYSTILE_HOME: home });
  ensurePrivateFolder(paths.run);
  return { paths, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

export interface TestDaemon extends AsyncDisposable {
  readonly paths: HomePaths;
  readonly server: WireServer;
  /** Methods that were refused, as the audit would see them. */
  readonly refused: string[];
  readonly broken: Failure[];
  /** Connections that called `status`. */
  readonly seen: ServedConnection[];
}

/** In a home of its own, which ends with it, or in one that is there already. */
export async function startDaemon(
  handlers: Partial<Handlers>,
  more: Partial<Service> = {},
  there?: HomePaths,
): Promise<TestDaemon> {
  const home = there === undefined ? temporaryHome() : null;
  const paths = there ?? home?.paths ?? homePaths();
  const refused: string[] = [];
  const broken: Failure[] = [];
  const seen: ServedConnection[] = [];
  const server = new WireServer(paths, {
    version: '0.0.0-test',
    identity: makeDaemonIdentity(),
    handlers: { ...statusOnly(paths, seen), ...handlers },
    observePeer,
    guard: () => Promise.resolve(),
    onRefused: (_connection, method) => refused.push(method),
    onInternalError: (failure) => broken.push(failure),
    ...more,
  });
  await server.listen();
  const close = async (): Promise<void> => {
    await server.close();
    home?.[Symbol.dispose]();
  };
  return { paths, server, refused, broken, seen, [Symbol.asyncDispose]: close };
}

const missing = () => Promise.reject(new Failure('internal/error', 'not in this test'));

function statusOnly(paths: HomePaths, seen: ServedConnection[]): Handlers {
  const names = Object.keys(METHODS);
  const handlers = Object.fromEntries(names.map((name) => [name, missing])) as unknown as Handlers;
  return {
    ...handlers,
    status: ({ connection }) => {
      seen.push(connection);
      return Promise.resolve({
        version: '0.0.0-test',
        pid: process.pid,
        home: paths.home,
        vault: 'absent',
        vaultId: null,
        startedAt: '2026-01-01T00:00:00.000Z',
        requests: 0,
        grants: 0,
        leases: 0,
        mounts: 0,
      });
    },
    'environments.list': () => Promise.resolve({ status: 'completed', environments: [] }),
  };
}

/** A peer that says whatever the test wants it to say. */
export class RawPeer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;
  readonly #reader = new FrameReader(ANSWER_LIMITS.control);

  constructor(path: string) {
    this.socket = createConnection({ path });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.isClosed = true));
    this.socket.on('data', (chunk: Buffer) => this.frames.push(...this.#reader.push(chunk)));
  }

  /** A peer that has said hello and got its answer. */
  static async greeted(paths: HomePaths, socketName: SocketName): Promise<RawPeer> {
    const peer = new RawPeer(socketName === 'agent' ? paths.agentSocket : paths.controlSocket);
    peer.send(helloQuestion(Buffer.alloc(32, 7), undefined));
    await until('the hello', () => peer.frames.length === 1 || peer.isClosed);
    peer.frames.length = 0;
    return peer;
  }

  send(message: Message, parts: Buffer[] = []): void {
    this.socket.write(encodeFrame(message, parts));
  }

  sendBytes(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Message number `index` after the hello; fails when the connection closes first. */
  async message(index = 0): Promise<Message> {
    await until(`message ${index}`, () => this.frames.length > index || this.isClosed);
    const frame = this.frames[index];
    if (frame === undefined) throw new Error('closed without that message');
    return frame.message;
  }

  async closed(): Promise<void> {
    await until('the end of the connection', () => this.isClosed);
  }
}

/** The code of the Failure a message carries. */
export function codeOf(message: Message | undefined): string | undefined {
  return (message?.error as { code: string } | undefined)?.code;
}

/** A frame with JSON bytes as the test gives them, right or wrong. */
export function frameOf(json: Buffer | string, rest: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.from(json);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(4 + bytes.length + rest.length, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes, rest]);
}
