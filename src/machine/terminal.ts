// Talking to the human at the controlling terminal, and taking what must not be seen from standard input. A passphrase
// goes from the terminal's buffer into a Secret and through no string.

import { closeSync, constants, openSync, read, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ReadStream, WriteStream, isatty } from 'node:tty';
import { promisify } from 'node:util';
import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';

export const PASSPHRASE_BYTES_MAX = 1024;
const COLUMNS_DEFAULT = 80;
const STDIN_CHUNK_BYTES = 64 * 1024;
const STDIN_RETRY_MS = 5;
const KEY = {
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  newline: 0x0a,
  enter: 0x0d,
  clear: 0x15,
  escape: 0x1b,
  delete: 0x7f,
};
const readFd = promisify(read);

/** The controlling terminal, or null when there is none (a service, a pipeline without a session). */
export function openTerminal(): Terminal | null {
  if (process.platform === 'win32') return null;
  let fd: number;
  try {
    fd = openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY);
  } catch {
    return null;
  }
  if (isatty(fd)) return new Terminal(fd);
  closeSync(fd);
  return null;
}

/** One conversation on /dev/tty. Echo is off only while something is read, and on again however that ends. */
export class Terminal implements Disposable {
  readonly #fd: number;
  readonly #input: ReadStream;
  /** Bytes that came behind the end of a line: the next line of a paste. */
  #ahead = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
    this.#input = new ReadStream(fd);
    this.#input.pause();
  }

  /** How wide it is now: people change that. */
  get columns(): number {
    const output = new WriteStream(openSync('/dev/tty', constants.O_WRONLY | constants.O_NOCTTY));
    const { columns } = output;
    output.destroy();
    return columns > 0 ? columns : COLUMNS_DEFAULT;
  }

  /** Writes text as it is: escape what is not ours with core/printable before. */
  write(text: string): void {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) written += writeSync(this.#fd, bytes, written);
  }

  /**
   * One line that is not shown, without its end. Throws `human/needed` when it is broken off (Ctrl-C, Ctrl-D on an empty
   * line, the terminal hangs up) and `input/too_large` past 1 KiB. The caller wipes the Secret.
   */
  async readHidden(prompt: string): Promise<Secret> {
    const line = new HiddenLine();
    try {
      await this.#readRaw(prompt, (byte) => line.take(byte));
      return line.toSecret();
    } finally {
      line.wipe();
      this.write('\n');
    }
  }

  /** One key as the byte it sends. What was typed before the question does not count. Throws as `readHidden` does. */
  async readKey(prompt = ''): Promise<number> {
    this.#dropAhead();
    let key = 0;
    await this.#readRaw(prompt, (byte) => {
      key = byte;
      return 'done';
    });
    if (key === KEY.interrupt || key === KEY.endOfInput) throw brokenOff();
    return key;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  close(): void {
    this.#dropAhead();
    // Closes the descriptor too.
    this.#input.destroy();
  }

  async #readRaw(prompt: string, take: (byte: number) => 'more' | 'done'): Promise<void> {
    const input = this.#input;
    // Before the question is seen: an answer must not find the echo still on.
    input.setRawMode(true);
    try {
      this.write(prompt);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const feed = (chunk: Buffer): void => {
        try {
          const rest = feedUntilDone(chunk, take);
          if (rest !== null) {
            this.#ahead = rest;
            resolve();
          }
        } catch (error) {
          reject(error);
        }
      };
      const onEnd = (): void => reject(brokenOff());
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      const pending = this.#ahead;
      this.#ahead = Buffer.alloc(0);
      input.on('data', feed).once('end', onEnd).once('error', onEnd);
      for (const name of signals) process.on(name, onEnd);
      try {
        if (pending.length > 0) feed(pending);
        input.resume();
        await promise;
      } finally {
        input.pause();
        input.off('data', feed).off('end', onEnd).off('error', onEnd);
        for (const name of signals) process.off(name, onEnd);
      }
    } finally {
      input.setRawMode(false);
    }
  }

  #dropAhead(): void {
    this.#ahead.fill(0);
    this.#ahead = Buffer.alloc(0);
  }
}

/** A line as it is typed, with the few editing keys that need no eyes. */
class HiddenLine {
  readonly #bytes = Buffer.alloc(PASSPHRASE_BYTES_MAX);
  #length = 0;
  /** Inside the sequence an arrow or function key sends (ECMA-48, 5.4): `ESC [ … final byte`. */
  #sequence: 'none' | 'escape' | 'body' = 'none';

