// The taint scan: after a run, what it changed below its folder is looked through for its secrets, with the needles its
// output was masked with. It takes part in nothing: the agent has its answer by then, and only the human is told.

import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { NeedleSet } from '../core/redactor/redactor.ts';
import { TAINT_HITS_MAX, type Taint, type TaintHit } from '../core/taint.ts';
import { TaintBudget } from './taint-budget.ts';
import { inflated, isLooseObject, objectFoldersAbove } from './taint-git.ts';
import { isPack, objectsOfPack } from './taint-pack.ts';
import { TaintText, TEXT_CHUNK_BYTES } from './taint-text.ts';
import { changedBelow, type Changed } from './taint-walk.ts';

/** The kernel's clock for files ticks every 1 to 10 ms: what was written first in a run may seem older than the run. */
const CLOCK_SLACK_MS = 20;
/** After so many entries or pieces whoever ends this process is heard. */
const TURN_EVERY = 64;

/**
 * What changed below `cwd` (absolute, real) since `sinceMs`, and in the objects of git its repository has elsewhere, with
 * the secrets of `needles` in it. Never rejects for what it meets; what it could not see is in `limits`. Wipes no needles.
 */
export async function findTaint(
  cwd: string,
  sinceMs: number,
  needles: NeedleSet,
  budget = new TaintBudget(),
): Promise<Taint> {
  // Nothing that could be found: plain variables only.
  if (needles.matcher.longest === 0) return { hits: [], limits: [], files: 0 };
  const text = new TaintText(needles);
  const scan = new Scan(text, budget, Buffer.from(`${cwd === '/' ? '' : cwd}/`));
  try {
    for (const root of [cwd, ...objectFoldersAbove(cwd)]) {
      for (const changed of changedBelow(Buffer.from(root), sinceMs - CLOCK_SLACK_MS, budget)) {
        if (!scan.hasRoom()) break;
        await scan.lookAt(changed);
      }
    }
    return { hits: scan.hits, limits: budget.reached, files: budget.files };
  } finally {
    text.wipe();
  }
}

class Scan {
  readonly hits: TaintHit[] = [];
  readonly #text: TaintText;
  readonly #budget: TaintBudget;
  readonly #top: Buffer;
  #turns = 0;

  constructor(text: TaintText, budget: TaintBudget, top: Buffer) {
    this.#text = text;
    this.#budget = budget;
    this.#top = top;
  }

  hasRoom(): boolean {
    if (this.hits.length < TAINT_HITS_MAX) return true;
    this.#budget.note('hits');
    return false;
  }

  async lookAt(changed: Changed): Promise<void> {
    await this.#turn();
    const { stats, path, name } = changed;
    this.#lookAtName(path, name);
    if (stats.isSymbolicLink()) this.#lookAtName(path, targetOf(changed));
    if (!stats.isFile() || stats.size === 0 || !this.#budget.takeFile()) return;
    const fd = openFile(changed);
    if (fd === null) return this.#budget.note('unread');
    try {
      this.#text.begin();
      if (isPack(path)) await this.#lookIntoPack(fd, path);
      else if (isLooseObject(path)) await this.#lookInside(fd);
      else await this.#lookThrough(fd);
      this.#tellHits(path);
    } catch {
      // It changed, or cannot be read to its end.
      this.#budget.note('unread');
    } finally {
      closeSync(fd);
    }
  }

  /** Line 0: a file may be called after a secret, and a link lead to one. */
  #lookAtName(path: Buffer, name: Buffer): void {
    this.#text.begin();
    this.#text.push(name);
    for (const hit of this.#text.hits) this.#tell(path, hit.name, 0);
  }

  async #lookThrough(fd: number): Promise<void> {
    for (let known = 0; ;) {
      const bytes = readInto(fd, this.#text.room, known, this.#budget);
      if (bytes === 0) return;
      this.#text.look(bytes);
      known += bytes;
      await this.#turn();
    }
  }

  /** An object of git is compressed; what it says is bounded as a file is, and so is what is read of it. */
  async #lookInside(fd: number): Promise<void> {
    let known = 0;
    for await (const piece of inflated(piecesOf(fd, this.#budget))) {
      const bytes = Math.min(piece.length, this.#budget.bytesLeft(known));
      if (bytes === 0) return;
      this.#text.push(piece.subarray(0, bytes));
      this.#budget.spend(bytes);
      piece.fill(0);
      known += bytes;
    }
  }

  /** The one file that is read whole, up to the limit of a file: where an object ends is known when it is inflated. */
  async #lookIntoPack(fd: number, path: Buffer): Promise<void> {
    const pack = Buffer.concat([...piecesOf(fd, this.#budget)]);
    for (const object of objectsOfPack(pack)) {
      const bytes = Math.min(object.length, this.#budget.bytesLeft(0));
      if (bytes === 0 && object.length > 0) return;
      this.#text.begin();
      this.#text.push(object.subarray(0, bytes));
      this.#tellHits(path);
      this.#budget.spend(bytes);
      object.fill(0);
      await this.#turn();
    }
  }

  #tellHits(path: Buffer): void {
    for (const { name, line } of this.#text.hits) this.#tell(path, name, line);
  }

  #tell(path: Buffer, name: string, line: number): void {
    const isBelow = path.subarray(0, this.#top.length).equals(this.#top);
    const file = this.#text.nameOf(isBelow ? path.subarray(this.#top.length) : path);
    const isKnown = this.hits.some((hit) => hit.name === name && hit.file === file && hit.line === line);
    if (!isKnown && this.hasRoom()) this.hits.push({ name, file, line });
  }

  async #turn(): Promise<void> {
    this.#turns += 1;
    if (this.#turns % TURN_EVERY === 0) await turn();
  }
}

function* piecesOf(fd: number, budget: TaintBudget): Generator<Buffer> {
  for (let known = 0; ;) {
    const piece = Buffer.alloc(TEXT_CHUNK_BYTES);
    const bytes = readInto(fd, piece, known, budget);
    if (bytes === 0) return;
    known += bytes;
    yield piece.subarray(0, bytes);
  }
}

/** The number of bytes that were read; 0 at the end of the file, or of the budget. */
function readInto(fd: number, room: Buffer, known: number, budget: TaintBudget): number {
  const wanted = Math.min(room.length, budget.bytesLeft(known));
  const bytes = wanted === 0 ? 0 : readSync(fd, room, 0, wanted, null);
  budget.spend(bytes);
  return bytes;
}

/** A file and nothing that took its place: a pipe does not make this wait, and a device is not read. */
function openFile({ held }: Changed): number | null {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const fd = openSync(held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch {
    // Gone, or not ours to read.
  }
  return null;
}

function targetOf({ held }: Changed): Buffer {
  try {
    return readlinkSync(held, { encoding: 'buffer' });
  } catch {
    return Buffer.alloc(0);
  }
}
