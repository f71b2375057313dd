// A place in a file, as an editor counts: lines and characters from 1. Errors about files that may hold secrets name a
// place and never repeat what stands there.

const LINE_FEED = 0x0a;

export interface Place {
  /** In bytes from the start of the file, from 0. */
  readonly at: number;
  readonly line: number;
  /** In characters, not bytes: that is what an editor counts. */
  readonly column: number;
}

/** Where the first character stands, behind the byte order mark that some editors put in front. */
export function firstPlace(file: Buffer): Place {
  return { at: markLength(file), line: 1, column: 1 };
}

/** The place of the byte `at`, counted on from one before it; a byte of the mark itself is the first place. */
export function placeOf(file: Buffer, at: number, from: Place = firstPlace(file)): Place {
  let { line, column } = from;
  for (let k = from.at; k < at; k += 1) {
    const byte = file[k]!;
    if (byte === LINE_FEED) [line, column] = [line + 1, 1];
    else if ((byte & 0xc0) !== 0x80) column += 1;
  }
  return { at, line, column };
}

export function markLength(file: Buffer): number {
  return file[0] === 0xef && file[1] === 0xbb && file[2] === 0xbf ? 3 : 0;
}
