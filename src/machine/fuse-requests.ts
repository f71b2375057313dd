// What comes out of the device of a file system of ours, and who it comes from. For a thread of its own, whose memory every
// module adds to: nothing here starts a process. Linux only.
// What is said here of the kernel is said in Documentation/filesystems/fuse/fuse.rst, fuse(4) and fs/fuse/dev.c.

import { existsSync, readFileSync } from 'node:fs';
import { cLibrary } from './libc.ts';
import type { NativeFunction } from './libc.ts';
import { processEntry } from './processes.ts';
import type { ProcessName } from './processes.ts';

/** FUSE_MIN_READ_BUFFER of <linux/fuse.h>; larger requests are only writes and attributes, which we refuse anyway. */
const REQUEST_BYTES_MAX = 8192;
/** Numbers of <poll.h> and <errno.h> on Linux. */
const POLLIN = 1;
const [ENOENT, EINTR, EAGAIN] = [2, 4, 11];

/** Reads the device, one request at a time, and blocks its thread while there is none. */
export class FuseRequests {
  readonly #device: number;
  readonly #entries = Buffer.alloc(16);
  readonly #buffer = Buffer.alloc(REQUEST_BYTES_MAX);
  readonly #poll: NativeFunction;
  readonly #read: NativeFunction;

  /** Ends when the other end of the pipe `wake` is closed. */
  constructor(device: number, wake: number) {
    this.#device = device;
    const { func } = cLibrary();
    this.#poll = func('int poll(void *entries, ulong count, int waitMs)');
    this.#read = func('long read(int fd, void *bytes, ulong count)');
    this.#entries.writeInt32LE(device, 0);
    this.#entries.writeInt16LE(POLLIN, 4);
    this.#entries.writeInt32LE(wake, 8);
    this.#entries.writeInt16LE(POLLIN, 12);
  }

  /** The bytes of the next request, good until the next call; null when the file system is over. */
  next(): Buffer | null {
    for (;;) {
      if (this.#poll(this.#entries, 2, -1) > 0) {
        if (this.#entries.readInt16LE(14) !== 0) return null;
        const bytes = this.#read(this.#device, this.#buffer, REQUEST_BYTES_MAX);
        if (bytes >= 0) return this.#buffer.subarray(0, bytes);
      }
      // ENOENT: the request was taken back while we read it. ENODEV: unmounted, or the connection was aborted.
      const error = cLibrary().errno();
      if (error !== EINTR && error !== EAGAIN && error !== ENOENT) return null;
    }
  }
}

/**
 * The process of the thread `tid`, as a request names it; null when the kernel does not show it, which is so for 0, a
 * thread of a pid namespace that is not below ours. To be called while the request waits for its answer: until then the
 * kernel keeps the thread from ending (request_wait_answer in fs/fuse/dev.c), so the number means no other (I7).
 */
export function processOfThread(tid: number): ProcessName | null {
  if (tid <= 0) return null;
  try {
    const pid = Number(/^Tgid:\t(\d+)$/m.exec(readFileSync(`/proc/${tid}/status`, 'utf8'))?.[1] ?? 0);
    const entry = processEntry(pid);
    return entry === null ? null : { pid, startedAt: entry.startedAt };
  } catch {
    return null;
  }
}

/** Whether `tid` is a thread of this very process. */
export function isOwnThread(tid: number): boolean {
  return existsSync(`/proc/self/task/${tid}`);
}
