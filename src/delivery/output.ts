// One stream of a run on its way back: scanned and masked first, then the head and the tail of it kept. The middle is
// scanned too, but dropped, so that memory stays flat however much a program writes (I8).

/** What is kept of a stream, after masking: half of it head, half of it tail. */
export const KEPT_BYTES_MAX = 1024 * 1024;
const HALF_BYTES = KEPT_BYTES_MAX / 2;
/** A program that writes more than this to one stream is stopped. */
export const SCANNED_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES_START = 4096;
const NEWLINE = 0x0a;

/** What masks: `Redactor` of core/redactor/redactor.ts. */
export interface Mask {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

export class Output {
  readonly #mask: Mask;
  readonly #onArrival: (chunk: Buffer) => void;
  #scanned = 0;
  #masked = 0;
  #newlines = 0;
  #lastByte = NEWLINE;
  #head = Buffer.alloc(HEAD_BYTES_START);
  #headBytes = 0;
  /** A ring: byte n of what comes after the head lies at n modulo its length. */
  #tail: Buffer | null = null;
  #tailBytes = 0;

  /** `onArrival` sees what is scanned as the program wrote it. */
  constructor(mask: Mask, onArrival: (chunk: Buffer) => void = () => undefined) {
    this.#mask = mask;
    this.#onArrival = onArrival;
  }

  /** Takes what the program wrote; what lies past the limit is not even scanned. */
  push(chunk: Buffer): void {
    const room = SCANNED_BYTES_MAX - this.#scanned;
    this.#scanned += chunk.length;
    if (room <= 0) return;
    const scanned = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#onArrival(scanned);
    this.#keep(this.#mask.push(scanned));
  }

  /** No more will come: what the mask held back is kept too. */
  end(): void {
    this.#keep(this.#mask.end());
  }

  get isFlooded(): boolean {
    return this.#scanned > SCANNED_BYTES_MAX;
  }

  get isTruncated(): boolean {
    return this.isFlooded || this.#tailBytes > HALF_BYTES;
  }

  /** Lines of the whole masked stream; a last one without its newline counts. */
  get lines(): number {
    return this.#newlines + (this.#lastByte === NEWLINE ? 0 : 1);
  }

  /** Head and tail, and between them a line that says how much is missing. No character is cut in two. */
  bytes(): Buffer {
    const head = this.#head.subarray(0, this.#headBytes);
    const tail = this.#tailInOrder();
    if (this.#tailBytes <= HALF_BYTES) return Buffer.concat([head, tail]);
    return withGap(head, tail, this.#masked);
  }

  #keep(masked: Buffer): void {
    if (masked.length === 0) return;
    this.#masked += masked.length;
    this.#lastByte = masked.at(-1) ?? NEWLINE;
    for (let at = masked.indexOf(NEWLINE); at !== -1; at = masked.indexOf(NEWLINE, at + 1)) this.#newlines += 1;
    const toHead = Math.min(HALF_BYTES - this.#headBytes, masked.length);
    if (toHead > 0) this.#keepHead(masked.subarray(0, toHead));
    if (toHead < masked.length) this.#keepTail(masked.subarray(toHead));
  }

  #keepHead(bytes: Buffer): void {
    const needed = this.#headBytes + bytes.length;
    if (needed > this.#head.length) {
      const larger = Buffer.alloc(Math.min(HALF_BYTES, Math.max(needed, 2 * this.#head.length)));
      this.#head.copy(larger, 0, 0, this.#headBytes);
      this.#head = larger;
    }
    this.#headBytes += bytes.copy(this.#head, this.#headBytes);
  }

  #keepTail(bytes: Buffer): void {
    this.#tail ??= Buffer.alloc(HALF_BYTES);
    const skipped = Math.max(0, bytes.length - HALF_BYTES);
    const last = bytes.subarray(skipped);
    const at = (this.#tailBytes + skipped) % HALF_BYTES;
    const copied = last.copy(this.#tail, at);
    last.copy(this.#tail, 0, copied);
    this.#tailBytes += bytes.length;
  }

  #tailInOrder(): Buffer {
    if (this.#tail === null) return Buffer.alloc(0);
    if (this.#tailBytes <= HALF_BYTES) return this.#tail.subarray(0, this.#tailBytes);
    const at = this.#tailBytes % HALF_BYTES;
    return Buffer.concat([this.#tail.subarray(at), this.#tail.subarray(0, at)]);
  }
}

/** The head and the tail of a text that has grown past what is kept, as by markers longer than what they stand for. */
export function kept(text: Buffer): Buffer {
  if (text.length <= KEPT_BYTES_MAX) return text;
  return withGap(text.subarray(0, HALF_BYTES), text.subarray(-HALF_BYTES), text.length);
}

/** `total`: how long the text was. */
function withGap(head: Buffer, tail: Buffer, total: number): Buffer {
  const [start, end] = [head.subarray(0, wholeCharacters(head)), tail.subarray(brokenCharacter(tail))];
  const left = total - start.length - end.length;
  return Buffer.concat([start, Buffer.from(`\n[... ${left} bytes left out ...]\n`), end]);
}

/** How many bytes of `head` are whole UTF-8 characters: up to three at the end may begin one that was cut (RFC 3629). */
function wholeCharacters(head: Buffer): number {
  for (let back = 1; back <= 3 && back <= head.length; back += 1) {
    const byte = head[head.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? head.length - back : head.length;
  }
  return head.length;
}

/** How many bytes at the start of `tail` belong to a character whose beginning was left out; at most three. */
function brokenCharacter(tail: Buffer): number {
  let at = 0;
  while (at < 3 && isContinuation(tail[at] ?? 0)) at += 1;
  return isContinuation(tail[at] ?? 0) ? 0 : at;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
