// A path, step by step, as the system resolves it: every folder and link whose owner has a say in where it leads.

import { lstatSync, readlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';

/** As many as Linux itself follows (path_resolution(7)). */
const LINKS_MAX = 40;

export interface Step {
  /** A real path, but for its last name when the step is a link. */
  readonly path: string;
  readonly stats: Stats;
}

/**
 * The steps from `/` to the end of `path` (absolute). The last one is the file or folder itself, never a link.
 * Throws what lstat throws (ENOENT, EACCES, …), and `home/unsafe` for a circle of links.
 */
export function walk(path: string): readonly [Step, ...Step[]] {
  const left = parts(path);
  const steps: [Step, ...Step[]] = [{ path: '/', stats: lstatSync('/') }];
  let real = '/';
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const next = part === '..' ? dirname(real) : join(real, part);
    const stats = lstatSync(next);
    steps.push({ path: next, stats });
    if (!stats.isSymbolicLink()) {
      real = next;
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) throw new Failure('home/unsafe', `${path} has too many symbolic links`);
    const target = readlinkSync(next);
    if (target.startsWith('/')) real = '/';
    left.unshift(...parts(target));
  }
  // A link to `/` or `..` leaves no step of its own behind.
  if (steps.at(-1)?.path !== real) steps.push({ path: real, stats: lstatSync(real) });
  return steps;
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
