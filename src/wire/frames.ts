// How one message and the byte strings beside it become bytes on a socket and come back, whatever the chunks.
// Secrets travel as parts, outside the JSON, so that they never become a string. docs/protocol.md has the format.

import { Failure } from '../core/failure.ts';
import type { SocketName } from './methods.ts';
import { parseStrictJson } from './json.ts';

const LENGTH_BYTES = 4;
/** More parts than any row of the method table allows; the table has the exact number. */
export const PARTS_MAX = 4;

/** What may come in one frame (I8). `frameBytesMax` counts all that follows the first length. */
export interface FrameLimits {
  readonly frameBytesMax: number;
  readonly partsMax: number;
}

/** What the daemon takes from a client. I4: on the agent's socket there are no parts, so no frame can hold a value. */
export const REQUEST_LIMITS: Readonly<Record<SocketName, FrameLimits>> = {
  agent: { frameBytesMax: 512 * 1024, partsMax: 0 },
  control: { frameBytesMax: 32 * 1024 * 1024, partsMax: PARTS_MAX },
};

/** What a client takes from the daemon: answers hold output and lists, and may be larger than requests. */
export const ANSWER_LIMITS: Readonly<Record<SocketName, FrameLimits>> = {
  agent: { frameBytesMax: 32 * 1024 * 1024, partsMax: 0 },
  control: { frameBytesMax: 32 * 1024 * 1024, partsMax: PARTS_MAX },
};

/** Before the hello is over a peer has little to say. */
export const HELLO_LIMITS: FrameLimits = { frameBytesMax: 4 * 1024, partsMax: 0 };

export type Message = Readonly<Record<string, unknown>>;

export interface Frame {
  readonly message: Message;
  /** Views of the frame's own memory: whoever takes the frame wipes them, and copies what it keeps. */
  readonly parts: readonly Buffer[];
  readonly byteLength: number;
}

/**
 * One frame: u32be length of the rest, u32be length of the JSON, the JSON in UTF-8, the parts one after another.
 * `message` has no member `parts`; it is added here, as the lengths. The caller wipes the result when parts are secret.
 * Throws `input/too_large` when the frame is larger than `limits`, or has more parts.
 */
