// What the kernel tells of files that are opened (Linux). Two ways, because each has what the other lacks: inotify wakes
// this process up, but merges equal events; fanotify has an event for each process, so that openers can be counted.

import { close, closeSync, read } from 'node:fs';
import { cLibrary, unsupported } from './libc.ts';
import type { CLibrary } from './libc.ts';

/** Bits of an event, of <linux/inotify.h>; what is asked for and what is told are the same. */
export const EVENT = {
  accessed: 0x1,
  changed: 0x4,
  closedAfterWriting: 0x8,
  closed: 0x10,
  opened: 0x20,
  deleted: 0x400,
  moved: 0x800,
} as const;
const IN_Q_OVERFLOW = 0x4000;
const IN_CLOEXEC = 0o2000000;
/** struct inotify_event of inotify(7): int wd; uint32_t mask, cookie, len; then `len` bytes of a name. */
const EVENT_BYTES = 16;
const BUFFER_BYTES = 64 * 1024;

/** Of <linux/fanotify.h>. A class without permissions and with file ids is what an ordinary user may have (Linux 5.13). */
const FAN = { CLOEXEC: 0x1, NONBLOCK: 0x2, REPORT_FID: 0x200, MARK_ADD: 0x1, OPEN: 0x20, Q_OVERFLOW: 0x4000 } as const;
const AT_FDCWD = -100;
/** struct fanotify_event_metadata of fanotify(7): uint32 length, uint8 ×2, uint16 metadata length, uint64 mask, int fd, pid. */
const METADATA_BYTES = 24;
const EAGAIN = 11;

export interface FileEvent {
  readonly watch: number;
  /** Some of `EVENT`. */
  readonly mask: number;
}

/**
 * Events of the files that are watched. One thread of the pool waits in read(2) for all of them, so nothing is spent while
 * nothing happens; the event loop lives until `close()`.
 */
export class Inotify {
  readonly #library = notifyLibrary();
  readonly #fd: number;
  readonly #onEvents: (events: readonly FileEvent[]) => void;
  readonly #onLost: () => void;
  readonly #ended = Promise.withResolvers<void>();
  readonly #onExit = (): void => this.#wake();
  #isClosed = false;

  /** `onLost`: events were dropped (the queue was full); look at everything. Throws `machine/unsupported`. */
  constructor(onEvents: (events: readonly FileEvent[]) => void, onLost: () => void) {
    this.#onEvents = onEvents;
    this.#onLost = onLost;
    this.#fd = this.#library.inotifyInit(IN_CLOEXEC);
    if (this.#fd < 0) throw unsupported('watching files (inotify)');
    // A thread that blocks in read(2) would keep `process.exit()` from ever returning: the pool is joined there.
    process.once('exit', this.#onExit);
    this.#listen(Buffer.alloc(BUFFER_BYTES));
  }

  /** Watches what `path` leads to, links followed; needs the right to read it. Throws `machine/unsupported`. */
  watch(path: string, mask: number): number {
    const watch = this.#library.inotifyAdd(this.#fd, path, mask);
    if (watch < 0) throw unsupported('watching a file (inotify)');
    return watch;
  }

  /** Events that are on their way already may still come. */
  forget(watch: number): void {
    this.#library.inotifyRemove(this.#fd, watch);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      process.off('exit', this.#onExit);
      this.#wake();
    }
    await this.#ended.promise;
  }

  /** A watch that is taken away makes an event (IN_IGNORED), and that ends the read. */
  #wake(): void {
    this.#library.inotifyRemove(this.#fd, this.#library.inotifyAdd(this.#fd, '/', EVENT.deleted));
  }

  #listen(buffer: Buffer): void {
    read(this.#fd, buffer, 0, buffer.length, null, (error, length) => {
      if (this.#isClosed || (error !== null && error.code !== 'EINTR')) {
        close(this.#fd, () => this.#ended.resolve());
        return;
      }
      const events = eventsOf(buffer.subarray(0, error === null ? length : 0));
      // The next read waits while these are dealt with: it needs the same buffer only after they are parsed.
      this.#listen(buffer);
      if (events.some(({ mask }) => (mask & IN_Q_OVERFLOW) !== 0)) this.#onLost();
      this.#onEvents(events);
    });
  }
}

