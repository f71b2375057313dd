// Programs and files that a source relies on without knowing what is in them: only we, or root, may be able to change them.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../core/failure.ts';
import { resolveProgram } from '../machine/digest.ts';
import { isWritableByOthers, refuseUnsafeAncestors } from '../machine/private-files.ts';

/**
 * The real path of a file, when no other user could have put it there or can change it. Throws `home/unsafe`, and
 * `source/unreachable` when it is not there.
 */
export function trustedFile(path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    throw new Failure('source/unreachable', `there is no file ${path}`, { hint: 'correct config.toml', cause });
  }
  for (const each of [path, real]) refuseUnsafeAncestors(dirname(each));
  const stats = statSync(real);
  if (!stats.isFile()) throw new Failure('home/unsafe', `${real} is not a regular file`);
  if (isWritableByOthers(stats)) {
    throw new Failure('home/unsafe', `other users can change ${real}`, { hint: `run: chmod go-w ${real}` });
  }
  return real;
}

/** The bytes of such a file. Throws as `trustedFile`, also when it cannot be read. */
export function trustedBytes(path: string): Buffer {
  const real = trustedFile(path);
  try {
    return readFileSync(real);
  } catch (cause) {
    throw new Failure('source/unreachable', `${path} cannot be read`, { hint: 'check its permissions', cause });
  }
}

/**
 * The program of a source: the one that settings name, or the first of that name on the human's search path. Throws as
 * `trustedFile`. What a link to it is called does not count: the real path is what is run and shown.
 */
export function trustedProgram(name: string, configured: string | null, searchPath: readonly string[]): string {
  if (configured !== null) return trustedFile(configured);
  let found: string;
  try {
    found = resolveProgram(name, searchPath, '/');
  } catch (cause) {
    throw new Failure('source/unreachable', `there is no program ${name} on the recorded search path`, {
      hint: `install ${name}, or write its path as program = "…" in config.toml`,
      cause,
    });
  }
  return trustedFile(found);
}

/** The same for people to see: the real path, or `name` when it cannot be run. */
export function programText(name: string, configured: string | null, searchPath: readonly string[]): string {
  try {
    return trustedProgram(name, configured, searchPath);
  } catch {
    return configured ?? name;
  }
}
