// Where the fuzzer starts: for each form of the table of encodings, a made-up value and a text with its spellings.

import { ENCODINGS } from '../../src/core/forms/encodings.ts';
import { PIECES } from '../../test/core/redactor/fuzz-target.ts';

const VALUES = ['canary-4fJ/9+q"Z\'%é=\\w0', 'canary line one\nline Two 4fJ9qZ77\n'].map((value) => Buffer.from(value));
const BYTE_MAX = 255;
const SPELLINGS_MAX = 4;
const CUTS = [1, 7, 30];

/** By the name of the form. */
export function seeds(): ReadonlyMap<string, Buffer> {
  return new Map(ENCODINGS.map(({ form, spell }) => [form, seedOf(spell)]));
}

/** As test/core/redactor/fuzz-target.ts reads it. */
function seedOf(spell: (value: Buffer) => Buffer[]): Buffer {
  const sources = VALUES.flatMap((value) => [Buffer.from([value.length - 1]), value]);
  const cuts = Buffer.from([CUTS.length - 1, ...CUTS]);
  const text = VALUES.flatMap((value) => [
    Buffer.from('key='),
    ...spell(value).slice(0, SPELLINGS_MAX),
    Buffer.from('\n'),
  ]);
  return Buffer.concat([Buffer.from([VALUES.length - 1]), ...sources, cuts, ...text.flatMap(literal)]);
}

function literal(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += BYTE_MAX) {
    const piece = bytes.subarray(at, at + BYTE_MAX);
    pieces.push(Buffer.from([PIECES.literal, piece.length]), piece);
  }
  return pieces;
}
