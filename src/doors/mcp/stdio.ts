// The channel to the client: one JSON-RPC message a line, in on standard input and out on standard output. Standard
// output belongs to this file alone; whatever else in the process prints, prints to standard error.

import { Console } from 'node:console';
import type { Readable, Writable } from 'node:stream';
import { type JSONRPCMessage, parseJSONRPCMessage, type Transport } from '@modelcontextprotocol/server';
import { parseStrictJson } from '../../wire/json.ts';

/** Longer lines are skipped. Every limit of a tool argument is far below, so that one too long is refused by name. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

const NEWLINE = 0x0a;
/** JSON-RPC 2.0, section 5.1. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/**
 * Takes standard output away from everybody else: from now on `process.stdout` and `console` are standard error. Gives
 * back the real one.
 */
export function claimStdout(): Writable {
  const output = process.stdout;
  Object.defineProperty(process, 'stdout', { configurable: true, get: () => process.stderr });
  globalThis.console = new Console(process.stderr, process.stderr);
  return output;
}

/** A transport of the SDK that answers what is no message itself, and says when the client has gone. */
export class StdioChannel implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  /** Settles at the end of input, when the client stops reading, or after `close()`. */
  readonly closed: Promise<void>;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #resolveClosed: () => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #isSkipping = false;
  #isClosed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  async start(): Promise<void> {
    const end = (): void => void this.close();
    // Whatever came with the last bytes is answered first, if it needs nobody else.
    this.#input.on('end', () => setImmediate(end));
    this.#input.on('error', end).on('close', end);
    this.#output.on('error', end);
    this.#input.on('data', (chunk: Buffer) => this.#push(chunk));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#write(message);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#input.pause();
    this.#chunks = [];
    this.onclose?.();
    this.#resolveClosed();
  }

  #push(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1 && !this.#isClosed; end = rest.indexOf(NEWLINE)) {
      this.#keep(rest.subarray(0, end));
      this.#takeLine();
      rest = rest.subarray(end + 1);
    }
    if (!this.#isClosed) this.#keep(rest);
  }

  #keep(bytes: Buffer): void {
    if (this.#isSkipping || bytes.length === 0) return;
    if (this.#length + bytes.length > LINE_BYTES_MAX) {
      this.#isSkipping = true;
      this.#chunks = [];
      this.#length = 0;
      this.#refuse(null, INVALID_REQUEST, `a message may have ${LINE_BYTES_MAX} bytes`);
      return;
    }
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  #takeLine(): void {
    const line = Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [];
    this.#length = 0;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    if (line.toString('latin1').trim() === '') return;
    const message = this.#parse(line);
    if (message !== null) this.onmessage?.(message);
  }

  /** Null for what is no message; the client has its answer then. */
  #parse(line: Buffer): JSONRPCMessage | null {
    let value: unknown;
    try {
      value = parseStrictJson(line);
    } catch {
      const readable = tolerantly(line);
      if (readable === undefined) this.#refuse(null, PARSE_ERROR, 'that is not JSON');
      else
        this.#refuse(idOf(readable), INVALID_REQUEST, 'a member is there twice, is called __proto__, or lies too deep');
      return null;
    }
    try {
      return parseJSONRPCMessage(value);
    } catch {
      this.#refuse(idOf(value), INVALID_REQUEST, 'that is not a JSON-RPC 2.0 message');
      return null;
    }
  }

  #refuse(id: string | number | null, code: number, message: string): void {
    this.#write({ jsonrpc: '2.0', id, error: { code, message } });
  }

  #write(message: unknown): void {
    if (!this.#isClosed) this.#output.write(`${JSON.stringify(message)}\n`);
  }
}

/** Only to find the id of a message that is refused anyway; undefined when it is not JSON at all. */
function tolerantly(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function idOf(value: unknown): string | number | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' || typeof value.id === 'number' ? value.id : null;
}
