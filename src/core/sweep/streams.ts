// A secret of which one part is on each of two streams: the streams are laid together in the ways a reader would, and what is
// found across both is cut from each.

import type { Redaction } from '../request.ts';
import type { Find } from './cut.ts';
import type { Signs } from './signs.ts';
import type { Sweeper, Swept } from './sweep.ts';
import type { Span } from './view.ts';

/** So far from the end of one stream into the other it is looked: longer than any needle (I8). */
const REACH_BYTES = 4 * 1024;
/** Streams that take turns byte by byte are as long as each other, and no longer than this. */
const TURNS_BYTES_MAX = 64 * 1024;

/** Bytes of both streams one after the other; for each of them the stream, 0 or 1, and its place there. 2 is for a gap. */
export interface Laid {
  readonly bytes: Buffer;
  readonly streams: Uint8Array;
  readonly places: Uint32Array;
}

/** A part of a secret on one stream, and what it says. The caller wipes it. */
export interface Crossing {
  readonly find: Find;
  readonly bytes: Buffer;
}

/** By stream. */
export type Crossings = readonly [Crossing[], Crossing[]];
export type StreamFinds = readonly [readonly Find[], readonly Find[]];

export interface SweptStreams {
  readonly texts: readonly [Buffer, Buffer];
  readonly redactions: readonly Redaction[];
  readonly signs: Signs;
}

/** Sweeps two texts, and what is on both together. `known` was found before. Throws as Sweeper.sweep does. */
export function sweepStreams(sweeper: Sweeper, texts: readonly [Buffer, Buffer], known: StreamFinds): SweptStreams {
  const finds: readonly [Find[], Find[]] = [[...known[0]], [...known[1]]];
  for (const laid of laidTogether(texts)) {
    const crossings = crossingsIn(sweeper, laid);
    for (const k of [0, 1] as const) {
      for (const { find, bytes } of crossings[k]) {
        finds[k].push(find);
        bytes.fill(0);
      }
    }
    laid.bytes.fill(0);
  }
  const swept: readonly [Swept, Swept] = [sweeper.sweep(texts[0], finds[0]), sweeper.sweep(texts[1], finds[1])];
  const sum = (of: (signs: Signs) => number): number => of(swept[0].signs) + of(swept[1].signs);
  return {
    texts: [swept[0].text, swept[1].text],
    redactions: swept.flatMap(({ redactions }) => redactions),
    signs: {
      scattered: sum(({ scattered }) => scattered),
      decoded: sum(({ decoded }) => decoded),
      shapes: sum(({ shapes }) => shapes),
      isComplete: swept.every(({ signs }) => signs.isComplete),
    },
  };
}

/** What is found in bytes of both streams, on each of them. */
export function crossingsIn(sweeper: Sweeper, laid: Laid): Crossings {
  const crossings: Crossings = [[], []];
  for (const { span, name } of sweeper.findsIn(laid.bytes)) {
    const parts = ([0, 1] as const).map((stream) => partsOf(laid, span, stream));
    if (parts.some((own) => own.length === 0)) continue;
    for (const [k, own] of parts.entries()) {
      for (const [start, bytes] of own) {
        const find: Find = { span: [start, start + bytes.length], kind: 'scattered', name, form: 'scattered' };
        crossings[k === 0 ? 0 : 1].push({ find, bytes: Buffer.from(bytes) });
      }
    }
  }
  return crossings;
}

/** What stands in the span and on one stream, where there is no gap on it: from which place, and the bytes. */
function partsOf({ bytes, streams, places }: Laid, [first, end]: Span, stream: 0 | 1): [number, number[]][] {
  const parts: [number, number[]][] = [];
  for (let at = first; at < end; at += 1) {
    if (streams[at] !== stream) continue;
    const last = parts.at(-1);
    if (last !== undefined && places[at] === last[0] + last[1].length) last[1].push(bytes[at]!);
    else parts.push([places[at]!, [bytes[at]!]]);
  }
  return parts;
}

function* laidTogether([out, err]: readonly [Buffer, Buffer]): Generator<Laid> {
  if (out.length === 0 || err.length === 0) return;
  yield endToEnd(out, err, 0);
  yield endToEnd(err, out, 1);
  if (Math.abs(out.length - err.length) > 1 || out.length > TURNS_BYTES_MAX) return;
  yield inTurn(out, err, 0);
  yield inTurn(err, out, 1);
}

function endToEnd(first: Buffer, second: Buffer, firstStream: 0 | 1): Laid {
  const skipped = Math.max(0, first.length - REACH_BYTES);
  const [end, start] = [first.subarray(skipped), second.subarray(0, REACH_BYTES)];
  const length = end.length + start.length;
  return {
    bytes: Buffer.concat([end, start]),
    streams: Uint8Array.from({ length }, (_, k) => (k < end.length ? firstStream : 1 - firstStream)),
    places: Uint32Array.from({ length }, (_, k) => (k < end.length ? skipped + k : k - end.length)),
  };
}

function inTurn(first: Buffer, second: Buffer, firstStream: 0 | 1): Laid {
  const length = 2 * Math.max(first.length, second.length);
  return {
    bytes: Buffer.from(Uint8Array.from({ length }, (_, k) => (k % 2 === 0 ? first : second)[k >> 1] ?? 0)),
    streams: Uint8Array.from({ length }, (_, k) => (k % 2 === 0 ? firstStream : 1 - firstStream)),
    places: Uint32Array.from({ length }, (_, k) => k >> 1),
  };
}
