// The framing of the socket between the daemon and a runner: a JSON header and raw parts, so that what has to be wiped
// is never inside a string. Both ends are ours and the socket has no name, so shapes are trusted; lengths are not (I8).

import { Failure } from '../core/failure.ts';

/** Length of the header, then length of the parts, 32 bits each, most significant byte first. */
const PREFIX_BYTES = 8;

/** One message as it arrives. `parts` are views into one buffer. */
export interface Frame<Header> {
  readonly header: Header;
  readonly parts: readonly Buffer[];
}

/** `header` and `parts` as bytes. They are a copy of the parts: the caller wipes it. */
export function encodeFrame(message: object, parts: readonly Buffer[]): Buffer {
  const header = Buffer.from(JSON.stringify({ message, lengths: parts.map((part) => part.length) }), 'utf8');
  const partBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const frame = Buffer.allocUnsafeSlow(PREFIX_BYTES + header.length + partBytes);
  frame.writeUInt32BE(header.length, 0);
  frame.writeUInt32BE(partBytes, 4);
  let at = PREFIX_BYTES + header.copy(frame, PREFIX_BYTES);
  for (const part of parts) at += part.copy(frame, at);
  return frame;
}

/** Puts frames together again. Chunks are wiped as soon as they are copied, for they may hold keys. */
export class FrameReader<Header> {
  readonly #bytesMax: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #body: Buffer | null = null;
  /** Bytes already in `#prefix` or, once there is one, in `#body`. */
  #filled = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The frames that `chunk` completes. Throws `daemon/protocol` for one that is too long or not what we write. */
  push(chunk: Buffer): Frame<Header>[] {
    const frames: Frame<Header>[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#take(rest);
      if (this.#body === null || this.#filled < this.#body.length) continue;
      frames.push(decodeFrame<Header>(this.#prefix.readUInt32BE(0), this.#body));
      this.#body = null;
      this.#filled = 0;
    }
    chunk.fill(0);
    return frames;
  }

  /** Copies what the current target still lacks; gives what is left over. */
  #take(bytes: Buffer): Buffer {
    const target = this.#body ?? this.#prefix;
    const copied = bytes.copy(target, this.#filled);
    this.#filled += copied;
    if (this.#body === null && this.#filled === PREFIX_BYTES) this.#startBody();
    return bytes.subarray(copied);
  }

  #startBody(): void {
    const length = this.#prefix.readUInt32BE(0) + this.#prefix.readUInt32BE(4);
    if (length === 0 || length > this.#bytesMax) throw broken();
    this.#body = Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
  }
}

function decodeFrame<Header>(headerBytes: number, body: Buffer): Frame<Header> {
  let at = headerBytes;
  try {
    const text = body.toString('utf8', 0, headerBytes);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our other half wrote it with encodeFrame
    const { message, lengths } = JSON.parse(text) as { message: Header; lengths: number[] };
    const parts = lengths.map((length) => body.subarray(at, (at += length)));
    if (at !== body.length) throw broken();
    return { header: message, parts };
  } catch {
    throw broken();
  }
}

function broken(): Failure {
  return new Failure('daemon/protocol', 'the daemon and a runner do not understand each other');
}