  take(byte: number): 'more' | 'done' {
    if (this.#isInSequence(byte)) return 'more';
    switch (byte) {
      case KEY.enter:
      case KEY.newline:
        return 'done';
      case KEY.interrupt:
        throw brokenOff();
      case KEY.endOfInput:
        if (this.#length === 0) throw brokenOff();
        return 'done';
      case KEY.backspace:
      case KEY.delete:
        this.#removeLast();
        return 'more';
      case KEY.clear:
        this.wipe();
        return 'more';
      default:
        if (byte >= 0x20) this.#append(byte);
        return 'more';
    }
  }

  toSecret(): Secret {
    return new Secret(Buffer.from(this.#bytes.subarray(0, this.#length)));
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  #append(byte: number): void {
    if (this.#length === PASSPHRASE_BYTES_MAX) throw tooLong();
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  /** A character of UTF-8 is removed whole: its later bytes begin with the bits 10. */
  #removeLast(): void {
    let byte = 0x80;
    while (this.#length > 0 && (byte & 0xc0) === 0x80) {
      this.#length -= 1;
      byte = this.#bytes[this.#length] ?? 0;
      this.#bytes[this.#length] = 0;
    }
  }

  #isInSequence(byte: number): boolean {
    const before = this.#sequence;
    if (before === 'none') this.#sequence = byte === KEY.escape ? 'escape' : 'none';
    else if (before === 'escape') this.#sequence = byte === 0x5b || byte === 0x4f ? 'body' : 'none';
    else if (byte >= 0x40 && byte <= 0x7e) this.#sequence = 'none';
    return before !== 'none' || this.#sequence !== 'none';
  }
}

/**
 * The first line of standard input, at most 1 KiB, without its end. What follows stays unread, for `--value-stdin`.
 * Throws `human/needed` when there is none, `input/too_large` past 1 KiB. The caller wipes the Secret.
 */
export async function readPassphraseFromStdin(): Promise<Secret> {
  const line = Buffer.alloc(PASSPHRASE_BYTES_MAX + 2);
  try {
    let length = 0;
    let hasEnd = false;
    while (length < line.length && !hasEnd) {
      // Byte by byte: a pipe cannot be given back what was read too far.
      if ((await readStdin(line, length, 1)) === 0) break;
      hasEnd = line[length] === KEY.newline;
      if (!hasEnd) length += 1;
    }
    if (length > 0 && hasEnd && line[length - 1] === KEY.enter) length -= 1;
    if (length > PASSPHRASE_BYTES_MAX) throw tooLong();
    if (length === 0) throw new Failure('human/needed', 'there is no passphrase on standard input');
    return new Secret(Buffer.from(line.subarray(0, length)));
  } finally {
    line.fill(0);
  }
}

/** All that is left of standard input. Throws `input/too_large` past `bytesMax`. The caller wipes the Buffer. */
export async function readAllStdin(bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for (let bytes = 0; ;) {
      const chunk = Buffer.alloc(STDIN_CHUNK_BYTES);
      chunks.push(chunk);
      const bytesRead = await readStdin(chunk, 0, chunk.length);
      bytes += bytesRead;
      if (bytes > bytesMax) throw new Failure('input/too_large', `standard input holds more than ${bytesMax} bytes`);
      chunks[chunks.length - 1] = chunk.subarray(0, bytesRead);
      if (bytesRead === 0) return Buffer.concat(chunks);
    }
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

/** How many bytes came; 0 at the end. */
async function readStdin(buffer: Buffer, offset: number, length: number): Promise<number> {
  for (;;) {
    try {
      return (await readFd(0, buffer, offset, length, null)).bytesRead;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EOF') return 0;
      // Somebody else set the pipe to non-blocking; there is no other way to wait without taking more than we may.
      if (code !== 'EAGAIN') throw new Failure('machine/io', 'standard input cannot be read', { cause: error });
      await delay(STDIN_RETRY_MS);
    }
  }
}

/** Gives `chunk` away byte by byte and wipes it; the rest behind the end, or null while more is wanted. */
function feedUntilDone(chunk: Buffer, take: (byte: number) => 'more' | 'done'): Buffer<ArrayBuffer> | null {
  try {
    for (const [i, byte] of chunk.entries()) {
      if (take(byte) === 'done') return Buffer.from(chunk.subarray(i + 1));
    }
    return null;
  } finally {
    chunk.fill(0);
  }
}

function brokenOff(): Failure {
  return new Failure('human/needed', 'broken off', { hint: 'nothing was done; run it again to answer' });
}

function tooLong(): Failure {
  return new Failure('input/too_large', `a passphrase has at most ${PASSPHRASE_BYTES_MAX} bytes`);
}