export function encodeFrame(
  message: Message,
  parts: readonly Uint8Array[] = [],
  limits: FrameLimits = ANSWER_LIMITS.control,
): Buffer {
  if (parts.length > limits.partsMax) throw new Failure('input/too_large', 'a message has more parts than may be sent');
  const lengths = parts.map((part) => part.length);
  const json = JSON.stringify(parts.length === 0 ? message : { ...message, parts: lengths });
  const jsonBytes = Buffer.byteLength(json);
  const restBytes = LENGTH_BYTES + jsonBytes + lengths.reduce((sum, length) => sum + length, 0);
  if (restBytes > limits.frameBytesMax) {
    throw new Failure('input/too_large', `a message of ${restBytes} bytes is larger than ${limits.frameBytesMax}`);
  }
  // Not from Node's shared pool, where wiping and neighbours would not go together.
  const frame = Buffer.allocUnsafeSlow(LENGTH_BYTES + restBytes);
  frame.writeUInt32BE(restBytes, 0);
  frame.writeUInt32BE(jsonBytes, LENGTH_BYTES);
  frame.write(json, 2 * LENGTH_BYTES, 'utf8');
  let at = 2 * LENGTH_BYTES + jsonBytes;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** Puts frames together from chunks. Every byte is copied a bounded number of times, however small the chunks are. */
export class FrameReader {
  /** May be changed between two frames: after the hello more is allowed. */
  limits: FrameLimits;
  #bytes = Buffer.alloc(0);
  #filled = 0;
  #wanted = LENGTH_BYTES;
  #failure: Failure | null = null;

  constructor(limits: FrameLimits) {
    this.limits = limits;
  }

  /** Whether a frame has begun and is not whole. */
  get isPartial(): boolean {
    return this.#filled > 0;
  }

  /**
   * The frames that `chunk` completes. Takes ownership of the chunk and wipes it. Throws `daemon/protocol` at the first
   * frame that breaks a rule, and ever after: where the next frame would begin is then unknown.
   */
  *push(chunk: Buffer): Generator<Frame, void, void> {
    try {
      for (let at = 0; at < chunk.length;) {
        if (this.#failure !== null) throw this.#failure;
        const taken = this.#take(chunk.subarray(at));
        at += taken;
        const frame = this.#next();
        if (frame !== null) yield frame;
      }
    } catch (error) {
      this.#failure ??= Failure.from(error);
      this.wipe();
      throw this.#failure;
    } finally {
      chunk.fill(0);
    }
  }

  /** Forgets a frame that has begun. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#reset();
  }

  #reset(): void {
    this.#bytes = Buffer.alloc(0);
    this.#filled = 0;
    this.#wanted = LENGTH_BYTES;
  }

  /** Copies as much of `chunk` as the frame, or its first length, still wants; answers how much that was. */
  #take(chunk: Buffer): number {
    const taken = chunk.subarray(0, this.#wanted - this.#filled);
    this.#makeRoom(this.#filled + taken.length);
    this.#bytes.set(taken, this.#filled);
    this.#filled += taken.length;
    return taken.length;
  }

  /** Grows by doubling: a peer that announces 32 MiB and sends five bytes costs us little more than five bytes. */
  #makeRoom(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#wanted, Math.max(bytes, 2 * this.#bytes.length)));
    this.#bytes.copy(larger, 0, 0, this.#filled);
    this.#bytes.fill(0);
    this.#bytes = larger;
  }

  #next(): Frame | null {
    if (this.#filled < this.#wanted) return null;
    if (this.#wanted === LENGTH_BYTES) {
      const restBytes = this.#bytes.readUInt32BE(0);
      if (restBytes <= LENGTH_BYTES) throw refuse('a frame is too short');
      if (restBytes > this.limits.frameBytesMax) throw refuse('a frame is too long');
      this.#wanted = LENGTH_BYTES + restBytes;
      return null;
    }
    const frame = decodeFrame(this.#bytes.subarray(0, this.#wanted), this.limits.partsMax);
    // From here on the memory is the frame's, parts and all.
    this.#reset();
    return frame;
  }
}

function decodeFrame(bytes: Buffer, partsMax: number): Frame {
  const jsonBytes = bytes.readUInt32BE(LENGTH_BYTES);
  const jsonStart = 2 * LENGTH_BYTES;
  if (jsonBytes === 0 || jsonBytes > bytes.length - jsonStart) throw refuse('the length of its JSON is wrong');
  const json = parseStrictJson(bytes.subarray(jsonStart, jsonStart + jsonBytes));
  if (!isMessage(json)) throw refuse('its JSON is not an object');
  const { parts: lengths, ...message } = json;
  const parts = cutParts(bytes.subarray(jsonStart + jsonBytes), lengths, partsMax);
  return { message, parts, byteLength: bytes.length };
}

/** `rest` cut at the lengths the JSON gives; nothing may be missing and nothing left over. */
function cutParts(rest: Buffer, lengths: unknown, partsMax: number): Buffer[] {
  if (lengths === undefined) {
    if (rest.length > 0) throw refuse('bytes follow its JSON');
    return [];
  }
  if (!Array.isArray(lengths) || !lengths.every(isLength)) throw refuse('the lengths of its parts are wrong');
  if (lengths.length > partsMax) throw refuse('it has more parts than may be sent here');
  if (lengths.reduce((sum, length) => sum + length, 0) !== rest.length) throw refuse('its parts do not fill the frame');
  let at = 0;
  return lengths.map((length) => rest.subarray(at, (at += length)));
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(why: string): Failure {
  return new Failure('daemon/protocol', `a message was refused: ${why}`);
}
