// What the fuzzer (scripts/fuzz.ts) and the replay of its corpus do with some bytes: they are read as secrets, a text in
// which needles, parts and near misses of them stand, and the lengths it is cut into.

import assert from 'node:assert/strict';
import { needlesOf } from '../../../src/core/redactor/needles.ts';
import { NeedleSet, Redactor } from '../../../src/core/redactor/redactor.ts';

const SECRETS_MAX = 3;
const SECRET_BYTES_MAX = 64;
const CUTS_MAX = 6;
const TEXT_BYTES_MAX = 16 * 1024;

/** What stands in a scene's text, by its number there. */
export const PIECES = { literal: 0, needle: 1, part: 2, nearMiss: 3 } as const;

interface Scene {
  readonly sources: readonly { readonly name: string; readonly value: Buffer }[];
  readonly needles: readonly { readonly bytes: Buffer; readonly isWhole: boolean; readonly form: string }[];
  readonly text: Buffer;
  /** Lengths of chunks, used in turn. */
  readonly cuts: readonly number[];
}

/** Throws when the output depends on how the input was cut, when a whole needle is left in it, or when anything throws. */
export function examine(input: Buffer): void {
  const { sources, needles, text, cuts } = sceneOf(new Bytes(input));
  const set = NeedleSet.compile(sources);
  const whole = redact(set, text, [Math.max(1, text.length)]);
  for (const lengths of [cuts, [1]]) {
    const output = redact(set, text, lengths);
    assert.ok(output.equals(whole), `cut by ${lengths.join(',')} it is ${output.toString('latin1')}`);
  }
  for (const { bytes, isWhole, form } of needles) {
    if (isWhole) assert.ok(!whole.includes(bytes), `${form} is left in ${whole.toString('latin1')}`);
  }
  set.wipe();
}

function redact(set: NeedleSet, text: Buffer, cuts: readonly number[]): Buffer {
  const redactor = new Redactor(set);
  const given: Buffer[] = [];
  for (let at = 0, k = 0; at < text.length; k += 1) {
    const chunk = text.subarray(at, at + (cuts[k % cuts.length] ?? 1));
    given.push(Buffer.from(redactor.push(chunk)));
    at += chunk.length;
  }
  return Buffer.concat([...given, redactor.end()]);
}

/** Any bytes are a scene. */
function sceneOf(bytes: Bytes): Scene {
  const count = 1 + (bytes.next() % SECRETS_MAX);
  const sources = Array.from({ length: count }, (_none, k) => ({
    name: `N${k}`,
    value: bytes.take(1 + (bytes.next() % SECRET_BYTES_MAX)),
  }));
  const needles = sources.flatMap(({ value }) => needlesOf(value));
  const cuts = [...bytes.take(1 + (bytes.next() % CUTS_MAX))].map((length) => length + 1);
  const pieces: Buffer[] = [];
  for (let length = 0; !bytes.isEmpty && length < TEXT_BYTES_MAX; length += pieces.at(-1)!.length) {
    pieces.push(pieceOf(bytes, needles));
  }
  return { sources, needles, text: Buffer.concat(pieces), cuts: cuts.length === 0 ? [1] : cuts };
}

function pieceOf(bytes: Bytes, needles: Scene['needles']): Buffer {
  const kind = bytes.next() % 4;
  if (kind === PIECES.literal || needles.length === 0) return bytes.take(bytes.next());
  const needle = needles[bytes.nextOf(needles.length)]!.bytes;
  switch (kind) {
    case PIECES.needle:
      return needle;
    case PIECES.part:
      return needle.subarray(bytes.next() % needle.length, needle.length - (bytes.next() % needle.length));
    default: {
      const changed = Buffer.from(needle);
      changed[bytes.next() % needle.length]! ^= 1 + (bytes.next() % 255);
      return changed;
    }
  }
}

/** Behind the end there are zeros. */
class Bytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): number {
    this.#at += 1;
    return this.#bytes[this.#at - 1] ?? 0;
  }

  /** A number below `limit`, of two bytes: there are more needles than 256. */
  nextOf(limit: number): number {
    return ((this.next() << 8) | this.next()) % limit;
  }

  /** As many as there are, up to `length`, as a copy. */
  take(length: number): Buffer {
    this.#at += length;
    return Buffer.from(this.#bytes.subarray(this.#at - length, this.#at));
  }
}