function eventsOf(bytes: Buffer): FileEvent[] {
  const events: FileEvent[] = [];
  for (let at = 0; at + EVENT_BYTES <= bytes.length; at += EVENT_BYTES + bytes.readUInt32LE(at + 12)) {
    events.push({ watch: bytes.readInt32LE(at), mask: bytes.readUInt32LE(at + 4) });
  }
  return events;
}

/** How often a file was opened since the last look. `file` names it for as long as it exists. */
export interface Opened {
  readonly file: string;
  readonly isOurs: boolean;
}

/**
 * Counts who opens files. There is one event for each process that opened one between two looks, whoever it is and whether
 * /proc shows it or not; a process that opened it twice in that time counts once. The event is there before the process
 * has its descriptor. Opening with O_PATH does not count.
 */
export class OpenCounter {
  readonly #library = notifyLibrary();
  #fd: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Null where an ordinary user may not count: Linux before 5.13, most containers, other systems. */
  static open(): OpenCounter | null {
    const fd = notifyLibrary().fanotifyInit(FAN.CLOEXEC | FAN.NONBLOCK | FAN.REPORT_FID, 0);
    return fd < 0 ? null : new OpenCounter(fd);
  }

  /** Counts from now on, until the file is gone. False when its file system cannot. */
  add(path: string): boolean {
    return this.#library.fanotifyMark(this.#fd, FAN.MARK_ADD, BigInt(FAN.OPEN), AT_FDCWD, path) === 0;
  }

  /** What was opened since the last call; null when the kernel lost count. */
  take(): Opened[] | null {
    const opened: Opened[] = [];
    for (;;) {
      const length = this.#library.read(this.#fd, this.#buffer, this.#buffer.length);
      if (length <= 0) return length < 0 && this.#library.errno() !== EAGAIN ? null : opened;
      for (let at = 0; at + METADATA_BYTES <= length;) {
        const event = this.#buffer.subarray(at, at + this.#buffer.readUInt32LE(at));
        if ((event.readUInt32LE(8) & FAN.Q_OVERFLOW) !== 0) return null;
        // What follows is the file system and the handle of the file in it. The pid of others is 0 for an ordinary user.
        const file = event.toString('latin1', event.readUInt16LE(6));
        opened.push({ file, isOurs: event.readInt32LE(20) === process.pid });
        at += event.length;
      }
    }
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    // The number may soon be another file's.
    this.#fd = -1;
  }
}

interface NotifyLibrary extends Pick<CLibrary, 'errno'> {
  readonly inotifyInit: (flags: number) => number;
  readonly inotifyAdd: (fd: number, path: string, mask: number) => number;
  readonly inotifyRemove: (fd: number, watch: number) => number;
  readonly fanotifyInit: (flags: number, eventFlags: number) => number;
  readonly fanotifyMark: (fd: number, flags: number, mask: bigint, folder: number, path: string) => number;
  readonly read: (fd: number, buffer: Buffer, length: number) => number;
}

let loaded: NotifyLibrary | null = null;

function notifyLibrary(): NotifyLibrary {
  loaded ??= load();
  return loaded;
}

function load(): NotifyLibrary {
  const { funcOn, errno } = cLibrary();
  return {
    inotifyInit: funcOn('linux', 'int inotify_init1(int flags)'),
    inotifyAdd: funcOn('linux', 'int inotify_add_watch(int fd, str path, uint32_t mask)'),
    inotifyRemove: funcOn('linux', 'int inotify_rm_watch(int fd, int watch)'),
    fanotifyInit: funcOn('linux', 'int fanotify_init(uint flags, uint eventFlags)'),
    fanotifyMark: funcOn('linux', 'int fanotify_mark(int fd, uint flags, uint64_t mask, int folder, str path)'),
    read: funcOn('linux', 'long read(int fd, void *buffer, size_t length)'),
    errno,
  };
}
