// One named pipe: made, opened and watched before anybody can reach it, then put at its path. Both ends are held open from
// the start: an opener is never kept waiting inside open(), and once the round is over each end can be closed for itself.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import {
  hasReaders,
  holdOn,
  inodeAt,
  makeFifo,
  makeRoom,
  openWriter,
  reopen,
  unreadBytes,
} from '../../machine/fifo.ts';
import type { Openings } from './fifo-openings.ts';
import { steadyTimes } from './steady-times.ts';

/** Readable, for its owner only. Not writable: `echo x > .env` is told so instead of being swallowed. */
const MODE = 0o400;
const MODE_WRITABLE = 0o600;
/** Nobody opens it by a descriptor any more without changing this first, which shows. */
const MODE_SEALED = 0o000;
const DRAIN_BYTES = 64 * 1024;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export class Pipe {
  readonly dev: string;
  readonly ino: string;
  readonly #openings: Openings;
  readonly #file: string | null;
  #watch: number;
  #reader: number | null;
  #writer: number | null;
  /** Called with bits of `EVENT` (machine/inotify.ts) for what others and this process do with it. */
  onEvent: (mask: number) => void = () => undefined;

  private constructor(openings: Openings, file: string | null, reader: number, writer: number) {
    const { dev, ino } = fstatSync(reader, { bigint: true });
    this.dev = `${dev}`;
    this.ino = `${ino}`;
    this.#openings = openings;
    this.#file = file;
    this.#reader = reader;
    this.#writer = writer;
    this.#watch = this.#listen(reader);
  }

  /**
   * A pipe under a temporary name beside `path`, for `place` to put it there. Nobody else has it open, and everybody who
   * opens it from now on is counted. Throws `mount/unsupported` or `machine/io`; nothing is left then.
   */
  static make(openings: Openings, path: string, place: (temporary: string, pipe: Pipe) => void): Pipe {
    const temporary = join(dirname(path), `.keystile-${randomBytes(8).toString('hex')}`);
    const opened: number[] = [];
    makeFifo(temporary, MODE_WRITABLE);
    try {
      openings.count(temporary);
      // Somebody who saw the name appear may have been faster than the counting: then it has a reader now.
      const early = openWriter(temporary);
      if (early !== null) {
        closeSync(early);
        throw new Failure('machine/io', 'another program opened a pipe of ours before it was ready');
      }
      const reader = openSync(temporary, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
      opened.push(reader);
      const writer = openSync(temporary, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
      opened.push(writer);
      checkSame(reader, writer);
      fchmodSync(reader, MODE);
      steadyTimes(reader);
      const pipe = new Pipe(openings, openings.learn(), reader, writer);
      opened.length = 0;
      try {
        if ((pipe.opened ?? 0) > 0) throw new Failure('machine/io', 'another program opened a pipe of ours too early');
        place(temporary, pipe);
        return pipe;
      } catch (error) {
        pipe.close();
        throw error;
      }
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      removeFifo(temporary);
      throw asFailure(error);
    }
  }

  /** How many processes of others opened it so far; null when nothing is counted. */
  get opened(): number | null {
    return this.#file === null ? null : this.#openings.opened(this.#file);
  }

  /** Bytes in it that nobody read yet. */
  get unread(): number {
    return this.#reader === null ? 0 : unreadBytes(this.#reader);
  }

  /** From here on it can be reached through descriptors only, and those do not open it again (best effort). */
  seal(): void {
    if (this.#reader !== null) fchmodSync(this.#reader, MODE_SEALED);
  }

  /** Whether somebody gave it a name again, or made it readable again. */
  get isDisturbed(): boolean {
    if (this.#reader === null) return true;
    const { mode, nlink } = fstatSync(this.#reader);
    return nlink !== 0 || (mode & 0o777) !== MODE_SEALED;
  }

  /** All of it in one write, or none: false when the system gives the pipe no room now. The caller wipes. */
  write(payload: Buffer): boolean {
    if (payload.length === 0) return true;
    const writer = this.#writer;
    if (writer === null) throw new Failure('machine/io', 'the pipe is closed');
    if (!makeRoom(writer, payload.length)) return false;
    if (writeSync(writer, payload) === payload.length) return true;
    this.drain();
    throw new Failure('machine/io', 'the pipe did not take everything at once');
  }

  /** Takes back what nobody read yet; returns how much that was. */
  drain(): number {
    if (this.unread === 0) return 0;
    const buffer = Buffer.alloc(DRAIN_BYTES);
    let bytes = 0;
    while (this.#reader !== null && this.unread > 0) {
      const length = readSync(this.#reader, buffer);
      buffer.fill(0, 0, length);
      bytes += length;
    }
    return bytes;
  }

  /** Whoever reads it gets what is in it, and then the end. */
  endOfFile(): void {
    if (this.#writer !== null) closeSync(this.#writer);
    this.#writer = null;
  }

  /** After `endOfFile()`: readers wait for bytes again. */
  takeUp(): void {
    if (this.#writer !== null || this.#reader === null) return;
    this.#writer = this.#openWith(this.#reader, O_WRONLY);
  }

  /** Whether nobody reads it. Asks the kernel, so also those whom /proc does not show are noticed. */
  isAbandoned(): boolean {
    if (this.#writer === null || this.#reader === null) return false;
    // Our own reading end has to go for a moment.
    closeSync(this.#reader);
    this.#reader = null;
    const isAbandoned = !hasReaders(this.#writer);
    this.#reader = this.#openWith(this.#writer, O_RDONLY);
    return isAbandoned;
  }

  /** No events any more, until `listenAgain()`: what this process does with it must not look like somebody else's doing. */
  hush(): void {
    this.#openings.unlisten(this.#watch);
  }

  listenAgain(): void {
    if (this.#reader !== null) this.#watch = this.#listen(this.#reader);
  }

  /** Both ends are closed, nothing is left in it. What remains is a hold on the file: the caller closes it. */
  retire(): number | null {
    const hold = this.#reader === null ? null : holdOn(this.#reader);
    this.#openings.unlisten(this.#watch);
    this.#closeEnds();
    return hold;
  }

  /** After `retire()`: how many opened it in all, for the last time. */
  forget(): void {
    if (this.#file !== null) this.#openings.forget(this.#file);
  }

  close(): void {
    this.#openings.unlisten(this.#watch);
    this.#closeEnds();
    this.forget();
  }

  #listen(reader: number): number {
    return this.#openings.listen(`/proc/self/fd/${reader}`, (mask) => this.onEvent(mask));
  }

  #closeEnds(): void {
    this.drain();
    this.endOfFile();
    if (this.#reader !== null) closeSync(this.#reader);
    this.#reader = null;
  }

  /** An end is opened again through the other one; the mode of a sealed pipe is in the way for that moment. */
  #openWith(fd: number, flags: number): number {
    const mode = fstatSync(fd).mode & 0o777;
    fchmodSync(fd, mode | (flags === O_WRONLY ? 0o200 : 0o400));
    try {
      return reopen(fd, flags | O_NONBLOCK);
    } finally {
      fchmodSync(fd, mode);
    }
  }
}

/** Gives an end to everybody who waits inside open() for a writer of the pipe behind `hold`. False: there is nobody. */
export function release(hold: number): boolean {
  const link = `/proc/self/fd/${hold}`;
  chmodSync(link, 0o200);
  try {
    const writer = openWriterOf(hold);
    if (writer === null) return false;
    closeSync(writer);
    return true;
  } finally {
    chmodSync(link, MODE_SEALED);
  }
}

function openWriterOf(hold: number): number | null {
  try {
    return reopen(hold, O_WRONLY | O_NONBLOCK);
  } catch {
    return null;
  }
}

function checkSame(reader: number, writer: number): void {
  const [a, b] = [fstatSync(reader, { bigint: true }), fstatSync(writer, { bigint: true })];
  const isOurs = a.isFIFO() && a.uid === BigInt(process.geteuid?.() ?? -1) && a.nlink === 1n;
  if (!isOurs || a.dev !== b.dev || a.ino !== b.ino) throw new Failure('machine/io', 'a pipe of ours was replaced');
}

/** The name is ours as long as a pipe has it: in the middle of a swap it may be a file of the user. */
function removeFifo(path: string): void {
  try {
    if (inodeAt(path)?.isFifo === true) unlinkSync(path);
  } catch {
    // It is in its place already, or somebody took it away.
  }
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('machine/io', 'a named pipe could not be put in place', { cause: error });
}
