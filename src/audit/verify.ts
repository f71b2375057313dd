// Says whether a log is what was written, and if not, where it stops being so. Shares no code with the writer, only
// the vocabulary; nothing it reads is trusted.

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../core/failure.ts';
import type { Secret } from '../core/secret.ts';
import { checkLine, MacChecker } from './verify-line.ts';
import type { CheckedLine } from './verify-line.ts';
import { parseNotes, parseVerifierKey } from './verify-notes.ts';
import type { ReadNote } from './verify-notes.ts';
import { LeafList } from './verify-tree.ts';

/** Events that may stand in front of the first unlock, where there is no key yet. */
const KEYLESS_EVENTS_MAX = 256;
/** A daemon that verifies must go on answering: it does after so many lines. */
const LINES_A_TURN = 500;
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/** Why a log is not believed; docs/audit-format.md says what each means. */
export type Fault =
  | 'not_an_entry'
  | 'extra_bytes'
  | 'missing'
  | 'repeated'
  | 'reordered'
  | 'chain'
  | 'mac'
  | 'mac_missing'
  | 'clock'
  | 'truncated'
  | 'checkpoint'
  | 'checkpoint_order'
  | 'checkpoint_format'
  | 'checkpoint_signature'
  | 'checkpoint_key';

export interface VerifyOptions {
  readonly folder: string;
  /** By default `events.jsonl` in the folder. */
  readonly events?: string;
  /** A verifier key in one line. By default that of `audit.pub`, which whoever writes to the folder can replace. */
  readonly publicKey?: string;
  /** With it every MAC is checked, and so every byte of every event. Needs `vaultId`. It is only read. */
  readonly macSeed?: Secret;
  readonly vaultId?: string;
  /** A number of events that is known from elsewhere to have been there. */
  readonly atLeast?: number;
}

export interface VerifyReport {
  readonly ok: boolean;
  /** Lines in the files. */
  readonly events: number;
  /** Checkpoints that are signed and fit the log. */
  readonly checkpoints: number;
  /** `seq` is the event that should be there, `line` counts through all files from 1. */
  readonly firstBad: { readonly seq: number; readonly line: number; readonly why: Fault } | null;
  readonly notes: readonly string[];
}

interface Bad {
  readonly seq: number;
  readonly line: number;
  readonly why: Fault;
}

