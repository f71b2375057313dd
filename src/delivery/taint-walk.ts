// What changed below a folder since a moment. No link is followed, no other file system entered, and nothing is skipped by
// its name. Whoever may still write here may move folders about meanwhile: each is opened as itself and held.

import { closeSync, constants, lstatSync, openSync, opendirSync, fstatSync, readlinkSync, type Stats } from 'node:fs';
import type { TaintBudget } from './taint-budget.ts';

/** Full of what others wrote: looked through last, so that they do not use up what the project's own files need. */
const LAST: ReadonlySet<string> = new Set(['node_modules', '.venv']);

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** A file, folder or link that changed. */
export interface Changed {
  /** Absolute, as bytes: a name need not be UTF-8. */
  readonly path: Buffer;
  readonly name: Buffer;
  /** The same, through a folder that is held open until the next one is asked for. */
  readonly held: Buffer;
  readonly stats: Stats;
}

/**
 * What changed below `root` (absolute) at `sinceMs` or later, by ctime: a program can set the other times, and not this one.
 * Never throws for what it finds; what cannot be read is noted in `budget`.
 */
export function* changedBelow(root: Buffer, sinceMs: number, budget: TaintBudget): Generator<Changed> {
  const top = openFolder(root);
  if (top === null) return budget.note('unread');
  const { dev } = fstatSync(top);
  closeSync(top);
  const seen = new Set<string>();
  // Folders near the top come first, and what comes last after all others. Both lists grow while they are walked.
  const last: Buffer[] = [];
  for (const folders of [[root], last]) {
    for (const folder of folders) {
      for (const entry of entriesOf(folder, dev, seen, budget)) {
        if (entry === 'over') return;
        const { name, path, stats } = entry;
        if (stats.isDirectory()) (LAST.has(name.toString('latin1')) ? last : folders).push(path);
        if (stats.ctimeMs >= sinceMs) yield entry;
      }
    }
  }
}

/** All that is in a folder, or `over` when the budget is used up. A folder that was seen before has nothing in it. */
function* entriesOf(folder: Buffer, dev: number, seen: Set<string>, budget: TaintBudget): Generator<Changed | 'over'> {
  const fd = openFolder(folder);
  if (fd === null) return budget.note('unread');
  try {
    const own = fstatSync(fd);
    const key = `${own.dev}:${own.ino}`;
    if (own.dev !== dev || seen.has(key)) return;
    seen.add(key);
    for (const name of namesIn(fd, budget)) {
      if (!budget.takeEntry()) return yield 'over';
      const held = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
      const stats = statsOf(held);
      // Gone meanwhile is no limit: it is not left behind.
      if (stats !== null) yield { path: below(folder, name), name, held, stats };
    }
  } finally {
    closeSync(fd);
  }
}

/** One at a time: a folder may have millions. */
function* namesIn(fd: number, budget: TaintBudget): Generator<Buffer> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node takes it here as in readdir; its types do not know
    using folder = opendirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' as BufferEncoding });
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) yield Buffer.from(entry.name);
  } catch {
    budget.note('unread');
  }
}

/** The folder itself, or null when it cannot be opened or a link leads there by now. */
function openFolder(path: Buffer): number | null {
  try {
    const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    if (readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).equals(path)) return fd;
    closeSync(fd);
  } catch {
    // Not ours to read, or gone.
  }
  return null;
}

function statsOf(path: Buffer): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from(folder.equals(ROOT) ? '' : '/'), name]);
}

const ROOT = Buffer.from('/');
