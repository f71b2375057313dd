// A Unix socket that this process waits for, all of it: for a command that has nothing else to do until it is answered.
// Signals do what they do by themselves meanwhile. node:net takes 5 ms to load.
// Linux is measured. macOS stands behind the same functions as its manual pages say, and has not been run.

import { closeSync, readSync, writeSync } from 'node:fs';
import { cLibrary, unsupported } from './libc.ts';

/** <sys/socket.h>, <poll.h>, <errno.h>, <fcntl.h>. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const POLLIN = 1;
const EINTR = 4;
const F_SETFD = 2;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = process.platform === 'darwin' ? 0x4 : 0o4000;
/** struct sockaddr_un: 16 bits of family (on macOS its second byte, behind the length), then the path and a NUL byte. */
const PATH_OFFSET = 2;
const POLLFD_BYTES = 8;
/** Answers are small, and fresh memory costs time: 64 KiB took 2 ms. */
const CHUNK_BYTES = 8 * 1024;

export type Received = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'end' | 'silence' };

export class WaitingSocket implements Disposable {
  readonly #fd: number;

  /** Connects at once or not at all. `path` fits into an address (paths.ts). Throws `machine/unsupported`. */
  constructor(path: string) {
    const { socket, connect, fcntl } = library();
    this.#fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (this.#fd < 0) throw unsupported('a socket');
    const address = addressOf(path);
    fcntl(this.#fd, F_SETFD, 'int', FD_CLOEXEC);
    // Or connect(2) would wait where more are in line than the system keeps.
    fcntl(this.#fd, F_SETFL, 'int', O_NONBLOCK);
    if (connect(this.#fd, address, address.length) === 0) return;
    closeSync(this.#fd);
    throw unsupported(`a connection to ${path}`);
  }

  /** False when the system has no room for all of it: then some of it was sent, and there is nothing but to leave. */
  send(bytes: Buffer): boolean {
    return writeSync(this.#fd, bytes) === bytes.length;
  }

  /** What comes next; `silence` when that is nothing for so long; `end` however it ends. The caller wipes the bytes. */
  receive(waitMs: number): Received {
    if (!this.#isReadable(waitMs)) return { kind: 'silence' };
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const count = this.#read(chunk);
    return count === 0 ? { kind: 'end' } : { kind: 'bytes', bytes: chunk.subarray(0, count) };
  }

  #read(chunk: Buffer): number {
    try {
      return readSync(this.#fd, chunk);
    } catch {
      return 0;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #isReadable(waitMs: number): boolean {
    const { poll, errno } = library();
    const entry = Buffer.alloc(POLLFD_BYTES);
    entry.writeInt32LE(this.#fd, 0);
    entry.writeInt16LE(POLLIN, 4);
    // A signal that did not end us (we were stopped, and continued) only begins the wait anew.
    for (;;) {
      const count = poll(entry, 1, Number.isFinite(waitMs) ? Math.ceil(waitMs) : -1);
      if (count >= 0) return count > 0;
      if (errno() !== EINTR) throw unsupported('waiting for a socket (poll)');
    }
  }
}

function addressOf(path: string): Buffer {
  const name = Buffer.from(`${path}\0`);
  const address = Buffer.alloc(PATH_OFFSET + name.length);
  if (process.platform === 'darwin') address.writeUInt8(AF_UNIX, 1);
  else address.writeUInt16LE(AF_UNIX, 0);
  address.set(name, PATH_OFFSET);
  return address;
}

type Library = ReturnType<typeof load>;
let loaded: Library | null = null;

function library(): Library {
  loaded ??= load();
  return loaded;
}

function load() {
  const { func, errno } = cLibrary();
  return {
    socket: func('int socket(int family, int type, int protocol)'),
    connect: func('int connect(int fd, void *address, uint bytes)'),
    poll: func('int poll(void *entries, ulong count, int waitMs)'),
    fcntl: func('int fcntl(int fd, int command, ...)'),
    errno,
  };
}