/** Reads everything. Throws `audit/damaged` only when there is no log to read, or a file of it cannot be read. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  // Before the lines: a daemon may be writing, and must not seem to have signed what is not there yet.
  const notes = readNotes(options);
  const keySeq = readKeySeq(options.folder);
  const bytes = readFiles(options.events ?? join(options.folder, 'events.jsonl'));
  const lines = splitLines(bytes);
  const walk = new Walk(lines, notes, options);
  let firstBad = walk.badNote();
  for (let i = 0; i < lines.length && firstBad === null; i += 1) {
    firstBad = walk.step(i);
    if (i % LINES_A_TURN === LINES_A_TURN - 1) await nextTurn();
  }
  const isWhole = bytes.every((file) => file.length === 0 || file.at(-1) === 0x0a);
  firstBad ??= walk.finish(Math.max(keySeq - 1, options.atLeast ?? 0), isWhole);
  walk.wipe();
  return {
    ok: firstBad === null,
    events: lines.length,
    checkpoints: walk.checkpoints,
    firstBad,
    notes: walk.remarks(),
  };
}

class Walk {
  readonly #lines: readonly Buffer[];
  readonly #notes: readonly ReadNote[];
  readonly #macs: MacChecker | null;
  readonly #tree = new LeafList();
  readonly #boots = new Set<string>();
  #last: CheckedLine | null = null;
  #keyless = 0;
  #hasMac = false;
  #covered = 0;
  checkpoints = 0;

  constructor(lines: readonly Buffer[], notes: readonly ReadNote[], { macSeed, vaultId }: VerifyOptions) {
    this.#lines = lines;
    this.#notes = notes;
    this.#macs = macSeed === undefined || vaultId === undefined ? null : new MacChecker(macSeed, vaultId);
  }

  /** What is wrong with line `i` (from 0), or with a checkpoint that ends before it. */
  step(i: number): Bad | null {
    const raw = this.#lines[i] ?? Buffer.alloc(0);
    const line = checkLine(raw);
    const seq = i + 1;
    if (line === null) return this.#checkpointAt(i) ?? this.#bad(i, 'not_an_entry');
    const why = this.#sequenceFault(line, i) ?? this.#macFault(line);
    if (why !== null) return this.#checkpointAt(i) ?? this.#bad(i, why);
    if (line.prev !== (this.#last?.chain ?? '0'.repeat(64))) return this.#broken(line, i);
    const bad = this.#checkpointAt(i);
    if (bad !== null) return bad;
    if (this.#clockFault(line)) return { seq, line: seq, why: 'clock' };
    this.#last = line;
    this.#tree.push(raw);
    return null;
  }

  /** What only the end of the log shows. `atLeast` events are known to have been there; whole files end in a newline. */
  finish(atLeast: number, isWhole: boolean): Bad | null {
    const count = this.#lines.length;
    const bad = this.#checkpointAt(count);
    if (bad !== null) return bad;
    if (!isWhole) return this.#bad(count, 'extra_bytes');
    if (this.#checkpointsLeft() || count < atLeast) return this.#bad(count, 'truncated');
    // With a seed in hand the vault was unlocked once, and the first thing an unlocked log does is to use it.
    return this.#macs !== null && count > 0 && !this.#hasMac ? this.#bad(0, 'mac_missing') : null;
  }

  /** A checkpoint that does not count, once the log has reached the one before it. */
  badNote(): Bad | null {
    const note = this.#notes[this.checkpoints];
    if (note === undefined) return null;
    if (note.why !== null) return this.#bad(this.#covered, note.why);
    return note.size <= this.#covered && this.checkpoints > 0 ? this.#bad(this.#covered, 'checkpoint_order') : null;
  }

  remarks(): string[] {
    const remarks = [`events up to ${this.#covered} are under ${this.checkpoints} signed checkpoints`];
    if (this.#macs === null) {
      remarks.push(
        `MACs were not checked (the vault is locked): events after ${this.#covered} are chained, not proven`,
      );
    } else if (this.#keyless > 0) {
      remarks.push(`the first ${this.#keyless} events are from before the vault was first unlocked and have no MAC`);
    }
    return remarks;
  }

  wipe(): void {
    this.#macs?.wipe();
  }

  #bad(index: number, why: Fault): Bad {
    return { seq: index + 1, line: index + 1, why };
  }

  #sequenceFault(line: CheckedLine, i: number): Fault | null {
    const expected = i + 1;
    if (line.seq === expected) return null;
    if (line.seq < expected) return 'repeated';
    const next = this.#lines[i + 1];
    return next !== undefined && checkLine(next)?.seq === expected ? 'reordered' : 'missing';
  }

  #macFault(line: CheckedLine): Fault | null {
    if (line.mac === null) {
      this.#keyless += 1;
      return this.#hasMac || this.#keyless > KEYLESS_EVENTS_MAX ? 'mac_missing' : null;
    }
    this.#hasMac = true;
    return this.#macs === null || this.#macs.expect(line.seq, line.chain) === line.mac ? null : 'mac';
  }

  /** The chain is broken between two lines. The one the next line vouches for is not the one that was changed. */
  #broken(line: CheckedLine, i: number): Bad {
    const next = this.#lines[i + 1];
    const isVouchedFor = next !== undefined && checkLine(next)?.prev === line.chain;
    const isBeforeProven = this.#macs !== null && this.#last !== null && this.#last.mac !== null;
    const blamed = !isBeforeProven && i > 0 && (isVouchedFor || next === undefined) ? i - 1 : i;
    return this.#bad(blamed, 'chain');
  }

  #clockFault(line: CheckedLine): boolean {
    const last = this.#last;
    if (last?.boot === line.boot) return line.mono < last.mono;
    const isSeen = this.#boots.has(line.boot);
    this.#boots.add(line.boot);
    return isSeen;
  }

  /** Compares the tree of the first `size` lines with the checkpoint that was made of them, if there is one. */
  #checkpointAt(size: number): Bad | null {
    const note = this.#notes[this.checkpoints];
    if (note === undefined || note.why !== null || note.size !== size) return null;
    if (!this.#tree.hash(size).equals(note.root)) return this.#bad(this.#covered, 'checkpoint');
    this.#covered = size;
    this.checkpoints += 1;
    return this.badNote();
  }

  #checkpointsLeft(): boolean {
    return this.checkpoints < this.#notes.length;
  }
}

function readNotes({ folder, publicKey, vaultId }: VerifyOptions): ReadNote[] {
  const bytes = readFile(join(folder, 'checkpoints'));
  const key = parseVerifierKey(publicKey ?? readFile(join(folder, 'audit.pub')).toString('utf8'));
  if (bytes.length === 0) return [];
  const isTheirs = key !== null && (vaultId === undefined || key.name === `keystile/audit/${vaultId}`);
  return isTheirs ? parseNotes(bytes, key) : [{ why: 'checkpoint_key' }];
}

/** The number of the event whose MAC key is kept: all before it were on the disk. 0 when there is none. */
function readKeySeq(folder: string): number {
  return Number(
    /^keystile-audit-key (\d{16}) /.exec(readFile(join(folder, 'ratchet.key')).toString('latin1'))?.[1] ?? 0,
  );
}

/** The bytes of events.jsonl, events-2.jsonl … in order. */
function readFiles(events: string): Buffer[] {
  const first = readFile(events);
  if (first.length === 0 && !fs.existsSync(events)) throw new Failure('audit/damaged', `there is no log at ${events}`);
  const stem = basename(events, '.jsonl');
  const numbers = fs.readdirSync(dirname(events)).flatMap((name) => {
    const [number] = name.startsWith(`${stem}-`)
      ? (/^[1-9]\d*(?=\.jsonl$)/.exec(name.slice(stem.length + 1)) ?? [])
      : [];
    return number === undefined ? [] : [Number(number)];
  });
  const rest = numbers.sort((a, b) => a - b).map((number) => join(dirname(events), `${stem}-${number}.jsonl`));
  return [first, ...rest.map(readFile)];
}

function splitLines(files: readonly Buffer[]): Buffer[] {
  const lines: Buffer[] = [];
  for (const bytes of files) {
    for (let start = 0, end = 0; (end = bytes.indexOf(0x0a, start)) !== -1; start = end + 1) {
      lines.push(bytes.subarray(start, end));
    }
  }
  return lines;
}

function readFile(path: string): Buffer {
  const stats = fs.statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return Buffer.alloc(0);
  if (!stats.isFile() || stats.size > FILE_BYTES_MAX)
    throw new Failure('audit/damaged', `${path} cannot be read as a log`);
  return fs.readFileSync(path);
}
