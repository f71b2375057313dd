// What a run left behind in files: where a secret was found, and what was not looked at. For the human alone.

/** Where a secret, or a part of one, was found. */
export interface TaintHit {
  /** The variable's name. */
  readonly name: string;
  /** Below the folder of the run, or absolute; printable ASCII, and masked itself. */
  readonly file: string;
  /** From 1; 0 when it is in the name of the file, or where a link leads. */
  readonly line: number;
}

/**
 * Why not all was looked at: a limit of time, entries, files, bytes or hits; something could not be read; or the scan was
 * ended, by a lock or by further runs.
 */
export const TAINT_LIMITS = ['time', 'entries', 'files', 'bytes', 'hits', 'unread', 'ended'] as const;
export type TaintLimit = (typeof TAINT_LIMITS)[number];

export interface Taint {
  readonly hits: readonly TaintHit[];
  readonly limits: readonly TaintLimit[];
  /** Changed files that were looked into. */
  readonly files: number;
}

/** Hits of one run (I8). */
export const TAINT_HITS_MAX = 50;
/** Characters of a path that are kept of a hit, its end: it says more than its beginning. */
export const TAINT_FILE_LENGTH_MAX = 300;

/** One hit in words, the same on every screen. */
export function taintText({ name, file, line }: TaintHit): string {
  return line === 0 ? `${name} in the name of ${file}` : `${name} in ${file}:${line}`;
}
